"""Lists and feeds in parts, by keyset: a part is found by the sort key of the item next to it.

So a deep part costs what the first does, and whoever reads on while others are added meets each
item once. Pages can be asked for by number as well (`?page=N`), as on Alaveteli sites, to the
twentieth; their links go on by cursor.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from pyramid.httpexceptions import HTTPBadRequest
from pyramid.request import Request
from sqlalchemy import ColumnElement, Row, Select, bindparam, tuple_
from sqlalchemy.orm import Session

from foi.archive.kinds import WITHDRAWALS
from foi.archive.models import Body, Event, InfoRequest
from foi.pages import cursors, events, members
from foi.pages.page import Tombstone
from foi.pages.streams import LARGEST, MOST_TOMBSTONES, Stream, tombstones, withdrawn
from foi.problems import Problem
from foi.site import site_of

NUMBERED = 20
"""The last page that can be asked for by its number, as Alaveteli's (25 requests each, 500)."""
BATCH = 500
"""Rows that a whole list is read by at a time."""
NONE: Mapping[str, Any] = MappingProxyType({})
"""The parameters of a statement that has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """What a list is sorted by; the last column tells any two items apart."""

    columns: tuple[Any, ...]
    kinds: tuple[type, ...]
    descending: bool

    @property
    def onward(self) -> str:
        """The parameter with which the list goes on: `before` of what goes down."""
        return "before" if self.descending else "after"

    @property
    def back(self) -> str:
        """The parameter with which it goes back."""
        return "after" if self.descending else "before"

    def sort(self, statement: Select[Any], *, back: bool = False) -> Select[Any]:
        """Sort a statement, from the end when going back."""
        down = self.descending != back
        return statement.order_by(*(c.desc() if down else c.asc() for c in self.columns))

    def beyond(self, statement: Select[Any], *, back: bool = False) -> Select[Any]:
        """Keep what comes after an item in the order of `sort`; its key is given as `values`."""
        # Compared as one: of the same condition spelt with OR, SQLite makes no use of an index.
        several = len(self.columns) > 1
        bound = [bindparam(f"key_{i}", type_=c.type) for i, c in enumerate(self.columns)]
        mine: Any = tuple_(*self.columns) if several else self.columns[0]
        given: Any = tuple_(*bound) if several else bound[0]
        return statement.where(mine < given if self.descending != back else mine > given)

    def values(self, values: Sequence[Any]) -> dict[str, Any]:
        """Give the parameters of `beyond`."""
        return {f"key_{i}": value for i, value in enumerate(values)}

    def is_beyond(self, row: Any, values: tuple[Any, ...], *, back: bool = False) -> bool:
        """Tell of a row that has been read what `beyond` asks of one that has not."""
        mine = tuple(getattr(row, column.key) for column in self.columns)
        return mine < values if self.descending != back else mine > values

    def cursor(self, row: Any) -> str:
        """Make the cursor of a row."""
        return cursors.write(*(getattr(row, column.key) for column in self.columns))

    def including(self, values: Sequence[Any], *, back: bool) -> str:
        """Make the cursor from which, in the other direction, the item itself comes first."""
        step = 1 if self.descending == back else -1
        return cursors.write(*values[:-1], values[-1] + step)


# Columns of the tables, not of the mapped classes: statements on them cost half as much to run.
_request, _event, _body = InfoRequest.__table__.c, Event.__table__.c, Body.__table__.c
REQUESTS = Key((_request.created_at, _request.id), (datetime, int), descending=True)
"""Newest first by the date they were made."""
EVENTS = Key((_event.id,), (int,), descending=True)
"""Newest first by id, which is the order in which they were recorded."""
BODIES = Key((_body.sort_name, _body.id), (str, int), descending=False)
"""From A to Z."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list: what it shows, and the queries of this part and those beside it."""

    rows: Sequence[Any]
    query: str
    next_query: str
    previous_query: str | None = None
    filter_query: str = ""
    erased: Sequence[Tombstone] = ()

    def queries(self) -> dict[str, Any]:
        """Give the members of a `Page` that say where its list goes on."""
        return {
            "query": self.query,
            "next_query": self.next_query,
            "previous_query": self.previous_query,
            "filter_query": self.filter_query,
            "erased": self.erased,
        }


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a list a part begins: beside a cursor, or so many parts from its top."""

    values: tuple[Any, ...]
    """The cursor's; none without one."""
    back: bool
    number: int


class _Asked:
    """A list that the database is asked for, part by part."""

    def __init__(
        self, db: Session, statement: Select[Any], key: Key, params: Mapping[str, Any]
    ) -> None:
        self._db, self._statement, self.key, self._params = db, statement, key, params

    def find(self, place: _Place, limit: int) -> Sequence[Any]:
        """Give so many rows from a place on, in the order in which one goes there."""
        sought = _sought(self._statement, self.key, place, limit)
        return self._db.execute(sought, {**self._params, **self.key.values(place.values)}).all()

    def nth(self, number: int) -> Any:
        """Give the row of a number, from 1; None beyond the end."""
        nth = self.key.sort(self._statement).offset(number - 1).limit(1)
        return self._db.execute(nth, self._params).first()


class _Read:
    """A list that has been read whole, in its order."""

    def __init__(self, rows: Sequence[Any], key: Key) -> None:
        self._rows, self.key = rows, key

    def find(self, place: _Place, limit: int) -> Sequence[Any]:
        """Give so many rows from a place on, in the order in which one goes there."""
        rows = self._rows[::-1] if place.back else self._rows
        if place.values:
            rows = [row for row in rows if self.key.is_beyond(row, place.values, back=place.back)]
        first = (place.number - 1) * (limit - 1)
        return rows[first : first + limit]

    def nth(self, number: int) -> Any:
        """Give the row of a number, from 1; None beyond the end."""
        return next(iter(self._rows[number - 1 : number]), None)


def part(
    request: Request,
    statement: Select[Any],
    key: Key,
    params: Mapping[str, Any] = NONE,
    *,
    limit: int = events.PER_PAGE,
    filter_query: str = "",
) -> Slice:
    """Give the part of a list that the address asks for: the first, one beside a cursor, or one
    by its number (400 and 404 when that is none, or too high).

    A statement that is made once and given with parameters costs half of one made for each call.
    """
    return _part(request, _Asked(request.db, statement, key, params), limit, filter_query)


def _part(request: Request, source: _Asked | _Read, limit: int, filter_query: str) -> Slice:
    key = source.key
    back = bool(request.GET.get(key.back)) and not request.GET.get(key.onward)
    name = key.back if back else key.onward
    given = request.GET.get(name, "")
    values = cursors.read(given, *key.kinds) if given else ()
    number = 1 if given else _number(request, source, limit, filter_query)
    # One more than is shown tells whether there are more.
    found = source.find(_Place(values, back, number), limit + 1)
    shown = found[:limit][::-1] if back else found[:limit]

    def query(parameter: str, value: str | int) -> str:
        return _joined(filter_query, f"{parameter}={value}")

    onward = query(key.onward, key.cursor(shown[-1])) if shown else ""
    backward = query(key.back, key.cursor(shown[0])) if shown else filter_query
    if values and not shown:
        beside = key.including(values, back=back)
        onward, backward = query(key.onward, beside), query(key.back, beside)
    more = len(found) > limit
    return Slice(
        shown,
        query(name, given) if given else query("page", number) if number > 1 else filter_query,
        onward if more or back else "",
        backward if (more if back else given or number > 1) else None,
        filter_query,
    )


_made: "WeakKeyDictionary[Select[Any], dict[tuple[Any, ...], Select[Any]]]" = WeakKeyDictionary()


def _sought(statement: Select[Any], key: Key, place: _Place, limit: int) -> Select[Any]:
    """Make of a statement the one that finds a part: of the same one always the same, so that the
    driver knows it (`foi.prepared`).
    """
    made = _made.setdefault(statement, {})
    given, back, number = bool(place.values), place.back, place.number
    which = (key, limit, number, given, back)
    if which not in made:
        sought = key.sort(key.beyond(statement, back=back) if given else statement, back=back)
        first = (number - 1) * (limit - 1)
        made[which] = sought.offset(first or None).limit(limit)
    return made[which]


def _number(request: Request, source: _Asked | _Read, limit: int, filter_query: str) -> int:
    """Read the number of a page; beyond the last one that has a number, say where the list goes
    on.
    """
    text = request.GET.get("page", "").strip() or "1"
    number = whole_number(text, "page")
    if number < 1:
        raise HTTPBadRequest("Pages are numbered from 1.")
    if number > NUMBERED:
        row = source.nth(NUMBERED * limit)
        if row is None:
            raise Problem(404, f"This list has no page {number}.")
        query = _joined(filter_query, f"{source.key.onward}={source.key.cursor(row)}")
        url = f"{site_of(request).url(request.path)}?{query}"
        raise Problem(404, f"Pages have numbers up to {NUMBERED}; the list goes on at {url}")
    return number


def _joined(*queries: str) -> str:
    return "&".join(query for query in queries if query)


def whole_number(text: str, name: str) -> int:
    """Read a parameter that is a whole number of at most 64 bits; 400 when it is not."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise HTTPBadRequest(f"“{name}” must be a whole number.")
    return int(text)


def requests_before(
    request: Request,
    *conditions: ColumnElement[bool],
    limit: int = events.PER_PAGE,
    filter_query: str = "",
) -> Slice:
    """Give a part of a list of requests, newest first, with their authority and requester."""
    statement = members.with_parties()
    statement = statement.where(*conditions) if conditions else statement
    found = part(request, statement, REQUESTS, limit=limit, filter_query=filter_query)
    today = site_of(request).calendar.today()
    return replace(found, rows=members.listed(request.db, found.rows, today))


def events_before(
    request: Request, stream: Stream, params: Mapping[str, Any] = NONE, filter_query: str = ""
) -> Slice:
    """Give a part of a stream of events, newest first, with what was withdrawn in its span."""
    found = part(request, stream.events, EVENTS, params, filter_query=filter_query)
    ids = withdrawn(request.db, stream, _span(request, found), params)
    return replace(found, erased=tombstones(request.db, stream, ids))


def events_of(request: Request, stream: Stream, told: events.Whole) -> Slice:
    """Give the same of a request that has been read whole, of which the stream is."""
    rows = [event for event in told.log[::-1] if event.kind in stream.kinds]
    found = _part(request, _Read(rows, EVENTS), events.PER_PAGE, "")
    first, beyond = _span(request, found)
    ids = [e.id for e in told.steps[::-1] if e.kind in WITHDRAWALS and first <= e.id < beyond]
    return replace(found, erased=tombstones(request.db, stream, ids[:MOST_TOMBSTONES]))


def _span(request: Request, found: Slice) -> tuple[int, int]:
    """Give the span of ids that a part of a stream stands for, the second one excluded."""
    rows, before = found.rows, request.GET.get("before")
    beyond = LARGEST
    if found.previous_query is not None and rows:
        beyond = cursors.read(before, int)[0] if before else rows[0].id
    return (rows[-1].id if rows and found.next_query else 0, beyond)


def looking(request: Request) -> AbstractContextManager[Session]:
    """Read in a transaction of its own, for what is sent while it is read; in the one that a test
    gives, if it gives one.
    """
    given: Session | None = request.environ.get("foi.db")
    return site_of(request).sessions.reading() if given is None else nullcontext(given)


def every(
    request: Request,
    statement: Select[Any],
    key: Key,
    make: Callable[[Session, Sequence[Row[Any]]], Sequence[Any]],
) -> Iterator[Any]:
    """Read a whole list in batches and give what is made of each, item by item.

    Each batch has a transaction of its own, ended before anything of it is given: whoever takes
    long over it holds nobody up.
    """
    values: tuple[Any, ...] = ()
    while True:
        sought = key.sort(key.beyond(statement) if values else statement).limit(BATCH)
        with looking(request) as db:
            rows = db.execute(sought, key.values(values)).all()
            made = make(db, rows)
        yield from made
        if len(rows) < BATCH:
            return
        values = tuple(getattr(rows[-1], column.key) for column in key.columns)
