"""Everything public that happened to one request, event by event: for whoever wants to know how it
came to stand where it stands (Alaveteli's "details").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyramid.request import Request
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from foi.archive.kinds import Kind
from foi.archive.models import Body, Event, Person
from foi.archive.states import LABELS
from foi.pages import events, histories, links, members, requests
from foi.pages.page import Page
from foi.site import Site, site_of

WORDS = {
    Kind.SENT: "Request made",
    Kind.FOLLOWUP_SENT: "Further letter to the authority",
    Kind.RESPONSE: "Answer",
    Kind.COMMENT: "Annotation",
    Kind.STATUS_UPDATE: "Described",
    Kind.EDIT: "Edited",
    Kind.MOVE_REQUEST: "Moved to another authority",
    Kind.HIDE: "Something hidden",
    Kind.RELEASE: "Something shown again",
    Kind.ERASE: "Something erased",
    Kind.OVERDUE: "First deadline passed",
    Kind.VERY_OVERDUE: "Second deadline passed",
}
"""What happened, in words; the kinds that a request can have."""

_OFFICES = {
    "desk": "Those who run this site",
    "import": "Taken over from elsewhere",
    "clock": "The calendar",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the page shows it."""

    event: Row[Any]
    words: str
    described: str | None
    calculated: str | None
    """Labels of the states as somebody described them and as they were worked out."""
    who: str
    who_path: str | None
    path: str
    """Where it is shown: the number's own address, which leads to its place."""


def page(request: Request) -> Page:
    """All public events of a request, oldest first."""
    db, site = request.db, site_of(request)
    found = requests.find(request)
    told = events.whole(db, found)
    actors = _Actors(db, found, told.read)
    lines = [_line(event, told.read.states, actors) for event in told.log]
    return Page(
        title=f"{found.title}: everything that happened",
        path=f"{found.path}/details",
        feed_path=found.path,
        scopes=(*requests.scopes(found, told.annotations), "bodies", "people"),
        template="details.jinja2",
        data={
            "info_request": members.request_members(site, found),
            "info_request_events": [_members(site, line, told.read) for line in lines],
        },
        shows={"request": found, "lines": lines},
        searchable=False,
    )


class _Actors:
    """Who did what: the parties by name and page, everybody else by office."""

    def __init__(self, db: Session, found: members.Listed, read: events.Context) -> None:
        rows = db.execute(select(Event.id, Event.actor).where(Event.request_id == found.row.id))
        self._actor = {row.id: row.actor for row in rows}
        self._found, self._read = found, read
        self._names = {
            **_named(db, Person, "person", self._actor.values()),
            **_named(db, Body, "body", self._actor.values()),
        }

    def who(self, event: Row[Any]) -> tuple[str, str | None]:
        """Give the name and, if they have one, the page of who did it."""
        found = self._found
        if event.kind in (Kind.SENT, Kind.FOLLOWUP_SENT):
            return found.requester, found.requester_path
        if event.kind == Kind.RESPONSE:
            return found.row.body_name, found.body_path
        annotation = self._read.annotations.get(event.annotation_id)
        if event.kind == Kind.COMMENT and annotation is not None:
            return annotation.name, links.person_path(annotation.url_name)
        actor = self._actor[event.id]
        return self._names.get(actor) or (_OFFICES.get(actor, _OFFICES["desk"]), None)


def _named(db: Session, model: Any, prefix: str, actors: Any) -> dict[str, tuple[str, str | None]]:
    ids = {int(a.partition(":")[2]) for a in actors if a.startswith(f"{prefix}:")}
    if not ids:
        return {}
    path = links.person_path if prefix == "person" else links.body_path
    rows = db.execute(select(model.id, model.name, model.url_name).where(model.id.in_(ids)))
    return {f"{prefix}:{row.id}": (row.name, path(row.url_name)) for row in rows}


def _line(event: Row[Any], states: Mapping[int, histories.Described], actors: _Actors) -> Line:
    described = states.get(event.id, histories.Described())
    who, who_path = actors.who(event)
    return Line(
        event,
        WORDS.get(event.kind, str(event.kind)),
        LABELS.get(described.described or ""),
        LABELS.get(described.calculated or ""),
        who,
        who_path,
        f"/request_event/{event.id}",
    )


def _members(site: Site, line: Line, read: events.Context) -> dict[str, Any]:
    by: dict[str, Any] = {"name": line.who}
    if line.who_path:
        by["url"] = site.url(line.who_path)
    return events.event_members(site, line.event, read) | {"description": line.words, "by": by}
