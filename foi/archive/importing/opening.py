"""Taking over a request that is not here yet: opened with its first letter, then letter by letter
as it happened.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from foi.archive import casework, ledger
from foi.archive.casework import names
from foi.archive.importing.known import Known
from foi.archive.importing.threads import Comment, Described, Letter, Thread
from foi.archive.models import Annotation, InfoRequest, Message
from foi.archive.states import STATES

_FIRST = next(iter(STATES))
"""The state of every request that is sent: waiting_response."""


def open_thread(db: Session, known: Known, thread: Thread) -> InfoRequest:
    """Open a request with all that its line holds; Refused when its authority is not here."""
    body = known.body(thread.authority)
    who = thread.requester
    person = known.person(who) if who is not None and who.url_name else None
    first = thread.letters[0] if thread.letters else None
    if first is not None and first.direction == "response":
        first = None
    # Without the first letter, the day of the request is the day on which it was sent.
    sent = thread.created if first is None else first.sent
    moment = thread.started or ledger.now()
    request = casework.open_request(
        db,
        "import",
        body=body,
        title=thread.title,
        text=first.text if first else None,
        person=person,
        external_user_name=who.name if who is not None and person is None else None,
        external_url=(thread.origin.url or None) if person is None else None,
        via_api=thread.via_api,
        law_used=thread.law,
        tag_texts=thread.tags,
        url_title=_free_slug(db, known, thread),
        at=moment,
        sent_at=sent.moment if sent and sent.dated else None,
        dated=sent is not None and sent.dated,
        state=_FIRST if thread.state is not None else None,
        origin=thread.origin,
        message_ref=first.ref if first else "",
        files=first.files if first else (),
    )
    if first is not None and first.prominence != "normal":
        show_as(db, request.messages[0], first.prominence, first.reason)
    if first is not None and first.state not in (None, _FIRST):
        casework.classify(db, request, "import", str(first.state), at=moment)
    for step in thread.steps:
        if step is not first:
            moment = take_step(db, request, step, moment)
    for comment in thread.comments:
        take_comment(db, known, request, comment, moment)
    casework.open_standing(request, thread.state, thread.awaiting)
    if thread.prominence != "normal":
        show_as(db, request, thread.prominence, thread.reason)
    return request


def _free_slug(db: Session, known: Known, thread: Thread) -> str:
    """Give the slug that the line wishes for if it is free, else one like it; without a wish, the
    title's.
    """
    wish = thread.url_title
    if wish is None or wish in known.slugs:
        wish = names.free_slug(db, "request", wish or thread.title)
    known.slugs.add(wish)
    return wish


def take_step(
    db: Session, request: InfoRequest, step: Letter | Described, before: datetime
) -> datetime:
    """Add a letter or a description to a request and give when it happened; `before` if that is
    not known.
    """
    if isinstance(step, Described):
        casework.classify(db, request, "import", step.state, at=step.at)
        return step.at
    moment = step.sent.moment if step.sent is not None else before
    response = step.direction == "response"
    message = casework.correspond(
        db,
        request,
        "import",
        direction=step.direction,
        text=step.text,
        purpose=step.purpose,
        sent_at=step.sent_at,
        dated=step.sent_at is not None,
        state=step.state if response else None,
        files=step.files,
        at=moment,
        message_ref=step.ref,
    )
    if not response and step.state is not None and step.state != request.described_state:
        casework.classify(db, request, "import", step.state, at=moment, message=message)
    if step.prominence != "normal":
        show_as(db, message, step.prominence, step.reason)
    return moment


def take_comment(
    db: Session, known: Known, request: InfoRequest, comment: Comment, before: datetime
) -> Annotation:
    """Add an annotation to a request; without a time of its own it is dated `before`."""
    moment = comment.created.moment if comment.created else before
    person = known.person(comment.person)
    return casework.annotate(db, request, person, comment.text, at=moment, ref=comment.ref)


def show_as(db: Session, thing: InfoRequest | Message, prominence: str, reason: str) -> bool:
    """Give a request or a message the prominence that its line has; tell whether that changed
    anything.
    """
    if (thing.prominence, thing.prominence_reason) == (prominence, reason):
        return False
    if prominence == "normal":
        casework.release(db, thing, "import")
    else:
        db.flush()  # the verb looks its request up by id
        casework.hide(db, thing, "import", prominence=prominence, reason=reason)
    return True
