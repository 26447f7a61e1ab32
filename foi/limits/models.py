"""What callers have used of their limits, where several processes count together (PostgreSQL)."""

from datetime import datetime

from sqlalchemy import Boolean, Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from foi.archive.columns import Base


class Usage(Base):
    """What one caller has used of one limit: the calls of the window at hand and of the one
    before.
    """

    __tablename__ = "limit_usage"

    source: Mapped[str] = mapped_column(String(120), primary_key=True)
    """The limit's name and who is counted."""
    at: Mapped[float] = mapped_column(Float)
    """The last call's time, in windows since 1970."""
    current: Mapped[int] = mapped_column(Integer)
    previous: Mapped[int] = mapped_column(Integer)
    admitted: Mapped[bool] = mapped_column(Boolean)
    """Whether the last call was within the limit."""
    until: Mapped[datetime] = mapped_column(index=True)
    """When the row says nothing any more."""
