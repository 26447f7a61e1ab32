"""Events as the public may see them: for feeds, for the JSON of requests and for the log of
everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.kinds import WITHDRAWALS, Audience
from foi.archive.models import Annotation, Body, Event, InfoRequest, Message, Person
from foi.archive.states import LABELS
from foi.pages import links, members
from foi.pages.histories import Described, Trace, describe, histories
from foi.pages.json import moment
from foi.site import Site

PER_PAGE = 25

_event, _request = Event.__table__.c, InfoRequest.__table__.c
_message, _annotation = Message.__table__.c, Annotation.__table__.c
_EVENTS: Select[Any] = (
    select(
        _event.id,
        _event.kind,
        _event.happened_at,
        _event.recorded_at,
        _event.request_id,
        _event.body_id,
        _event.person_id,
        _event.message_id,
        _event.attachment_id,
        _event.annotation_id,
        _event.params,
    )
    .select_from(Event.__table__)
    .outerjoin(InfoRequest.__table__, _request.id == _event.request_id)
    .outerjoin(Message.__table__, _message.id == _event.message_id)
    .outerjoin(Annotation.__table__, _annotation.id == _event.annotation_id)
)


def visible(readable: tuple[str, ...] = ("normal",)) -> ColumnElement[bool]:
    """The condition under which the public may see an event of a request; joins as `select_events`
    makes them.

    That something was hidden or erased stays visible, as a bare pointer, so that mirrors can
    follow it.
    """
    return and_(
        _event.audience == Audience.PUBLIC,
        or_(
            _event.kind.in_(WITHDRAWALS),
            and_(
                or_(_event.request_id.is_(None), _request.prominence.in_(readable)),
                or_(
                    _event.message_id.is_(None),
                    and_(_message.prominence == "normal", _message.erased_at.is_(None)),
                ),
                or_(
                    _event.annotation_id.is_(None),
                    and_(_annotation.prominence == "normal", _annotation.erased_at.is_(None)),
                ),
            ),
        ),
    )


@cache
def _visible_events(readable: tuple[str, ...]) -> Select[Any]:
    return _EVENTS.where(visible(readable))


def select_events(
    *conditions: ColumnElement[bool], readable: tuple[str, ...] = ("normal",)
) -> Select[Any]:
    """Select the events that the public may see and that meet the conditions."""
    return _visible_events(readable).where(*conditions)


@cache
def _log(readable: tuple[str, ...]) -> Select[Any]:
    return (
        _EVENTS.add_columns(visible(readable).label("shown"))
        .where(_event.request_id == bindparam("request"))
        .order_by(_event.id)
    )


@dataclass(frozen=True, slots=True)
class Context:
    """The rows that a batch of events points at, read once."""

    requests: Mapping[int, members.Listed]
    bodies: Mapping[int, Row[Any]]
    people: Mapping[int, Row[Any]]
    messages: Mapping[int, reading.ReadMessage]
    annotations: Mapping[int, reading.ReadAnnotation]
    states: Mapping[int, Described]
    traces: Mapping[int, Trace] = field(default_factory=dict)


_REQUESTS = members.with_parties().where(
    _request.id.in_(bindparam("ids", expanding=True)),
    _request.prominence.in_(bindparam("readable", expanding=True)),
)


def context(
    db: Session, events: Sequence[Row[Any]], today: date, readable: tuple[str, ...] = ("normal",)
) -> Context:
    """Read the rows that events point at, a few selects for all; no less readable request."""
    request_ids = {e.request_id for e in events if e.request_id}
    body_ids = {e.body_id for e in events if e.body_id and not e.request_id}
    person_ids = {e.person_id for e in events if e.person_id and not e.request_id}
    message_ids = {e.message_id for e in events if e.message_id}
    annotation_ids = {e.annotation_id for e in events if e.annotation_id}
    requests = (
        members.listed(
            db,
            db.execute(_REQUESTS, {"ids": sorted(request_ids), "readable": readable}).all(),
            today,
        )
        if request_ids
        else []
    )
    return Context(
        {r.row.id: r for r in requests},
        _named(db, Body, body_ids),
        _named(db, Person, person_ids),
        reading.messages_by_id(db, message_ids),
        reading.annotations_by_id(db, annotation_ids),
        *histories(db, request_ids),
    )


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a request's page, feed and JSON tell of it, as the public may see it."""

    messages: list[reading.ReadMessage]
    annotations: list[reading.ReadAnnotation]
    log: list[Row[Any]]
    """Its events, in order."""
    steps: Sequence[Row[Any]]
    """The same with those that the public may not see."""
    read: Context


def whole(
    db: Session, request: members.Listed, readable: tuple[str, ...] = reading.READABLE
) -> Whole:
    """Read a request with its correspondence and the log of its events."""
    number = request.row.id
    steps = db.execute(_log(readable), {"request": number}).all()
    messages = reading.correspondence(db, number)
    noted = any(step.annotation_id for step in steps)
    annotations = reading.annotations_of(db, number) if noted else []
    read = Context(
        {number: request},
        {},
        {},
        {m.id: m for m in messages},
        {a.id: a for a in annotations},
        describe(steps),
    )
    return Whole(messages, annotations, [step for step in steps if step.shown], steps, read)


def _named(db: Session, model: Any, ids: set[int]) -> dict[int, Row[Any]]:
    if not ids:
        return {}
    rows = db.execute(select(model.id, model.url_name, model.name).where(model.id.in_(ids)))
    return {row.id: row for row in rows}


def event_members(site: Site, event: Row[Any], read: Context) -> dict[str, Any]:
    """An event's own JSON members (Alaveteli's `json_for_api`), pointers only."""
    zone = site.settings.site_zone
    described = read.states.get(event.id, Described())
    message = read.messages.get(event.message_id) if event.message_id else None
    data = {
        "id": event.id,
        "event_type": str(event.kind),
        "created_at": moment(event.happened_at, zone),
        "recorded_at": moment(event.recorded_at, zone),
        "described_state": described.described,
        "calculated_state": described.calculated,
        "last_described_at": moment(described.at, zone),
        "incoming_message_id": event.message_id
        if message and message.direction == "response"
        else None,
        "outgoing_message_id": event.message_id
        if message and message.direction == "request"
        else None,
        "comment_id": event.annotation_id,
        "url": site.url(f"/request_event/{event.id}")
        if event.request_id in read.requests
        else None,
    }
    if message is not None:
        data["display_status"] = LABELS.get(described.calculated or "waiting_classification")
    return data


def anchor(event: Row[Any], read: Context) -> str:
    """Give the anchor of an event on its request's page."""
    if event.annotation_id:
        return f"#comment-{event.annotation_id}"
    message = read.messages.get(event.message_id)
    return links.message_anchor(message.direction, message.id) if message else ""
