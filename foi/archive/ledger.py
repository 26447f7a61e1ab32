"""The numbered log of what happened, and what is owed because of it.

`record` is the only writer of events, versions and deliveries, and the last act of every write. On
PostgreSQL it takes an advisory lock just before the first insert, so that event ids are commit
order and a reader by `since` never misses one (a plain serial id did, hundreds of times:
docs/decisions/0001-ledger.md). On SQLite the write lock of BEGIN IMMEDIATE has the same effect.
What it gives up: writes are committed one at a time.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, case, func, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foi.archive.columns import Base
from foi.archive.kinds import DESK_ONLY, Audience, Kind
from foi.archive.models import (
    Annotation,
    Attachment,
    Body,
    Delivery,
    Event,
    InfoRequest,
    Message,
    Person,
    Version,
)

LOCK = 0x0F01
"""Number of the advisory lock that orders commits on PostgreSQL."""


@dataclass(frozen=True)
class Owed:
    """A consumer of the archive's changes, as far as the ledger must know it."""

    consumer: str
    subjects: frozenset[str]
    """Kinds of subject it wants to look at: `request`, `body`, `person`."""


def now() -> datetime:
    """Give the present moment; the one clock of the archive."""
    return datetime.now(UTC)


def happening(
    kind: Kind,
    actor: str,
    *,
    at: datetime | None = None,
    request: InfoRequest | None = None,
    body: Body | None = None,
    person: Person | None = None,
    message: Message | None = None,
    attachment: Attachment | None = None,
    annotation: Annotation | None = None,
    **params: Any,
) -> Event:
    """Describe an event that a verb is about to record; `at` is when it happened (default:
    now).
    """
    moment = now()
    return Event(
        kind=kind,
        audience=Audience.DESK if kind in DESK_ONLY else Audience.PUBLIC,
        happened_at=at or moment,
        recorded_at=moment,
        actor=actor,
        request=request,
        body=body,
        person=person,
        message=message,
        attachment=attachment,
        annotation=annotation,
        params=params,
    )


def record(db: Session, *events: Event) -> None:
    """Append events, raise the versions of what they touch and owe the deliveries, in the caller's
    transaction.

    Nothing may be written after it in the same transaction but what another `record` belongs to.
    Inside `gathering` it only remembers the events.
    """
    pending: list[Event] | None = db.info.get("gathered")
    if pending is not None:
        pending.extend(events)
        return
    _append(db, events)


def lock(db: Session) -> None:
    """Keep every other writer from recording until the end of this transaction (on SQLite it does
    already).
    """
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})


def hold(db: Session, row: Base) -> None:
    """See a row as its last writer left it, and keep others from changing it until the end of this
    transaction: for verbs that decide by what a row says (on SQLite both hold already).

    The lock is one that lets events be recorded which point at the row (FOR NO KEY UPDATE).
    """
    if db.get_bind().dialect.name != "postgresql" or not inspect(row).persistent:
        return
    db.flush()
    mapper = inspect(type(row))
    db.expire(row, [r.key for r in mapper.relationships if r.lazy == "select"])
    db.refresh(row, [c.key for c in mapper.column_attrs], with_for_update={"key_share": True})


@contextmanager
def gathering(db: Session) -> Iterator[None]:
    """Let many verbs share one `record` at the end of the block: for imports."""
    if is_gathering(db):
        raise RuntimeError("gathering is already under way")
    db.info["gathered"] = []
    try:
        yield
        events = db.info["gathered"]
        db.info["gathered"] = None
        if events:
            _append(db, events)
    finally:
        db.info.pop("gathered", None)


def is_gathering(db: Session) -> bool:
    """Tell whether verbs share one record at the moment."""
    return db.info.get("gathered") is not None


def _append(db: Session, events: Sequence[Event]) -> None:
    db.flush()
    lock(db)
    moment = now()  # read under the lock, so that recorded_at follows the order of ids
    for event in events:
        event.recorded_at = moment
    _insert(db, events)
    _raise_versions(db, events, moment)
    owe(db, (subject for event in events for subject in subjects(event)))


_POINTERS = ("request", "body", "person", "message", "attachment", "annotation")
_PLAIN = ("kind", "audience", "happened_at", "recorded_at", "actor", "params")
_INSERT = Event.__table__.insert().returning(  # type: ignore[attr-defined]
    Event.__table__.c.id, sort_by_parameter_order=True
)


def _insert(db: Session, events: Sequence[Event]) -> None:
    """Write events and give them their ids, past the mapper: it took longer than all else about
    them. What they point at is written already.
    """
    rows = []
    for event in events:
        row = {name: getattr(event, name) for name in _PLAIN}
        for name in _POINTERS:
            pointed = getattr(event, name)
            if pointed is not None:
                setattr(event, f"{name}_id", pointed.id)
            row[f"{name}_id"] = getattr(event, f"{name}_id")
        rows.append(row)
    for event, event_id in zip(events, db.execute(_INSERT, rows).scalars(), strict=True):
        event.id = event_id


def scopes(event: Event) -> Iterable[str]:
    """Give the scopes whose pages an event changes."""
    yield "events"
    if event.audience == Audience.DESK:
        return
    if event.request_id is not None:
        yield f"request:{event.request_id}"
        yield "requests"
    if event.body_id is not None:
        yield f"body:{event.body_id}"
        if event.request_id is None:
            yield "bodies"
    if event.kind == Kind.MOVE_REQUEST:
        yield f"body:{event.params['from']}"
    requester = event.request.person_id if event.request is not None else None
    for person_id in {event.person_id, requester} - {None}:
        yield f"person:{person_id}"
    if event.person_id is not None and event.request_id is None:
        yield "people"


def subjects(event: Event) -> Iterable[str]:
    """Give the subjects at which consumers must look because of an event."""
    if event.audience == Audience.DESK:
        return
    if event.request_id is not None:
        yield f"request:{event.request_id}"
    elif event.body_id is not None:
        yield f"body:{event.body_id}"
    elif event.person_id is not None:
        yield f"person:{event.person_id}"


def _raise_versions(db: Session, events: Sequence[Event], moment: datetime) -> None:
    newest: dict[str, int] = {}
    for event in events:
        for scope in scopes(event):
            newest[scope] = event.id
    # Sorted, so that two writers never wait for each other's rows crosswise.
    db.execute(
        _version_upsert(db.get_bind().dialect.name),
        [{"scope": s, "position": newest[s], "changed_at": moment} for s in sorted(newest)],
    )


@cache
def _version_upsert(dialect: str) -> Any:
    """To write such a statement costs more than to run it."""
    insert = _inserting(dialect, Version)
    return insert.on_conflict_do_update(
        index_elements=["scope"],
        set_={"position": insert.excluded.position, "changed_at": insert.excluded.changed_at},
    )


def bump(db: Session, *moved: str) -> None:
    """Raise the position of scopes that no event moves: the search index, extracted texts,
    receipts. (One that events move too may only be raised beside an event of the same transaction,
    or the next event's id would be no change.)
    """
    if not moved:
        return
    insert = upserting(db, Version)
    statement = insert.on_conflict_do_update(
        index_elements=["scope"],
        set_={
            "position": Version.__table__.c.position + 1,
            "changed_at": insert.excluded.changed_at,
        },
    )
    moment = now()
    db.execute(
        statement, [{"scope": s, "position": 1, "changed_at": moment} for s in sorted(set(moved))]
    )


def owe(db: Session, changed: Iterable[str], consumers: Iterable[str] | None = None) -> None:
    """Owe each consumer a look at each changed subject (`request:7`) that is of a kind it wants.

    One open delivery per consumer and subject: one that is there already is marked again, so that
    whoever has claimed it will find it due once more; one that is parked is due at once, as if it
    were new. `consumers` names the only ones to owe, whatever kinds they want.
    """
    wanted = dict.fromkeys(changed)
    if consumers is None:
        audience: tuple[Owed, ...] = db.info.get("owed", ())
        pairs = [
            (o.consumer, s) for s in wanted for o in audience if s.split(":")[0] in o.subjects
        ]
    else:
        pairs = [(name, s) for s in wanted for name in consumers]
    if not pairs:
        return
    fresh = {"mark": 1, "attempts": 0, "error": "", "parked": False}
    moment = now()
    db.execute(
        _delivery_upsert(db.get_bind().dialect.name),
        [
            {"consumer": c, "subject": s, "due_at": moment, "created_at": moment, **fresh}
            for c, s in sorted(pairs)
        ],
    )


@cache
def _delivery_upsert(dialect: str) -> Any:
    insert, held = _inserting(dialect, Delivery), Delivery.__table__.c
    return insert.on_conflict_do_update(
        index_elements=["consumer", "subject"],
        set_={
            "mark": held.mark + 1,
            "parked": False,
            "due_at": case((held.parked, insert.excluded.due_at), else_=held.due_at),
            "attempts": case((held.parked, 0), else_=held.attempts),
        },
    )


def upserting(db: Session, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    """Give the INSERT of the database at hand that knows ON CONFLICT."""
    return _inserting(db.get_bind().dialect.name, model)


def _inserting(dialect: str, model: type[Base]) -> sqlite.Insert | postgresql.Insert:
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    made: sqlite.Insert | postgresql.Insert = insert(model.__table__)
    return made


def since(event_id: int, limit: int = 100) -> Select[Any]:
    """Select the events after `event_id`, oldest first: the gap-free way to follow the archive."""
    return select(Event).where(Event.id > event_id).order_by(Event.id).limit(limit)


def newest(db: Session) -> int:
    """Give the id of the newest event, 0 when there is none."""
    return db.scalar(select(func.max(Event.id))) or 0
