"""Claiming and settling owed work: the `delivery` rows that `ledger.record` writes.

One statement claims on SQLite and PostgreSQL alike; a claim is a lease, so what a killed worker
had in hand comes back when it runs out. What goes wrong is tried again, ever more rarely, and
parked after ATTEMPTS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, exists, func, select, update
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


def due(db: Session, consumer: str) -> bool:
    """Tell whether there is anything to claim: cheaper than trying, since it needs no write
    lock.
    """
    return bool(db.scalar(select(exists().where(*_claimable(consumer)))))


def _claimable(consumer: str):  # type: ignore[no-untyped-def]
    return (Delivery.consumer == consumer, Delivery.parked.is_(False), Delivery.due_at <= now())


def claim(db: Session, consumer: str, limit: int) -> list[Claim]:
    """Take up to `limit` due deliveries for LEASE, oldest first."""
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
        .values(due_at=now() + LEASE, attempts=Delivery.attempts + 1)
        .returning(Delivery.id, Delivery.subject, Delivery.mark, Delivery.attempts)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted(
        (Claim(r.id, r.subject, r.mark, r.attempts) for r in rows), key=lambda claimed: claimed.id
    )


def settle(db: Session, done: Claim, problem: Exception | None = None) -> None:
    """Close a claim: gone when done, due again when its subject has changed meanwhile, later when
    it failed.
    """
    if problem is None:
        removed = db.execute(
            delete(Delivery).where(Delivery.id == done.id, Delivery.mark == done.mark)
        )
        if not removed.rowcount:  # type: ignore[attr-defined]
            _change(db, done, due_at=now(), attempts=0, error="")
    elif isinstance(problem, Later):
        _change(
            db,
            done,
            due_at=now() + timedelta(seconds=problem.seconds),
            attempts=done.attempts - 1,
            error=str(problem),
        )
    else:
        pause = min(timedelta(seconds=2 ** (2 * done.attempts)), _LONGEST_PAUSE)
        error = f"{type(problem).__name__}: {problem}"[:2000]
        _change(db, done, due_at=now() + pause, error=error, parked=done.attempts >= ATTEMPTS)


def _change(db: Session, claimed: Claim, **values: object) -> None:
    db.execute(
        update(Delivery)
        .where(Delivery.id == claimed.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


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
