"""The one reading of public text: everything that leaves the house is read through here.

Masks (addresses and telephone numbers), prominence and erasure are applied once, so that page,
JSON, feed, search index and bridge cannot disagree about what the public may see.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import Session

from foi.archive.models import Annotation, Attachment, ExtractedText, InfoRequest, Message, Person

READABLE = ("normal", "backpage")
"""Prominences of a request whose page the public may read; only `normal` ones are listed, fed and
indexed.
"""

# The look-behind lets a match begin only where a word does, which keeps the search linear; the
# last label may be of any script or in Punycode, and whatever follows it.
_EMAIL = re.compile(r"(?<![\w.+\-])[\w.+\-]+@(?:[\w\-]+\.)+(?:xn--[A-Za-z0-9\-]+|[^\W\d_]{2,24})")
# United Kingdom mobile numbers (07 and nine digits, however spaced), and any number that is called
# a mobile.
_GAP = r"(?:[^\S\n]|[\-.()\u2010-\u2013]){0,2}"
_MOBILE = re.compile(
    rf"(?<![\d+])(?:(?:\+|00)?44{_GAP}(?:\(0\){_GAP})?|0)7(?:{_GAP}\d){{9}}(?!\d)"
    r"|(?i:\b(?:mobile|mob)(?:\s?(?:no|number|tel|phone))?\.?\s{0,3}[:,;]?\s{0,3})"
    rf"[+(]?\d(?:{_GAP}\d){{6,14}}"
)
_DIGITS = re.compile(rf"\d(?:{_GAP}\d){{6}}")


def mask(text: str) -> str:
    """Give a text with e-mail addresses and mobile telephone numbers taken out."""
    if "@" in text:
        text = _EMAIL.sub("[email address]", text)
    # No number to be masked has fewer digits; most texts end here, at a tenth of the cost.
    if _DIGITS.search(text) is None:
        return text
    return _MOBILE.sub("[mobile number]", text)


def listed() -> ColumnElement[bool]:
    """The condition under which a request is in lists, feeds, the index and the bridge."""
    return InfoRequest.__table__.c.prominence == "normal"


@dataclass(frozen=True, slots=True)
class ReadAttachment:
    """An attachment as the public may see it; `withheld` says why there is no more than its
    place.
    """

    id: int
    number: int
    message_id: int
    name: str
    media_type: str
    size: int | None
    sha256: str | None
    link: str
    withheld: str | None = None

    @property
    def held(self) -> bool:
        """Whether its bytes can be had here."""
        return self.sha256 is not None


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message as the public may see it; `withheld` says why it has no text and no
    attachments.
    """

    id: int
    request_id: int
    direction: str
    purpose: str
    text: str | None
    sent_at: datetime | None
    created_at: datetime
    prominence: str
    withheld: str | None
    attachments: tuple[ReadAttachment, ...]


@dataclass(frozen=True, slots=True)
class ReadAnnotation:
    """An annotation that the public may see."""

    id: int
    request_id: int
    person_id: int
    name: str
    url_name: str
    text: str
    created_at: datetime


def why_withheld(
    prominence: str, reason: str, erased_at: datetime | None, what: str = "message"
) -> str | None:
    """Give the public reason for which a part is not shown; None when it is."""
    if erased_at is not None:
        return mask(reason) or f"This {what} has been erased."
    if prominence != "normal":
        return mask(reason) or f"This {what} has been hidden."
    return None


# Statements on the plain tables, put together once: making a statement and the mapping of objects
# cost more than running it.
_message, _attachment = Message.__table__.c, Attachment.__table__.c
_MESSAGES = select(
    _message.id,
    _message.request_id,
    _message.direction,
    _message.purpose,
    _message.body,
    _message.sent_at,
    _message.created_at,
    _message.prominence,
    _message.prominence_reason,
    _message.erased_at,
).order_by(_message.id)
_MESSAGES_BY_ID = _MESSAGES.where(_message.id.in_(bindparam("ids", expanding=True)))
_OF_REQUEST = _MESSAGES.where(_message.request_id == bindparam("request"))
_ALL_ATTACHMENTS = select(
    _attachment.id,
    _attachment.number,
    _attachment.message_id,
    _attachment.name,
    _attachment.media_type,
    _attachment.size,
    _attachment.sha256,
    _attachment.link,
    _attachment.prominence,
    _attachment.prominence_reason,
    _attachment.erased_at,
).order_by(_attachment.message_id, _attachment.number)
_ATTACHMENTS = _ALL_ATTACHMENTS.where(
    _attachment.message_id.in_(bindparam("messages", expanding=True))
)
_ATTACHMENTS_OF_REQUEST = _ALL_ATTACHMENTS.join(
    Message.__table__, _message.id == _attachment.message_id
).where(
    _message.request_id == bindparam("request"),
    _message.prominence == "normal",
    _message.erased_at.is_(None),
)


def messages(db: Session, condition: ColumnElement[bool]) -> list[ReadMessage]:
    """Read the messages that meet a condition, oldest first, with their attachments."""
    return _with_attachments(db, db.execute(_MESSAGES.where(condition)).all())


def messages_by_id(db: Session, ids: Iterable[int]) -> dict[int, ReadMessage]:
    """Read messages by their ids, with their attachments."""
    wanted = sorted(ids)
    rows = db.execute(_MESSAGES_BY_ID, {"ids": wanted}).all() if wanted else ()
    return {message.id: message for message in _with_attachments(db, rows)}


def _with_attachments(db: Session, rows: Sequence[Any]) -> list[ReadMessage]:
    shown = [row.id for row in rows if row.prominence == "normal" and row.erased_at is None]
    return _read(rows, db.execute(_ATTACHMENTS, {"messages": shown}) if shown else ())


def correspondence(db: Session, request_id: int) -> list[ReadMessage]:
    """Read a request's messages in order."""
    rows = db.execute(_OF_REQUEST, {"request": request_id}).all()
    return _read(rows, db.execute(_ATTACHMENTS_OF_REQUEST, {"request": request_id}))


def _read(rows: Sequence[Any], attachments: Iterable[Any]) -> list[ReadMessage]:
    """Make messages of their rows and the rows of attachments of those that are shown."""
    attached: dict[int, list[ReadAttachment]] = {}
    for row in attachments:
        attached.setdefault(row.message_id, []).append(read_attachment(row))
    return [
        ReadMessage(
            row.id,
            row.request_id,
            row.direction,
            row.purpose,
            mask(row.body) if withheld is None and row.body is not None else None,
            row.sent_at,
            row.created_at,
            row.prominence,
            withheld,
            tuple(attached.get(row.id, ())),
        )
        for row in rows
        for withheld in [why_withheld(row.prominence, row.prominence_reason, row.erased_at)]
    ]


def read_attachment(row: "Attachment | object") -> ReadAttachment:
    """Read one attachment row; of one that is withheld only its place remains."""
    a: Attachment = row  # type: ignore[assignment]  # a result row has the same members
    withheld = why_withheld(a.prominence, a.prominence_reason, a.erased_at, "attachment")
    if withheld is not None:
        return ReadAttachment(a.id, a.number, a.message_id, "", "", None, None, "", withheld)
    return ReadAttachment(
        a.id, a.number, a.message_id, mask(a.name), a.media_type, a.size, a.sha256, a.link
    )


_annotation, _person = Annotation.__table__.c, Person.__table__.c
_ANNOTATIONS = (
    select(
        _annotation.id,
        _annotation.request_id,
        _annotation.person_id,
        _person.name,
        _person.url_name,
        _annotation.body,
        _annotation.created_at,
    )
    .join(Person.__table__, _person.id == _annotation.person_id)
    .where(_annotation.prominence == "normal", _annotation.erased_at.is_(None))
    .order_by(_annotation.id)
)
_ANNOTATIONS_BY_ID = _ANNOTATIONS.where(_annotation.id.in_(bindparam("ids", expanding=True)))
_ANNOTATIONS_OF_REQUEST = _ANNOTATIONS.where(_annotation.request_id == bindparam("request"))


def annotations_by_id(db: Session, ids: Iterable[int]) -> dict[int, ReadAnnotation]:
    """Read annotations that the public may see by their ids."""
    wanted = sorted(ids)
    rows = db.execute(_ANNOTATIONS_BY_ID, {"ids": wanted}).all() if wanted else ()
    return {annotation.id: annotation for annotation in _read_annotations(rows)}


def annotations_of(db: Session, request_id: int) -> list[ReadAnnotation]:
    """Read a request's annotations that the public may see, oldest first."""
    return _read_annotations(db.execute(_ANNOTATIONS_OF_REQUEST, {"request": request_id}).all())


def _read_annotations(rows: Sequence[Any]) -> list[ReadAnnotation]:
    return [
        ReadAnnotation(
            r.id, r.request_id, r.person_id, r.name, r.url_name, mask(r.body), r.created_at
        )
        for r in rows
    ]


def attachment_texts(db: Session, attachments: Iterable[ReadAttachment]) -> dict[str, str]:
    """Give the text found in each held attachment, by SHA-256."""
    wanted: Sequence[str] = sorted({a.sha256 for a in attachments if a.sha256 is not None})
    if not wanted:
        return {}
    rows = db.execute(
        select(ExtractedText.sha256, ExtractedText.text).where(ExtractedText.sha256.in_(wanted))
    )
    return {row.sha256: mask(row.text) for row in rows if row.text}


def mask_pieces(pieces: Sequence[str]) -> list[str]:
    """Mask a text that is in pieces, as those between the tags of HTML, as if it were in one: an
    address that several pieces share is taken out of all of them.
    """
    given = list(pieces)
    whole = "".join(given)
    if "@" in whole:
        given = _taken_out(_EMAIL, "[email address]", given, whole)
        whole = "".join(given)
    return _taken_out(_MOBILE, "[mobile number]", given, whole)


def _taken_out(
    pattern: re.Pattern[str], placeholder: str, pieces: list[str], whole: str
) -> list[str]:
    matches = pattern.finditer(whole)
    found = next(matches, None)
    if found is None:
        return pieces
    result, start = [], 0
    for piece in pieces:
        end, at, kept = start + len(piece), start, []
        while found is not None and found.start() < end:
            if found.start() >= start:
                kept += [whole[at : found.start()], placeholder]
            at = min(found.end(), end)
            if found.end() > end:
                break
            found = next(matches, None)
        result.append("".join([*kept, whole[at:end]]))
        start = end
    return result
