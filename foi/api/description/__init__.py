"""The description of every address that programs read or write, as OpenAPI 3.1.

Addresses come from what is registered, so that it can describe none that is not there; what stands
behind them is described by hand, and tests hold it against real answers. What it gives up: rules
that JSON Schema has no words for, such as what a good title is, are in prose.
"""

import re
from typing import Any

from pyramid.interfaces import IRoutesMapper
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from foi import __version__
from foi.api.description import answers, hooks, operations, reading, records, single, writing
from foi.db import changed_at
from foi.pages.json import dump
from foi.settings import Settings

_ABOUT = """\
Requests to public authorities and what they answered. Everything that can be read on the site can
be read by programs, without a key: put `.json` behind the address of a page, or `/feed` in front
of it. Scripts of other sites may read all of it (CORS).

Members that Alaveteli has bear its names and its meaning. New members may be added at any time;
programs should ignore those that they do not know. Moments have the offset of the site's time
zone, days are days there.

Lists come in parts: `links.next` in JSON, `next_url` in JSON Feed and the header `Link` lead on.
Answers carry an `ETag`; ask with `If-None-Match`, and what has not changed is a 304. What can be
read answers HEAD as well.

What is refused is told as `{"errors": [...]}` where JSON was asked for, with every reason at once.
Addresses have other spellings, which redirect; they are not listed here.
"""
_TAGS = {
    "Requests": "Requests, lists of them, and their feeds.",
    "Authorities": "Public authorities, and the requests to each.",
    "People": "Who made requests.",
    "Events": "The log: what happened, for mirrors.",
    "Search": "By words, and by everything else.",
    "Attachments": "Files.",
    "Site": "The site as a whole.",
    "Writing": "For the software of authorities, with their key.",
    "Further pages": "What extensions add.",
}
_BY_HAND: tuple[Any, ...] = (single, writing)


def document(registry: Registry) -> dict[str, Any]:
    """Describe the application of this registry, as far as its routes go."""
    settings: Settings = registry["foi.site"].settings
    paths = reading.paths(registry["foi.resources"], registry["foi.variants"])
    for route in registry.getUtility(IRoutesMapper).get_routes():
        path, places = operations.template(route.pattern)
        for source in _BY_HAND:
            if path in source.PATHS:
                paths[path] = _placed(source, path, places)
    used = {each["tags"][0] for item in paths.values() for each in item.values()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": settings.site_name,
            "version": __version__,
            "summary": "Requests for information, read and written by programs.",
            "description": _ABOUT,
        },
        "servers": [{"url": settings.site_url}],
        "tags": [
            {"name": name, "description": said} for name, said in _TAGS.items() if name in used
        ],
        "paths": paths,
        "webhooks": hooks.WEBHOOKS,
        "components": {
            "schemas": records.SCHEMAS | answers.SCHEMAS | writing.SCHEMAS | hooks.SCHEMAS,
            "parameters": operations.PARAMETERS,
            "responses": operations.responses(),
            "securitySchemes": writing.SECURITY,
        },
    }


def _placed(source: Any, path: str, places: list[operations.Place]) -> dict[str, Any]:
    """Give what is described by hand the address that it is registered at."""
    examples = source.EXAMPLES.get(path, {})
    given = [operations.path_parameter(place, source.SAID, examples) for place in places]
    spelling = re.search(r"\.(json|zip)$", path)
    return {
        method: described
        | {
            # An address of two spellings is two operations.
            "operationId": described["operationId"]
            + (f"-{spelling[1]}" if spelling and _twice(source, path, spelling[0]) else ""),
            "parameters": given + described["parameters"],
        }
        for method, described in source.PATHS[path].items()
    }


def _twice(source: Any, path: str, suffix: str) -> bool:
    return path.removesuffix(suffix) in source.PATHS


def serve(request: Request) -> Response:
    """GET /api/openapi.json: the description, kept with the finished pages."""
    # It changes with the release and the settings only, which every version holds.
    request.foi_stamp = (("bodies",), *changed_at(request.db, ("bodies",)))
    response = Response(
        dump(document(request.registry)), content_type="application/json", charset="UTF-8"
    )
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Link"
    return response
