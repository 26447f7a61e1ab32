"""One resource, one description, every format: `add_page` and `add_variant`.

`add_page` names a resource, its pattern and its loaders; `add_variant` a format: where its
addresses differ from the page's and how it is rendered. The cross product is registered once all
extensions have had their say, so a new format is one renderer and a new page is one loader.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from foi.addresses import get
from foi.db import changed_at
from foi.headers import protect
from foi.pages.page import Page
from foi.site import site_of

Loader = Callable[[Request], Page]
Renderer = Callable[[Request, Page], str | bytes]


@dataclass(frozen=True)
class Resource:
    """Something with an address: its page and, if one can follow it, its feed."""

    name: str
    pattern: str
    page: Loader
    feed: Loader | None
    machine: bool
    """Whether the page has a JSON form of its own."""
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
    open: bool
    """Whether scripts of other sites may read it (CORS)."""


def add_page(
    config: Configurator,
    name: str,
    pattern: str,
    page: Loader,
    feed: Loader | None = None,
    *,
    machine: bool = True,
    feed_pattern: str | None = None,
) -> None:
    """Register a resource; `feed_pattern` only where the feed's address is not that of the
    page.
    """
    config.registry["foi.resources"].append(
        Resource(name, pattern, page, feed, machine, feed_pattern or pattern)
    )


def add_variant(config: Configurator, variant: Variant) -> None:
    """Register a format."""
    config.registry["foi.variants"].append(variant)


def register_all(config: Configurator) -> None:
    """Make the routes and views of every resource in every format, longest suffix first."""
    variants: list[Variant] = config.registry["foi.variants"]
    for variant in sorted(variants, key=lambda v: (-len(v.prefix), -len(v.suffix))):
        for resource in config.registry["foi.resources"]:
            loader = resource.feed if variant.of_feed else resource.page
            if loader is None or (variant.name == "json" and not resource.machine):
                continue
            pattern = resource.feed_pattern if variant.of_feed else resource.pattern
            route = f"{resource.name}:{variant.name}"
            get(
                config,
                route,
                variant.prefix + pattern + variant.suffix,
                _view(resource, variant, loader),
            )


def _view(resource: Resource, variant: Variant, loader: Loader) -> Callable[[Request], Response]:
    def view(request: Request) -> Response:
        request.foi_resource, request.foi_variant = resource, variant
        page = loader(request)
        positions, moment = changed_at(request.db, page.scopes)
        body = variant.render(request, page)
        response = Response(body, content_type=variant.media_type, charset="UTF-8")
        protect(response, request.registry["foi.site"].settings)
        if variant.open:
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Access-Control-Expose-Headers"] = "Link"
        if page.next_query:
            # RFC 8288; the JSON of a feed, a bare array, can say it nowhere else.
            following = site_of(request).url(address(variant, page, page.next_query))
            response.headers["Link"] = f'<{following}>; rel="next"'
        if not page.searchable:
            response.headers["X-Robots-Tag"] = "noindex"
        request.foi_stamp = (page.scopes, positions, moment)
        return response

    return view


def address(variant: Variant, page: Page, query: str = "") -> str:
    """Give the path of a page in a format, with a query."""
    path = (page.feed_path or page.path) if variant.of_feed else page.path
    return variant.prefix + path + variant.suffix + (f"?{query}" if query else "")


def alternates(request: Request, page: Page) -> list[dict[str, Any]]:
    """Give the other formats of the page at hand, for links in its head and foot."""
    resource: Resource = request.foi_resource
    present: Variant = request.foi_variant
    return [
        {
            # A cursor means the same to formats of the same part only.
            "href": address(
                variant, page, page.query if variant.of_feed == present.of_feed else ""
            ),
            "type": variant.media_type,
            "title": f"{page.title}: {variant.label}" if variant.of_feed else variant.label,
            "name": variant.name,
        }
        for variant in request.registry["foi.variants"]
        if variant.name != present.name
        and not (variant.of_feed and page.feedless)
        and (bool(resource.feed or page.feed_path) if variant.of_feed else resource.machine)
    ]


def includeme(config: Configurator) -> None:
    """Add the directives."""
    config.registry["foi.resources"] = []
    config.registry["foi.variants"] = []
    config.add_directive("add_page", add_page)
    config.add_directive("add_variant", add_variant)
