"""Reading and writing receipts: short transactions before and after effects on an Aleph.

They are the bridge's own notes and no part of the archive, so no verb of casework is needed. What
they give up: being right about what others do to the collection (that is for `verify`).
"""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from bridge.models import Receipt
from foi.archive import ledger
from foi.site import Site

FLUSH_SECONDS, FLUSH_ROWS = 0.5, 200
"""How much of what was uploaded may lack its receipt; after a crash it is uploaded once more."""
_MANY = 5000
"""Subjects whose receipts are better found by reading all."""


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


_NAMES = tuple(each.name for each in fields(Held))
_TABLE = Receipt.__table__.c
_COLUMNS = tuple(_TABLE[name] for name in _NAMES)


class Receipts:
    """The receipts for one collection of one Aleph."""

    def __init__(self, site: Site, target: str, collection: str) -> None:
        self._site = site
        self.target, self.collection = target, collection

    def _ours(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return (_TABLE.target == self.target, _TABLE.collection == self.collection)

    def of(self, db: Session, subjects: Iterable[str]) -> dict[str, dict[str, Held]]:
        """Give the receipts of subjects, by subject and then by foreign_id."""
        found: dict[str, dict[str, Held]] = {subject: {} for subject in subjects}
        for held in self._read(db, _TABLE.subject.in_(found)):
            found[held.subject][held.foreign_id] = held
        return found

    def all(self, db: Session) -> list[Held]:
        """Give every receipt but the collection's own."""
        return self._read(db, _TABLE.kind != "collection")

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

    def write(self, collection_id: str, rows: Sequence[Held]) -> None:
        """Write receipts, in place of those that there are."""
        if not rows:
            return
        own = {
            "target": self.target,
            "collection": self.collection,
            "collection_id": collection_id,
        }
        # In one order, so that two who write the same rows never wait for each other crosswise.
        ordered = sorted(rows, key=lambda row: row.foreign_id)
        values = [own | {name: getattr(row, name) for name in _NAMES} for row in ordered]
        with self._site.sessions.writing() as db:
            insert = ledger.upserting(db, Receipt)
            fresh = {name: insert.excluded[name] for name in values[0]}
            keys = ["target", "collection", "foreign_id"]
            db.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh), values)

    def change(self, foreign_ids: Sequence[str], **values: Any) -> None:
        """Change some receipts alike."""
        with self._site.sessions.writing() as db:
            for start in range(0, len(foreign_ids), _MANY):
                some = _TABLE.foreign_id.in_(foreign_ids[start : start + _MANY])
                db.execute(update(Receipt).where(*self._ours(), some).values(**values))

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
            self.change(names, state=state, reason=reason, verified_at=at)

    def drop(self, foreign_ids: Sequence[str] | None = None) -> None:
        """Forget these objects, or all."""
        with self._site.sessions.writing() as db:
            if foreign_ids is None:
                db.execute(delete(Receipt).where(*self._ours()))
                return
            for start in range(0, len(foreign_ids), _MANY):
                some = _TABLE.foreign_id.in_(foreign_ids[start : start + _MANY])
                db.execute(delete(Receipt).where(*self._ours(), some))

    def bump(self) -> None:
        """Let pages that show what Aleph holds be made anew."""
        with self._site.sessions.writing() as db:
            ledger.bump(db, "bridge")

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
