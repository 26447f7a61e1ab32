"""What the write API must remember to answer the same call in the same way."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foi.archive.columns import Base, BigId


class ApiCall(Base):
    """A call that was carried out, and its answer; kept for a day."""

    __tablename__ = "api_call"
    __table_args__ = (UniqueConstraint("body_id", "key"), Index(None, "fingerprint"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    body_id: Mapped[int] = mapped_column(ForeignKey("body.id", ondelete="CASCADE"))
    key: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the call's Idempotency-Key, if it had one."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """SHA-256 of what was asked: address, checked payload, hashes of the files."""
    answer: Mapped[str]
    """JSON."""
    made_at: Mapped[datetime]
