"""What the log of a request says of each of its events: the state it led to, which of its kind it
is, and when what it tells was last changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from foi.archive.kinds import CORRESPONDENCE, WITHDRAWALS, Kind
from foi.archive.models import Event

_event = Event.__table__.c


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


_STEPS = (
    select(
        _event.id,
        _event.kind,
        _event.params,
        _event.happened_at,
        _event.recorded_at,
        _event.request_id,
        _event.message_id,
        _event.annotation_id,
    )
    .where(_event.request_id.in_(bindparam("requests", expanding=True)))
    .order_by(_event.id)
)


def histories(
    db: Session, request_ids: Iterable[int]
) -> tuple[dict[int, Described], dict[int, Trace]]:
    """Give what `describe` and `trace` say of every event of several requests."""
    wanted = sorted(set(request_ids))
    by_request: dict[int, list[Any]] = {}
    if wanted:
        for row in db.execute(_STEPS, {"requests": wanted}):
            by_request.setdefault(row.request_id, []).append(row)
    states: dict[int, Described] = {}
    traces: dict[int, Trace] = {}
    for steps in by_request.values():
        states |= describe(steps)
        traces |= trace(steps)
    return states, traces
