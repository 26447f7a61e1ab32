"""What was asked of one authority, for its own software: Alaveteli's `request_events`, which FOI
Register polls.

Newest first, because clients remember the number of the first; and whole, because they follow no
further pages. So it is sent in pieces, of whatever length.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from foi.api import calls
from foi.archive import reading
from foi.archive.kinds import Kind
from foi.archive.models import Body, Event, InfoRequest
from foi.pages import events
from foi.pages.json import dump
from foi.problems import Problem
from foi.site import Site, site_of

KINDS = (Kind.SENT, Kind.FOLLOWUP_SENT)
_BATCH = 200
_event, _request = Event.__table__.c, InfoRequest.__table__.c


@dataclass(frozen=True)
class Asked:
    """A letter to the authority, in the words of every form of the feed."""

    event_id: int
    at: datetime
    recorded_at: datetime
    members: dict[str, Any]
    """As Alaveteli names them."""


def json(request: Request) -> Response:
    """GET /api/v2/body/<id>/request_events.json: an array of events, newest first."""
    ids = wanted(request, request.db, own_body(request, request.db))
    response = calls.answer([])
    response.app_iter = _array(request, ids)
    return response


def _array(request: Request, ids: list[int]) -> Iterator[bytes]:
    before = b"["
    for start in range(0, len(ids), _BATCH):
        with calls.glimpse(request) as db:
            told = read(site_of(request), db, ids[start : start + _BATCH])
        for each in told:
            yield before + dump(each.members)
            before = b",\n"
    yield b"[]" if before == b"[" else b"]"


def own_body(request: Request, db: Session) -> Body:
    """Give the authority that the address names; 403 unless the key is its own."""
    number = int(request.matchdict["id"])
    if calls.owner(request, db, calls.key_of(request)) != number:
        raise Problem(403, f"You are not authority {number}")
    return db.get_one(Body, number)


def wanted(request: Request, db: Session, body: Body) -> list[int]:
    """Give the ids of the events that the query asks for, newest first; 422 when it is wrong."""
    conditions = [
        # Its requests as they are now: one that was moved elsewhere is not its own any more.
        _request.body_id == body.id,
        _event.kind.in_(KINDS),
        *_since(request, db),
    ]
    statement = events.select_events(*conditions, readable=reading.READABLE)
    return sorted(db.scalars(statement.with_only_columns(_event.id)), reverse=True)


def _since(request: Request, db: Session) -> Iterator[ColumnElement[bool]]:
    errors = []
    since_date, since_event = request.GET.get("since_date"), request.GET.get("since_event_id")
    if since_date is not None:
        try:
            day = date.fromisoformat(since_date) if len(since_date) == 10 else None
            start = None if day is None else site_of(request).calendar.midnight(day)
        except (ValueError, OverflowError):
            start = None
        if start is None:
            errors.append(f"since_date must be a day as in 2026-03-01, not “{since_date[:50]}”")
        else:
            yield _event.recorded_at >= start
    if since_event is not None:
        good = since_event.isascii() and since_event.isdigit() and len(since_event) <= 18
        if not good or (int(since_event) and db.get(Event, int(since_event)) is None):
            errors.append(f"Event ID {since_event[:50]} not found")
        else:
            yield _event.id > int(since_event)
    if errors:
        raise Problem(422, errors)


def read(site: Site, db: Session, ids: list[int]) -> list[Asked]:
    """Read these events in this order; one that has been withheld meanwhile is left out."""
    statement = events.select_events(_event.id.in_(ids), readable=reading.READABLE)
    rows = db.execute(statement.order_by(_event.id.desc())).all()
    found = events.context(db, rows, site.calendar.today(), reading.READABLE)
    return [_tell(site, row, found) for row in rows]


def _tell(site: Site, event: Any, found: events.Context) -> Asked:
    request, message = found.requests[event.request_id], found.messages[event.message_id]
    anonymous = not request.row.person_name and not request.row.external_user_name
    url = site.url(request.path)
    at = event.happened_at.astimezone(site.settings.site_zone).isoformat(timespec="seconds")
    told = {
        "request_id": event.request_id,
        "event_id": event.id,
        "created_at": at.removesuffix("+00:00") + "Z" if at.endswith("+00:00") else at,
        "event_type": str(event.kind),
        "request_url": url,
        "request_email": None,
        "title": request.title,
        "body": message.text or "",
        "user_name": None if anonymous else request.requester,
        # FOI Register stops for good at a request that it does not know and that has none.
        "user_url": site.url(request.requester_path) if request.requester_path else url,
    }
    return Asked(event.id, event.happened_at, event.recorded_at, told)


def path(body_id: int) -> str:
    """Give the address of the feed, without the ending that names its form."""
    return f"/api/v2/body/{body_id}/request_events"
