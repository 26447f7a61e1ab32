"""Verbs on requests: open, correspond, classify, annotate, edit, move; and the clock's
announcements.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from foi.archive import calendar, ledger
from foi.archive.casework import names, tags
from foi.archive.kinds import Kind
from foi.archive.models import Annotation, Attachment, Body, Event, InfoRequest, Message, Person
from foi.archive.states import STATES

REPLY_PURPOSES = ("followup", "clarification", "internal_review")


@dataclass(frozen=True)
class File:
    """A file to attach: held (`sha256` of bytes that are in the blob store already) or known by
    name and `link`.
    """

    name: str
    media_type: str
    size: int | None = None
    sha256: str | None = None
    link: str = ""


@dataclass(frozen=True)
class Origin:
    """Whence an imported request came: the source's name, its number there and its address."""

    source: str = ""
    ref: str = ""
    url: str = ""


def tidy(text: str | None) -> str | None:
    """Strip a letter and collapse runs of blank lines, as Alaveteli stores them."""
    return (
        None
        if text is None
        else re.sub(r"\n\s*\n\s*\n+", "\n\n", text.replace("\r\n", "\n")).strip()
    )


def open_request(
    db: Session,
    actor: str,
    *,
    body: Body,
    title: str,
    text: str | None,
    person: Person | None = None,
    external_user_name: str | None = None,
    external_url: str | None = None,
    via_api: bool = False,
    law_used: str = "foi",
    tag_texts: Iterable[str] = (),
    url_title: str | None = None,
    at: datetime | None = None,
    sent_at: datetime | None = None,
    dated: bool = True,
    state: str | None = "waiting_response",
    origin: Origin = Origin(),
    message_ref: str = "",
    files: Sequence[File] = (),
) -> InfoRequest:
    """Open a request with its first message; the deadlines count from the day on which that was
    sent.

    `dated=False` says that it is not known when it was sent, and `state=None` that its state is
    not known.
    """
    if state is not None:
        _check(state)
    moment = at or ledger.now()
    sent = (sent_at or moment) if dated else None
    request = InfoRequest(
        title=title,
        url_title=url_title or names.free_slug(db, "request", title),
        body=body,
        person=person,
        external_user_name=external_user_name,
        external_url=external_url,
        via_api=via_api,
        described_state=state,
        law_used=law_used,
        created_at=moment,
        updated_at=moment,
        source=origin.source,
        source_ref=origin.ref,
        source_url=origin.url,
    )
    calendar.start_clock(db, request, body, sent)
    db.add(request)
    message = _add_message(
        db, request, "request", "initial", text, sent, moment, files, message_ref
    )
    event = ledger.happening(
        Kind.SENT,
        actor,
        at=sent or moment,
        request=request,
        body=body,
        person=person,
        message=message,
    )
    tag_list = list(tag_texts)
    if tag_list:
        db.flush()
        tags.add_tags(db, "request", request.id, tag_list)
    ledger.record(db, event)
    return request


def correspond(
    db: Session,
    request: InfoRequest,
    actor: str,
    *,
    direction: str,
    text: str | None,
    purpose: str = "followup",
    sent_at: datetime | None = None,
    dated: bool = True,
    state: str | None = None,
    files: Sequence[File] = (),
    at: datetime | None = None,
    message_ref: str = "",
) -> Message:
    """Add a message to a request, with the state that it puts the request into.

    A response without `state` awaits its description, unless the request was withdrawn; one with
    it is described. A letter to the authority answers a request for clarification (the deadlines
    start anew) or asks for an internal review; `state` is only for responses (Alaveteli's write
    API, and InfoRequest's life cycle).
    """
    response = direction == "response"
    if not response and (direction != "request" or purpose not in REPLY_PURPOSES):
        raise ValueError(f"a {direction!r} that is a {purpose!r} is no message")
    ledger.hold(db, request)
    moment = at or ledger.now()
    sent = (sent_at or moment) if dated else None
    message = _add_message(
        db,
        request,
        direction,
        "response" if response else purpose,
        text,
        sent,
        moment,
        files,
        message_ref,
    )
    request.updated_at = moment
    pointers: dict[str, Any] = {"request": request, "body": request.body, "message": message}
    kind = Kind.RESPONSE if response else Kind.FOLLOWUP_SENT
    person = None if response else request.person
    events = [ledger.happening(kind, actor, at=sent or moment, person=person, **pointers)]
    if response:
        described = state
        if state is None and request.described_state != "user_withdrawn":
            request.awaiting_description = True
    else:
        described = _after_letter(db, request, purpose, sent)
    if described is not None:
        _describe(request, described)
        events.append(
            ledger.happening(Kind.STATUS_UPDATE, actor, at=at, state=described, **pointers)
        )
    ledger.record(db, *events)
    return message


def awaits_clarification(request: InfoRequest) -> bool:
    """Tell whether the next letter to the authority answers its question."""
    return request.described_state == "waiting_clarification" and not request.awaiting_description


def _after_letter(
    db: Session, request: InfoRequest, purpose: str, sent: datetime | None
) -> str | None:
    """Give the state into which a letter to the authority puts a request, if it does; restart its
    clock.
    """
    answers = awaits_clarification(request)
    if answers:
        calendar.start_clock(db, request, request.body, sent)
    if purpose == "internal_review":
        return "internal_review"
    return "waiting_response" if answers else None


def _add_message(
    db: Session,
    request: InfoRequest,
    direction: str,
    purpose: str,
    text: str | None,
    sent: datetime | None,
    moment: datetime,
    files: Sequence[File],
    ref: str,
) -> Message:
    message = Message(
        request=request,
        direction=direction,
        purpose=purpose,
        body=tidy(text),
        sent_at=sent,
        created_at=moment,
        source_ref=ref,
    )
    db.add(message)
    for number, file in enumerate(files, start=1):
        db.add(
            Attachment(
                message=message,
                number=number,
                name=file.name,
                media_type=file.media_type,
                size=file.size,
                sha256=file.sha256,
                link=file.link,
            )
        )
    return message


def _check(state: str) -> None:
    if state not in STATES:
        raise ValueError(f"{state!r} is not a state")


def _describe(request: InfoRequest, state: str) -> None:
    _check(state)
    request.described_state = state
    request.awaiting_description = False


def classify(
    db: Session,
    request: InfoRequest,
    actor: str,
    state: str,
    *,
    at: datetime | None = None,
    message: Message | None = None,
) -> None:
    """Describe the state of a request; ValueError for a state that is not stored."""
    ledger.hold(db, request)
    _describe(request, state)
    request.updated_at = at or ledger.now()
    ledger.record(
        db,
        ledger.happening(
            Kind.STATUS_UPDATE,
            actor,
            at=at,
            request=request,
            body=request.body,
            message=message,
            state=state,
        ),
    )


def annotate(
    db: Session,
    request: InfoRequest,
    person: Person,
    text: str,
    *,
    at: datetime | None = None,
    ref: str = "",
) -> Annotation:
    """Add a person's public comment to a request."""
    moment = at or ledger.now()
    annotation = Annotation(
        request=request, person=person, body=tidy(text), created_at=moment, source_ref=ref
    )
    db.add(annotation)
    request.updated_at = moment
    ledger.record(
        db,
        ledger.happening(
            Kind.COMMENT,
            "import" if ref else f"person:{person.id}",
            at=at,
            request=request,
            body=request.body,
            person=person,
            annotation=annotation,
        ),
    )
    return annotation


def edit_request(
    db: Session,
    request: InfoRequest,
    actor: str,
    *,
    title: str | None = None,
    law_used: str | None = None,
    external_url: str | None = None,
    tag_texts: Iterable[str] | None = None,
) -> list[str]:
    """Change what is said of a request and give the names of the fields that differ; the slug
    follows the title.
    """
    ledger.hold(db, request)
    changed = []
    if title is not None and title != request.title:
        former, request.title = request.url_title, title
        request.url_title = names.free_slug(db, "request", title, request.id)
        if former != request.url_title:
            names.remember_former(db, "request", request.id, former, request.url_title)
        changed.append("title")
    for name, value in (("law_used", law_used), ("external_url", external_url)):
        if value is not None and value != getattr(request, name):
            setattr(request, name, value)
            changed.append(name)
    if tag_texts is not None and tags.replace_tags(db, "request", request.id, tag_texts):
        changed.append("tags")
    if changed:
        request.updated_at = ledger.now()
        ledger.record(
            db,
            ledger.happening(
                Kind.EDIT, actor, request=request, body=request.body, changed=changed
            ),
        )
    return changed


def move(db: Session, request: InfoRequest, body: Body, actor: str) -> None:
    """Move a request to another authority, by whose calendar its deadlines then count."""
    db.flush()
    ledger.hold(db, request)
    if request.body_id == body.id:
        return
    former, request.body = request.body_id, body
    request.updated_at = ledger.now()
    if request.day_zero is not None:
        calendar.start_clock(db, request, body, calendar.of(db).midnight(request.day_zero))
    event = ledger.happening(Kind.MOVE_REQUEST, actor, request=request, body=body)
    event.params = {"from": former}
    ledger.record(db, event)


def announce_overdue(db: Session, today: date, limit: int = 500) -> int:
    """Record `overdue` and `very_overdue` for requests whose day has passed unannounced; give
    their number.

    The event only announces: pages work the state out from the date.
    """
    clock, events = calendar.of(db), []
    for kind, column in (
        (Kind.OVERDUE, InfoRequest.due_on),
        (Kind.VERY_OVERDUE, InfoRequest.very_overdue_on),
    ):
        announced = exists().where(
            Event.request_id == InfoRequest.id,
            Event.kind == kind,
            Event.happened_at > InfoRequest.day_zero,
        )
        late = (
            select(InfoRequest, Body)
            .join(InfoRequest.body)
            .where(
                InfoRequest.described_state == "waiting_response",
                InfoRequest.awaiting_description.is_(False),
            )
            .where(column < today, ~announced)
            .limit(limit)
        )
        for request, body in db.execute(late):
            passed = clock.midnight(getattr(request, column.key) + timedelta(days=1))
            events.append(ledger.happening(kind, "clock", at=passed, request=request, body=body))
    if events:
        ledger.record(db, *events)
    return len(events)
