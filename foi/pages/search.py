"""Searches: correspondence, authorities and people by their words, each with its feed.

The address is taken apart from the right while it is still encoded: a sort, a kind, and what is
left is the query, which may hold slashes and is never left empty (DESIGN section 3). By date a
search is read to its last item by cursor; by relevance to the 500th, since what is relevant comes
first.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import quote, unquote

from pyramid.httpexceptions import HTTPBadRequest, HTTPFound
from pyramid.request import Request

from foi.pages import cursors, found, links, narrowing
from foi.pages.page import Page, Table
from foi.pages.paging import NUMBERED, whole_number
from foi.problems import Problem
from foi.search.engine import Cursor, Hit, Hits, Kind, Sort
from foi.search.query import Query, parse
from foi.search.tree import respelled, write
from foi.site import Site, site_of

PER_PAGE = 25
DEEPEST = NUMBERED * PER_PAGE
"""How many hits by relevance can be paged through."""
_TABLED = 5000
"""Hits that a table is read by at a time."""
_TRIES = 10  # for those behind the first: a busy moment must not cut a table off
_NAMED = 100
"""Letters of a query that its title has."""
_SCOPES = ("search", "requests", "bodies", "people")
_ADDRESS = re.compile(r"/feed/search(?:[\w.~:@!$&'()*+,;=/?-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_FIELDS = frozenset({"query", "before", "after", "page", "offset"})

KINDS = {
    Kind.ALL: "Everything",
    Kind.REQUESTS: "Requests",
    Kind.BODIES: "Authorities",
    Kind.USERS: "People",
}
SORTS = {Sort.RELEVANT: "Most relevant", Sort.NEWEST: "Newest", Sort.DESCRIBED: "Latest described"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search is for, and how it was understood."""

    words: str
    kind: Kind
    sort: Sort | None
    """As the address has it."""
    query: Query
    notes: list[str]

    @property
    def order(self) -> Sort:
        """The order asked for; of itself a search is by relevance if it has words, else by date
        (Alaveteli's rule).
        """
        return self.sort or (Sort.RELEVANT if self.query.words else Sort.NEWEST)

    def path(self, kind: Kind | None = None, sort: Sort | None = None, words: str = "") -> str:
        """The page of this search, or of a similar one."""
        return search_path(words or self.words, kind or self.kind, sort or self.sort)

    @property
    def title(self) -> str:
        """What the search is called, at a length that a tab or a feed reader can show."""
        name = self.words if len(self.words) <= _NAMED else f"{self.words[: _NAMED - 1]}…"
        return f"Search: {name}"

    @property
    def feed_path(self) -> str:
        """The page whose feed is this search's: a feed is of correspondence, and by date."""
        by = Sort.DESCRIBED if self.sort == Sort.DESCRIBED else None
        return search_path(self.words, Kind.REQUESTS, by)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a search a page begins."""

    query: str = ""
    """As the address has it; empty for the first page."""
    offset: int = 0
    behind: Cursor | None = None
    ahead: Cursor | None = None


def search_path(words: str, kind: Kind, sort: Sort | None = None) -> str:
    """Give the page of a search in an order."""
    return links.search_path(words, kind) + (f"/{sort}" if sort else "")


def asked(request: Request) -> Asked:
    """Take the address apart: its path, the fields of Alaveteli's forms, and what they mean."""
    today = site_of(request).calendar.today()
    if "words" in request.matchdict:
        words, kind, sort = split_path(_encoded(request))
    else:
        words, kind, sort = request.GET.get("query", "").strip(), Kind.ALL, None
    full, notes = narrowing.with_fields(request, words, today)
    query = parse(full, today)
    if full != words and kind == Kind.ALL:
        kind = Kind.REQUESTS
    return Asked(full, kind, sort, query, [*notes, *query.notes])


def _raw(request: Request) -> str:
    return request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or ""


def _itself(request: Request) -> str:
    """Give the address of a feed as it was asked for; empty when that holds more than the search
    or is not spelled as addresses are, and the canonical one is the better to keep.
    """
    raw = _raw(request)
    return raw if _ADDRESS.fullmatch(raw) and _FIELDS.issuperset(request.GET) else ""


def _encoded(request: Request) -> str:
    """Give the still encoded part of the path behind `/search/`, if the server passes it on."""
    path = _raw(request).partition("?")[0]
    marker = path.find("/search/")
    if marker < 0:
        path = quote(request.environ["PATH_INFO"].encode("latin-1").decode(), safe="/")
        marker = path.find("/search/")
    return path[marker + len("/search/") :].removesuffix(request.foi_variant.suffix)


def split_path(path: str) -> tuple[str, Kind, Sort | None]:
    """Take one sort and one kind off the right of an encoded path; what is left is the query,
    decoded.
    """
    parts = path.split("/")
    sort = kind = None
    if len(parts) > 1 and parts[-1] in list(Sort):
        sort = Sort(parts.pop())
    if len(parts) > 1 and parts[-1] in list(Kind):
        kind = Kind(parts.pop())
    return unquote("/".join(parts)).strip(), kind or Kind.ALL, sort


def place(request: Request, order: Sort) -> Place:
    """Read where the page begins: a cursor in orders by date, else the number of the page; 400 and
    404 when there is no such place.
    """
    get = request.GET
    name = next((name for name in ("before", "after") if get.get(name)), None)
    if name is not None:
        if order == Sort.RELEVANT:
            raise HTTPBadRequest("By relevance a search is read by page: “page=2”.")
        cursor = cursors.read(get[name], int, int, int)
        given = f"{name}={get[name]}"
        return Place(given, behind=cursor) if name == "before" else Place(given, ahead=cursor)
    offset = get.get("offset", "").strip() or "0"
    if not offset.isascii() or not offset.isdigit() or len(offset) > 4 or int(offset) > DEEPEST:
        raise HTTPBadRequest(
            f"A search can be read to its {DEEPEST}th result; narrow it down, or sort it by date."
        )
    if int(offset):
        return Place(f"offset={int(offset)}", int(offset))
    number = whole_number(get.get("page", "").strip() or "1", "page")
    if not 1 <= number <= NUMBERED:
        raise Problem(
            404,
            f"A search has pages 1 to {NUMBERED}; in the order “newest” its links go on to the "
            "last result.",
        )
    return Place(f"page={number}" if number > 1 else "", (number - 1) * PER_PAGE)


def page(request: Request) -> Page:
    """What was found, the best first."""
    wanted = asked(request)
    if not wanted.words:
        return _empty()
    site = site_of(request)
    typed = request.matchdict.get("words")
    if request.foi_variant.name == "html" and (not typed or _has_fields(request, wanted)):
        raise HTTPFound(site.url(wanted.path()))
    start = place(request, wanted.order)
    today = site.calendar.today()
    hits = _find(request, wanted, start, collapse=True, facets=today)
    told: dict[str, Any] = {
        "results": found.results(request.db, site, hits.list),
        "facets": _facets(request, wanted, hits),
        "better": _better(wanted, hits),
        "notes": [*wanted.notes, *hits.notes, *_depth(wanted, start, hits)],
    }
    return Page(
        title=wanted.title,
        path=wanted.path(),
        feed_path=wanted.feed_path,
        scopes=_SCOPES,
        template="search.jinja2",
        feedless=wanted.kind in (Kind.BODIES, Kind.USERS),
        data=lambda: _members(site, wanted, hits, told),
        shows={
            **told,
            "words": wanted.words,
            "kind": wanted.kind,
            "sort": wanted.order,
            "kinds": [(k.value, label, wanted.path(kind=k)) for k, label in KINDS.items()],
            "sorts": [(s.value, label, wanted.path(sort=s)) for s, label in SORTS.items()],
            "total": hits.total,
            "exact": hits.exact,
            "better_path": wanted.path(words=told["better"]),
            "facet_names": narrowing.FACETS,
        },
        table=_table(request, wanted),
        searchable=False,
        **_ways(wanted.order, start, hits),
    )


def _depth(wanted: Asked, start: Place, hits: Hits) -> list[str]:
    """Say on the last page by relevance that it is the last one."""
    if wanted.order != Sort.RELEVANT or not start.offset + PER_PAGE >= DEEPEST < hits.total:
        return []
    return [
        f"By relevance a search ends at its {DEEPEST}th result; in the order “newest” it goes on "
        "to the last."
    ]


def _members(site: Site, wanted: Asked, hits: Hits, told: dict[str, Any]) -> dict[str, Any]:
    """The JSON of a search."""
    better, facets = told["better"], told["facets"]
    return {
        "query": wanted.words,
        "kind": wanted.kind,
        "sort": wanted.order,
        "total": hits.total,
        "exact": hits.exact,
        "notes": told["notes"],
        "corrected": {"query": better, "url": site.url(wanted.path(words=better))}
        if better
        else None,
        "facets": None
        if hits.facets is None
        else {
            facet: [
                {name: each[name] for name in ("value", "label", "count", "chosen")}
                | {"url": site.url(each["path"])}
                for each in values
            ]
            for facet, values in facets.items()
        },
        "results": [found.result_members(site, result) for result in told["results"]],
    }


def _has_fields(request: Request, wanted: Asked) -> bool:
    """Tell whether fields of a form have become part of the query; while one of them was not
    understood, the page that says so is shown instead of the one that has them in its address.
    """
    plain = split_path(_encoded(request))[0]
    return wanted.words != plain and not wanted.notes


def _empty() -> Page:
    return Page(
        title="Search",
        path="/search",
        scopes=("search",),
        template="search.jinja2",
        data={"query": "", "results": []},
        feedless=True,
        shows={
            "words": "",
            "notes": [],
            "kinds": [],
            "sorts": [],
            "results": [],
            "facets": {},
            "total": 0,
            "exact": True,
        },
        searchable=False,
    )


def feed(request: Request) -> Page:
    """The correspondence that matches, newest or latest described first."""
    wanted = asked(request)
    if not wanted.words:
        raise HTTPBadRequest("A feed of a search needs a query.")
    if wanted.kind in (Kind.BODIES, Kind.USERS):
        raise Problem(
            404,
            "A search for authorities or people has no feed: a feed tells what happened. "
            f"That of requests is {site_of(request).url('/feed' + wanted.path(Kind.REQUESTS))}",
        )
    described = wanted.sort == Sort.DESCRIBED
    sort = Sort.DESCRIBED if described else Sort.NEWEST
    wanted = Asked(wanted.words, Kind.REQUESTS, sort, wanted.query, wanted.notes)
    start = place(request, sort)
    hits = _find(request, wanted, start, collapse=False)
    return Page(
        title=wanted.title,
        path=wanted.feed_path,
        itself=_itself(request),
        scopes=_SCOPES,
        entries=found.entries(request.db, site_of(request), hits.list),
        key=f"search/{links.segment(wanted.words)}{'/described' if described else ''}",
        searchable=False,
        **_ways(sort, start, hits),
    )


def _find(request: Request, wanted: Asked, start: Place, **how: Any) -> Hits:
    return found.find(
        request,
        wanted.query.tree,
        kind=wanted.kind,
        sort=wanted.order,
        limit=PER_PAGE,
        offset=start.offset,
        behind=start.behind,
        ahead=start.ahead,
        **how,
    )


def _ways(order: Sort, start: Place, hits: Hits) -> dict[str, Any]:
    """Give the queries of this part and of those beside it."""
    end = hits.before + len(hits.list)
    more = bool(hits.list) and end < hits.total
    if order == Sort.RELEVANT:
        # Pages begin where the first would have them, whatever offset this one was asked for by.
        number = start.offset // PER_PAGE + 1
        onward = f"page={number + 1}" if more and number < NUMBERED else ""
        back = f"page={number - 1}" if number > 2 else ""
    else:
        onward = f"before={cursors.write(*hits.list[-1].cursor)}" if more else ""
        far = bool(hits.list) and hits.before > PER_PAGE
        back = f"after={cursors.write(*hits.list[0].cursor)}" if far else ""
    first = not hits.before and not start.query
    return {
        "query": start.query,
        "next_query": onward,
        "previous_query": None if first else back,
    }


def _better(wanted: Asked, hits: Hits) -> str:
    """Give the query in another spelling, if that finds something."""
    if not hits.better or wanted.query.tree is None:
        return ""
    return write(respelled(wanted.query.tree, dict(hits.better)))


def _facets(request: Request, wanted: Asked, hits: Hits) -> dict[str, list[dict[str, Any]]]:
    if not hits.facets:
        return {}
    today = site_of(request).calendar.today()
    made = narrowing.facet_links(request.db, wanted.query, wanted.words, hits.facets, today)
    for values in made.values():
        for each in values:
            text = each.pop("text")
            each["path"] = wanted.path(Kind.REQUESTS, words=text) if text else "/search"
    return made


def _table(request: Request, wanted: Asked) -> Callable[[], Table]:
    """Give all of a search as a table: by date, or the most relevant ones by relevance."""
    depth = DEEPEST if wanted.order == Sort.RELEVANT else _TABLED

    def batches() -> Iterator[tuple[Hit, ...]]:
        behind, tries = None, 1
        while True:
            for _ in range(tries):
                hits = found.find(
                    request, wanted.query.tree, kind=wanted.kind, sort=wanted.order, limit=depth,
                    behind=behind, collapse=True, bare=True,
                )  # fmt: skip
                if hits.exact:
                    break
            else:
                raise Problem(503, "This search takes too long for a table; narrow it down.")
            yield hits.list
            if wanted.order == Sort.RELEVANT or len(hits.list) < depth:
                return
            behind, tries = hits.list[-1].cursor, _TRIES

    def table() -> Table:
        # The first ones are looked for at once: a search that fails must not begin to answer.
        source = batches()
        every = chain([next(source)], source)
        return Table(
            found.TABLE, chain.from_iterable(found.table_rows(request, some) for some in every)
        )

    return table
