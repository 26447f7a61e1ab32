"""What every operation has: its parameters, how it can be refused, and its headers; and addresses
as OpenAPI writes them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foi.api.description.shapes import Schema, many, number, one_of, text
from foi.archive.kinds import CORRESPONDENCE
from foi.pages.lists import SINCE_LIMIT
from foi.pages.narrowing import STATUSES, VARIETIES
from foi.pages.paging import NUMBERED

_PLACEHOLDER = re.compile(r"\{([a-z_]+)(?::((?:[^{}]|\{[^}]*\})*))?\}")
_WORDS = re.compile(r"[a-z_|]+")
_CURSOR = "Given by the links `next` and `previous`; not to be made up."
_DAY = "As 31/12/2026, 2026/12/31 or 2026-12-31; blank for none."


@dataclass(frozen=True)
class Form:
    """In which shape something is told that went wrong."""

    name: str
    content: Mapping[str, Any]


_JSON = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_TEXT = {"text/plain": {"schema": text("The reasons, a line each.")}}
_PAGE = {"text/html": {"schema": text("A page that says why.")}}
AS_JSON = Form("JSON", _JSON)
AS_TEXT = Form("Text", _TEXT | _JSON)
AS_PAGE = Form("Page", _PAGE | _TEXT | _JSON)
_WHY = {
    400: "The call cannot be understood: a parameter, a form or JSON is not as it should be.",
    403: "It is hidden; or the key is missing, unknown or another authority's.",
    404: "There is nothing of this name, or no such page of the list.",
    409: "The same call is still under way.",
    410: "It has been erased.",
    413: "It is too large.",
    415: "The body is neither a form nor JSON.",
    422: "Something in it is missing or wrong; every reason at once. Nothing was changed.",
    429: "That is too often; `Retry-After` says when to ask again.",
    503: "It cannot be answered at the moment; try again later.",
}
HEADERS: dict[str, Any] = {
    "ETag": {"description": "Stands for this state of it.", "schema": text()},
    "Link": {"description": "The other parts of a list (RFC 8288).", "schema": text()},
    "Location": {"description": "Where it is.", "schema": text()},
    "Idempotent-Replayed": {
        "description": "That the call was carried out before, and this is its answer.",
        "schema": one_of(["true"]),
    },
    "Retry-After": {"description": "After how many seconds to ask again.", "schema": number()},
    "Content-Range": {"description": "Which bytes these are.", "schema": text()},
}


def _query(name: str, said: str, schema: Schema, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": said, "schema": schema, **more}


def _fields(what: str, known: Iterable[str]) -> str:
    return f"Only {what} one of these: {', '.join(known)}. Others are passed over with a note."


PARAMETERS: dict[str, Any] = {
    "before": _query("before", f"The part behind this place. {_CURSOR}", text()),
    "after": _query("after", f"The part before this place. {_CURSOR}", text()),
    "page": _query(
        "page",
        f"The number of a part, 1 to {NUMBERED}; further on lists are read by their links.",
        number(),
    ),
    "query": _query(
        "query", "Words, and whatever else a search understands.", text(), example="grit"
    ),
    "request_date_after": _query(
        "request_date_after", f"The first day on which a request may have been made. {_DAY}",
        text(examples=["2026-01-31"]),
    ),
    "request_date_before": _query(
        "request_date_before", f"The last day on which a request may have been made. {_DAY}",
        text(examples=["2026-12-31"]),
    ),
    "event_type": _query(
        "event_type", "Only events of these kinds.", many(one_of(CORRESPONDENCE))
    ),
    "public_body_query": _query("public_body_query", "Words of their names.", text()),
    "latest_status": _query("latest_status[]", _fields("what came to", STATUSES), many(text())),
    "request_variety": _query("request_variety[]", _fields("events of", VARIETIES), many(text())),
    "since": _query("since", "What happened after this event.", number(default=0)),
    "limit": _query(
        "limit", f"How many events at most, 1 to {SINCE_LIMIT}; what is beyond is taken for that.",
        number(default=100),
    ),
    "typed": _query("q", "What has been typed.", text()),
    "typed_name": _query("query", "What has been typed.", text()),
    "requested_from": _query(
        "requested_from", "Only requests to the authority of this `url_name`.", text()
    ),
    "since_date": _query(
        "since_date", "What was recorded here since this day.", text(format="date")
    ),
    "since_event_id": _query(
        "since_event_id", "What came after this event, of any authority; 0 for everything.",
        number(),
    ),
    "before_event_id": _query(
        "before_event_id", "What came before this event; given by the link `next`.", number()
    ),
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what one has: 304 while that is still it.",
        "schema": text(),
    },
    "Range": {
        "name": "Range",
        "in": "header",
        "description": "Only these bytes; one range.",
        "schema": text(examples=["bytes=0-1023"]),
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A text of one's own, new for each call: the same call with the same key "
        "is carried out once, however often it is sent within a day.",
        "schema": text(
            pattern=r'^("[ !#-\[\]-~]{1,255}"|[!#-~]{1,255})?$',
            examples=["7f9c2ba4-e88f-4c2a"],
        ),
    },
}  # fmt: skip


def parameters(*names: str) -> list[dict[str, str]]:
    """Point at parameters."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def headers(*names: str, always: bool = True) -> dict[str, Any]:
    """Give headers of an answer: those always there, or not always."""
    shared = {name: HEADERS[name] for name in names}
    return {name: each | ({"required": True} if always else {}) for name, each in shared.items()}


def refusals(form: Form, statuses: Iterable[int]) -> dict[str, Any]:
    """Give the answers to a call that is refused, by status; what is no address (NUL, not UTF-8)
    and too many calls always are.
    """
    return {
        str(status): {"$ref": f"#/components/responses/{status}-{form.name}"}
        for status in sorted({*statuses, 400, 429})
    }


def responses() -> dict[str, Any]:
    """Give every way of being refused, for the components."""
    more = {429: {"headers": headers("Retry-After")}}
    return {
        f"{status}-{form.name}": {"description": said, "content": dict(form.content)}
        | more.get(status, {})
        for form in (AS_JSON, AS_TEXT, AS_PAGE)
        for status, said in _WHY.items()
    }


MOVED = {
    "description": "It goes by another name now.",
    "headers": headers("Location"),
}
UNCHANGED = {"description": "It is what the asker has.", "headers": headers("ETag")}


@dataclass(frozen=True)
class Place:
    """A part of an address that varies."""

    name: str
    rule: str

    @property
    def choice(self) -> list[str]:
        """What it is one of, if these are few."""
        return self.rule.split("|") if _WORDS.fullmatch(self.rule) else []

    def schema(self) -> Schema:
        """Describe it by its rule in the route."""
        if self.choice:
            return one_of(self.choice)
        if self.rule.startswith(r"\d"):
            return number(maximum=10**9 - 1 if "9" in self.rule else 10**18 - 1)
        return text(minLength=1)


def template(pattern: str) -> tuple[str, list[Place]]:
    """Give the address of a route as OpenAPI writes it, and what varies in it; what can only be
    one thing does not vary.
    """
    places: list[Place] = []

    def write(found: re.Match[str]) -> str:
        place = Place(found[1], found[2] or "[^/]+")
        if len(place.choice) == 1:
            return place.rule
        places.append(place)
        return f"{{{place.name}}}"

    return _PLACEHOLDER.sub(write, pattern), places


def path_parameter(
    place: Place, said: Mapping[str, str], examples: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe a part of an address that varies."""
    parameter: dict[str, Any] = {
        "name": place.name,
        "in": "path",
        "required": True,
        "description": said.get(place.name, f"The {place.name}."),
        "schema": place.schema(),
    }
    if place.name in examples:
        parameter["example"] = examples[place.name]
    return parameter


def operation(
    number: str, said: str, tag: str, answers: Mapping[str, Any], given: Sequence[Any] = ()
) -> dict[str, Any]:
    """Describe one method of one address; `number` tells it from all others."""
    return {
        "operationId": re.sub(r"[^a-zA-Z0-9]+", "-", number).strip("-"),
        "summary": said,
        "tags": [tag],
        "parameters": list(given),
        "responses": dict(answers),
    }
