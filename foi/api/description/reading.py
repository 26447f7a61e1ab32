"""Pages and feeds as they are registered (`add_page`, `add_variant`), each in every format that
programs read: the addresses are the registry's own, what stands behind them is described here.

A page of an extension that this module has not heard of is described all the same, by the first
sentence of its loader, as some JSON object.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foi.api.description.operations import (
    AS_JSON,
    AS_TEXT,
    MOVED,
    UNCHANGED,
    headers,
    operation,
    parameters,
    path_parameter,
    refusals,
    template,
)
from foi.api.description.shapes import Schema, ref, text
from foi.pages.variants import Resource, Variant

_PARTS = ("before", "after", "page")
_FILTERS = ("query", "request_date_after", "request_date_before")
_FIELDS = ("latest_status", "request_variety", "request_date_after", "request_date_before")


@dataclass(frozen=True)
class Told:
    """What is to be known of a resource beyond its addresses."""

    said: str
    tag: str
    members: str = ""
    """The schema of its JSON; empty: it has none."""
    narrowed: tuple[str, ...] = ()
    """Parameters that narrow every form of it."""
    page: tuple[str, ...] = ()
    """Further ones of its page."""
    feed: tuple[str, ...] = ()
    """Further ones of its feed."""
    examples: Mapping[str, Any] = field(default_factory=dict)
    """Of what varies in its address, from the demo content."""


_REQUEST = {"url_title": "gritting_routes_and_salt_stocks"}
_BODY = {"url_name": "harrowmere_county_council"}
_PERSON = {"url_name": "rosalind_achebe"}
_FILE = _REQUEST | {"message_id": 3, "number": 1, "name": "Gritting routes 2025-26.pdf"}
_TAG, _VIEW = {"tag": "roads"}, {"view": "successful"}
_OF_FEED = (*_PARTS, "event_type")


def _list(said: str, tag: str, members: str, examples: Mapping[str, Any]) -> Told:
    return Told(said, tag, members, _FILTERS, _PARTS, _OF_FEED, examples)


TOLD: dict[str, Told] = {
    "front": Told("The front page.", "Requests"),
    "help": Told("Help.", "Site"),
    "search-help": Told("How to search.", "Search"),
    "events": Told(
        "Everything public that happened.", "Events", "EventLog", (), ("since", "limit"), _PARTS
    ),
    "list": _list("All requests.", "Requests", "RequestList", {}),
    "list-view": _list("Requests by what became of them.", "Requests", "RequestList", _VIEW),
    "list-tag": _list("Requests with a tag.", "Requests", "RequestList", _TAG),
    "list-tag-view": _list(
        "Requests with a tag, by what became of them.", "Requests", "RequestList", _TAG | _VIEW
    ),
    "request-ahead": Told(
        "Requests like what is being typed.", "Search", "SearchAhead", (),
        ("typed", "requested_from"),
    ),
    "body-ahead": Told(
        "Authorities whose name is being typed.", "Search", "SearchAhead", (), ("typed_name",)
    ),
    "bodies": Told(
        "All authorities, A to Z.", "Authorities", "BodyList", ("public_body_query",), _PARTS,
        _PARTS,
    ),
    "bodies-tagged": Told(
        "Authorities with a tag, or beginning with a letter.", "Authorities", "BodyList",
        ("public_body_query",), _PARTS, _PARTS, {"tag": "council"},
    ),
    "body": _list("An authority and the requests to it.", "Authorities", "BodyPage", _BODY),
    "body-view": _list(
        "An authority and the requests to it by what became of them.", "Authorities", "BodyPage",
        _BODY | _VIEW,
    ),
    "body-tag": _list(
        "An authority and the requests to it with a tag.", "Authorities", "BodyPage", _BODY | _TAG
    ),
    "body-tag-view": _list(
        "An authority and the requests to it with a tag, by what became of them.", "Authorities",
        "BodyPage", _BODY | _TAG | _VIEW,
    ),
    "details": Told(
        "Every event of a request.", "Requests", "RequestDetails", examples=_REQUEST
    ),
    "similar": Told(
        "Requests like a request.", "Requests", "SimilarRequests", examples=_REQUEST
    ),
    "request": Told(
        "A request with its correspondence.", "Requests", "RequestPage", feed=_PARTS,
        examples=_REQUEST,
    ),
    "attachment-view": Told(
        "What an attachment holds.", "Attachments", "AttachmentPage", examples=_FILE
    ),
    "person": _list("Somebody and the requests they made.", "People", "PersonPage", _PERSON),
    "person-requests": _list("The same.", "People", "PersonPage", _PERSON),
    "person-profile": Told(
        "What somebody says of themselves.", "People", "PersonProfile", examples=_PERSON
    ),
    "person-wall": Told(
        "What somebody did.", "People", "PersonWall", (), _PARTS, _PARTS, _PERSON
    ),
    "search": Told(
        "A search.", "Search", "SearchPage", ("query", *_FIELDS), _PARTS, _PARTS
    ),
    "search-words": Told(
        "A search: words, then if need be `all`, `requests`, `bodies` or `users`, then "
        "`relevant`, `newest` or `described`, parted by slashes.", "Search", "SearchPage",
        _FIELDS, _PARTS, _PARTS, {"words": "grit"},
    ),
}  # fmt: skip
"""By the name of the resource."""

_SAID = {
    "url_title": "The name of a request in addresses, or its number.",
    "url_name": "The name of an authority or person in addresses.",
    "view": "What became of them.",
    "tag": "A tag: `name`, whatever its value, or `name:value`; of authorities also one letter "
    "of the alphabet, or `other`.",
    "words": "What is searched for; a slash as `%2F`.",
    "message_id": "The number of the message.",
    "number": "The place of the file in its message.",
    "name": "The name of the file; another one redirects.",
}
_SEARCHING = {"query", "typed", "typed_name"}


def _schema(variant: Variant, told: Told) -> Schema:
    known = {
        "json": ref(told.members) if told.members else {"type": "object"},
        "feed.json": ref("EventFeed"),
        "feed.jsonfeed": ref("JSONFeed"),
        "feed": text("An Atom feed (RFC 4287) in parts (RFC 5005)."),
        "csv": text("The whole list as CSV with a heading (RFC 4180)."),
    }
    return known.get(variant.name, {})


def paths(resources: Iterable[Resource], variants: Iterable[Variant]) -> dict[str, Any]:
    """Describe every page and feed in every format that is not for people; of two resources whose
    addresses look the same, as those of views and of tags do, the first one's are told with the
    second's.
    """
    made: dict[str, Any] = {}
    shapes: dict[str, str] = {}
    for variant in variants:
        if variant.media_type == "text/html":
            continue
        for resource in resources:
            loader = resource.feed if variant.of_feed else resource.page
            if loader is None or not (variant.of_feed or variant.name in resource.forms):
                continue
            path, described = _describe(resource, variant, loader)
            shape = re.sub(r"\{\w+\}", "{}", path)
            former = shapes.get(shape)
            if former is not None:
                described = _both(made.pop(former)["get"], described)
            shapes[shape] = path
            made[path] = {"get": described}
    return made


def _describe(resource: Resource, variant: Variant, loader: Any) -> tuple[str, dict[str, Any]]:
    told = TOLD.get(resource.name) or Told((loader.__doc__ or "").split("\n")[0], "Further pages")
    pattern = resource.feed_pattern if variant.of_feed else resource.pattern
    path, places = template(variant.prefix + pattern + variant.suffix)
    names = list(told.narrowed)
    if not variant.whole:
        names += told.feed if variant.of_feed else told.page
    statuses = {400, 404} | ({403} if "url_title" in path else set())
    if _SEARCHING & set(names) or told.tag == "Search" or resource.name == "similar":
        statuses.add(503)
    as_json = variant.suffix.startswith(".json")
    answers: dict[str, Any] = {
        "200": {
            "description": f"{told.said} {variant.label}.",
            "headers": headers("ETag") | headers("Link", always=False),
            "content": {variant.media_type: {"schema": _schema(variant, told)}},
        },
        "304": UNCHANGED,
    }
    if places:
        answers["301"] = MOVED
    given = [path_parameter(place, _SAID, told.examples) for place in places]
    given += parameters(*dict.fromkeys(names), "If-None-Match")
    answers |= refusals(AS_JSON if as_json else AS_TEXT, statuses)
    return path, operation(f"{resource.name}-{variant.name}", told.said, told.tag, answers, given)


def _both(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Describe two operations of addresses that look the same as one."""
    places = [each for each in first["parameters"] if each.get("in") == "path"]
    others = [each for each in second["parameters"] if each.get("in") == "path"]
    merged = [
        mine | {
            "description": f"{yours['description']} Or: {mine['description']}",
            "schema": {"anyOf": [yours["schema"], mine["schema"]]},
        }
        if mine["name"] != yours["name"]
        else mine
        for yours, mine in zip(places, others, strict=True)
    ]  # fmt: skip
    return second | {
        "summary": f"{first['summary']} Or: {second['summary']}",
        "parameters": merged + second["parameters"][len(others) :],
    }
