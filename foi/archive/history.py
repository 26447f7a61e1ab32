"""What rows used to say: the former records of authorities, and the index by which the desk reads
its own events.

A version is kept whole rather than as a difference: authorities change seldom, and a whole record
can be read without the ones around it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from foi.archive.columns import Base
from foi.archive.kinds import Audience
from foi.archive.models import Event


class BodyVersion(Base):
    """An authority's record as it was until an edit replaced it."""

    __tablename__ = "body_version"

    body_id: Mapped[int] = mapped_column(
        ForeignKey("body.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[dict[str, Any]]
    """Its fields by name, and its `tags`."""
    until: Mapped[datetime]


_of_the_desk = Event.audience == Audience.DESK
Index(
    "ix_event_desk",
    Event.id,
    sqlite_where=_of_the_desk,
    postgresql_where=_of_the_desk,
)
