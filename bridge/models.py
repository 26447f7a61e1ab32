"""Receipts: what the bridge has put into which collection, so that it sends only what differs."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foi.archive.columns import Base


class Receipt(Base):
    """One object that a collection of an Aleph holds because of us.

    A row is written before an object is sent, with an empty digest or id, and completed after, so
    that whatever may be there has a row. Losing receipts is repairable: the same foreign_id under
    the same parent gives the same id again.
    """

    __tablename__ = "bridge_receipt"
    __table_args__ = (
        UniqueConstraint("target", "collection", "foreign_id"),
        Index(None, "target", "collection", "subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str]
    """Address of the Aleph."""
    collection: Mapped[str]
    """foreign_id of the collection."""
    collection_id: Mapped[str]
    """The number that Aleph gave the collection."""
    subject: Mapped[str] = mapped_column(String(80))
    """What it was made from: `request:7`, `body:3`, `person:5`; `collection` for itself."""
    kind: Mapped[str] = mapped_column(String(12))
    """collection, body, person, request, message, attachment or link."""
    foreign_id: Mapped[str]
    """Ours: `request-7`, `request-7-att-12-1`; for entities written in bulk their plain id."""
    remote_id: Mapped[str]
    """Aleph's: `123.9c1185...`; empty: it was about to be uploaded, the answer is not known."""
    parent_id: Mapped[str] = mapped_column(default="")
    """Aleph's id of the document above it."""
    parent: Mapped[str] = mapped_column(default="")
    """foreign_id of the document above it."""
    refers: Mapped[str] = mapped_column(default="")
    """Subjects of the entities that it points at, each between blanks: ` body:3 person:5 `."""
    file_name: Mapped[str] = mapped_column(default="")
    """The name it was uploaded under."""
    sha256: Mapped[str] = mapped_column(String(64), default="")
    """Of the bytes sent, if any."""
    sha1: Mapped[str] = mapped_column(String(40), default="")
    """Of the same bytes, as Aleph calls them."""
    digest: Mapped[str] = mapped_column(String(64), default="")
    """Of the properties sent; empty: none were, or nobody knows which."""
    shown: Mapped[bool] = mapped_column(default=False)
    """Whether it has surely been in the index; what has not been cannot be deleted as it is."""
    stamp: Mapped[str] = mapped_column(String(60), default="")
    """On a subject's first object, once all of it is there: what it was made from, and of how many
    objects it is. Whatever touches a receipt of the subject takes it away.
    """
    sent_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    """When its deletion was asked for; the row goes once Aleph is seen to hold it no longer."""
    state: Mapped[str] = mapped_column(String(12), default="")
    """What the last verification found: indexed, failed or lost; empty: there was none."""
    reason: Mapped[str] = mapped_column(default="")
    """Aleph's reason for a failure, trimmed."""
    verified_at: Mapped[datetime | None]
    """When the last verification was."""
