"""Reading and writing receipts: short transactions before and after effects on an Aleph.

They are the bridge's own notes and no part of the archive, so no verb of casework is needed. What
they give up: being right about what others do to the collection (that is for `verify`).
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from bridge.models import Receipt
from foi.archive import ledger
from foi.site import Site

FLUSH_SECONDS, FLUSH_ROWS = 0.5, 200
"""How much of what was uploaded may lack its receipt; after a crash it is uploaded once more."""
_MANY = 5000
"""Objects that are named in one statement."""
NO_STAMPS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt as it was read, or shall be written."""

    subject: str
    kind: str
    foreign_id: str
    remote_id: str
    sent_at: datetime
    parent_id: str = ""
    parent: str = ""
    refers: str = ""
    file_name: str = ""
    sha256: str = ""
    sha1: str = ""
    digest: str = ""
    shown: bool = False
    withdrawn_at: datetime | None = None
    state: str = ""
    reason: str = ""
    stamp: str = ""
    """As it was read; `write` takes none over."""


SCOPE = "bridge"
_SHOWN = frozenset({"remote_id", "digest", "shown", "withdrawn_at", "state", "reason"})
"""What of a receipt pages tell."""
_NAMES = tuple(each.name for each in fields(Held))
_RECEIPT: Any = Receipt.__table__
_TABLE = _RECEIPT.c
_COLUMNS = tuple(_TABLE[name] for name in _NAMES)


class Receipts:
    """The receipts for one collection of one Aleph; with a `number`, only those for the collection
    that bore it: what they say does not hold for one made anew.
    """

    def __init__(
        self, site: Site, target: str, collection: str, number: str | None = None
    ) -> None:
        self._site = site
        self.target, self.collection, self._number = target, collection, number

    def _ours(self) -> tuple[ColumnElement[bool], ...]:
        ours = (_TABLE.target == self.target, _TABLE.collection == self.collection)
        return ours if self._number is None else (*ours, _TABLE.collection_id == self._number)

    def of(self, db: Session, subjects: Iterable[str]) -> dict[str, dict[str, Held]]:
        """Give the receipts of subjects, by subject and then by foreign_id."""
        found: dict[str, dict[str, Held]] = {subject: {} for subject in subjects}
        for held in self._read(db, _TABLE.subject.in_(found)):
            found[held.subject][held.foreign_id] = held
        return found

    def all(self, db: Session) -> list[Held]:
        """Give every receipt but the collection's own."""
        return self._read(db, _TABLE.kind != "collection")

    def unread(self, db: Session) -> list[Held]:
        """Give the receipts of what is there, but Aleph could not read."""
        return self._read(db, _TABLE.state == "failed", _TABLE.withdrawn_at.is_(None))

    def _read(self, db: Session, *conditions: ColumnElement[bool]) -> list[Held]:
        rows = db.execute(select(*_COLUMNS).where(*self._ours(), *conditions).order_by(_TABLE.id))
        return [Held(*row) for row in rows]

    def subjects(self, db: Session, kind: str) -> list[str]:
        """Give the subjects of a kind (`request`, `body`, `person`) that have receipts."""
        named = _TABLE.subject.startswith(f"{kind}:", autoescape=True)
        return list(db.scalars(select(_TABLE.subject).where(*self._ours(), named).distinct()))

    def number(self, db: Session) -> str | None:
        """Give the number of the collection that the receipts are for."""
        return db.scalar(select(_TABLE.collection_id).where(*self._ours()).limit(1))

    def refer(self, subject: str) -> bool:
        """Tell whether anything there may point at the entity made from a subject."""
        pointing = _TABLE.refers.contains(f" {subject} ", autoescape=True)
        with self._site.sessions.reading() as db:
            found = db.scalar(select(_TABLE.id).where(*self._ours(), pointing).limit(1))
        return found is not None

    def leaving(self, subjects: Iterable[str]) -> set[str]:
        """Give those of some subjects whose withdrawal has begun and has not ended."""
        wanted = sorted(subjects)
        if not wanted:
            return set()
        statement = select(_TABLE.subject).where(
            *self._ours(), _TABLE.subject.in_(wanted), _TABLE.withdrawn_at.is_not(None)
        )
        with self._site.sessions.reading() as db:
            return set(db.scalars(statement))

    def stamped(self, db: Session) -> dict[str, str]:
        """Give the stamp of each subject that was there as a whole when it was last looked at, and
        of which no receipt is missing or unfinished.
        """
        begun = or_(_TABLE.digest == "", _TABLE.remote_id == "", _TABLE.withdrawn_at.is_not(None))
        stamp = func.max(_TABLE.stamp)
        rows = db.execute(
            select(_TABLE.subject, stamp, func.count(), func.sum(case((begun, 1), else_=0)))
            .where(*self._ours(), _TABLE.kind != "collection")
            .group_by(_TABLE.subject)
            .having(stamp != "")
        )
        return {
            subject: found
            for subject, found, number, unfinished in rows
            if not unfinished and number == number_in(found)
        }

    def write(
        self, collection_id: str, rows: Sequence[Held], stamps: Mapping[str, str] = NO_STAMPS
    ) -> None:
        """Write receipts, in place of those that there are; and the `stamps` of subjects that are
        complete with them, by the foreign_id of their first object.
        """
        if not rows and not stamps:
            return
        own = {
            "target": self.target,
            "collection": self.collection,
            "collection_id": collection_id,
        }
        # In one order, so that two who write the same rows never wait for each other crosswise.
        ordered = sorted(rows, key=lambda row: row.foreign_id)
        values = [
            own | {name: getattr(row, name) for name in _NAMES} | {"stamp": ""} for row in ordered
        ]
        with self._site.sessions.writing() as db:
            if stamps:
                # They may be others than the rows, and are to be had in the same order.
                either = or_(
                    _TABLE.subject.in_({row.subject for row in rows}),
                    _TABLE.foreign_id.in_(stamps.keys()),
                )
                locked = select(_TABLE.id).where(*self._ours(), either)
                db.execute(locked.order_by(_TABLE.foreign_id).with_for_update())
            if values:
                insert = ledger.upserting(db, Receipt)
                fresh = {name: insert.excluded[name] for name in values[0]}
                keys = ["target", "collection", "foreign_id"]
                db.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh), values)
                self._unstamp(db, _TABLE.subject.in_({row.subject for row in rows}))
                _move(db, {row.subject for row in rows})
            if stamps:
                condition = _TABLE.foreign_id == bindparam("name")
                statement = update(_RECEIPT).where(*self._ours(), condition)
                fresh_stamps = [{"name": name, "fresh": each} for name, each in stamps.items()]
                db.execute(statement.values(stamp=bindparam("fresh")), fresh_stamps)

    def _unstamp(self, db: Session, condition: ColumnElement[bool]) -> None:
        """Let a push look at subjects again: something about their receipts has changed."""
        stamped = _TABLE.stamp != ""
        db.execute(update(_RECEIPT).where(*self._ours(), condition, stamped).values(stamp=""))

    def _subjects(self, some: ColumnElement[bool]) -> ColumnElement[bool]:
        subject: ColumnElement[str] = _TABLE.subject
        return subject.in_(select(_TABLE.subject).where(*self._ours(), some))

    def change(self, foreign_ids: Sequence[str], **values: Any) -> None:
        """Change some receipts alike."""
        self._change(foreign_ids, values, stamped=False)

    def _change(
        self, foreign_ids: Sequence[str], values: Mapping[str, Any], *, stamped: bool
    ) -> None:
        moved: set[str] = set()
        with self._site.sessions.writing() as db:
            for start in range(0, len(foreign_ids), _MANY):
                some = _TABLE.foreign_id.in_(foreign_ids[start : start + _MANY])
                moved |= set(db.scalars(self._differing(some, values)))
                db.execute(update(_RECEIPT).where(*self._ours(), some).values(**values))
                if not stamped:
                    self._unstamp(db, self._subjects(some))
            _move(db, moved)

    def _differing(
        self, some: ColumnElement[bool], values: Mapping[str, Any]
    ) -> Select[tuple[str]]:
        """Select the subjects of receipts that will say something else to the public."""
        shown = [_TABLE[name].is_distinct_from(values[name]) for name in _SHOWN & values.keys()]
        return select(_TABLE.subject).where(*self._ours(), some, or_(false(), *shown)).distinct()

    def withdraw(self, foreign_ids: Sequence[str]) -> datetime:
        """Note that these are to go: to be there again they need sending anew. Give when."""
        at = ledger.now()
        if foreign_ids:
            self.change(foreign_ids, withdrawn_at=at, digest="", sha256="")
        return at

    def verified(self, states: Mapping[tuple[str, str], Sequence[str]]) -> None:
        """Note what was found of objects: (state, reason) -> foreign_ids."""
        at = ledger.now()
        for (state, reason), names in states.items():
            values = {"state": state, "reason": reason, "verified_at": at}
            self._change(names, values, stamped=state == "indexed")

    def drop(self, foreign_ids: Sequence[str] | None = None) -> None:
        """Forget these objects, or all."""
        with self._site.sessions.writing() as db:
            if foreign_ids is None:
                db.execute(delete(Receipt).where(*self._ours()))
                ledger.bump(db, SCOPE)
                return
            for start in range(0, len(foreign_ids), _MANY):
                some = _TABLE.foreign_id.in_(foreign_ids[start : start + _MANY])
                self._unstamp(db, self._subjects(some))
                _move(db, db.scalars(select(_TABLE.subject).where(*self._ours(), some).distinct()))
                db.execute(delete(Receipt).where(*self._ours(), some))

    def uploading(self, db: Session) -> dict[str, str]:
        """Give the names of files that were uploaded and are not known to be processed, by id."""
        rows = db.execute(
            select(_TABLE.remote_id, _TABLE.file_name).where(
                *self._ours(),
                _TABLE.kind == "attachment",
                _TABLE.remote_id != "",
                _TABLE.file_name != "",
                _TABLE.digest == "",
                _TABLE.withdrawn_at.is_(None),
            )
        )
        return {row.remote_id: row.file_name for row in rows}

    def counts(self, db: Session) -> dict[str, int]:
        """Give how many objects of each kind are there."""
        return self._counted(db, _TABLE.kind, _TABLE.withdrawn_at.is_(None), _TABLE.digest != "")

    def states(self, db: Session) -> dict[str, int]:
        """Give how many objects each verification state has."""
        return self._counted(db, _TABLE.state, _TABLE.withdrawn_at.is_(None), _TABLE.state != "")

    def _counted(
        self, db: Session, column: ColumnElement[str], *conditions: ColumnElement[bool]
    ) -> dict[str, int]:
        rows = db.execute(
            select(column, func.count())
            .where(*self._ours(), *conditions, _TABLE.kind != "collection")
            .group_by(column)
        )
        return {str(row[0]): int(row[1]) for row in rows}

    def withdrawing(self, db: Session) -> int:
        """Give how many objects wait for Aleph to let go of them."""
        waiting = select(func.count()).where(*self._ours(), _TABLE.withdrawn_at.is_not(None))
        return db.scalar(waiting) or 0

    def unfinished(self, db: Session) -> int:
        """Give how many objects were begun and are not wholly there."""
        begun = select(func.count()).where(
            *self._ours(),
            _TABLE.withdrawn_at.is_(None),
            or_(_TABLE.digest == "", _TABLE.remote_id == ""),
        )
        return db.scalar(begun) or 0


def scope_of(subject: str) -> str:
    """Give the scope that moves with the receipts of a subject; with those of all, SCOPE does."""
    return f"{SCOPE}:{subject}"


def _move(db: Session, subjects: Iterable[str]) -> None:
    """Let pages that show what Aleph holds of some subjects be made anew."""
    ledger.bump(db, *map(scope_of, subjects))


def with_number(stamp: str, number: int) -> str:
    """Give a stamp that tells of how many objects its subject is."""
    return f"{stamp} {number}"


def number_in(stamp: str) -> int:
    """Give the number of objects that a stamp tells."""
    return int(stamp.partition(" ")[2] or 0)


def collections_of(db: Session, target: str, subjects: Iterable[str]) -> dict[str, set[str]]:
    """Give for each collection of an Aleph the subjects, among some, that have receipts there."""
    rows = db.execute(
        select(_TABLE.collection, _TABLE.subject)
        .where(_TABLE.target == target, _TABLE.subject.in_(list(subjects)))
        .distinct()
    )
    found: dict[str, set[str]] = {}
    for collection, subject in rows:
        found.setdefault(collection, set()).add(subject)
    return found


def known_collections(db: Session, target: str) -> list[str]:
    """Give every collection of an Aleph that has receipts."""
    rows = select(_TABLE.collection).where(_TABLE.target == target).distinct()
    return sorted(db.scalars(rows))


class Buffer:
    """Receipts that several threads gather, written together; a context manager.

    Each is for something whose row is there already, so that losing some costs an upload more.
    """

    def __init__(self, receipts: Receipts, collection_id: str) -> None:
        self._receipts, self._collection_id = receipts, collection_id
        self._lock = threading.Lock()
        self._rows: dict[str, Held] = {}
        self._flushed = time.monotonic()

    def __enter__(self) -> "Buffer":
        return self

    def __exit__(self, *_: object) -> None:
        self._write(self._taken())

    def add(self, row: Held) -> None:
        """Gather a receipt."""
        with self._lock:
            self._rows[row.foreign_id] = row
            late = time.monotonic() - self._flushed > FLUSH_SECONDS
            rows = self._take() if late or len(self._rows) >= FLUSH_ROWS else []
        self._write(rows)

    def _taken(self) -> list[Held]:
        with self._lock:
            return self._take()

    def _take(self) -> list[Held]:
        rows, self._rows = list(self._rows.values()), {}
        self._flushed = time.monotonic()
        return rows

    def _write(self, rows: list[Held]) -> None:
        self._receipts.write(self._collection_id, rows)
