"""What is known: the tables, columns and relations only. Changes are made by `casework`, events by
`ledger`.

All times are aware and in UTC; `None` is "not known", which imported requests may be (state, date,
text).
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from foi.archive.columns import Base, BigId, named, own_slug
from foi.archive.kinds import Audience, Kind


class Person(Base):
    """A registered person: makes requests, annotates. Accounts (how one signs in) are kept
    apart.
    """

    __tablename__ = "person"
    __table_args__ = (own_slug("person", "url_name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    url_name: Mapped[str]
    name: Mapped[str]
    about: Mapped[str] = mapped_column(default="")
    ban_text: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Body(Base):
    """A public body (authority)."""

    __tablename__ = "body"
    __table_args__ = (own_slug("body", "url_name"), Index(None, "sort_name", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    url_name: Mapped[str]
    name: Mapped[str] = mapped_column(index=True)
    short_name: Mapped[str] = mapped_column(default="")
    sort_name: Mapped[str]
    """The name folded for A-Z: no case, no accents."""
    notes: Mapped[str] = mapped_column(default="")
    home_page: Mapped[str] = mapped_column(default="")
    publication_scheme: Mapped[str] = mapped_column(default="")
    disclosure_log: Mapped[str] = mapped_column(default="")
    request_email: Mapped[str] = mapped_column(default="")
    jurisdiction: Mapped[str] = mapped_column(default="")
    """A code of `deadlines.JURISDICTIONS`; empty: the site's."""
    version: Mapped[int] = mapped_column(default=1)
    key_generation: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CarriedKey(Base):
    """A write key brought along from an Alaveteli site, as SHA-256 only."""

    __tablename__ = "carried_key"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_id: Mapped[int] = mapped_column(ForeignKey("body.id", ondelete="CASCADE"), index=True)


class FormerName(Base):
    """A slug that a body, person or request used to have; its old address redirects."""

    __tablename__ = "former_name"
    __table_args__ = (Index(None, "subject_kind", "subject_id"),)

    subject_kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[int]


class Tag(Base):
    """A tag `name` or machine tag `name:value` of a body, request, person or message."""

    __tablename__ = "tag"
    __table_args__ = (
        UniqueConstraint("subject_kind", "subject_id", "name", "value"),
        Index(None, "subject_kind", "name", "value", "subject_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(10))
    subject_id: Mapped[int]
    name: Mapped[str]
    value: Mapped[str] = mapped_column(default="")
    """Empty: a plain tag."""


class InfoRequest(Base):
    """A request for information, made by a registered person or taken over from elsewhere
    (external).
    """

    __tablename__ = "request"
    __table_args__ = (
        own_slug("request", "url_title"),
        Index(None, "created_at", "id"),
        Index(None, "body_id", "created_at", "id"),
        Index(None, "person_id", "created_at", "id"),
        Index(
            "ix_request_awaiting_answer",
            "due_on",
            sqlite_where=text("described_state = 'waiting_response'"),
            postgresql_where=text("described_state = 'waiting_response'"),
        ),
        # An authority's requests counted by how they stand, from the index alone.
        Index(
            "ix_request_standing",
            "body_id",
            "prominence",
            "described_state",
            "awaiting_description",
            "due_on",
            "very_overdue_on",
        ),
        Index(
            "uq_request_origin",
            "source",
            "source_ref",
            "source_url",
            unique=True,
            sqlite_where=text("source <> ''"),
            postgresql_where=text("source <> ''"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    url_title: Mapped[str]
    title: Mapped[str]
    body_id: Mapped[int] = mapped_column(ForeignKey("body.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    external_user_name: Mapped[str | None]
    external_url: Mapped[str | None]
    via_api: Mapped[bool] = mapped_column(default=False)
    """Made by the authority through the write API, which may go on writing to it."""
    described_state: Mapped[str | None] = mapped_column(String(32))
    awaiting_description: Mapped[bool] = mapped_column(default=False)
    law_used: Mapped[str] = mapped_column(String(16), default="foi")
    prominence: Mapped[str] = mapped_column(String(16), default="normal")
    prominence_reason: Mapped[str] = mapped_column(default="")
    day_zero: Mapped[date | None]
    """The site-local day from which the deadline counts: the request's, or the last
    clarification's.
    """
    due_on: Mapped[date | None]
    very_overdue_on: Mapped[date | None]
    source: Mapped[str] = mapped_column(default="")
    source_ref: Mapped[str] = mapped_column(default="")
    source_url: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    """When the request was made, which for an imported one is long before it was recorded."""
    updated_at: Mapped[datetime]

    body: Mapped[Body] = relationship()
    person: Mapped[Person | None] = relationship()
    messages: Mapped[list["Message"]] = relationship(
        back_populates="request", order_by="Message.id", lazy="raise_on_sql"
    )


class Message(Base):
    """One piece of correspondence: to the authority (`request`) or from it (`response`)."""

    __tablename__ = "message"
    __table_args__ = (Index(None, "request_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"))
    direction: Mapped[str] = mapped_column(String(8))
    purpose: Mapped[str] = mapped_column(String(16))
    """initial, followup, clarification, internal_review; response for what the authority writes.
    """
    body: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    prominence: Mapped[str] = mapped_column(String(16), default="normal")
    prominence_reason: Mapped[str] = mapped_column(default="")
    erased_at: Mapped[datetime | None]
    source_ref: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]

    request: Mapped[InfoRequest] = relationship(back_populates="messages", lazy="raise_on_sql")
    attachments: Mapped[list["Attachment"]] = relationship(
        back_populates="message", order_by="Attachment.number", lazy="raise_on_sql"
    )


class Attachment(Base):
    """A file of a message: held (its bytes under `sha256`), or known but not held (`sha256`
    empty).
    """

    __tablename__ = "attachment"
    __table_args__ = (UniqueConstraint("message_id", "number"), Index(None, "sha256"))

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    number: Mapped[int]
    """Position in the message, from 1: part of the attachment's address."""
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    link: Mapped[str] = mapped_column(default="")
    """Where the original is, of one that is not held."""
    prominence: Mapped[str] = mapped_column(String(16), default="normal")
    prominence_reason: Mapped[str] = mapped_column(default="")
    erased_at: Mapped[datetime | None]

    message: Mapped[Message] = relationship(back_populates="attachments", lazy="raise_on_sql")


class Annotation(Base):
    """A public comment by a registered person beneath a request."""

    __tablename__ = "annotation"
    __table_args__ = (Index(None, "request_id", "id"), Index(None, "person_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("request.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body: Mapped[str]
    prominence: Mapped[str] = mapped_column(String(16), default="normal")
    prominence_reason: Mapped[str] = mapped_column(default="")
    erased_at: Mapped[datetime | None]
    source_ref: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]

    request: Mapped[InfoRequest] = relationship(lazy="raise_on_sql")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class Event(Base):
    """That something happened: a pointer to rows, never a copy of them. Only `ledger.record` makes
    one.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index(None, "request_id", "id"),
        Index(None, "body_id", "id"),
        Index(None, "person_id", "id"),
        Index(None, "message_id"),
        Index(
            "ix_event_withdrawals",
            "id",
            sqlite_where=text("kind IN ('hide', 'erase')"),
            postgresql_where=text("kind IN ('hide', 'erase')"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[Kind] = mapped_column(named(Kind, 24))
    audience: Mapped[Audience] = mapped_column(named(Audience, 24))
    happened_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(40))
    """Who did it: `person:5`, `body:3`, `desk`, `import`, `clock`."""
    request_id: Mapped[int | None] = mapped_column(ForeignKey("request.id"))
    body_id: Mapped[int | None] = mapped_column(ForeignKey("body.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    attachment_id: Mapped[int | None] = mapped_column(ForeignKey("attachment.id"))
    annotation_id: Mapped[int | None] = mapped_column(ForeignKey("annotation.id"))
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)

    request: Mapped[InfoRequest | None] = relationship(lazy="raise_on_sql")
    body: Mapped[Body | None] = relationship(lazy="raise_on_sql")
    person: Mapped[Person | None] = relationship(lazy="raise_on_sql")
    message: Mapped[Message | None] = relationship(lazy="raise_on_sql")
    attachment: Mapped[Attachment | None] = relationship(lazy="raise_on_sql")
    annotation: Mapped[Annotation | None] = relationship(lazy="raise_on_sql")


class Version(Base):
    """How far a scope has come: its newest event, or the position of a thing that is no event
    (index, texts).
    """

    __tablename__ = "version"

    scope: Mapped[str] = mapped_column(String(40), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]


class Delivery(Base):
    """Owed work: `consumer` must look at `subject`. At most one open row for each pair."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("consumer", "subject"),
        Index(None, "consumer", "parked", "due_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    consumer: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(80))
    mark: Mapped[int] = mapped_column(default=1)
    """Raised each time the subject changes; a claim settles only the mark that it saw."""
    due_at: Mapped[datetime]
    """When it may be claimed; while claimed, when the claim runs out."""
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    parked: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class ExtractedText(Base):
    """The text found in the file with this SHA-256, or why there is none; disposable, made again
    by the worker.
    """

    __tablename__ = "extracted_text"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    state: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    extracted_at: Mapped[datetime]


class FileView(Base):
    """The file with this SHA-256 as safe HTML, not masked yet, or why there is none; disposable as
    its text is, and gone with it.
    """

    __tablename__ = "file_view"

    sha256: Mapped[str] = mapped_column(
        String(64), ForeignKey("extracted_text.sha256", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str] = mapped_column(String(12))
    html: Mapped[str] = mapped_column(default="")
    reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int]
    """`conversion.VERSION` at the time: an older view is made again."""
    made_at: Mapped[datetime]


class Fact(Base):
    """A fact of the site that is fixed once, such as the authority and date of its tag: ids (RFC
    4151).
    """

    __tablename__ = "fact"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str]
