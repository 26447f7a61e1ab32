"""A request: its page and JSON, its feed, and the addresses that lead to it."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound
from pyramid.request import Request
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.casework.names import resolve_former
from foi.archive.kinds import CORRESPONDENCE, Kind
from foi.archive.models import Event, InfoRequest
from foi.archive.states import STATES, State
from foi.pages import events, links, members, paging, timeline
from foi.pages.entries import entries_from
from foi.pages.histories import trace
from foi.pages.json import moment
from foi.pages.page import Page
from foi.pages.streams import Stream
from foi.problems import Problem
from foi.site import Site, site_of


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in the correspondence as the page shows it: a message or an annotation."""

    event_id: int
    message: reading.ReadMessage | None
    annotation: reading.ReadAnnotation | None
    state: State | None
    """The state that a response was described with."""


def find(request: Request) -> members.Listed:
    """Give the request that the address names; a former name redirects, a hidden request is a
    403.
    """
    slug = request.matchdict["url_title"]
    row = members.by_slug(request.db, slug)
    if row is None:
        raise _elsewhere(request, slug)
    _withhold(row)
    return members.listed(request.db, [row], site_of(request).calendar.today())[0]


def _withhold(row: Any) -> None:
    if row.prominence not in reading.READABLE:
        reason = reading.mask(row.prominence_reason) or "Those who run this site have hidden it."
        raise Problem(403, f"This request is not shown. {reason}")


def _elsewhere(request: Request, slug: str) -> HTTPMovedPermanently:
    present = resolve_former(request.db, "request", slug)
    if present is not None:
        named = InfoRequest.url_title == present
    elif slug.isascii() and slug.isdigit() and len(slug) <= 9:
        named = InfoRequest.id == int(slug)
    else:
        raise HTTPNotFound("There is no such request.")
    row = request.db.execute(
        select(InfoRequest.url_title, InfoRequest.prominence, InfoRequest.prominence_reason).where(
            named
        )
    ).one_or_none()
    if row is None:
        raise HTTPNotFound("There is no such request.")
    _withhold(row)  # the present name may hold what the hidden title says
    return moved(request, links.request_path(slug), links.request_path(row.url_title))


def moved(request: Request, former: str, present: str) -> HTTPMovedPermanently:
    """Make the redirect to the present name; suffix, prefix and query are kept."""
    site = site_of(request)
    # Encoded anew: what came decoded may hold anything, line ends among it.
    path = quote(request.path_info, safe="/").replace(former, present, 1)
    query = f"?{request.query_string}" if request.query_string else ""
    return HTTPMovedPermanently(site.url(path) + query)


def scopes(found: members.Listed, annotations: list[reading.ReadAnnotation]) -> tuple[str, ...]:
    """Give the scopes that a request's pages show."""
    row = found.row
    people = {row.person_id, *(a.person_id for a in annotations)} - {None}
    return (f"request:{row.id}", f"body:{row.body_id}", *sorted(f"person:{p}" for p in people))


def page(request: Request) -> Page:
    """A request with its correspondence in the order in which it arrived."""
    db, site = request.db, site_of(request)
    found = find(request)
    row = found.row
    told = events.whole(db, found)
    return Page(
        title=found.title,
        path=found.path,
        scopes=scopes(found, told.annotations),
        template="request.jinja2",
        data=lambda: _members(site, found, told),
        shows={
            "request": found,
            "items": _items(told),
            "course": lambda: timeline.course(found, told.messages, told.log, site.calendar),
            "held": sum(1 for m in told.messages for a in m.attachments if a.held),
        },
        searchable=row.prominence == "normal",
    )


def _members(site: Site, found: members.Listed, told: events.Whole) -> dict[str, Any]:
    row, slug = found.row, found.row.url_title
    anonymous = {"user_name": found.requester} if row.person_id is None else {}
    return members.request_members(site, found) | {
        "user": members.requester_members(site, found),
        **anonymous,
        "public_body": members.short_body_members(site, row),
        "messages": [members.message_members(site, slug, m) for m in told.messages],
        "comments": [_annotation_members(site, found, a) for a in told.annotations],
        "info_request_events": [events.event_members(site, e, told.read) for e in told.log],
    }


def _items(told: events.Whole) -> list[Item]:
    """Put messages and annotations into the order of their events; withheld messages keep their
    place.
    """
    arrived = {e.message_id: e for e in told.log if e.message_id and e.kind in CORRESPONDENCE}
    noted = {e.annotation_id: e for e in told.log if e.annotation_id and e.kind == Kind.COMMENT}
    items = []
    previous = 0
    for message in told.messages:
        event = arrived.get(message.id)
        previous = event.id if event else previous
        described = (
            told.read.states.get(event.id) if event and event.kind == Kind.RESPONSE else None
        )
        state = STATES.get(described.calculated or "") if described else None
        items.append(Item(previous, message, None, state))
    items += [Item(noted[a.id].id, None, a, None) for a in told.annotations if a.id in noted]
    return sorted(items, key=lambda item: item.event_id)


def _annotation_members(
    site: Site, found: members.Listed, annotation: reading.ReadAnnotation
) -> dict[str, Any]:
    return {
        "id": annotation.id,
        "user": {"name": annotation.name, "url_name": annotation.url_name},
        "created_at": moment(annotation.created_at, site.settings.site_zone),
        "text": annotation.text,
        "url": site.url(f"{found.path}#comment-{annotation.id}"),
    }


_STREAM = Stream(Event.__table__.c.request_id == bindparam("request"), readable=reading.READABLE)


def feed(request: Request) -> Page:
    """What happened to a request: letters, answers and annotations, newest first."""
    db, found = request.db, find(request)
    told = events.whole(db, found)
    part = paging.events_of(request, _STREAM, told)
    read = replace(told.read, traces=trace(told.steps))
    return Page(
        title=found.title,
        path=found.path,
        scopes=scopes(found, told.annotations),
        entries=entries_from(site_of(request), part.rows, read),
        key=f"request/{found.row.id}",
        **part.queries(),
        searchable=found.row.prominence == "normal",
    )


def event(request: Request) -> HTTPMovedPermanently:
    """The page on which an event is shown, at its anchor (Alaveteli's /request_event/<id>)."""
    db: Session = request.db
    number = int(request.matchdict["id"])
    rows = db.execute(events.select_events(Event.id == number, readable=reading.READABLE)).all()
    read = events.context(db, rows, site_of(request).calendar.today(), reading.READABLE)
    found = read.requests.get(rows[0].request_id) if rows else None
    if found is None:
        raise HTTPNotFound("There is no such event.")
    return HTTPMovedPermanently(site_of(request).url(found.path + events.anchor(rows[0], read)))
