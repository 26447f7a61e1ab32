"""One resource, one description, every format: `add_page` and `add_variant`.

`add_page` names a resource, its pattern and its loaders; `add_variant` a format: where its
addresses differ from the page's and how it is rendered. The cross product is registered once all
extensions have had their say, so a new format is one renderer and a new page is one loader.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response

from foi.addresses import get
from foi.db import changed_at
from foi.pages.cache import CACHE_CONTROL, epoch, unchanged
from foi.pages.packing import packed, takes_gzip
from foi.pages.page import Page
from foi.site import site_of

Loader = Callable[[Request], Page]
Panel = Callable[[Request, Page], None]
"""Adds to a page what an extension knows of it: to its panels, its members, and its scopes."""
Renderer = Callable[[Request, Page], str | bytes | Iterable[bytes]]
"""Gives the whole answer or, for one of any length, its pieces."""


@dataclass(frozen=True)
class Resource:
    """Something with an address: its page and, if one can follow it, its feed."""

    name: str
    pattern: str
    page: Loader
    feed: Loader | None
    forms: tuple[str, ...]
    """The names of the formats that the page itself has."""
    feed_pattern: str


@dataclass(frozen=True)
class Variant:
    """A format: addresses are prefix + pattern + suffix."""

    name: str
    prefix: str
    suffix: str
    media_type: str
    render: Renderer
    of_feed: bool
    label: str
    """What it is called in links from the page."""
    whole: bool = False
    """Whether it holds the whole list (`Page.table`) and not a part of it."""


def add_page(
    config: Configurator,
    name: str,
    pattern: str,
    page: Loader,
    feed: Loader | None = None,
    *,
    forms: Sequence[str] = ("html", "json"),
    feed_pattern: str | None = None,
) -> None:
    """Register a resource; `forms` names the formats of its page (of a feed there are always
    all), `feed_pattern` is given only where the feed's address is not that of the page.
    """
    config.registry["foi.resources"].append(
        Resource(name, pattern, page, feed, tuple(forms), feed_pattern or pattern)
    )


def add_variant(config: Configurator, variant: Variant) -> None:
    """Register a format."""
    config.registry["foi.variants"].append(variant)


def add_panel(config: Configurator, names: Iterable[str], panel: Panel) -> None:
    """Let an extension add to the pages of resources, in all their formats but those of feeds and
    of whole lists.
    """
    for name in names:
        config.registry["foi.panels"].setdefault(name, []).append(panel)


def register_all(config: Configurator) -> None:
    """Make the routes and views of every resource in every format, longest suffix first."""
    variants: list[Variant] = config.registry["foi.variants"]
    for variant in sorted(variants, key=lambda v: (-len(v.prefix), -len(v.suffix))):
        for resource in config.registry["foi.resources"]:
            loader = resource.feed if variant.of_feed else resource.page
            if loader is None or not (variant.of_feed or variant.name in resource.forms):
                continue
            pattern = resource.feed_pattern if variant.of_feed else resource.pattern
            route = f"{resource.name}:{variant.name}"
            get(
                config,
                route,
                variant.prefix + pattern + variant.suffix,
                _view(
                    resource, variant, loader, config.registry["foi.panels"].get(resource.name, ())
                ),
            )


def _view(
    resource: Resource, variant: Variant, loader: Loader, panels: Sequence[Panel]
) -> Callable[[Request], Response]:
    adding = () if variant.of_feed or variant.whole else tuple(panels)

    def view(request: Request) -> Response:
        request.foi_resource, request.foi_variant = resource, variant
        page = loader(request)
        for add in adding:
            add(request, page)
        if variant.whole and page.table is None:
            raise HTTPNotFound("This page is no list.")
        body = variant.render(request, page)
        if isinstance(body, str | bytes):
            response = kept(request, page.scopes, body, variant.media_type)
        else:
            response = streamed(request, page.scopes, body, variant.media_type)
        if ways_on := ways(request, page):
            # RFC 8288; the JSON of a feed, a bare array, can say it nowhere else.
            response.headers["Link"] = ", ".join(
                f'<{site_of(request).url(path)}>; rel="{_RELATIONS.get(name, name)}"'
                for name, path in ways_on.items()
            )
        if not page.searchable:
            response.headers["X-Robots-Tag"] = "noindex"
        return response

    return view


_RELATIONS = {"previous": "prev"}
"""Relations of RFC 8288 by the names of RFC 5005, where the common one is another."""


def kept(
    request: Request, scopes: tuple[str, ...], body: str | bytes, media_type: str
) -> Response:
    """Answer with what the cache of finished pages may keep until one of the scopes changes."""
    request.foi_stamp = (scopes, *changed_at(request.db, scopes))
    sent = body.encode("utf-8") if isinstance(body, str) else body
    return Response(sent, content_type=media_type, charset="UTF-8")


def streamed(
    request: Request, scopes: tuple[str, ...], pieces: Iterable[bytes], media_type: str
) -> Response:
    """Answer in pieces, past the cache, with a validator of its own: a weak one, for what changes
    while it is sent may be in it already.
    """
    site = site_of(request)
    positions, moment = changed_at(request.db, scopes)
    today = site.calendar.today()
    told = repr((positions, today, epoch(site.settings), request.path_qs))
    etag = f'"{hashlib.blake2b(told.encode(), digest_size=15).hexdigest()}"'
    modified = max(moment, site.calendar.midnight(today)).replace(microsecond=0)
    if unchanged(request, etag, modified):
        response = Response(status=304)
    else:
        response = Response(content_type=media_type, charset="UTF-8")
        response.app_iter = pieces
        if takes_gzip(request.environ.get("HTTP_ACCEPT_ENCODING")):
            response.app_iter, response.content_encoding = packed(pieces), "gzip"
    response.headers["ETag"] = f"W/{etag}"
    response.last_modified = modified
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Vary"] = "Accept-Encoding"
    return response


def address(variant: Variant, page: Page, query: str = "") -> str:
    """Give the path of a page in a format, with a query."""
    path = (page.feed_path or page.path) if variant.of_feed else page.path
    return variant.prefix + path + variant.suffix + (f"?{query}" if query else "")


def ways(request: Request, page: Page) -> dict[str, str]:
    """Give the paths of the other parts of a list, in the present format, by their names in RFC
    5005: `next`, `previous`, `first`; each only where it leads elsewhere.
    """
    present: Variant = request.foi_variant
    if present.whole:
        return {}
    queries: dict[str, str | None] = {"next": page.next_query or None}
    queries["previous"] = page.previous_query
    if page.query != page.filter_query:
        queries["first"] = page.filter_query
    return {
        name: address(present, page, query) for name, query in queries.items() if query is not None
    }


def alternates(request: Request, page: Page) -> list[dict[str, Any]]:
    """Give the other formats of the page at hand, for links in its head and foot."""
    resource: Resource = request.foi_resource
    present: Variant = request.foi_variant
    return [
        {
            "href": address(variant, page, _same(variant, present, page)),
            "type": variant.media_type,
            "title": f"{page.title}: {variant.label}" if variant.of_feed else variant.label,
            "label": variant.label,
            "name": variant.name,
        }
        for variant in request.registry["foi.variants"]
        if variant.name != present.name and _offers(resource, page, variant, present)
    ]


def _same(variant: Variant, present: Variant, page: Page) -> str:
    """Give the query under which a format shows the same: a cursor means the same to formats of
    the same part only.
    """
    parts = variant.of_feed == present.of_feed and not variant.whole
    return page.query if parts else page.filter_query


def _offers(resource: Resource, page: Page, variant: Variant, present: Variant) -> bool:
    if variant.of_feed:
        return not page.feedless and bool(resource.feed or page.feed_path)
    return variant.name in resource.forms and (
        not variant.whole or page.table is not None or present.of_feed
    )


def includeme(config: Configurator) -> None:
    """Add the directives."""
    config.registry["foi.resources"] = []
    config.registry["foi.variants"] = []
    config.registry["foi.panels"] = {}
    config.add_directive("add_page", add_page)
    config.add_directive("add_variant", add_variant)
    config.add_directive("add_panel", add_panel)
