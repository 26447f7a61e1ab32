"""The CSV renderer (RFC 4180): a list as a table for spreadsheets, from its first row to its last.

It is sent while it is read, so that a list of any length takes the same memory, and past the cache
of finished pages. Given up: the rows are of no single moment; one that is added meanwhile, at the
top, is not among them.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING

from foi.pages.page import Page
from foi.site import site_of

if TYPE_CHECKING:
    from pyramid.request import Request

_AT_ONCE = 200
"""Rows in one piece of the answer."""
_FORMULA = frozenset("=+-@\t\r")
"""What a text begins with that spreadsheets would run (OWASP, CSV injection)."""


def render_page(request: "Request", page: Page) -> Iterator[bytes]:
    """Give a page's table as UTF-8 CSV with a heading, in pieces."""
    assert page.table is not None
    zone = site_of(request).settings.site_zone
    table = page.table()

    def cell(value: object) -> object:
        # Most cells are texts or numbers: what is asked of each, in this order, is the work of it.
        if isinstance(value, str):
            return harmless(value)
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat(timespec="seconds")
        return value.isoformat() if isinstance(value, date) else value

    rows = chain([table.columns], (map(cell, row) for row in table.rows))
    return iter(lambda: written(islice(rows, _AT_ONCE)), b"")


def written(rows: Iterable[Iterable[object]]) -> bytes:
    """Write rows as UTF-8 CSV, their values as they are."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def harmless(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text[:1] in _FORMULA else text
