"""Events as the public may see them: for feeds, for the JSON of requests and for the log of
everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, not_, or_, select, text
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.kinds import CORRESPONDENCE, Audience, Kind
from foi.archive.models import Annotation, Body, Event, InfoRequest, Message, Person
from foi.archive.states import LABELS
from foi.pages import links, members
from foi.pages.json import moment
from foi.pages.page import Tombstone
from foi.site import Site

PER_PAGE = 25
WITHDRAWALS = (Kind.HIDE, Kind.ERASE)

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


def log_of(
    db: Session, request_id: int, readable: tuple[str, ...]
) -> tuple[list[Row[Any]], dict[int, "Described"]]:
    """Give a request's events that the public may see, in order, and what `describe` says of all
    of them.
    """
    rows = db.execute(_log(readable), {"request": request_id}).all()
    return [row for row in rows if row.shown], describe(rows)


_MOST_TOMBSTONES = 500
_LARGEST = 2**63 - 1
_WITHDRAWN = (
    select(_event.id)
    .where(
        _event.id >= bindparam("first"),
        _event.id < bindparam("beyond"),
        # As the partial index has it, to the letter: of parameters a database cannot know.
        text("event.kind IN ('hide', 'erase')"),
    )
    # Of the events of a large authority SQLite would rather walk through all.
    .with_hint(Event.__table__, "INDEXED BY ix_event_withdrawals", "sqlite")
    .order_by(_event.id.desc())
    .limit(_MOST_TOMBSTONES)
)
_away = Event.__table__.alias("away")
_LOST = (
    select(_event.id, _away.c.recorded_at)
    .select_from(_away)
    .join(
        Event.__table__,
        and_(
            _event.request_id == _away.c.request_id,
            # What came hidden, by an import, was never in a feed.
            _event.recorded_at < _away.c.recorded_at,
            or_(
                and_(_away.c.message_id.is_(None), _away.c.annotation_id.is_(None)),
                and_(_away.c.message_id == _event.message_id, _away.c.attachment_id.is_(None)),
                _away.c.annotation_id == _event.annotation_id,
            ),
        ),
    )
    .join(InfoRequest.__table__, _request.id == _event.request_id)
    .outerjoin(Message.__table__, _message.id == _event.message_id)
    .outerjoin(Annotation.__table__, _annotation.id == _event.annotation_id)
    .where(
        _away.c.id.in_(bindparam("withdrawals", expanding=True)),
        _event.audience == Audience.PUBLIC,
    )
    .order_by(_away.c.id.desc())
    .limit(_MOST_TOMBSTONES)
)


@cache
def _lost(readable: tuple[str, ...]) -> Select[Any]:
    return _LOST.where(not_(visible(readable)))


def tombstones(
    db: Session,
    span: tuple[int, int | None],
    *conditions: ColumnElement[bool],
    kinds: Sequence[str] | None = None,
    readable: tuple[str, ...] = ("normal",),
) -> list[Tombstone]:
    """Give what was withdrawn by the events of a span of ids (the second one excluded) that meet
    the conditions: entries of these kinds, or of all, that were shown before.

    They stand where they were withdrawn, not where they were, so that a reader who asks for the
    first page only, or goes on to what it knows, meets each. One more look at the log; a second
    only if there is something to tell.
    """
    first, beyond = span
    ids = db.scalars(
        _WITHDRAWN.where(*conditions),
        {"first": first, "beyond": _LARGEST if beyond is None else beyond},
    ).all()
    if not ids:
        return []
    statement = _lost(readable)
    if kinds is not None:
        statement = statement.where(_event.kind.in_(kinds))
    lost: dict[int, datetime] = {}
    for event_id, when in db.execute(statement, {"withdrawals": ids}):
        lost.setdefault(event_id, when)
    return [Tombstone(f"event/{event_id}", when) for event_id, when in lost.items()]


def in_feeds() -> ColumnElement[bool]:
    """The condition for the kinds that public feeds hold."""
    return _event.kind.in_(CORRESPONDENCE)


@dataclass(frozen=True, slots=True)
class Described:
    """What became of a request as seen from one of its events (Alaveteli's InfoRequestEvent)."""

    described: str | None = None
    calculated: str | None = None
    at: Any = None
    """When it was described, in the world."""
    recorded: Any = None
    """When that was recorded here."""


def describe(events: Sequence[Any]) -> dict[int, Described]:
    """Work out the states of one request's events, given in order of their ids.

    A response takes the next description before the following response; a description takes its
    own; a letter to the authority takes `waiting_response` or the review that was asked for with
    it.
    """
    result: dict[int, Described] = {}
    following: Described = Described()
    for event in reversed(events):
        if event.kind == Kind.STATUS_UPDATE:
            state = event.params.get("state")
            following = Described(state, state, event.happened_at, event.recorded_at)
            result[event.id] = following
        elif event.kind == Kind.RESPONSE:
            result[event.id], following = following, Described()
        elif event.kind in (Kind.SENT, Kind.FOLLOWUP_SENT):
            review = following.calculated == "internal_review"
            state = "internal_review" if review else "waiting_response"
            result[event.id] = Described(state, state, event.happened_at, event.recorded_at)
            following = Described()
    return result


@dataclass(frozen=True, slots=True)
class Trace:
    """An event's place in the log of its request."""

    number: int
    """Which of its kind it is, from 1; also counted while others of them are not shown."""
    changed: datetime | None
    """When what its entry tells was last changed by a later event."""


_OF_ALL = frozenset({Kind.EDIT, Kind.MOVE_REQUEST, Kind.RELEASE})
"""Kinds that change every entry of a request: its title, its authority, whether it is there."""


def trace(events: Sequence[Any]) -> dict[int, Trace]:
    """Give the traces of one request's events, given in order of their ids."""
    numbers: dict[tuple[str, str], int] = {}
    changed: dict[str, datetime] = {}
    for event in events:
        part = _part(event)
        if event.kind in WITHDRAWALS or event.kind in _OF_ALL:
            changed[part] = event.recorded_at
    result: dict[int, Trace] = {}
    for event in events:
        state = event.params.get("state", "") if event.kind == Kind.STATUS_UPDATE else ""
        number = numbers[event.kind, state] = numbers.get((event.kind, state), 0) + 1
        later = [changed.get("")]
        if event.kind in CORRESPONDENCE:
            later.append(changed.get(_part(event)))
        result[event.id] = Trace(number, max((m for m in later if m is not None), default=None))
    return result


def _part(event: Any) -> str:
    if event.annotation_id:
        return f"annotation:{event.annotation_id}"
    return f"message:{event.message_id}" if event.message_id else ""


_STEPS = select(
    _event.id,
    _event.kind,
    _event.params,
    _event.happened_at,
    _event.recorded_at,
    _event.request_id,
    _event.message_id,
    _event.annotation_id,
).order_by(_event.id)
_STEPS_OF_MANY = _STEPS.where(_event.request_id.in_(bindparam("requests", expanding=True)))
_STEPS_OF_ONE = _STEPS.where(_event.request_id == bindparam("request"))


def histories(
    db: Session, request_ids: Iterable[int]
) -> tuple[dict[int, Described], dict[int, Trace]]:
    """Give what `describe` and `trace` say of every event of several requests."""
    wanted = sorted(set(request_ids))
    by_request: dict[int, list[Any]] = {}
    if wanted:
        rows = (
            db.execute(_STEPS_OF_ONE, {"request": wanted[0]})
            if len(wanted) == 1
            else db.execute(_STEPS_OF_MANY, {"requests": wanted})
        )
        for row in rows:
            by_request.setdefault(row.request_id, []).append(row)
    states: dict[int, Described] = {}
    traces: dict[int, Trace] = {}
    for steps in by_request.values():
        states |= describe(steps)
        traces |= trace(steps)
    return states, traces


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


def context_of(
    db: Session, request: members.Listed, annotations: Sequence[reading.ReadAnnotation]
) -> Context:
    """Read the rows that the events of one request point at."""
    number = request.row.id
    return Context(
        {number: request},
        {},
        {},
        {m.id: m for m in reading.correspondence(db, number)},
        {a.id: a for a in annotations},
        *histories(db, [number]),
    )


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
