"""Alaveteli's write API, version 2: authorities' software creates requests, adds correspondence,
sets states.

The contract is Alaveteli's document and source (docs/authorities.md has it in full). Failures
differ knowingly: every one is a 4xx with `{"errors": [...]}`, all at once, and changes nothing.
The order of checks is key, request, ownership, payload.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.api import payload, schemas
from foi.archive import casework, reading
from foi.archive.models import Body, InfoRequest, Message
from foi.pages import events, links, members
from foi.pages.json import dump, moment
from foi.problems import Problem
from foi.site import Site, site_of

NO_STATE = "error"
"""What FOI Register sends as the state inside a message of any request that it has not closed: no
state given.
"""


def create(request: Request) -> Response:
    """POST /api/v2/request: a request that the authority received elsewhere; gives its `url` and
    `id`.
    """
    site = site_of(request)
    body_id, sent = _call(request)
    given = schemas.check(schemas.Creation, sent.document("json", "request_json"))
    if sent.files:
        raise Problem(422, "attachments can only be added to responses")
    body = request.db.get_one(Body, body_id)
    made = casework.open_request(
        request.db,
        f"body:{body_id}",
        body=body,
        title=given["title"],
        text=given["body"],
        external_user_name=given["external_user_name"] or None,
        external_url=given["external_url"],
        via_api=True,
        tag_texts=given["tags"],
    )
    return _json({"url": site.url(links.request_path(made.url_title)), "id": made.id})


def show(request: Request) -> Response:
    """GET /api/v2/request/<id>: everything about one of the authority's own requests."""
    site = site_of(request)
    body_id = _owner(request, key_of(request))
    number = int(request.matchdict["id"])
    row = request.db.execute(members.with_parties().where(InfoRequest.id == number)).one_or_none()
    if row is None:
        raise Problem(404, f"Could not find request {number}")
    if row.body_id != body_id:
        raise Problem(403, f"You do not own request {number}")
    return _json(_full(request, site, row))


def _full(request: Request, site: Site, row: Any) -> dict[str, Any]:
    found = members.listed(request.db, [row], site.calendar.today())[0]
    messages = reading.correspondence(request.db, row.id)
    log, states = events.log_of(request.db, row.id, (row.prominence,))
    annotations = reading.annotations_of(request.db, row.id)
    read = events.Context(
        {row.id: found},
        {},
        {},
        {m.id: m for m in messages},
        {a.id: a for a in annotations},
        states,
    )
    asked = [
        m.text
        for m in messages
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
        "correspondence": [members.message_members(site, row.url_title, m) for m in messages],
        "events": [events.event_members(site, event, read) for event in log],
    }
    if row.person_id is not None:
        full["requestor_url"] = site.url(found.requester_path or "")
    return full


def add(request: Request) -> Response:
    """POST /api/v2/request/<id>: a letter to or an answer from the authority, with files; gives
    the `url`.
    """
    site = site_of(request)
    body_id, sent = _call(request)
    with _glimpse(request) as db:
        _writable(db, request, body_id)
    given = _message(sent.document("json", "correspondence_json"), sent)
    files = list(payload.keep(site, sent.files))
    # Only here does the write begin: payload read, files on disk.
    found = _writable(request.db, request, body_id)
    casework.correspond(
        request.db,
        found,
        f"body:{body_id}",
        direction=given["direction"],
        text=given["body"],
        # The API has no word for it: a letter that answers the authority's question becomes part
        # of what is asked (Alaveteli: `request_text`).
        purpose="clarification" if casework.awaits_clarification(found) else "followup",
        sent_at=given["sent_at"],
        state=given["state"],
        files=files,
    )
    return _json({"url": site.url(links.request_path(found.url_title))})


def _message(document: Any, sent: payload.Payload) -> dict[str, Any]:
    """Check a message with the state that stands beside or inside it; all errors at once."""
    errors: list[str] = []
    given: dict[str, Any] = {}
    try:
        given = schemas.check(schemas.Correspondence, document)
    except Problem as problem:
        if problem.status != 422 or not isinstance(document, dict):
            raise
        errors += problem.errors
    beside = sent.fields.get("state")
    inside = given.get("state")
    state = beside if beside is not None else None if inside in (NO_STATE, "") else inside
    refusal = schemas.wrong_state(state) if state is not None else None
    if refusal:
        errors.append(refusal)
    direction = document.get("direction") if isinstance(document, dict) else None
    if direction == "request" and sent.files:
        errors.append("attachments can only be added to responses")
    if errors:
        raise Problem(422, errors)
    return given | {"state": state if direction == "response" else None}


def update(request: Request) -> Response:
    """POST /api/v2/request/<id>/update: what the requester thinks of the answer; gives the
    `url`.
    """
    site = site_of(request)
    body_id, sent = _call(request)
    with _glimpse(request) as db:
        _writable(db, request, body_id)
    state: Any = sent.fields.get("state")
    if state is None:
        document = sent.json_body if sent.json_body is not None else {}
        if "json" in sent.fields:
            document = sent.document("json")
        state = document.get("state") if isinstance(document, dict) else None
    refusal = schemas.wrong_state(state if isinstance(state, str) else "")
    if refusal:
        raise Problem(422, refusal)
    found = _writable(request.db, request, body_id)
    last = request.db.scalar(
        select(Message)
        .where(Message.request_id == found.id, Message.direction == "response")
        .order_by(Message.id.desc())
        .limit(1)
    )
    casework.classify(request.db, found, f"body:{body_id}", state, message=last)
    return _json({"url": site.url(links.request_path(found.url_title))})


def key_of(request: Request) -> str:
    """Give the key with which a call comes, as Bearer token or in the query; empty when it may be
    in the form.
    """
    found = re.fullmatch(r"(?i:bearer)\s+(\S+)", request.headers.get("Authorization", "").strip())
    if found:
        return found.group(1)
    given: str = request.GET.get("k", "")
    return given


def _call(request: Request) -> tuple[int, payload.Payload]:
    """Give who writes and what; nothing is read from whoever shows a bad key beforehand."""
    key = key_of(request)
    if key:
        return _owner(request, key), payload.read(request)
    sent = payload.read(request)
    return _owner(request, sent.fields.get("k", "")), sent


def _owner(request: Request, key: str) -> int:
    """Give the id of the authority whose key this is; 403 without a good one."""
    site = site_of(request)
    if not key:
        raise Problem(403, "This call needs the authority's key as “k”.")
    with _glimpse(request) as db:
        owner = site.keys.owner(db, key)
    if owner is None:
        raise Problem(403, "This is not a key that the site knows.")
    return owner


@contextmanager
def _glimpse(request: Request) -> Iterator[Session]:
    """Look something up before the write begins, in a read of its own."""
    given: Session | None = request.environ.get("foi.db")
    if given is not None:
        yield given
    else:
        with site_of(request).sessions.reading() as db:
            yield db


def _writable(db: Session, request: Request, body_id: int) -> InfoRequest:
    """Give the request that the address names, if the authority may write to it: in Alaveteli's
    order and words.
    """
    number = int(request.matchdict["id"])
    found = db.get(InfoRequest, number) if number < 2**31 else None
    if found is None:
        raise Problem(404, f"Could not find request {number}")
    if not found.via_api and found.external_url is None:
        raise Problem(403, f"Request {number} cannot be updated using the API")
    if found.body_id != body_id:
        raise Problem(403, f"You do not own request {number}")
    return found


def _json(data: dict[str, Any]) -> Response:
    response = Response(dump(data), content_type="application/json")
    response.headers["Cache-Control"] = "private, no-store"
    return response
