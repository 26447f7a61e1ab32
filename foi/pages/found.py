"""Hits made ready to be shown: in searches, as similar requests, while somebody types, as a table.

What is no longer public although the index still has it is left out here, so that a search never
tells more than a page does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from pyramid.request import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import Body, Event, InfoRequest, Person
from foi.archive.states import State
from foi.pages import events, links, members, paging
from foi.pages.entries import entries_of
from foi.pages.json import moment
from foi.pages.page import Entry
from foi.problems import Problem
from foi.search.engine import Hit, Hits, SearchEngine, SearchUnavailable
from foi.search.query import Node
from foi.site import Site, site_of

TABLE = ("kind", "title", "url", "created_at", "author", "authority", "state", "due_on")
"""The columns of hits as a table."""
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Result:
    """A hit as pages show it."""

    title: str
    path: str
    kind_label: str
    when: datetime | None = None
    author: str = ""
    snippet: Markup = Markup()
    file: str = ""
    """The attachment that the snippet is from."""
    file_path: str = ""
    state: State | None = None
    body_name: str = ""
    body_path: str = ""
    request: Any = None
    """The row of the request."""


def find(request: Request, tree: Node | None, **how: Any) -> Hits:
    """Ask the engine; 503 when it cannot answer, never an empty list, since nobody could tell
    that from a site that has nothing.
    """
    engine: SearchEngine = request.registry["foi.search"]
    try:
        return engine.find(tree, **how)
    except SearchUnavailable as why:
        raise Problem(503, f"The search cannot answer at the moment: {why}") from None


def entries(db: Session, site: Site, hits: Sequence[Hit]) -> list[Entry]:
    """Give the feed entries of hits that are events, in their order."""
    ids = [int(hit.key.partition(":")[2]) for hit in hits if hit.key.startswith("event:")]
    if not ids:
        return []
    rows = {row.id: row for row in db.execute(events.select_events(Event.id.in_(ids)))}
    return entries_of(db, site, [rows[number] for number in ids if number in rows])


def results(db: Session, site: Site, hits: Sequence[Hit]) -> list[Result]:
    """Make hits ready to be shown."""
    by_key = {entry.key: entry for entry in entries(db, site, hits)}
    bodies = _named(db, Body, hits, "body:")
    people = _named(db, Person, hits, "person:")
    rows = _requests(db, hits)
    made = []
    for hit in hits:
        kind, _, text = hit.key.partition(":")
        number = int(text)
        entry = by_key.get(f"event/{number}") if kind == "event" else None
        row = rows.get(int(hit.owner.partition(":")[2])) if kind == "event" else None
        if entry is not None and row is not None:
            made.append(_event(site, hit, entry, row))
        elif kind == "body" and number in bodies:
            named = bodies[number]
            path = links.body_path(named.url_name)
            made.append(Result(named.name, path, "Authority", snippet=hit.snippet))
        elif kind == "person" and number in people:
            named = people[number]
            path = links.person_path(named.url_name)
            made.append(Result(named.name, path, "Person", snippet=hit.snippet))
    return made


def _event(site: Site, hit: Hit, entry: Entry, row: Any) -> Result:
    file = next(
        (
            each
            for each in entry.data.get("attachments", ())
            if each["number"] == hit.attachment and "withheld" not in each
        ),
        None,
    )
    return Result(
        entry.title,
        entry.path,
        "Request",
        entry.published,
        entry.author,
        # Of a file that has been hidden since it was indexed, nothing is told.
        hit.snippet if hit.attachment is None or file else Markup(),
        file["filename"] if file else "",
        (file["url"] or "") if file else "",
        members.state_of(row, site.calendar.today()),
        row.body_name,
        links.body_path(row.body_url_name),
        row,
    )


def _requests(db: Session, hits: Sequence[Hit]) -> dict[int, Any]:
    ids = {int(hit.owner.partition(":")[2]) for hit in hits if hit.owner.startswith("request:")}
    if not ids:
        return {}
    rows = db.execute(members.with_parties().where(InfoRequest.id.in_(ids)))
    return {row.id: row for row in rows}


def _named(db: Session, model: Any, hits: Sequence[Hit], prefix: str) -> dict[int, Any]:
    ids = [int(hit.key.removeprefix(prefix)) for hit in hits if hit.key.startswith(prefix)]
    if not ids:
        return {}
    wanted = select(model.id, model.url_name, model.name).where(model.id.in_(ids))
    return {row.id: row for row in db.execute(wanted)}


def result_members(site: Site, result: Result) -> dict[str, Any]:
    """A hit's JSON."""
    return {
        "title": result.title,
        "url": site.url(result.path),
        "kind": result.kind_label.lower(),
        "created_at": moment(result.when, site.settings.site_zone),
        "author": result.author or None,
        "snippet": str(result.snippet),
        "attachment": result.file or None,
        "attachment_url": result.file_path or None,
        "calculated_state": result.state.name if result.state else None,
    }


def table_rows(request: Request, hits: Sequence[Hit]) -> Iterator[Sequence[object]]:
    """Give hits as rows of a table, read in batches that each have a transaction of their own."""
    site = site_of(request)
    for start in range(0, len(hits), _AT_ONCE):
        some = hits[start : start + _AT_ONCE]
        with paging.looking(request) as db:
            made = results(db, site, some)
        for result in made:
            yield (
                result.kind_label.lower(),
                result.title,
                site.url(result.path),
                result.when,
                result.author,
                result.body_name,
                result.state.name if result.state else "",
                result.request.due_on if result.request is not None else None,
            )
