"""What is sent: an event as `/events.json` gives it at the moment of sending, and nothing else.

An event that the public may not see any more by then is passed over; a hook never tells more than
the public reading.
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.models import Event, InfoRequest
from foi.pages import events
from foi.pages.entries import entries_of
from foi.pages.json import dump, moment
from foi.site import Site
from foi.webhooks.models import Webhook

_event, _request = Event.__table__.c, InfoRequest.__table__.c
TEST = "test"


@dataclass(frozen=True)
class Message:
    """One thing to send."""

    id: str
    """The same whenever it is sent, so that a receiver knows what it has already."""
    what: str
    event_id: int | None
    body: bytes


def following(db: Session, site: Site, hook: Webhook) -> Message | None:
    """Give what comes next for a hook; None when there is nothing."""
    return _first(db, site, hook, _event.id > hook.since, *_wanted(hook), _event.actor != "import")


def one(db: Session, site: Site, hook: Webhook, event_id: int) -> Message | None:
    """Give a certain event for a hook; None when it is not one for it, or not public any more."""
    return _first(db, site, hook, _event.id == event_id, *_wanted(hook))


def test(site: Site, hook: Webhook) -> Message:
    """Give something to try a hook with."""
    at = moment(ledger.now(), site.settings.site_zone)
    told = {"type": TEST, "timestamp": at, "data": {"webhook": hook.id}}
    return Message(f"hook_{hook.id}_test_{time.time_ns()}", TEST, None, dump(told))


def _first(
    db: Session, site: Site, hook: Webhook, *conditions: ColumnElement[bool]
) -> Message | None:
    statement = events.select_events(*conditions).order_by(_event.id).limit(1)
    row = db.execute(statement).one_or_none()
    if row is None:
        return None
    (entry,) = entries_of(db, site, [row])
    data: dict[str, Any] = entry.data
    told = {"type": data["event_type"], "timestamp": data["created_at"], "data": data}
    return Message(f"hook_{hook.id}_event_{row.id}", str(row.kind), row.id, dump(told))


def _wanted(hook: Webhook) -> list[ColumnElement[bool]]:
    """Give the conditions for what a hook is told of."""
    conditions: list[ColumnElement[bool]] = []
    if hook.kinds:
        conditions.append(_event.kind.in_(hook.kinds))
    if hook.body_id is not None:
        conditions.append(
            or_(
                _request.body_id == hook.body_id,
                and_(_event.request_id.is_(None), _event.body_id == hook.body_id),
            )
        )
    return conditions
