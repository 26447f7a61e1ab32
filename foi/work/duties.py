"""What the clock asks for: announcing deadlines that have passed, sweeping files that nothing
names, and what other parts of the site have added to its duties.
"""

import itertools
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework, ledger
from foi.archive.models import Attachment
from foi.site import Site

_BATCH = 500


def perform(site: Site) -> None:
    """Do what is due now; harmless to do twice, or in two processes at once."""
    while announce(site) >= _BATCH:
        pass
    sweep(site)
    for duty in site.duties:
        duty(site)


def announce(site: Site) -> int:
    """Record the deadlines that have passed, at most one batch of each kind; give how many."""
    with site.sessions.writing() as db:
        ledger.lock(db)
        return casework.announce_overdue(db, site.calendar.today(), _BATCH)


def sweep(site: Site) -> int:
    """Delete files older than a day that no attachment names; give how many."""
    swept = 0
    for batch in _batches(site.blobs.aged()):
        with site.sessions.reading() as db:
            orphans = _unnamed(db, batch)
        if not orphans:
            continue
        with site.sessions.writing() as db:
            ledger.lock(db)  # nobody can come to name one of them while it is judged again
            for sha256 in _unnamed(db, orphans):
                swept += site.blobs.drop(sha256)
    site.blobs.drop_leftovers()
    return swept


def _unnamed(db: Session, candidates: list[str]) -> list[str]:
    named = set(db.scalars(select(Attachment.sha256).where(Attachment.sha256.in_(candidates))))
    return [sha256 for sha256 in candidates if sha256 not in named]


def _batches(each: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(itertools.islice(each, _BATCH)):
        yield batch
