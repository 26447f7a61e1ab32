"""What waits for somebody: requests that ask for attention, owed work that was given up, files
whose text could not be read.
"""

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Attachment, Body, Delivery, ExtractedText, InfoRequest, Message
from foi.archive.states import STATES
from foi.desk import frame
from foi.desk.forms import Form, whole
from foi.work import outbox

ATTENTION = ("attention_requested", "requires_admin", "error_message")
"""States in which a request waits for those who run the site."""


def overview(request: Request) -> Response:
    """The desk's front page: how much waits where."""
    db = request.db
    return frame.show(
        request,
        "overview",
        "The desk",
        attention=sum(_attention(db).values()),
        parked=db.scalar(select(func.count()).where(Delivery.parked.is_(True))),
        failed=db.scalar(select(func.count()).where(ExtractedText.state == "failed")),
        bodies=db.scalar(select(func.count()).select_from(Body)),
        requests=db.scalar(select(func.count()).select_from(InfoRequest)),
    )


def _attention(db: Session) -> dict[str, int]:
    rows = db.execute(
        select(InfoRequest.described_state, func.count())
        .where(InfoRequest.described_state.in_(ATTENTION))
        .group_by(InfoRequest.described_state)
    )
    return {state: number for state, number in rows if state is not None}


def page(request: Request) -> Response:
    """Everything that waits."""
    db = request.db
    return frame.show(
        request,
        "queue",
        "Waiting for you",
        states=[(STATES[name], _in_state(db, name)) for name in ATTENTION],
        parked=db.scalars(
            select(Delivery)
            .where(Delivery.parked.is_(True))
            .order_by(Delivery.id)
            .limit(frame.SHOWN)
        ).all(),
        counts=outbox.counts(db),
        failed=_failed(db),
        most=frame.SHOWN,
    )


def _in_state(db: Session, state: str) -> list[Any]:
    return list(
        db.execute(
            select(InfoRequest.id, InfoRequest.title, InfoRequest.updated_at, Body.name)
            .join(Body, Body.id == InfoRequest.body_id)
            .where(InfoRequest.described_state == state)
            .order_by(InfoRequest.updated_at.desc(), InfoRequest.id)
            .limit(frame.SHOWN)
        )
    )


def _failed(db: Session) -> list[Any]:
    """Give the files of which no text could be read, with the request that each is of."""
    return list(
        db.execute(
            select(
                ExtractedText.reason,
                Attachment.id,
                Attachment.name,
                Message.request_id,
            )
            .join(Attachment, Attachment.sha256 == ExtractedText.sha256)
            .join(Message, Message.id == Attachment.message_id)
            .where(ExtractedText.state == "failed")
            .order_by(Attachment.id.desc())
            .limit(frame.SHOWN)
        )
    )


def retry(request: Request) -> Response:
    """Make one delivery that was given up due again, or all."""
    form, db = Form(request.sent.fields), request.db
    asked = form.read("delivery", whole, None)
    if form.errors:
        return frame.onward("/desk/queue")
    number = outbox.retry(db, None if asked is None else [asked])
    if number:
        casework.note(db, request.identity.actor, "retried", number=number)
    return frame.onward("/desk/queue", "retried" if number else "same")
