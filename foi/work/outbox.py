"""Claiming and settling owed work: the `delivery` rows that `ledger.record` writes.

One statement claims on SQLite and PostgreSQL alike; a claim is a lease, so what a killed worker
had in hand comes back when it runs out. What goes wrong is tried again, ever more rarely, and
parked after ATTEMPTS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from foi.archive.ledger import now
from foi.archive.models import Delivery
from foi.work.consumers import Later

LEASE = timedelta(minutes=10)
ATTEMPTS = 8
_LONGEST_PAUSE = timedelta(hours=6)


@dataclass(frozen=True)
class Claim:
    """A delivery in hand: settle it, or its lease runs out."""

    id: int
    subject: str
    mark: int
    attempts: int
    until: datetime
    """When the lease runs out; it tells this claim from any later one of the same row."""


def due(db: Session, consumer: str) -> bool:
    """Tell whether there is anything to claim: cheaper than trying, since it needs no write
    lock.
    """
    return bool(db.scalar(select(exists().where(*_claimable(consumer)))))


def _claimable(consumer: str):  # type: ignore[no-untyped-def]
    return (Delivery.consumer == consumer, Delivery.parked.is_(False), Delivery.due_at <= now())


def claim(db: Session, consumer: str, limit: int) -> list[Claim]:
    """Take up to `limit` due deliveries for LEASE, the oldest ones, ordered by subject.

    Whoever settles them in that order never waits crosswise for who owes anew: that is sorted too.
    """
    until = now() + LEASE
    chosen = (
        select(Delivery.id)
        .where(*_claimable(consumer))
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = db.execute(
        update(Delivery)
        .where(Delivery.id.in_(chosen))
        .values(due_at=until, attempts=Delivery.attempts + 1)
        .returning(Delivery.id, Delivery.subject, Delivery.mark, Delivery.attempts)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted(
        (Claim(r.id, r.subject, r.mark, r.attempts, until) for r in rows),
        key=lambda claimed: claimed.subject,
    )


def settle(db: Session, done: Claim, problem: Exception | None = None) -> None:
    """Close a claim: gone when done, due again when its subject has changed meanwhile, later when
    it failed. A claim whose lease has run out and whose delivery somebody else has taken closes
    nothing.
    """
    if problem is None:
        removed = db.execute(delete(Delivery).where(*_still(done), Delivery.mark == done.mark))
        if not removed.rowcount:  # type: ignore[attr-defined]
            _change(db, done, due_at=now(), attempts=0, error="")
    elif isinstance(problem, Later):
        later = now() + _pause(problem.seconds)
        error = _storable(str(problem))
        _change(db, done, due_at=later, attempts=done.attempts - 1, error=error)
    else:
        error = _storable(f"{type(problem).__name__}: {problem}")
        if done.attempts < ATTEMPTS:
            _change(db, done, due_at=now() + _pause(4.0**done.attempts), error=error)
        elif not _change(db, done, Delivery.mark == done.mark, parked=True, error=error):
            _change(db, done, due_at=now(), attempts=0, error=error)


def _pause(seconds: float) -> timedelta:
    """Give a pause within reason; a far side may ask for one that is endless or no number."""
    longest = _LONGEST_PAUSE.total_seconds()
    return timedelta(seconds=max(seconds, 0.0) if seconds <= longest else longest)


def _storable(text: str) -> str:
    """Give what every database takes: no NUL, no half character (a far side may have sent it)."""
    return text[:2000].replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _still(claimed: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        Delivery.id == claimed.id,
        Delivery.due_at == claimed.until,
        Delivery.attempts == claimed.attempts,
    )


def _change(
    db: Session, claimed: Claim, *conditions: ColumnElement[bool], **values: object
) -> bool:
    changed = db.execute(
        update(Delivery)
        .where(*_still(claimed), *conditions)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def retry(db: Session, ids: Sequence[int] | None = None) -> int:
    """Make parked deliveries due at once, all or those named; give their number."""
    statement = (
        update(Delivery)
        .where(Delivery.parked.is_(True))
        .values(parked=False, due_at=now(), attempts=0)
    )
    if ids is not None:
        statement = statement.where(Delivery.id.in_(ids))
    return db.execute(statement.execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined, no-any-return]


def counts(db: Session) -> dict[str, dict[str, int]]:
    """Give for each consumer how many deliveries are `owed` and how many of these `parked`."""
    rows = db.execute(
        select(Delivery.consumer, Delivery.parked, func.count()).group_by(
            Delivery.consumer, Delivery.parked
        )
    )
    table: dict[str, dict[str, int]] = {}
    for consumer, parked, number in rows:
        line = table.setdefault(consumer, {"owed": 0, "parked": 0})
        line["owed"] += number
        line["parked"] += number if parked else 0
    return table
