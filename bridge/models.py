"""Receipts: what the bridge has put into which collection, so that it sends only what differs."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foi.archive.models import Base


class Receipt(Base):
    """One object that a collection of an Aleph holds because of us.

    Losing receipts is repairable: the same foreign_id under the same parent gives the same id
    again.
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
    """Aleph's: `123.9c1185...`."""
    parent_id: Mapped[str] = mapped_column(default="")
    """Aleph's id of the document above it."""
    file_name: Mapped[str] = mapped_column(default="")
    """The name it was uploaded under."""
    sha256: Mapped[str] = mapped_column(String(64), default="")
    """Of the bytes sent, if any."""
    digest: Mapped[str] = mapped_column(String(64), default="")
    """Of the properties sent; empty: none were."""
    sent_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    """When its deletion was asked for; the row goes once Aleph is seen to hold it no longer."""
