"""The JSON renderers, and the members that pages and feeds share, named as Alaveteli names
them.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pyramid.request import Request

from foi.pages.page import Page
from foi.pages.variants import alternates, ways


def moment(value: datetime | None, zone: ZoneInfo) -> str | None:
    """Give a moment as Alaveteli does: three digits of the second and the site zone's offset (`Z`
    in UTC).
    """
    if value is None:
        return None
    text = value.astimezone(zone).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def tag_pairs(tags: Sequence[tuple[str, str]]) -> list[list[str | None]]:
    """Give tags as Alaveteli does: pairs of name and value, the value null for a plain tag."""
    return [[name, value or None] for name, value in tags]


def dump(data: Any) -> bytes:
    """Give data as UTF-8 JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def render_page(request: Request, page: Page) -> bytes:
    """Give the JSON of a page: its own members and links to every other form of it."""
    data = page.data() if callable(page.data) else page.data
    if isinstance(data, dict):
        url = request.registry["foi.site"].url
        paths = {other["name"]: other["href"] for other in alternates(request, page)}
        paths |= ways(request, page)
        links = {name: url(path) for name, path in paths.items()}
        data = data | {"links": links | page.elsewhere}
    return dump(data)


def render_feed(_: Request, page: Page) -> bytes:
    """Give the JSON of a feed: the bare array of its entries' members, as Alaveteli does."""
    return dump([entry.data for entry in page.entries])
