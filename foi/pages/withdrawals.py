"""What was taken back from feeds: tombstones (RFC 6721) of the entries that a withdrawal hides."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, not_, or_, select, text
from sqlalchemy.orm import Session

from foi.archive.kinds import Audience
from foi.archive.models import Annotation, Event, InfoRequest, Message
from foi.pages.events import visible
from foi.pages.page import Tombstone

_event, _request = Event.__table__.c, InfoRequest.__table__.c
_message, _annotation = Message.__table__.c, Annotation.__table__.c
_MOST_TOMBSTONES = 500
_LARGEST = 2**63 - 1
_WITHDRAWN = (
    select(_event.id)
    .where(
        _event.id >= bindparam("first"),
        _event.id < bindparam("beyond"),
        # As the partial index has it, to the letter: of parameters a database cannot know.
        text("event.kind IN ('hide', 'erase')"),
    )
    # Of the events of a large authority SQLite would rather walk through all.
    .with_hint(Event.__table__, "INDEXED BY ix_event_withdrawals", "sqlite")
    .order_by(_event.id.desc())
    .limit(_MOST_TOMBSTONES)
)
_away = Event.__table__.alias("away")
_LOST = (
    select(_event.id, _away.c.recorded_at)
    .select_from(_away)
    .join(
        Event.__table__,
        and_(
            _event.request_id == _away.c.request_id,
            # What came hidden, by an import, was never in a feed.
            _event.recorded_at < _away.c.recorded_at,
            or_(
                and_(_away.c.message_id.is_(None), _away.c.annotation_id.is_(None)),
                and_(_away.c.message_id == _event.message_id, _away.c.attachment_id.is_(None)),
                _away.c.annotation_id == _event.annotation_id,
            ),
        ),
    )
    .join(InfoRequest.__table__, _request.id == _event.request_id)
    .outerjoin(Message.__table__, _message.id == _event.message_id)
    .outerjoin(Annotation.__table__, _annotation.id == _event.annotation_id)
    .where(
        _away.c.id.in_(bindparam("withdrawals", expanding=True)),
        _event.audience == Audience.PUBLIC,
    )
    .order_by(_away.c.id.desc())
    .limit(_MOST_TOMBSTONES)
)


@cache
def _lost(readable: tuple[str, ...]) -> Select[Any]:
    return _LOST.where(not_(visible(readable)))


def tombstones(
    db: Session,
    span: tuple[int, int | None],
    *conditions: ColumnElement[bool],
    kinds: Sequence[str] | None = None,
    readable: tuple[str, ...] = ("normal",),
) -> list[Tombstone]:
    """Give what was withdrawn by the events of a span of ids (the second one excluded) that meet
    the conditions: entries of these kinds, or of all, that were shown before.

    They stand where they were withdrawn, not where they were, so that a reader who asks for the
    first page only, or goes on to what it knows, meets each. One more look at the log; a second
    only if there is something to tell.
    """
    first, beyond = span
    ids = db.scalars(
        _WITHDRAWN.where(*conditions),
        {"first": first, "beyond": _LARGEST if beyond is None else beyond},
    ).all()
    if not ids:
        return []
    statement = _lost(readable)
    if kinds is not None:
        statement = statement.where(_event.kind.in_(kinds))
    lost: dict[int, datetime] = {}
    for event_id, when in db.execute(statement, {"withdrawals": ids}):
        lost.setdefault(event_id, when)
    return [Tombstone(f"event/{event_id}", when) for event_id, when in lost.items()]
