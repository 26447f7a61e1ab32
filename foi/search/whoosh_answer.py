"""Puts an answer together: what matches, a page of it with snippets, facets, spelling, notes.

Each part has the time that those before it have left, and what there is no time for is left out
and said. Given up: a page deep in an order by date costs what the first does, since everything
that matches is gone through.
"""

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from foi.search import snippets, whoosh_facets, whoosh_spelling
from foi.search.engine import Cursor, Facets, Hit, Hits, Kind, Sort
from foi.search.snippets import NOTHING, Sought
from foi.search.tree import Node, asked_words, respelled
from foi.search.whoosh_format import kind_number
from foi.search.whoosh_reader import Clock, Found, OutOfTime, Search, Snapshot, sought
from foi.search.words import Language

_FOR_SNIPPETS = 0.1
"""Seconds that snippets may take when time is already up; then texts show their beginning."""
_STOPPED = (
    "The search was stopped for lack of time; what had been found by then is shown. Rarer words, "
    "or filters, make it faster."
)
_NOT_COUNTED = "There was no time to count the results by state, authority, year and file type."


@dataclass(frozen=True, slots=True)
class Wanted:
    """The arguments of `SearchEngine.find`."""

    query: Node
    kind: Kind
    sort: Sort
    limit: int
    offset: int
    behind: Cursor | None
    ahead: Cursor | None
    collapse: bool
    facets: date | None
    bare: bool


def answer(snapshot: Snapshot, wanted: Wanted, language: Language, seconds: float) -> Hits:
    """Find, count and cut out, within some seconds and a tenth more."""
    deadline = time.monotonic() + seconds
    clock = Clock(deadline)
    every: list[Found] = []
    exact = False
    notes: list[str] = []
    try:
        search = Search(snapshot, wanted.query, wanted.sort, language, clock)
        every, exact = search.run(wanted.kind)
        notes = search.notes
    except OutOfTime:
        pass
    facets = _facets(snapshot, every, wanted, clock) if exact else None
    if not exact:
        notes.append(_STOPPED)
    elif wanted.facets is not None and facets is None:
        notes.append(_NOT_COUNTED)
    found = _first_of_each(snapshot, every) if wanted.collapse else every
    page, before = _page(found, wanted)
    better = {} if found or not exact else _better(snapshot, wanted, language, clock)
    if wanted.bare:
        hits = _bare(snapshot, page)
    else:
        hits = _hits(snapshot, page, sought(wanted.query, language), deadline)
    return Hits(
        tuple(hits),
        len(found),
        exact,
        before,
        tuple(notes),
        facets,
        tuple(better.items()),
    )


def _facets(snapshot: Snapshot, every: list[Found], wanted: Wanted, clock: Clock) -> Facets | None:
    if wanted.facets is None:
        return None
    try:
        return whoosh_facets.count(snapshot, every, wanted.collapse, wanted.facets, clock)
    except OutOfTime:
        return None


def _better(
    snapshot: Snapshot, wanted: Wanted, language: Language, clock: Clock
) -> dict[str, str]:
    """Give other spellings, if the query finds something with them."""
    words = list(dict.fromkeys(asked_words(wanted.query)))
    try:
        better = whoosh_spelling.better(snapshot, words, language, clock)
        if better:
            corrected = respelled(wanted.query, better)
            found, _ = Search(snapshot, corrected, wanted.sort, language, clock).run(wanted.kind)
            return better if found else {}
    except OutOfTime:
        pass
    return {}


def _first_of_each(snapshot: Snapshot, found: list[Found]) -> list[Found]:
    """Keep the first of each owner."""
    first: dict[tuple[int, int], Found] = {}
    for each in found:
        _, _, _, kind, position, number = each
        owner = (kind, snapshot[position][0].facts["owner"][number])
        if owner not in first or each < first[owner]:
            first[owner] = each
    return list(first.values())


def _page(found: list[Found], wanted: Wanted) -> tuple[list[Found], int]:
    """Give a page of what was found, in order, and how many are before it."""
    limit, offset = wanted.limit, wanted.offset
    if wanted.behind is not None:
        rest = [each for each in found if each[1:4] > wanted.behind]
        return heapq.nsmallest(limit, rest), len(found) - len(rest)
    if wanted.ahead is not None:
        rest = [each for each in found if each[1:4] < wanted.ahead]
        return heapq.nlargest(limit, rest)[::-1], max(0, len(rest) - limit)
    return heapq.nsmallest(offset + limit, found)[offset:], min(offset, len(found))


def _bare(snapshot: Snapshot, page: list[Found]) -> Iterator[Hit]:
    for score, moment, number, kind, position, place in page:
        owner = snapshot[position][0].facts["owner"][place]
        name = _OWNERS[kind]
        key = f"event:{-number}" if kind == kind_number(Kind.REQUESTS) else f"{name}:{-number}"
        yield Hit(key, f"{name}:{owner}", -score, Markup(), None, (moment, number, kind))


_OWNERS = {
    kind_number(Kind.REQUESTS): "request",
    kind_number(Kind.BODIES): "body",
    kind_number(Kind.USERS): "person",
}


def _hits(snapshot: Snapshot, page: list[Found], marks: Sought, deadline: float) -> Iterator[Hit]:
    for score, moment, number, kind, position, place in page:
        key, owner, _, _, text, attachments = snapshot[position][0].kept(place)
        late = time.monotonic() > deadline + _FOR_SNIPPETS
        attachment, snippet = snippets.best(
            [(None, text), *((n, t) for n, _, t in attachments)], NOTHING if late else marks
        )
        yield Hit(key, owner, -score, snippet, attachment, (moment, number, kind))
