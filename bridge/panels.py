"""What pages tell of Aleph: where a request or an authority is there, and what became of files.

It reads receipts and never asks Aleph, with one statement for a page, found by the index over
target, collection and subject: which collections may hold a subject follows from the settings and
from what the page shows. What it gives up: the link of an authority that is only in collections of
tags which the settings do not name.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.events import ApplicationCreated
from pyramid.request import Request
from sqlalchemy import bindparam, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from bridge.config import Plan, Remote
from bridge.items import file_id
from bridge.models import Receipt
from bridge.receipts import SCOPE, scope_of
from foi.archive import ledger
from foi.archive.casework import format_tag
from foi.archive.models import Fact
from foi.archive.reading import ReadAttachment
from foi.pages.page import Page
from foi.site import Site, fact

BODIES = ("body", "body-view", "body-tag", "body-tag-view")
SEARCHABLE, PROCESSING, FAILED = "searchable", "processing", "failed"
_FACT = "bridge.public"
_TABLE: Any = Receipt.__table__.c
_OF_SUBJECT = select(
    _TABLE.target,
    _TABLE.collection,
    _TABLE.kind,
    _TABLE.foreign_id,
    _TABLE.remote_id,
    _TABLE.sha256,
    _TABLE.digest,
    _TABLE.shown,
    _TABLE.withdrawn_at,
    _TABLE.state,
    _TABLE.reason,
).where(
    _TABLE.target.in_(bindparam("targets", expanding=True)),
    _TABLE.collection.in_(bindparam("collections", expanding=True)),
    _TABLE.subject == bindparam("subject"),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What has become of a file in Aleph."""

    state: str
    """searchable, processing or failed."""
    reason: str = ""
    url: str = ""

    def members(self) -> dict[str, str | None]:
        """Give the members of its JSON."""
        return {"state": self.state, "reason": self.reason or None, "url": self.url or None}


class Panels:
    """The panels of a site whose bridge leads to these Alephs."""

    def __init__(self, remotes: Sequence[Remote]) -> None:
        self._remotes = tuple(remotes)

    def of_request(self, request: Request, page: Page) -> None:
        """Add to a request's page its address in Aleph, and what became of its files there."""
        listed = page.shows["request"]
        names = {format_tag(*tag) for tag in listed.tags} | {tag[0] for tag in listed.tags}
        held = self._read(
            request, page, f"request:{listed.row.id}", listed.row.body_id, sorted(names)
        )
        self._link(request, page, "request", held)
        standings: dict[str, Standing] = {}
        for remote, rows in held:
            if any(row.kind == "request" and row.withdrawn_at is None for row in rows):
                found = {row.foreign_id: _standing(remote, row) for row in rows}
                for name in _files(page, listed.row.id):
                    standings.setdefault(name, found.get(name, Standing(PROCESSING)))
        if not standings:
            return
        show = _macro(request, "attachment")

        def panel(attachment: ReadAttachment) -> Markup:
            standing = standings.get(_name(listed.row.id, attachment))
            return show(standing) if standing is not None and attachment.held else Markup()

        page.panels["attachment"] = panel
        page.data = _with_standings(page.data, listed.row.id, standings)

    def of_body(self, request: Request, page: Page) -> None:
        """Add to an authority's page its address in Aleph."""
        number = page.shows["body"].id
        self._link(request, page, "body", self._read(request, page, f"body:{number}", number, ()))

    def _link(
        self, request: Request, page: Page, kind: str, held: Iterable[tuple[Remote, Sequence[Any]]]
    ) -> None:
        links: dict[str, str] = {}
        for remote, rows in held:
            for row in rows:
                if row.kind == kind and row.shown and row.remote_id and not row.withdrawn_at:
                    links.setdefault(remote.consumer, remote.page(row.remote_id))
        page.elsewhere |= links
        if links:
            show = _macro(request, "elsewhere")
            page.panels[kind] = lambda: show(kind, links.values())

    def _read(
        self, request: Request, page: Page, subject: str, body_id: int, tags: Sequence[str]
    ) -> list[tuple[Remote, list[Any]]]:
        """Read the receipts of a subject: for each collection, the more important one first."""
        page.scopes = (*page.scopes, SCOPE, scope_of(subject))
        wanted = {
            (remote.host, name): remote
            for remote in self._remotes
            for plan in remote.plans
            for name in _collections(plan, body_id, tags)
        }
        found: dict[tuple[str, str], list[Any]] = {place: [] for place in wanted}
        asked = {
            "targets": sorted({host for host, _ in wanted}),
            "collections": sorted({name for _, name in wanted}),
            "subject": subject,
        }
        for row in request.db.execute(_OF_SUBJECT, asked) if wanted else ():
            found.get((row.target, row.collection), []).append(row)
        return [(wanted[place], rows) for place, rows in found.items() if rows]


def _collections(plan: Plan, body_id: int, tags: Sequence[str]) -> Iterator[str]:
    """Give the collections of a plan that may hold a request, or an authority without tags."""
    if plan.of == "authority":
        yield plan.foreign_id(str(body_id))
    elif plan.of == "tag":
        for name in tags or plan.tags:
            if not plan.tags or name in plan.tags:
                yield plan.foreign_id(name)
    else:
        yield plan.foreign_id()


def _standing(remote: Remote, row: Any) -> Standing:
    if row.withdrawn_at is not None or not row.remote_id:
        return Standing(PROCESSING)  # to be made anew, for else the page would not show it
    if row.state in ("failed", "lost"):
        return Standing(FAILED, row.reason or "Aleph gives no reason")
    if row.state == "stale" or not row.sha256 or not (row.digest or row.shown):
        return Standing(PROCESSING)
    return Standing(SEARCHABLE, url=remote.page(row.remote_id))


def _name(request_id: int, attachment: ReadAttachment) -> str:
    return file_id(request_id, attachment.message_id, attachment.number)


def _files(page: Page, request_id: int) -> Iterator[str]:
    for item in page.shows["items"]:
        for attachment in item.message.attachments if item.message is not None else ():
            if attachment.held:
                yield _name(request_id, attachment)


def _with_standings(
    data: Any, request_id: int, standings: dict[str, Standing]
) -> Callable[[], dict[str, Any]]:
    def make() -> dict[str, Any]:
        members: dict[str, Any] = data() if callable(data) else data
        for message in members["messages"]:
            for each in message["attachments"]:
                name = file_id(request_id, message["id"], each["number"])
                if name in standings and "withheld" not in each:
                    each["aleph"] = standings[name].members()
        return members

    return make


def _macro(request: Request, name: str) -> Callable[..., Markup]:
    templates: Environment = request.registry["foi.templates"]
    macro: Callable[..., Markup] = getattr(
        templates.get_template("bridge/_panels.jinja2").module, name
    )
    return macro


def remember(site: Site, remotes: Iterable[Remote]) -> None:
    """Let every page with links to Aleph be made anew when Aleph's public address has changed."""
    told = repr([(each.consumer, each.host, each.public) for each in remotes])
    digest = hashlib.sha256(told.encode()).hexdigest()
    with site.sessions.reading() as db:
        if fact(db, _FACT) == digest:
            return
    with site.sessions.writing() as db:
        insert = ledger.upserting(db, Fact).values(name=_FACT, value=digest)
        db.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"value": digest}))
        ledger.bump(db, SCOPE)


def includeme(config: Configurator) -> None:
    """Add the panels to the pages of requests and authorities."""
    site: Site = config.registry["foi.site"]
    remotes: list[Remote] = config.registry["bridge.remotes"]
    panels = Panels(remotes)
    config.add_panel(("request",), panels.of_request)
    config.add_panel(BODIES, panels.of_body)

    def started(_: ApplicationCreated) -> None:
        # The tables may not be there yet, or a writer may be at work: then the next start does it.
        with suppress(OperationalError, ProgrammingError):
            remember(site, remotes)

    config.add_subscriber(started, ApplicationCreated)
