"""Requests at the desk: finding, editing, moving, describing, and showing less of them."""

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import selectinload

from foi.archive import casework
from foi.archive.casework import format_tag, tags_of
from foi.archive.importing.values import one_line, web_address
from foi.archive.models import Annotation, Attachment, Body, InfoRequest, Message, Person
from foi.archive.states import LABELS, PART_PROMINENCE, REQUEST_PROMINENCE, STATES
from foi.desk import frame
from foi.desk.forms import Form, reason, tags, whole
from foi.pages import links
from foi.pages.files import Pieces, disposition
from foi.problems import Problem
from foi.site import site_of

PROMINENCES = {
    "normal": "Normal: shown and listed",
    "backpage": "Back page: shown, but neither listed nor searched",
    "requester_only": "Requester only: shown to whoever asked",
    "hidden": "Hidden: shown to nobody but the desk",
}
PARTS: dict[str, Any] = {"message": Message, "attachment": Attachment, "annotation": Annotation}


def index(request: Request) -> Response:
    """Requests, the newest first, found by words of the title, number, state or prominence."""
    given = {name: request.GET.get(name, "").strip() for name in ("q", "state", "prominence")}
    conditions = _matching(given["q"])
    if given["state"] in STATES:
        conditions.append(InfoRequest.described_state == given["state"])
    if given["prominence"] in REQUEST_PROMINENCE:
        conditions.append(InfoRequest.prominence == given["prominence"])
    before = Form(request.GET).read("before", whole, 0)
    if before:
        conditions.append(InfoRequest.id < before)
    rows = request.db.execute(
        select(
            InfoRequest.id,
            InfoRequest.title,
            InfoRequest.prominence,
            InfoRequest.described_state,
            InfoRequest.awaiting_description,
            InfoRequest.created_at,
            Body.name.label("body_name"),
        )
        .join(Body, Body.id == InfoRequest.body_id)
        .where(*conditions)
        .order_by(InfoRequest.id.desc())
        .limit(frame.SHOWN + 1)
    ).all()
    shown, last = frame.cut(rows)
    return frame.show(
        request,
        "requests",
        "Requests",
        rows=shown,
        before=last.id if last else None,
        given=given,
        states=STATES,
        labels=LABELS,
        prominences=PROMINENCES,
    )


def _matching(words: str) -> list[ColumnElement[bool]]:
    if not words:
        return []
    fits = [
        func.lower(InfoRequest.title).contains(words.casefold(), autoescape=True),
        InfoRequest.url_title == words.rpartition("/")[2],
    ]
    if words.isascii() and words.isdigit() and len(words) < 10:
        fits.append(InfoRequest.id == int(words))
    return [or_(*fits)]


def page(request: Request) -> Response:
    """One request with everything in it, hidden or not, and the forms to work on it."""
    return _page(request, frame.found(request, InfoRequest, "request"))


def _page(
    request: Request,
    found: InfoRequest,
    errors: dict[str, str] | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    db = request.db
    messages = db.scalars(
        select(Message)
        .where(Message.request_id == found.id)
        .options(selectinload(Message.attachments))
        .order_by(Message.id)
    ).all()
    annotations = db.execute(
        select(Annotation, Person.name)
        .join(Person, Person.id == Annotation.person_id)
        .where(Annotation.request_id == found.id)
        .order_by(Annotation.id)
    ).all()
    shown = {
        "title": found.title,
        "external_url": found.external_url or "",
        "tags": " ".join(format_tag(*pair) for pair in tags_of(db, "request", found.id)),
        "body": found.body.url_name,
        "state": found.described_state or "",
        "prominence": found.prominence,
        "reason": found.prominence_reason,
    }
    return frame.show(
        request,
        "request",
        found.title,
        status=422 if errors else 200,
        found=found,
        given=shown | (given or {}),
        errors=errors or {},
        messages=messages,
        annotations=annotations,
        path=links.request_path(found.url_title),
        states=STATES,
        labels=LABELS,
        prominences=PROMINENCES,
        part_prominences={name: PROMINENCES[name] for name in PART_PROMINENCE},
    )


def edit(request: Request) -> Response:
    """Change title, tags or where it came from."""
    found = frame.found(request, InfoRequest, "request")
    form, db, actor = Form(request.sent.fields), request.db, request.identity.actor
    title = form.read("title", one_line, "")
    if not title:
        form.wrong("title", "A request needs a title.")
    external_url = form.read("external_url", web_address, "")
    tag_texts: list[str] = form.read("tags", tags, [])
    if form.errors:
        return _page(request, found, form.errors, dict(form.given))
    with casework.act(db, actor, "request_edited", request=found, body=found.body):
        changed = casework.edit_request(
            db,
            found,
            actor,
            title=title,
            external_url=external_url if external_url or found.external_url else None,
            tag_texts=tag_texts,
        )
    return _back(request, found.id, "saved" if changed else "same")


def move(request: Request) -> Response:
    """Move to another authority, named by its address here."""
    found = frame.found(request, InfoRequest, "request")
    db, actor = request.db, request.identity.actor
    slug = request.sent.fields.get("body", "").strip().rstrip("/").rpartition("/")[2]
    body = db.scalar(select(Body).where(Body.url_name == slug))
    if body is None:
        errors = {"body": "There is no authority with this address."}
        return _page(request, found, errors, {"body": slug[:200]})
    with casework.act(db, actor, "request_moved", request=found, body=body):
        casework.move(db, found, body, actor)
    return _back(request, found.id, "moved")


def describe(request: Request) -> Response:
    """Say how it stands."""
    found = frame.found(request, InfoRequest, "request")
    db, actor = request.db, request.identity.actor
    state = request.sent.fields.get("state", "")
    if state not in STATES:
        return _page(request, found, {"state": "Choose a state."})
    with casework.act(db, actor, "request_described", request=found, body=found.body, state=state):
        casework.classify(db, found, actor, state)
    return _back(request, found.id, "described")


def prominence(request: Request) -> Response:
    """Show a request less prominently, or normally again, with a reason that the public reads."""
    found = frame.found(request, InfoRequest, "request")
    form, db, actor = Form(request.sent.fields), request.db, request.identity.actor
    wanted, why = form.given.get("prominence", ""), form.read("reason", reason, "")
    if wanted not in REQUEST_PROMINENCE:
        form.wrong("prominence", "Choose how prominent it is to be.")
    if form.errors:
        return _page(request, found, form.errors, dict(form.given))
    did = "release" if wanted == "normal" else "hide"
    with casework.act(
        db, actor, did, request=found, body=found.body, prominence=wanted, reason=why
    ):
        _withhold(request, found, did, wanted, why)
    return _back(request, found.id, did)


def file(request: Request) -> Response:
    """The bytes of an attachment, hidden or not: always as a download, which can run nothing."""
    row = frame.found(request, Attachment, "attachment")
    if row.sha256 is None:
        gone = row.erased_at is not None
        raise Problem(410 if gone else 404, "The bytes of this attachment are not held here.")
    try:
        stream = site_of(request).blobs.open(row.sha256)
    except FileNotFoundError:
        raise Problem(503, "The bytes of this attachment cannot be reached.") from None
    size = stream.seek(0, 2)
    response = Response(content_type="application/octet-stream")
    response.headers["Content-Disposition"] = disposition("attachment", row.name or "file")
    response.app_iter = Pieces(stream, 0, size)
    response.content_length = size
    return response


def part(request: Request) -> Response:
    """Hide, release or erase one message, attachment or annotation."""
    kind, did = request.matchdict["kind"], request.matchdict["do"]
    thing = frame.found(request, PARTS[kind], kind)
    form, db, actor = Form(request.sent.fields), request.db, request.identity.actor
    message = db.get_one(Message, thing.message_id) if kind == "attachment" else thing
    found: InfoRequest = db.get_one(InfoRequest, message.request_id)
    field = f"{kind}-{thing.id}"
    wanted, why = form.given.get("prominence", "hidden"), form.read("reason", reason, "")
    errors = {field: text} if (text := form.errors.get("reason")) else {}
    if did == "hide" and wanted not in PART_PROMINENCE[1:]:
        raise Problem(422, "That is not a prominence to hide something with.")
    if did == "erase" and form.given.get("sure") != "yes":
        errors[field] = "Tick the box: what is erased cannot be brought back."
    if errors:
        return _page(request, found, errors)
    pointer = {kind: thing}
    with casework.act(db, actor, did, request=found, body=found.body, reason=why, **pointer):
        _withhold(request, thing, did, wanted, why)
    return _back(request, found.id, did, f"#{field}")


def _withhold(request: Request, thing: Any, did: str, wanted: str, why: str) -> None:
    db, actor = request.db, request.identity.actor
    if did == "hide":
        casework.hide(db, thing, actor, prominence=wanted, reason=why)
    elif did == "release":
        casework.release(db, thing, actor)
    else:
        casework.erase(db, thing, actor, reason=why)


def _back(request: Request, number: int, said: str, anchor: str = "") -> Response:
    return frame.onward(f"/desk/request/{number}", said, anchor)
