"""Addresses with one format only: files, and what programs ask of the site as a whole. Each is
described where it is registered, by its route.
"""

from collections.abc import Mapping
from typing import Any

from foi.api.description.operations import (
    AS_JSON,
    AS_PAGE,
    AS_TEXT,
    MOVED,
    UNCHANGED,
    Form,
    headers,
    operation,
    parameters,
    refusals,
)
from foi.api.description.shapes import Schema, ref, text


def _one(
    number: str,
    said: str,
    media_type: str,
    schema: Schema,
    *,
    tag: str = "Site",
    refused: Mapping[int, Form] | None = None,
    kept: bool = True,
) -> dict[str, Any]:
    """Describe an address that is read in one format; `kept`: with an `ETag`."""
    answers: dict[str, Any] = {
        "200": {
            "description": said,
            "headers": headers("ETag") if kept else {},
            "content": {media_type: {"schema": schema}},
        }
    }
    if kept:
        answers["304"] = UNCHANGED
    answers |= refusals(AS_JSON if media_type == "application/json" else AS_TEXT, ())
    for status, form in (refused or {}).items():
        answers |= refusals(form, [status])
    given = parameters("If-None-Match") if kept else []
    return {"get": operation(number, said, tag, answers, given)}


_ZIP = _one(
    "download",
    "A request with its correspondence and all its files.",
    "application/zip",
    {},
    tag="Attachments",
    refused=dict.fromkeys((403, 404), AS_PAGE),
)
_ZIP["get"]["responses"]["301"] = MOVED
_BYTES = {"content": {"*/*": {}}, "headers": headers("ETag")}
_FILE = {
    "get": operation(
        "attachment",
        "A file as it was released, or a range of it.",
        "Attachments",
        {
            "200": {"description": "All of it.", **_BYTES},
            "206": {
                "description": "A range of it.",
                **_BYTES,
                "headers": headers("ETag", "Content-Range"),
            },
            "301": MOVED,
            "304": UNCHANGED,
            "416": {"description": "It has no such bytes.", "headers": headers("Content-Range")},
        }
        | refusals(AS_PAGE, (403, 404, 410, 503)),
        parameters("Range", "If-None-Match"),
    )
}

PATHS: dict[str, dict[str, Any]] = {
    "/health": _one(
        "health", "Whether the site can answer.", "application/json", ref("Health"), kept=False,
        refused={503: AS_PAGE},
    ),
    "/version.json": _one(
        "version", "Which software this is, and how much it holds.", "application/json",
        ref("Version"),
    ),
    "/api/openapi.json": _one(
        "openapi", "This description.", "application/json", {"type": "object"}
    ),
    "/body/all-authorities.csv": _one(
        "all-authorities", "Every authority, in Alaveteli's columns.", "text/csv",
        text("CSV with a heading (RFC 4180)."), tag="Authorities",
    ),
    "/opensearch.xml": _one(
        "opensearch", "How a browser searches the site (OpenSearch 1.1).",
        "application/opensearchdescription+xml", text(),
    ),
    "/robots.txt": _one(
        "robots", "What crawlers should leave alone (RFC 9309).", "text/plain", text(), kept=False
    ),
    "/sitemap.xml": _one(
        "sitemaps", "The index of sitemaps (sitemaps.org).", "application/xml", text()
    ),
    "/sitemap/{kind}-{number}.xml": _one(
        "sitemap", "The addresses of one sitemap; the index names those that there are.",
        "application/xml", text(), refused={404: AS_TEXT},
    ),
    "/.well-known/security.txt": _one(
        "security", "Whom to tell of a weakness (RFC 9116), if the site says so.", "text/plain",
        text(), kept=False, refused={404: AS_TEXT},
    ),
    "/request/{url_title}/download": _ZIP,
    "/request/{url_title}/download.zip": _ZIP,
    "/request/{url_title}/response/{message_id}/attach/{number}/{name}": _FILE,
    "/request_event/{id}": {
        "get": operation(
            "request-event", "Leads to the place where an event is shown.", "Events",
            {"301": {"description": "It is there.", "headers": headers("Location")}}
            | refusals(AS_PAGE, [404]),
        )
    },
}  # fmt: skip
"""By address as OpenAPI writes it."""

SAID = {
    "url_title": "The name of a request in addresses, or its number.",
    "message_id": "The number of the message.",
    "number": "The place of the file in its message; of a sitemap, its number.",
    "name": "The name of the file; another one redirects.",
    "kind": "What it holds.",
    "id": "The number of the event.",
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "/request/{url_title}/download": {"url_title": "gritting_routes_and_salt_stocks"},
    "/request/{url_title}/download.zip": {"url_title": "gritting_routes_and_salt_stocks"},
    "/request/{url_title}/response/{message_id}/attach/{number}/{name}": {
        "url_title": "gritting_routes_and_salt_stocks",
        "message_id": 3,
        "number": 1,
        "name": "Gritting routes 2025-26.pdf",
    },
    "/request_event/{id}": {"id": 250},
    "/sitemap/{kind}-{number}.xml": {"kind": "requests", "number": 0},
}
"""Of what varies in an address, from the demo content."""
