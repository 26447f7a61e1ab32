"""The JSON of pages and feeds: their members, named as Alaveteli names them, and links to every
other form.
"""

from pyramid.request import Request

from foi.pages.json import dump
from foi.pages.page import Page
from foi.pages.variants import alternates, ways


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
