"""Streams of events, which feeds go through, and what was taken back from them: tombstones
(RFC 6721) of the entries that a withdrawal hides.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, not_, or_, select, text
from sqlalchemy.orm import Session

from foi.archive.kinds import CORRESPONDENCE, Audience, Kind
from foi.archive.models import Annotation, Event, InfoRequest, Message
from foi.pages.events import select_events, visible
from foi.pages.page import Tombstone

_event, _request = Event.__table__.c, InfoRequest.__table__.c
_message, _annotation = Message.__table__.c, Annotation.__table__.c
MOST_TOMBSTONES = 500
LARGEST = 2**63 - 1
"""Beyond every id."""
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
    .limit(MOST_TOMBSTONES)
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
    .limit(MOST_TOMBSTONES)
)


class Stream:
    """The events that the public may see of something, and what was withdrawn of them.

    Made once, with parameters for what it is of, it costs half of one made for each call.
    """

    def __init__(
        self,
        *whose: ColumnElement[bool],
        kinds: Sequence[str] | None = CORRESPONDENCE,
        only: ColumnElement[bool] | None = None,
        readable: tuple[str, ...] = ("normal",),
    ) -> None:
        """Take the conditions on events that say of what it is, and on its entries: of these
        kinds (None: of all), and what else is asked of them.
        """
        shown: list[ColumnElement[bool]] = [] if kinds is None else [_event.kind.in_(kinds)]
        if only is not None:
            shown.append(only)
        self.kinds = tuple(Kind) if kinds is None else tuple(kinds)
        self.events = select_events(*whose, *shown, readable=readable)
        self.withdrawn = _WITHDRAWN.where(*whose)
        self.lost = _LOST.where(not_(visible(readable)), *shown)


def withdrawn(
    db: Session, stream: Stream, span: tuple[int, int], params: Mapping[str, Any]
) -> list[int]:
    """Give the events of a span of ids (the second one excluded) by which something of a stream
    was withdrawn, newest first.
    """
    first, beyond = span
    found = db.scalars(stream.withdrawn, {**params, "first": first, "beyond": beyond})
    return list(found.all())


def tombstones(db: Session, stream: Stream, ids: Sequence[int]) -> list[Tombstone]:
    """Give what these events withdrew of a stream: entries that were shown before.

    They stand where they were withdrawn, not where they were, so that a reader who asks for the
    first page only, or goes on to what it knows, meets each.
    """
    if not ids:
        return []
    lost: dict[int, datetime] = {}
    for event_id, when in db.execute(stream.lost, {"withdrawals": ids}):
        lost.setdefault(event_id, when)
    return [Tombstone(f"event/{event_id}", when) for event_id, when in lost.items()]
