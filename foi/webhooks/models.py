"""Webhooks and the log of what was sent to them: addresses and positions, no secret and no
payload.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from foi.archive.columns import Base, BigId


class Webhook(Base):
    """An address that is told of events, in their order, from the one after `since` on."""

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str]
    body_id: Mapped[int | None] = mapped_column(ForeignKey("body.id"), index=True)
    """The authority of whose requests it is told; empty: of everything."""
    kinds: Mapped[list[Any]] = mapped_column(JSON)
    """The kinds of event it is told of; empty: of all."""
    generation: Mapped[int] = mapped_column(default=1)
    """That of its secret."""
    former_until: Mapped[datetime | None]
    """How long the former secret signs as well."""
    since: Mapped[int] = mapped_column(BigId)
    """The last event that it was told of, or that was not for it."""
    failures: Mapped[int] = mapped_column(default=0)
    """How many times in a row sending has failed."""
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_why: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class WebhookAttempt(Base):
    """One try at sending something, and what came of it."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (Index(None, "webhook_id", "id"), Index(None, "attempted_at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(BigId)
    """Empty: a test."""
    what: Mapped[str]
    """The `type` that was sent."""
    attempted_at: Mapped[datetime]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    """Empty: there was no answer."""
    told: Mapped[str]
    """The beginning of the answer, or why there was none."""
