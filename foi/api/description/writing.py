"""The write API: what authorities' software sends, in each of the three forms, and what it is
told. `docs/authorities.md` says the same in prose.
"""

from collections.abc import Mapping
from typing import Any

from foi.api.body_events import KINDS
from foi.api.description.operations import AS_JSON, headers, operation, parameters, refusals
from foi.api.description.records import REQUEST
from foi.api.description.shapes import (
    Schema,
    many,
    moment,
    null_or,
    number,
    one_of,
    record,
    ref,
    text,
    url,
)
from foi.api.schemas import TAG_LIMIT, TEXT_LIMIT, TITLE_LIMIT
from foi.archive.states import API_STATES

_MEANT = ("Idempotency-Key",)
_REFUSED = (400, 403, 409, 413, 415, 422)

SECURITY: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The key of the authority: the best way.",
    },
    "k": {
        "type": "apiKey",
        "in": "query",
        "name": "k",
        "description": "The key in the address, as Alaveteli's clients send it. In a form it may "
        "also be the field `k`.",
    },
}
_KEYED: list[dict[str, list[str]]] = [{"bearer": []}, {"k": []}]
SCHEMAS: dict[str, Schema] = {
    "Creation": record(
        "A request that the authority has received. Other members are ignored.",
        {
            "title": text(
                "What it is about: on one line, with a letter, neither all in capitals nor all "
                "in small letters.",
                minLength=3,
                maxLength=TITLE_LIMIT,
            ),
            "body": text("Its text.", minLength=1, maxLength=TEXT_LIMIT),
            "external_user_name": null_or(
                text("The requester's name, only if it may be shown.", maxLength=200)
            ),
            "external_url": null_or(
                text("Where the authority's own copy is: http or https.", maxLength=2000)
            ),
            "tags": {
                "description": "Tags, `name` or `name:value`: a list, or one text parted by "
                "blanks.",
                "anyOf": [
                    many(text(maxLength=200, pattern=r"^\S*$")) | {"maxItems": TAG_LIMIT},
                    text(),
                    {"type": "null"},
                ],
            },
        },
        optional=["external_user_name", "external_url", "tags"],
    ),
    "Correspondence": record(
        "A message. Other members are ignored.",
        {
            "direction": one_of(
                ("response", "request"), "`response`: you wrote; `request`: the requester wrote."
            ),
            "body": text("Its text.", minLength=1, maxLength=TEXT_LIMIT),
            "sent_at": null_or(
                text(
                    "When it was sent: ISO 8601 with its zone; left out: now.",
                    examples=["2026-03-01T09:30:00+00:00"],
                )
            ),
            "state": null_or(
                one_of(
                    (*API_STATES, "error", ""),
                    "What your answer comes to; of a response only. `error` and nothing say that "
                    "none is given.",
                )
            ),
        },
        optional=["sent_at", "state"],
    ),
    "State": record(
        "What the answer comes to.", {"state": one_of(API_STATES, "The state.")}
    ),
    "Created": record(
        "That a request was made.",
        {"url": url("Its page."), "id": number("Its number: what to write to.")},
    ),
    "Changed": record("That it was done.", {"url": url("The request's page.")}),
    "FullRequest": record(
        "A request of one's own, with everything about it.",
        {
            "id": REQUEST["id"],
            "url": REQUEST["url"],
            "title": REQUEST["title"],
            "created_at": REQUEST["created_at"],
            "updated_at": REQUEST["updated_at"],
            "status": ref("CalculatedState"),
            "public_body_url": url("The authority's page."),
            "request_email": {"type": "null", "description": "Here there is none."},
            "request_text": null_or(text("What is asked, as it was put last.")),
            "described_state": REQUEST["described_state"],
            "awaiting_description": REQUEST["awaiting_description"],
            "due_on": REQUEST["due_on"],
            "very_overdue_on": REQUEST["very_overdue_on"],
            "external_url": REQUEST["external_url"],
            "tags": many(text(), "As texts, `name` or `name:value`."),
            "correspondence": many(ref("Message"), "In the order in which it arrived."),
            "events": many(ref("Event"), "Oldest first."),
            "requestor_url": url("The requester's page, of one who is registered here."),
        },
        optional=["requestor_url"],
    ),
    "RequestEvent": record(
        "A letter to the authority.",
        {
            "request_id": number("The number of the request."),
            "event_id": number("What to ask with next time, as `since_event_id`."),
            "created_at": moment("When it happened."),
            "event_type": one_of(KINDS, "A request, or a further letter."),
            "request_url": url("The request's page."),
            "request_email": {"type": "null", "description": "Here there is none."},
            "title": text("What the request is about."),
            "body": text("The letter."),
            "user_name": null_or(text("Who wrote it; null if that is not said.")),
            "user_url": url("Their page, or else the request's."),
        },
    ),
}  # fmt: skip

_CREATION = {
    "title": "Grit bins on Wicken Hill",
    "body": "How many grit bins are there on Wicken Hill?",
    "external_user_name": "Ada Fenn",
    "external_url": "https://foi.council.example/requests/412",
    "tags": ["roads", "winter"],
}
_CORRESPONDENCE = {
    "direction": "response",
    "body": "Please see the attached schedule.",
    "sent_at": "2026-03-01T09:30:00+00:00",
    "state": "successful",
}
_STATE = {"state": "successful"}
_FILES = {
    "description": "Files; only of a response. They may also be called `attachment_0`, "
    "`attachment_1` and so on, or `attachments[0]`.",
    "type": "array",
    "items": {"type": "string", "contentMediaType": "application/octet-stream"},
}
_BESIDE = one_of(API_STATES, "The state; it may also stand in the JSON.")


def _body(
    schema: str, names: tuple[str, ...], example: Any, beside: Mapping[str, Schema], files: bool
) -> dict[str, Any]:
    """Describe what is sent, in each of its three forms: JSON by itself, or as a field of a form
    by any of its names.
    """
    key = text("The key of the authority, unless it is sent otherwise.")
    by_name = [{"required": [name]} for name in names]
    if schema == "State":
        by_name.append({"required": ["state"]})
    written = text("The JSON.", contentMediaType="application/json", contentSchema=ref(schema))
    plain = {"k": key, **beside, **dict.fromkeys(names, written)}
    parts = plain | dict.fromkeys(names, ref(schema))
    if files:
        parts |= {"attachments": _FILES, "attachments[]": _FILES}
    return {
        "required": True,
        "content": {
            "application/json": {"schema": ref(schema), "example": example},
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "properties": plain, "anyOf": by_name}
            },
            "multipart/form-data": {
                "schema": {"type": "object", "properties": parts, "anyOf": by_name},
                "encoding": {name: {"contentType": "application/json"} for name in names},
            },
        },
    }


def _write(
    number: str, said: str, about: str, answer: str, body: dict[str, Any], *refused: int
) -> dict[str, Any]:
    answers = {
        "200": {
            "description": "It was done, or had been.",
            "headers": headers("Idempotent-Replayed", always=False),
            "content": {"application/json": {"schema": ref(answer)}},
        }
    } | refusals(AS_JSON, (*_REFUSED, *refused))
    made = operation(number, said, "Writing", answers, parameters(*_MEANT))
    return made | {"description": about, "requestBody": body, "security": _KEYED}


def _read(
    number: str, said: str, media_type: str, schema: Schema, refused: tuple[int, ...], *given: str
) -> dict[str, Any]:
    answers = {"200": {"description": said, "content": {media_type: {"schema": schema}}}}
    made = operation(
        number, said, "Writing", answers | refusals(AS_JSON, refused), parameters(*given)
    )
    return made | {"security": _KEYED}


_CREATE = _write(
    "create",
    "Publish a request that you have received.",
    "Without an Idempotency-Key two equal calls make two requests.",
    "Created",
    _body("Creation", ("json", "request_json"), _CREATION, {}, False),
)
_ADD = _write(
    "add",
    "Add a message, with files.",
    "The same message with the same files within ten minutes is added once. A state beside the "
    "JSON goes before one in it.",
    "Changed",
    _body(
        "Correspondence",
        ("json", "correspondence_json"),
        _CORRESPONDENCE,
        {"state": _BESIDE},
        True,
    ),
    404,
)
_SHOW = _read(
    "show",
    "A request of yours, in full.",
    "application/json",
    ref("FullRequest"),
    (403, 404),
)
_UPDATE = _write(
    "update",
    "Set the state.",
    "",
    "Changed",
    _body("State", ("json",), _STATE, {"state": _BESIDE}, False),
    404,
)
_SINCE = ("since_date", "since_event_id")

PATHS: dict[str, dict[str, Any]] = {
    "/api/v2/request": {"post": _CREATE},
    "/api/v2/request.json": {"post": _CREATE},
    "/api/v2/request/{id}": {"get": _SHOW, "post": _ADD},
    "/api/v2/request/{id}.json": {"get": _SHOW, "post": _ADD},
    "/api/v2/request/{id}/update": {"post": _UPDATE},
    "/api/v2/request/{id}/update.json": {"post": _UPDATE},
    "/api/v2/body/{id}/request_events.json": {
        "get": _read(
            "request-events-json", "The letters to you, newest first: all of them.",
            "application/json", many(ref("RequestEvent")), (403, 404, 422), *_SINCE,
        )
    },
    "/api/v2/body/{id}/request_events.atom": {
        "get": _read(
            "request-events-atom", "The letters to you as an Atom feed, newest first, in parts.",
            "application/atom+xml", text("An Atom feed (RFC 4287)."), (403, 404, 422),
            *_SINCE, "before_event_id",
        )
    },
}  # fmt: skip
"""By address as OpenAPI writes it."""

SAID = {"id": "The number of the request; in the address of an authority, that of the authority."}
EXAMPLES: dict[str, dict[str, Any]] = {
    **{path: {"id": 3} for path in PATHS if "/request/" in path},
    **{path: {"id": 1} for path in PATHS if "/body/" in path},
}
"""Of what varies in an address, from the demo content."""
