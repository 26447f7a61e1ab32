"""The authority and date of the site's tag: ids (RFC 4151), fixed at the first start and never
changed after.

A site that moves to another address keeps them, so that no reader takes old entries for new ones.
"""

import contextlib
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pyramid.events import ApplicationCreated
from pyramid.request import Request
from sqlalchemy.exc import OperationalError, ProgrammingError

from foi.archive import ledger
from foi.archive.models import Fact
from foi.site import Site, fact, site_of

NAME = "tag_authority"


def fix(site: Site) -> str:
    """Give the site's tag authority, `host,date`; the first call decides it."""
    with site.sessions.reading() as db:
        known = fact(db, NAME)
    if known is not None:
        return known
    host = urlsplit(site.settings.site_url).hostname or "localhost"
    chosen = f"{host},{datetime.now(UTC):%Y-%m-%d}"
    with site.sessions.writing() as db:
        insert = ledger.upserting(db, Fact)
        db.execute(insert.values(name=NAME, value=chosen).on_conflict_do_nothing())
        kept = fact(db, NAME)
    assert kept is not None
    return kept


def fix_at_start(started: ApplicationCreated) -> None:
    """Decide the tag authority when the site starts, so that reading a feed never has to write."""
    # The tables may not be there yet, or a writer may be at work: then the first feed decides.
    with contextlib.suppress(OperationalError, ProgrammingError):
        fix(started.app.registry["foi.site"])


def fixed_on(authority: str) -> datetime:
    """Give the moment from which a tag authority counts: the age of a feed that has nothing in
    it.
    """
    return datetime.fromisoformat(authority.rpartition(",")[2]).replace(tzinfo=UTC)


def tag_authority(request: Request) -> str:
    """Give the site's tag authority, read once for each process."""
    registry = request.registry
    known: str | None = registry.get("feeds.tag_authority")
    if known is None:
        known = fact(request.db, NAME) or fix(site_of(request))
        registry["feeds.tag_authority"] = known
    return known
