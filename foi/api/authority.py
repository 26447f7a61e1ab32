"""Alaveteli's write API, version 2: authorities' software creates requests, adds correspondence,
sets states.

The contract is Alaveteli's document and source (docs/authorities.md has it in full). Failures
differ knowingly: every one is a 4xx with `{"errors": [...]}`, all at once, and changes nothing.
The order of checks is key, request, ownership, payload.
"""

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import bindparam, select

from foi.api import calls, payload, schemas, uploads
from foi.api.calls import Call, answer
from foi.archive import casework, ledger
from foi.archive.models import Body, InfoRequest, Message
from foi.pages import events, links, members
from foi.pages.json import moment
from foi.problems import Problem
from foi.site import Site, site_of

NO_STATE = "error"
"""What FOI Register sends as the state inside a message of any request that it has not closed: no
state given.
"""
_LAST_ANSWER = (
    select(Message)
    .where(Message.request_id == bindparam("number"), Message.direction == "response")
    .order_by(Message.id.desc())
    .limit(1)
)


def create(request: Request) -> Response:
    """POST /api/v2/request: a request that the authority received elsewhere; gives its `url` and
    `id`.
    """
    call = calls.receive(request)
    given = schemas.check(schemas.Creation, call.sent.document("json", "request_json"))
    if call.tray.uploads:
        raise Problem(422, "attachments can only be added to responses")
    mark, db = call.mark("create", given), request.db
    if repeated := call.repeated(db, mark):
        return repeated
    ledger.lock(db)
    with ledger.gathering(db):  # recorded last, once its id is known and remembered
        made = casework.open_request(
            db,
            call.actor,
            body=db.get_one(Body, call.body_id),
            title=given["title"],
            text=given["body"],
            external_user_name=given["external_user_name"] or None,
            external_url=given["external_url"],
            via_api=True,
            tag_texts=given["tags"],
        )
        db.flush()
        told = {"url": _url(call.site, made), "id": made.id}
        if call.key:  # two equal requests without one are two
            call.remember(mark, told)
    return answer(told)


def _url(site: Site, request: InfoRequest) -> str:
    return site.url(links.request_path(request.url_title))


def show(request: Request) -> Response:
    """GET /api/v2/request/<id>: everything about one of the authority's own requests."""
    site = site_of(request)
    body_id = calls.owner(request, request.db, calls.key_of(request))
    number = int(request.matchdict["id"])
    row = request.db.execute(members.with_parties().where(InfoRequest.id == number)).one_or_none()
    if row is None:
        raise Problem(404, f"Could not find request {number}")
    if row.body_id != body_id:
        raise Problem(403, f"You do not own request {number}")
    return answer(_full(request, site, row))


def _full(request: Request, site: Site, row: Any) -> dict[str, Any]:
    found = members.listed(request.db, [row], site.calendar.today())[0]
    told = events.whole(request.db, found, (row.prominence,))
    asked = [
        m.text
        for m in told.messages
        if m.direction == "request" and m.purpose in ("initial", "clarification")
    ]
    zone = site.settings.site_zone
    full = {
        "id": row.id,
        "url": site.url(found.path),
        "title": found.title,
        "created_at": moment(row.created_at, zone),
        "updated_at": moment(row.updated_at, zone),
        "status": found.state.name,
        "public_body_url": site.url(found.body_path),
        "request_email": None,
        "request_text": asked[-1] if asked else None,
        "described_state": row.described_state,
        "awaiting_description": row.awaiting_description,
        "due_on": row.due_on and row.due_on.isoformat(),
        "very_overdue_on": row.very_overdue_on and row.very_overdue_on.isoformat(),
        "external_url": row.external_url,
        "tags": [casework.format_tag(*tag) for tag in found.tags],
        "correspondence": [members.message_members(site, row.url_title, m) for m in told.messages],
        "events": [events.event_members(site, event, told.read) for event in told.log],
    }
    if row.person_id is not None:
        full["requestor_url"] = site.url(found.requester_path or "")
    return full


def add(request: Request) -> Response:
    """POST /api/v2/request/<id>: a letter to or an answer from the authority, with files; gives
    the `url`.
    """
    call = calls.receive(request)
    given = _message(call)
    mark = call.mark(f"add:{call.number}", given)
    with calls.glimpse(request) as db:
        # What is refused or known leaves no file behind; asked again below, where it decides.
        if call.tray.uploads:
            if repeated := call.repeated(db, mark, merge=True):
                return repeated
            uploads.check_room(db, call.site, call.body_id, call.tray)
    files = call.tray.keep()
    # Only here does the write begin: payload read, files on disk.
    found, db = calls.open_writable(call), request.db
    if repeated := call.repeated(db, mark, merge=True):
        return repeated
    told = {"url": _url(call.site, found)}
    call.remember(mark, told)
    casework.correspond(
        db,
        found,
        call.actor,
        direction=given["direction"],
        text=given["body"],
        # The API has no word for it: a letter that answers the authority's question becomes part
        # of what is asked (Alaveteli: `request_text`).
        purpose="clarification" if casework.awaits_clarification(found) else "followup",
        sent_at=given["sent_at"],
        state=given["state"],
        files=files,
    )
    return answer(told)


def _message(call: Call) -> dict[str, Any]:
    """Check a message with the state that stands beside or inside it; all errors at once."""
    document = call.sent.document("json", "correspondence_json")
    errors: list[str] = []
    try:
        given = schemas.check(schemas.Correspondence, document)
    except Problem as problem:
        if not isinstance(document, dict):
            raise
        errors, given = problem.errors, document
    beside, inside = call.sent.fields.get("state"), given.get("state")
    state = beside if beside is not None else None if inside in (NO_STATE, "") else inside
    # What is no text has been told already.
    refusal = schemas.wrong_state(state) if isinstance(state, str) else None
    if refusal:
        errors.append(refusal)
    direction = given.get("direction")
    if direction == "request" and call.tray.uploads:
        errors.append("attachments can only be added to responses")
    if errors:
        raise Problem(422, errors)
    return given | {"state": state if direction == "response" else None}


def update(request: Request) -> Response:
    """POST /api/v2/request/<id>/update: what the requester thinks of the answer; gives the
    `url`.
    """
    call = calls.receive(request)
    state = _state(call.sent)
    mark = call.mark(f"update:{call.number}", {"state": state})
    found, db = calls.open_writable(call), request.db
    if repeated := call.repeated(db, mark):
        return repeated
    told = {"url": _url(call.site, found)}
    if call.key:
        call.remember(mark, told)
    last = db.scalar(_LAST_ANSWER, {"number": found.id})
    casework.classify(db, found, call.actor, state, message=last)
    return answer(told)


def _state(sent: payload.Payload) -> str:
    """Give the state that stands beside or inside the JSON; 422 when it may not be set."""
    state: Any = sent.fields.get("state")
    if state is None:
        document = sent.json_body if sent.json_body is not None else {}
        if "json" in sent.fields:
            document = sent.document("json")
        state = document.get("state") if isinstance(document, dict) else None
    refusal = schemas.wrong_state(state if isinstance(state, str) else "")
    if refusal:
        raise Problem(422, refusal)
    return str(state)
