"""Verbs on webhooks: each ends in one event that the desk sees."""

from collections.abc import Iterable

from sqlalchemy import delete
from sqlalchemy.orm import Session

from foi.archive import casework, ledger
from foi.archive.kinds import PUBLIC_KINDS
from foi.archive.models import Body
from foi.webhooks import sending, signing
from foi.webhooks.models import Webhook, WebhookAttempt

CONSUMER = "webhooks"
SCOPE = "webhooks"
"""Raised with every change, so that each process knows whether there are any."""
TURNED_OFF = "turned off at the desk"
KINDS = tuple(map(str, PUBLIC_KINDS))
"""Kinds of event that the public may see."""


class Unusable(ValueError):
    """A webhook cannot be as asked; the text says why."""


def check_url(url: str) -> str:
    """Give an address to which can be sent; Unusable otherwise."""
    try:
        sending.check(url)
    except sending.BadAddress as wrong:
        raise Unusable(f"the address {wrong}") from None
    return url


def check_kinds(kinds: Iterable[str]) -> list[str]:
    """Give kinds of event, each once, in the order of docs/events.md; Unusable when one is
    none.
    """
    wanted = set(kinds)
    if unknown := sorted(wanted - set(KINDS)):
        raise Unusable(f"“{unknown[0][:50]}” is no kind of public event")
    return [kind for kind in KINDS if kind in wanted]


def add(
    db: Session, actor: str, *, url: str, body: Body | None = None, kinds: Iterable[str] = ()
) -> Webhook:
    """Add a webhook, of an authority's requests or of everything, which is told of what happens
    from now on.
    """
    hook = Webhook(
        url=check_url(url),
        body_id=body.id if body is not None else None,
        kinds=check_kinds(kinds),
        since=ledger.newest(db),
        created_at=ledger.now(),
    )
    db.add(hook)
    db.flush()
    _changed(db, hook, owe=True)
    casework.note(db, actor, "webhook_added", webhook=hook.id)
    return hook


def remove(db: Session, actor: str, hook: Webhook) -> None:
    """Remove a webhook and its log."""
    number = hook.id
    db.execute(delete(WebhookAttempt).where(WebhookAttempt.webhook_id == number))
    db.delete(hook)
    db.flush()
    ledger.bump(db, SCOPE)
    casework.note(db, actor, "webhook_removed", webhook=number)


def rotate(db: Session, actor: str, hook: Webhook) -> None:
    """Give a webhook a new secret; the former one signs as well for signing.OVERLAP."""
    ledger.hold(db, hook)
    hook.generation += 1
    hook.former_until = ledger.now() + signing.OVERLAP
    casework.note(db, actor, "webhook_rotated", webhook=hook.id)


def show_secret(db: Session, actor: str, hook: Webhook) -> None:
    """Note that a webhook's secret is shown to somebody."""
    casework.note(db, actor, "webhook_secret_shown", webhook=hook.id)


def disable(db: Session, actor: str, hook: Webhook, why: str) -> None:
    """Send nothing more to a webhook; its place in the log is kept."""
    ledger.hold(db, hook)
    if hook.disabled_at is None:
        hook.disabled_at, hook.disabled_why = ledger.now(), why
        _changed(db, hook)
        casework.note(db, actor, "webhook_disabled", webhook=hook.id, why=why)


def enable(db: Session, actor: str, hook: Webhook, *, skip: bool = False) -> None:
    """Send to a webhook again: all that it has missed, or, with `skip`, what happens from now
    on.
    """
    ledger.hold(db, hook)
    hook.disabled_at, hook.disabled_why = None, ""
    hook.failures, hook.failing_since = 0, None
    if skip:
        hook.since = ledger.newest(db)
    _changed(db, hook, owe=True)
    casework.note(db, actor, "webhook_enabled", webhook=hook.id)


def _changed(db: Session, hook: Webhook, *, owe: bool = False) -> None:
    db.flush()
    ledger.bump(db, SCOPE)
    if owe:
        ledger.owe(db, [f"hook:{hook.id}"], [CONSUMER])


def resend(db: Session, actor: str, hook: Webhook, event_id: int) -> None:
    """Owe a webhook an event once more."""
    ledger.owe(db, [f"again:{hook.id}:{event_id}"], [CONSUMER])
    casework.note(db, actor, "webhook_resent", webhook=hook.id, event=event_id)


def test(db: Session, actor: str, hook: Webhook) -> None:
    """Owe a webhook a test."""
    ledger.owe(db, [f"test:{hook.id}"], [CONSUMER])
    casework.note(db, actor, "webhook_tested", webhook=hook.id)
