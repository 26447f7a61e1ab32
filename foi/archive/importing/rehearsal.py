"""A site whose writes are all taken back, so that an import can be looked at before it happens."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.blobs import BlobStore
from foi.archive.calendar import Calendar
from foi.archive.importing.archive import Archive, Settings


class _TakenBack(Exception):
    """Ends a transaction of a rehearsal."""


@dataclass
class Rehearsal:
    """Stands for a site in an import; files go to `blobs`, and nothing goes to its database."""

    site: Archive
    blobs: BlobStore

    @property
    def sessions(self) -> "Rehearsal":
        """Its database: this, too."""
        return self

    @property
    def settings(self) -> Settings:
        """Its settings."""
        return self.site.settings

    @property
    def calendar(self) -> Calendar:
        """Its time zone and deadlines."""
        return self.site.calendar

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Write in one transaction, look at it, and roll it back at the end of the block."""
        with suppress(_TakenBack), self.site.sessions.writing() as db:
            before = ledger.newest(db)
            yield db
            db.flush()
            self.look(db, before)
            raise _TakenBack

    def look(self, db: Session, before: int) -> None:
        """See what was written; events later than `before` are of this transaction."""
