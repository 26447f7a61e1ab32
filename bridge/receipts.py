"""Reading and writing receipts: one short transaction after each effect on an Aleph.

They are the bridge's own notes and no part of the archive, so no verb of casework is needed. What
they give up: being right about what others do to the collection (that is for reconciling).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, delete, exists, func, literal, select, update
from sqlalchemy.orm import Session

from bridge.models import Receipt
from foi.archive import ledger
from foi.archive.models import InfoRequest
from foi.site import Site


@dataclass(frozen=True, slots=True)
class Held:
    """A receipt as it was read, or shall be written."""

    subject: str
    kind: str
    foreign_id: str
    remote_id: str
    sent_at: datetime
    parent_id: str = ""
    file_name: str = ""
    sha256: str = ""
    digest: str = ""
    withdrawn_at: datetime | None = None


_COLUMNS = tuple(getattr(Receipt, each.name) for each in fields(Held))


class Receipts:
    """The receipts for one collection of one Aleph."""

    def __init__(self, site: Site, target: str, collection: str) -> None:
        self._site = site
        self.target, self.collection = target, collection

    def _ours(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return (Receipt.target == self.target, Receipt.collection == self.collection)

    def of(self, db: Session, subjects: Iterable[str]) -> dict[str, dict[str, Held]]:
        """Give the receipts of subjects, by subject and then by foreign_id."""
        found: dict[str, dict[str, Held]] = {subject: {} for subject in subjects}
        rows = db.execute(
            select(*_COLUMNS).where(*self._ours(), Receipt.subject.in_(found)).order_by(Receipt.id)
        )
        for row in rows:
            held = Held(**row._mapping)
            found[held.subject][held.foreign_id] = held
        return found

    def subjects(self, db: Session, kind: str) -> list[str]:
        """Give the subjects of a kind (`request`, `body`, `person`) that have receipts."""
        named = Receipt.subject.startswith(f"{kind}:", autoescape=True)
        return list(db.scalars(select(Receipt.subject).where(*self._ours(), named).distinct()))

    def number(self, db: Session) -> str | None:
        """Give the number of the collection that the receipts are for."""
        return db.scalar(select(Receipt.collection_id).where(*self._ours()).limit(1))

    def any_of_person(self, person_id: int) -> bool:
        """Tell whether anything made from a person's requests is there."""
        subject = literal("request:") + cast(InfoRequest.id, String)
        theirs = (
            select(Receipt.id)
            .join(InfoRequest, Receipt.subject == subject)
            .where(*self._ours(), InfoRequest.person_id == person_id)
        )
        with self._site.sessions.reading() as db:
            return bool(db.scalar(select(exists(theirs))))

    def write(self, collection_id: str, rows: Sequence[Held]) -> None:
        """Write receipts, in place of those that there are."""
        if not rows:
            return
        own = {
            "target": self.target,
            "collection": self.collection,
            "collection_id": collection_id,
        }
        values = [{**own, **{f.name: getattr(row, f.name) for f in fields(row)}} for row in rows]
        with self._site.sessions.writing() as db:
            insert = ledger.upserting(db, Receipt)
            fresh = {name: insert.excluded[name] for name in values[0]}
            keys = ["target", "collection", "foreign_id"]
            db.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh), values)

    def withdraw(self, foreign_ids: Sequence[str]) -> None:
        """Note that the deletion of these objects was asked for; to be there they need sending."""
        gone = {"withdrawn_at": ledger.now(), "digest": "", "sha256": ""}
        with self._site.sessions.writing() as db:
            db.execute(
                update(Receipt)
                .where(*self._ours(), Receipt.foreign_id.in_(foreign_ids))
                .values(**gone)
            )

    def drop(self, foreign_ids: Sequence[str] | None = None) -> None:
        """Forget these objects, or all."""
        which = [] if foreign_ids is None else [Receipt.foreign_id.in_(foreign_ids)]
        with self._site.sessions.writing() as db:
            db.execute(delete(Receipt).where(*self._ours(), *which))

    def bump(self) -> None:
        """Let pages that show what Aleph holds be made anew."""
        with self._site.sessions.writing() as db:
            ledger.bump(db, "bridge")

    def counts(self, db: Session) -> dict[str, int]:
        """Give how many objects of each kind are there."""
        rows = db.execute(
            select(Receipt.kind, func.count().label("number"))
            .where(*self._ours(), Receipt.withdrawn_at.is_(None), Receipt.kind != "collection")
            .group_by(Receipt.kind)
        )
        return {row.kind: row.number for row in rows}

    def withdrawing(self, db: Session) -> int:
        """Give how many objects wait for Aleph to let go of them."""
        waiting = select(func.count()).where(*self._ours(), Receipt.withdrawn_at.is_not(None))
        return db.scalar(waiting) or 0
