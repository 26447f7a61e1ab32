"""Bringing a request that is here up to its line: what is new is added, what was said differently
is edited.

Letters are not rewritten or reordered: there is no such verb, since what was sent was sent. And
what people have changed here since stays as they left it: an import never reveals what the desk
hid, nor undoes a description.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.importing.known import Known
from foi.archive.importing.opening import show_as, take_comment, take_step
from foi.archive.importing.report import Refused
from foi.archive.importing.threads import Comment, Letter, Thread
from foi.archive.kinds import Kind
from foi.archive.models import Annotation, Event, InfoRequest, Message


def update_thread(db: Session, known: Known, request: InfoRequest, thread: Thread) -> bool:
    """Change what differs from the line and tell whether anything did; Refused when letters would
    be rewritten.
    """
    wrong = [f"{path}: {why}" for path, why in _rewrites(known, request, thread)]
    if wrong:
        raise Refused(*wrong)
    body = known.body(thread.authority)
    here = ChangesHere(db, request)
    changed = _edit(db, known, request, thread, here)
    if body is not request.body and not here.touched("authority"):
        casework.move(db, request, body, "import")
        changed = True
    changed |= _append(db, known, request, thread)
    standing = (request.described_state, request.awaiting_description)
    if standing != (thread.state, thread.awaiting) and not here.touched("state"):
        changed |= casework.change_standing(db, request, thread.state, thread.awaiting)
    return _show(db, request, thread, here) or changed


class ChangesHere:
    """What people have changed about a request since it was imported, looked up when it is first
    asked for.
    """

    def __init__(self, db: Session, request: InfoRequest) -> None:
        self._db, self._id = db, request.id
        self._touched: set[str] | None = None

    def touched(self, what: str) -> bool:
        """Tell whether somebody here has changed `title`, `tags`, `state`, `message:7` ..."""
        if self._touched is None:
            rows = self._db.execute(
                select(Event.kind, Event.params, Event.message_id).where(
                    Event.request_id == self._id, Event.actor.not_in(("import", "clock"))
                )
            )
            self._touched = {each for row in rows for each in self._of(*row)}
        return what in self._touched

    @staticmethod
    def _of(kind: str, params: dict[str, Any], message_id: int | None) -> Sequence[str]:
        if kind == Kind.EDIT:
            return list(params["changed"])
        if kind in (Kind.HIDE, Kind.RELEASE):
            return [f"message:{message_id}" if message_id else "prominence"]
        if kind == Kind.MOVE_REQUEST:
            return ["authority"]
        return ["state"]


def _edit(
    db: Session, known: Known, request: InfoRequest, thread: Thread, here: ChangesHere
) -> bool:
    edits: dict[str, Any] = {}
    if request.title != thread.title and not here.touched("title"):
        edits["title"] = thread.title
    if request.law_used != thread.law and not here.touched("law_used"):
        edits["law_used"] = thread.law
    tags = list(map(casework.parse_tag, thread.tags))
    if tags != known.tags.get(request.id, []) and not here.touched("tags"):
        edits["tag_texts"] = thread.tags
    return bool(edits) and bool(casework.edit_request(db, request, "import", **edits))


def _append(db: Session, known: Known, request: InfoRequest, thread: Thread) -> bool:
    letters = {message.source_ref for message in request.messages}
    comments = {annotation.source_ref for annotation in known.comments[request.id]}
    new_comments = [comment for comment in thread.comments if comment.ref not in comments]
    moment, changed = request.updated_at, bool(new_comments)
    for step in thread.steps:
        if isinstance(step, Letter):
            new = step.ref not in letters
        else:
            new = (step.at, step.state) not in known.described[request.id]
        if new:
            moment, changed = take_step(db, request, step, moment), True
    for comment in new_comments:
        take_comment(db, known, request, comment, moment)
    return changed


def _show(db: Session, request: InfoRequest, thread: Thread, here: ChangesHere) -> bool:
    changed = False
    stored = {message.source_ref: message for message in request.messages}
    wanted: list[tuple[InfoRequest | Message, str, str, str]] = [
        (request, thread.prominence, thread.reason, "prominence")
    ]
    for letter in thread.letters:
        message = stored[letter.ref]
        if message.erased_at is None:
            wanted.append((message, letter.prominence, letter.reason, f"message:{message.id}"))
    for thing, prominence, reason, what in wanted:
        if (thing.prominence, thing.prominence_reason) == (prominence, reason):
            continue
        if not here.touched(what):
            changed |= show_as(db, thing, prominence, reason)
    return changed


def _rewrites(known: Known, request: InfoRequest, thread: Thread) -> Iterator[tuple[str, str]]:
    """Find what the line would have to rewrite, as path and reason."""
    who = thread.requester
    if who is not None and who.url_name:
        person = known.people.get(who.url_name)
        same = person is not None and person.id == request.person_id
    else:
        name = who.name if who is not None else None
        same = (request.person_id, request.external_user_name) == (None, name)
    if not same:
        yield "requester", "is another than that of the request stored"
    if request.via_api != thread.via_api:
        yield "via", "differs from that of the request stored"
    if thread.created is not None and thread.created.moment != request.created_at:
        yield "created_at", "differs from that of the request stored"
    yield from _rewritten("messages", request.messages, thread.letters, _letter_differs)
    for number, letter in enumerate(thread.letters):
        if letter.purpose == "initial" and all(
            m.source_ref != letter.ref for m in request.messages
        ):
            yield (
                f"messages.{number}",
                "is a first letter, but the request stored has begun already",
            )
    yield from _rewritten(
        "annotations", known.comments[request.id], thread.comments, _comment_differs
    )


def _rewritten(
    path: str,
    stored: Sequence[Any],
    told: Sequence[Any],
    differs: Callable[[Any, Any], Iterator[str]],
) -> Iterator[tuple[str, str]]:
    """Compare what is stored of a request's parts with what the line tells; new parts may only
    follow.
    """
    by_ref = {part.source_ref: part for part in stored if part.source_ref}
    known = [part.ref in by_ref for part in told]
    last = 0
    for number, part in enumerate(told):
        if not known[number]:
            if any(known[number:]):
                yield f"{path}.{number}", "comes before something that is stored already"
            continue
        row = by_ref.pop(part.ref)
        if row.id < last:
            yield f"{path}.{number}", "is stored in another place"
        last = row.id
        if row.erased_at is None:
            for name in differs(row, part):
                yield (
                    f"{path}.{number}.{name}",
                    "differs from what is stored, and is not rewritten",
                )
    for ref, row in by_ref.items():
        if row.erased_at is None:
            yield path, f"{ref!r} is stored but not in the line; nothing is taken away"


def _letter_differs(message: Message, letter: Letter) -> Iterator[str]:
    for name, stored, told in (
        ("direction", message.direction, letter.direction),
        ("kind", message.purpose, letter.purpose),
        ("body", message.body, letter.text),
        ("sent_at", message.sent_at, letter.sent_at),
    ):
        if stored != told:
            yield name
    files = {n: (f.name, f.size, f.sha256, f.link) for n, f in enumerate(letter.files, start=1)}
    held = {
        a.number: (a.name, a.size, a.sha256, a.link)
        for a in message.attachments
        if a.erased_at is None
    }
    erased = {a.number for a in message.attachments if a.erased_at is not None}
    if held != {number: file for number, file in files.items() if number not in erased}:
        yield "attachments"


def _comment_differs(annotation: Annotation, comment: Comment) -> Iterator[str]:
    if annotation.body != comment.text:
        yield "body"
    if comment.created is not None and annotation.created_at != comment.created.moment:
        yield "created_at"
