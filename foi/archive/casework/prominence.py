"""Verbs that withhold: hide and release, which can be undone, and erase, which cannot."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.kinds import Kind
from foi.archive.models import Annotation, Attachment, Event, InfoRequest, Message
from foi.archive.states import PART_PROMINENCE, REQUEST_PROMINENCE

Thing = InfoRequest | Message | Attachment | Annotation


def hide(
    db: Session, thing: Thing, actor: str, *, prominence: str = "hidden", reason: str = ""
) -> None:
    """Make a request or a part of one less prominent; `reason` is shown to the public in its
    place. What is erased stays as it is.
    """
    allowed = REQUEST_PROMINENCE if isinstance(thing, InfoRequest) else PART_PROMINENCE
    if prominence not in allowed or prominence == "normal":
        raise ValueError(f"{prominence!r} is not a prominence to hide something with")
    ledger.hold(db, thing)
    if _erased(thing):
        return
    thing.prominence, thing.prominence_reason = prominence, reason
    _record(db, thing, Kind.HIDE, actor, prominence=prominence)


def release(db: Session, thing: Thing, actor: str) -> None:
    """Show normally again what was hidden; not what is erased."""
    ledger.hold(db, thing)
    if thing.prominence != "normal" and not _erased(thing):
        thing.prominence, thing.prominence_reason = "normal", ""
        _record(db, thing, Kind.RELEASE, actor)


def erase(
    db: Session, part: Message | Attachment | Annotation, actor: str, *, reason: str = ""
) -> None:
    """Erase a message (with its attachments), an attachment or an annotation for good, everywhere.

    The row stays as an empty place that says why; the bytes go as soon as no other row names them.
    """
    ledger.hold(db, part)
    if _erased(part):
        return
    attachments: list[Attachment] = []
    if isinstance(part, Attachment):
        attachments = [part]
    elif isinstance(part, Message):
        attachments = list(db.scalars(select(Attachment).where(Attachment.message_id == part.id)))
        part.body = None
    else:
        part.body = ""
    part.erased_at, part.prominence_reason = ledger.now(), reason
    files = {a.sha256 for a in attachments if a.sha256}
    for attachment in attachments:
        attachment.name, attachment.link, attachment.sha256, attachment.size = "", "", None, None
        attachment.media_type = "application/octet-stream"
        attachment.erased_at = ledger.now()
    db.flush()
    _record(db, part, Kind.ERASE, actor, owed_files=files)


def _erased(thing: Thing) -> bool:
    return not isinstance(thing, InfoRequest) and thing.erased_at is not None


def _record(
    db: Session,
    thing: Thing,
    kind: Kind,
    actor: str,
    owed_files: set[str] | None = None,
    **params: Any,
) -> None:
    event = _pointing_at(db, thing, ledger.happening(kind, actor, **params))
    if event.request is not None:
        event.request.updated_at = ledger.now()
    ledger.record(db, event)
    ledger.owe(db, (f"file:{sha256}" for sha256 in owed_files or ()), ["files"])


def _pointing_at(db: Session, thing: Thing, event: Event) -> Event:
    if isinstance(thing, Attachment):
        event.attachment = thing
        thing = db.get_one(Message, thing.message_id)
    if isinstance(thing, Message):
        event.message = thing
        thing = db.get_one(InfoRequest, thing.request_id)
    if isinstance(thing, Annotation):
        event.annotation = thing
        thing = db.get_one(InfoRequest, thing.request_id)
    event.request = thing
    event.body = thing.body  # not body_id, which the empty relation would take back
    return event
