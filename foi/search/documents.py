"""Rows to documents: what of the archive can be found, and by what.

Only what the public may read, as `reading` gives it: requests that are listed, messages and
annotations that are shown, texts of their attachments. A request's documents are made together,
because its state and names stand in each. Given up: nothing else than this module decides what is
findable, so a change here needs `foi rebuild search`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import calendar, reading
from foi.archive.casework import format_tag, tags_of
from foi.archive.filetypes import kind as filetype
from foi.archive.kinds import CORRESPONDENCE, Audience, Kind
from foi.archive.models import Body, Event, InfoRequest, Person
from foi.archive.reading import ReadAnnotation, ReadMessage, mask
from foi.archive.slugs import slug
from foi.db import Sessions
from foi.search.engine import Attached, Document
from foi.search.query import UNCLASSIFIED

BATCH = 200
"""Subjects that are read in one transaction when everything is read."""


def of(db: Session, subject: str) -> list[Document]:
    """Make the documents of `request:7`, `body:3` or `person:5`; none when it is not public."""
    kind, _, number = subject.partition(":")
    return {"request": _of_request, "body": _of_body, "person": _of_person}[kind](db, int(number))


def every(sessions: Sessions) -> Iterator[Document]:
    """Make all documents, a batch of subjects at a time, each in a snapshot of its own."""
    wanted = (
        ("body", select(Body.id)),
        ("person", select(Person.id)),
        ("request", select(InfoRequest.id).where(reading.listed())),
    )
    for kind, statement in wanted:
        column = statement.selected_columns[0]
        last = 0
        while True:
            wanted_next = statement.where(column > last).order_by(column).limit(BATCH)
            with sessions.reading() as db:
                ids = db.scalars(wanted_next).all()
                for last in ids:
                    yield from of(db, f"{kind}:{last}")
            if not ids:
                break


def _of_body(db: Session, number: int) -> list[Document]:
    body = db.get(Body, number)
    if body is None:
        return []
    return [
        Document(
            key=f"body:{number}",
            owner=f"body:{number}",
            variety="authority",
            happened_at=body.created_at,
            day=calendar.of(db).day(body.created_at),
            title=mask(body.name),
            names=mask(body.short_name),
            text=mask(Markup(body.notes).striptags()),  # noqa: S704 - only to take tags out
            body=body.url_name,
            tags=_tags(db, "body", number),
        )
    ]


def _of_person(db: Session, number: int) -> list[Document]:
    person = db.get(Person, number)
    if person is None:
        return []
    return [
        Document(
            key=f"person:{number}",
            owner=f"person:{number}",
            variety="user",
            happened_at=person.created_at,
            day=calendar.of(db).day(person.created_at),
            title=mask(person.name),
            text=mask(person.about),
            requester=person.url_name,
            tags=_tags(db, "person", number),
        )
    ]


def _of_request(db: Session, number: int) -> list[Document]:
    row = db.execute(
        select(InfoRequest, Body, Person)
        .join(Body, Body.id == InfoRequest.body_id)
        .outerjoin(Person, Person.id == InfoRequest.person_id)
        .where(InfoRequest.id == number, reading.listed())
    ).one_or_none()
    if row is None:
        return []
    events = list(_events(db, number))
    messages = {message.id: message for message in reading.correspondence(db, number)}
    annotations = {each.id: each for each in reading.annotations_of(db, number)}
    texts = reading.attachment_texts(
        db, (each for message in messages.values() for each in message.attachments)
    )
    request, body, person = row
    make = _Maker(db, request, body, person, _described(events, request), texts)
    documents = []
    for event in events:
        message = messages.get(event.message_id or 0)
        annotation = annotations.get(event.annotation_id or 0)
        if event.kind == Kind.COMMENT and annotation is not None:
            documents.append(make.comment(event, annotation))
        elif event.kind in CORRESPONDENCE and message is not None and message.withheld is None:
            documents.append(make.letter(event, message))
    return documents


def _events(db: Session, number: int) -> Iterable[Event]:
    return db.scalars(
        select(Event)
        .where(Event.request_id == number, Event.audience == Audience.PUBLIC)
        .where(Event.kind.in_([*CORRESPONDENCE, Kind.STATUS_UPDATE]))
        .order_by(Event.id)
    )


Described = dict[int, tuple[str, datetime | None]]
"""By event: the state that a piece of correspondence led to, and when that was said."""


def _described(events: list[Event], request: InfoRequest) -> Described:
    """Find what was said last of each piece of correspondence before the next one came
    (Alaveteli's calculated state).
    """
    found: Described = {}
    said: tuple[str, datetime | None] | None = None
    if request.described_state is not None and not request.awaiting_description:
        said = (request.described_state, None)
    for event in reversed(events):
        if event.kind == Kind.STATUS_UPDATE:
            if said is None or said == (event.params["state"], None):
                said = (event.params["state"], event.happened_at)
        elif event.kind != Kind.COMMENT:
            if said is not None:
                found[event.id] = said
            elif event.kind == Kind.SENT and request.described_state is not None:
                found[event.id] = ("waiting_response", None)
            said = None
    return found


@dataclass
class _Maker:
    """Makes the documents of one request."""

    db: Session
    request: InfoRequest
    body: Body
    person: Person | None
    described: Described
    texts: dict[str, str]

    def __post_init__(self) -> None:
        request, body = self.request, self.body
        self._common: dict[str, Any] = {
            "owner": f"request:{request.id}",
            "title": mask(request.title),
            "names": mask(f"{body.name} {body.short_name}".strip()),
            "request": request.url_title,
            "body": body.url_name,
            "requester": self._requester(),
            "latest_state": UNCLASSIFIED
            if request.awaiting_description
            else request.described_state or "",
            "due_on": request.due_on,
            "very_due_on": request.very_overdue_on,
            "tags": _tags(self.db, "request", request.id),
            "body_tags": _tags(self.db, "body", body.id),
        }

    def _requester(self) -> str:
        """The slug of the requester; of an external one, Alaveteli's made-up one."""
        if self.person is not None:
            return self.person.url_name
        name = slug(self.request.external_user_name or "", "anonymous")
        return f"{self.body.url_name}_{name}"

    def letter(self, event: Event, message: ReadMessage) -> Document:
        """The document of a message to the authority or from it."""
        shown = [each for each in message.attachments if each.withheld is None]
        types = (filetype(each.media_type) for each in shown)
        return self._make(
            event,
            text=message.text or "",
            attachments=tuple(
                Attached(each.number, each.name, self.texts.get(each.sha256 or "", ""))
                for each in shown
            ),
            filetypes=tuple(dict.fromkeys(types)),
        )

    def comment(self, event: Event, annotation: ReadAnnotation) -> Document:
        """The document of an annotation."""
        return self._make(event, text=annotation.text, commenter=annotation.url_name)

    def _make(self, event: Event, **more: Any) -> Document:
        state, described_at = self.described.get(event.id, ("", None))
        return Document(
            key=f"event:{event.id}",
            variety=event.kind.value,
            happened_at=event.happened_at,
            day=calendar.of(self.db).day(event.happened_at),
            described_at=described_at,
            state=state,
            **self._common,
            **more,
        )


def _tags(db: Session, kind: str, number: int) -> tuple[str, ...]:
    return tuple(format_tag(name, value) for name, value in tags_of(db, kind, number))
