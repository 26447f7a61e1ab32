"""Searches: correspondence, authorities and people by their words, each with its feed.

The address is taken apart from the right while it is still encoded: a sort, a kind, and what is
left is the query, which may hold slashes and is never left empty (DESIGN section 3).
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from pyramid.httpexceptions import HTTPBadRequest, HTTPFound
from pyramid.request import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import Body, Event, InfoRequest, Person
from foi.archive.states import State
from foi.pages import events, links, members
from foi.pages.entries import entries_of
from foi.pages.json import moment
from foi.pages.page import Entry, Page
from foi.problems import Problem
from foi.search.engine import Hit, Hits, Kind, SearchEngine, SearchUnavailable, Sort
from foi.search.query import Query, parse
from foi.site import Site, site_of

PER_PAGE = 25
DEEPEST = 500
"""How many hits by relevance can be paged through."""

KINDS = {
    Kind.ALL: "Everything",
    Kind.REQUESTS: "Requests",
    Kind.BODIES: "Authorities",
    Kind.USERS: "People",
}
SORTS = {Sort.RELEVANT: "Most relevant", Sort.NEWEST: "Newest", Sort.DESCRIBED: "Latest described"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a search is for."""

    words: str
    kind: Kind
    sort: Sort | None
    offset: int


@dataclass(frozen=True, slots=True)
class Result:
    """A hit as the page shows it."""

    title: str
    path: str
    kind_label: str
    when: Any
    author: str
    snippet: Any
    state: State | None
    body_name: str
    body_path: str


def asked(request: Request) -> Asked:
    """Take the address apart."""
    if "query" in request.GET and "words" not in request.matchdict:
        words, kind, sort = request.GET["query"].strip(), Kind.ALL, None
    else:
        words, kind, sort = split_path(_encoded(request))
    offset = request.GET.get("offset", "0")
    if not offset.isascii() or not offset.isdigit() or len(offset) > 4 or int(offset) > DEEPEST:
        raise HTTPBadRequest(
            f"A search can be read to its {DEEPEST}th result; narrow it down, or sort it by date."
        )
    return Asked(words, kind, sort, int(offset))


def _encoded(request: Request) -> str:
    """Give the still encoded part of the path behind `/search/`, if the server passes it on."""
    raw: str = request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or ""
    path = raw.partition("?")[0]
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


def _path(words: str, kind: Kind, sort: Sort | None) -> str:
    return links.search_path(words, kind) + (f"/{sort}" if sort else "")


def page(request: Request) -> Page:
    """What was found, the best first."""
    site = site_of(request)
    if not request.GET.get("query", "").strip() and not request.matchdict.get("words"):
        return _empty()
    wanted = asked(request)
    if "words" not in request.matchdict and request.foi_variant.name == "html":
        raise HTTPFound(site.url(_path(wanted.words, Kind.ALL, None)))
    query, hits = _find(request, wanted, collapse=True)
    results = _results(request.db, site, hits.list)
    following = wanted.offset + PER_PAGE
    more = hits.total > following and following <= DEEPEST
    return Page(
        title=f"Search: {wanted.words}",
        path=_path(wanted.words, wanted.kind, wanted.sort),
        scopes=("search", "requests", "bodies", "people"),
        template="search.jinja2",
        data={
            "query": wanted.words,
            "kind": wanted.kind,
            "total": hits.total,
            "exact": hits.exact,
            "notes": query.notes,
            "results": [_result_members(site, result) for result in results],
        },
        shows={
            "words": wanted.words,
            "notes": query.notes,
            "kind": wanted.kind,
            "sort": _order(query, wanted),
            "kinds": [
                (k.value, label, _path(wanted.words, k, wanted.sort)) for k, label in KINDS.items()
            ],
            "sorts": [
                (s.value, label, _path(wanted.words, wanted.kind, s)) for s, label in SORTS.items()
            ],
            "results": results,
            "total": hits.total,
            "exact": hits.exact,
            "corrected": hits.corrected,
        },
        query=f"offset={wanted.offset}" if wanted.offset else "",
        next_query=f"offset={following}" if more else "",
        searchable=False,
    )


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
            "total": 0,
            "exact": True,
        },
        searchable=False,
    )


def feed(request: Request) -> Page:
    """The correspondence that matches, newest first; a feed of people and authorities would hold
    no events.
    """
    if not request.GET.get("query", "").strip() and not request.matchdict.get("words"):
        raise HTTPBadRequest("A feed of a search needs a query.")
    wanted = asked(request)
    wanted = Asked(wanted.words, Kind.REQUESTS, wanted.sort or Sort.NEWEST, wanted.offset)
    _, hits = _find(request, wanted, collapse=False)
    site = site_of(request)
    following = wanted.offset + PER_PAGE
    return Page(
        title=f"Search: {wanted.words}",
        path=_path(wanted.words, Kind.REQUESTS, None),
        scopes=("search", "requests", "bodies", "people"),
        entries=[entry for entry in _entries(request.db, site, hits.list) if entry is not None],
        key=f"search/{links.segment(wanted.words)}",
        query=f"offset={wanted.offset}" if wanted.offset else "",
        next_query=f"offset={following}"
        if hits.total > following and following <= DEEPEST
        else "",
        searchable=False,
    )


def _order(query: Query, wanted: Asked) -> Sort:
    """Give the order asked for; of itself a search is by relevance if it has words, else by date
    (Alaveteli's rule).
    """
    return wanted.sort or (Sort.RELEVANT if query.words else Sort.NEWEST)


def _find(request: Request, wanted: Asked, *, collapse: bool) -> tuple[Query, Hits]:
    engine: SearchEngine = request.registry["foi.search"]
    query = parse(wanted.words)
    try:
        hits = engine.find(
            query.tree,
            kind=wanted.kind,
            sort=_order(query, wanted),
            limit=PER_PAGE,
            offset=wanted.offset,
            collapse=collapse,
        )
    except SearchUnavailable as why:
        # Never an empty list: nobody could tell an outage from a site that has nothing.
        raise Problem(503, f"The search cannot answer at the moment: {why}") from None
    return query, hits


def _entries(db: Session, site: Site, hits: tuple[Hit, ...]) -> list[Entry]:
    ids = [int(hit.key.partition(":")[2]) for hit in hits if hit.key.startswith("event:")]
    if not ids:
        return []
    rows = {row.id: row for row in db.execute(events.select_events(Event.id.in_(ids)))}
    return entries_of(db, site, [rows[number] for number in ids if number in rows])


def _results(db: Session, site: Site, hits: tuple[Hit, ...]) -> list[Result]:
    """Make hits ready to be shown; what is no longer public although the index still has it is
    left out.
    """
    entries = {entry.key: entry for entry in _entries(db, site, hits)}
    bodies = _named(db, Body, hits, "body:")
    people = _named(db, Person, hits, "person:")
    results = []
    today = site.calendar.today()
    rows = _requests(db, hits)
    for hit in hits:
        kind, _, number = hit.key.partition(":")
        entry = entries.get(f"event/{number}") if kind == "event" else None
        request = rows.get(int(hit.owner.partition(":")[2])) if kind == "event" else None
        if entry is not None and request is not None:
            state = members.state_of(request, today)
            results.append(
                Result(
                    entry.title,
                    entry.path,
                    "Request",
                    entry.published,
                    entry.author,
                    hit.snippet,
                    state,
                    request.body_name,
                    links.body_path(request.body_url_name),
                )
            )
        elif kind == "body" and int(number) in bodies:
            row = bodies[int(number)]
            path = links.body_path(row.url_name)
            results.append(
                Result(row.name, path, "Authority", None, "", hit.snippet, None, "", "")
            )
        elif kind == "person" and int(number) in people:
            row = people[int(number)]
            path = links.person_path(row.url_name)
            results.append(Result(row.name, path, "Person", None, "", hit.snippet, None, "", ""))
    return results


def _requests(db: Session, hits: tuple[Hit, ...]) -> dict[int, Any]:
    ids = {int(hit.owner.partition(":")[2]) for hit in hits if hit.owner.startswith("request:")}
    if not ids:
        return {}
    rows = db.execute(members.with_parties().where(InfoRequest.id.in_(ids)))
    return {row.id: row for row in rows}


def _named(db: Session, model: Any, hits: tuple[Hit, ...], prefix: str) -> dict[int, Any]:
    ids = [int(hit.key.removeprefix(prefix)) for hit in hits if hit.key.startswith(prefix)]
    if not ids:
        return {}
    return {
        row.id: row
        for row in db.execute(
            select(model.id, model.url_name, model.name).where(model.id.in_(ids))
        )
    }


def _result_members(site: Site, result: Result) -> dict[str, Any]:
    return {
        "title": result.title,
        "url": site.url(result.path),
        "kind": result.kind_label.lower(),
        "created_at": moment(result.when, site.settings.site_zone),
        "author": result.author or None,
        "snippet": str(result.snippet),
        "calculated_state": result.state.name if result.state else None,
    }
