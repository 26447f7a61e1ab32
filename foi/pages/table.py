"""The CSV renderer (RFC 4180): a list as a table for spreadsheets, from its first row to its last.

It is sent while it is read, so that a list of any length takes the same memory, and past the cache
of finished pages. Given up: the rows are of no single moment; one that is added meanwhile, at the
top, is not among them.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import chain, islice

from pyramid.request import Request

from foi.pages.page import Page
from foi.site import site_of

_AT_ONCE = 200
"""Rows in one piece of the answer."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that spreadsheets would run (OWASP, CSV injection)."""


def render_page(request: Request, page: Page) -> Iterator[bytes]:
    """Give a page's table as UTF-8 CSV with a heading, in pieces."""
    assert page.table is not None
    zone = site_of(request).settings.site_zone
    table = page.table()

    def cell(value: object) -> object:
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat(timespec="seconds")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str) and value.startswith(_FORMULA):
            return f"'{value}"
        return value

    rows = ([cell(value) for value in row] for row in table.rows)
    return _pieces(chain([table.columns], rows))


def _pieces(rows: Iterator[Sequence[object]]) -> Iterator[bytes]:
    while batch := list(islice(rows, _AT_ONCE)):
        text = io.StringIO(newline="")
        csv.writer(text).writerows(batch)
        yield text.getvalue().encode("utf-8", "replace")
