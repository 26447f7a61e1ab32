"""The log of what was sent to webhooks: for those who look why something did not arrive."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.site import Site
from foi.webhooks.messages import Message
from foi.webhooks.models import Webhook, WebhookAttempt
from foi.webhooks.sending import Answer

MOST = 200
"""Attempts that are kept for each webhook."""
KEPT = timedelta(days=30)


def note(db: Session, hook_id: int, message: Message, answer: Answer) -> None:
    """Write an attempt down."""
    db.add(
        WebhookAttempt(
            webhook_id=hook_id,
            event_id=message.event_id,
            what=message.what,
            attempted_at=ledger.now(),
            milliseconds=answer.milliseconds,
            status=answer.status,
            told=answer.told,
        )
    )


def latest(db: Session, hook_id: int, limit: int) -> list[WebhookAttempt]:
    """Give a webhook's last attempts, the newest first."""
    return list(
        db.scalars(
            select(WebhookAttempt)
            .where(WebhookAttempt.webhook_id == hook_id)
            .order_by(WebhookAttempt.id.desc())
            .limit(limit)
        )
    )


def prune(site: Site) -> int:
    """Forget old attempts, and all but the last MOST of each webhook: a duty of the clock; give
    how many.
    """
    attempt: Any = WebhookAttempt.__table__.c
    gone = 0
    with site.sessions.reading() as db:
        hooks = list(db.scalars(select(Webhook.__table__.c.id)))
        bounds = {
            number: db.scalar(
                select(attempt.id)
                .where(attempt.webhook_id == number)
                .order_by(attempt.id.desc())
                .offset(MOST)
                .limit(1)
            )
            or 0
            for number in hooks
        }
        old = db.scalar(
            select(attempt.id).where(attempt.attempted_at < ledger.now() - KEPT).limit(1)
        )
    if old is None and not any(bounds.values()):
        return 0
    with site.sessions.writing() as db:
        for number, bound in bounds.items():
            beyond = (attempt.webhook_id == number) & (
                (attempt.id <= bound) | (attempt.attempted_at < ledger.now() - KEPT)
            )
            gone += db.execute(delete(WebhookAttempt).where(beyond)).rowcount  # type: ignore[attr-defined]
    return gone
