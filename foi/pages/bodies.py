"""Authorities: one, its requests by view, and the list of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pyramid.request import Request
from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session

from foi.archive.casework import format_tag, parse_tag
from foi.archive.casework.bodies import sort_name
from foi.archive.categories import Category, all_categories
from foi.archive.models import Body, Event, InfoRequest, Tag
from foi.pages import charts, links, members, paging, statistics
from foi.pages.entries import entries_of
from foi.pages.filters import tagged
from foi.pages.json import moment, tag_pairs
from foi.pages.lists import Listing, feed_page, listing
from foi.pages.naming import named
from foi.pages.page import Page, Table
from foi.pages.streams import Stream
from foi.search.query import Filter
from foi.site import Site, site_of

LIST_LENGTH = 100
_MOST_WORDS = 10
_COLUMNS = (
    "id", "url_name", "name", "short_name", "url", "tags", "home_page", "publication_scheme",
    "disclosure_log", "notes", "created_at", "updated_at",
)  # fmt: skip
_LINES: Any = select(
    Body.id, Body.url_name, Body.name, Body.short_name, Body.sort_name, Body.home_page,
    Body.publication_scheme, Body.disclosure_log, Body.notes, Body.created_at, Body.updated_at,
)  # fmt: skip
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def find(request: Request) -> Body:
    """Give the authority that the address names; a former name redirects."""
    found: Body = named(request, Body, "body", links.body_path, "There is no such authority.")
    return found


def _wanted(request: Request, body: Body, *, of_feed: bool = False) -> Listing:
    return listing(
        request,
        InfoRequest.body_id == body.id,
        within=(Filter("requested_from", body.url_name),),
        of_feed=of_feed,
    )


def page(request: Request) -> Page:
    """An authority and the requests made to it, newest first."""
    db, site = request.db, site_of(request)
    body = find(request)
    wanted = _wanted(request, body)
    path = links.body_path(body.url_name)
    tags = members.tags_by_subject(db, "body", [body.id]).get(body.id, [])
    part = wanted.part()
    figures = statistics.of_body(db, body, site.calendar)
    return Page(
        title=wanted.title(body.name),
        path=path + wanted.path,
        scopes=(f"body:{body.id}", *_shown_people(part), *wanted.narrowed.scopes),
        template="body.jinja2",
        data=lambda: (
            _members(site, body, tags, figures)
            | wanted.members([members.request_members(site, found) for found in part.rows])
        ),
        shows={
            "body": body,
            "tags": tags,
            "info": figures.info,
            "figures": figures,
            "charts": charts,
            "part": part,
            **wanted.shows(),
        },
        table=wanted.table(),
        searchable=not wanted.filters.query,
        **part.queries(),
    )


def _shown_people(part: paging.Slice) -> list[str]:
    return sorted({f"person:{found.row.person_id}" for found in part.rows if found.row.person_id})


def _members(
    site: Site, body: Body, tags: list[tuple[str, str]], figures: statistics.Statistics
) -> dict[str, Any]:
    zone = site.settings.site_zone
    return {
        "id": body.id,
        "url_name": body.url_name,
        "name": body.name,
        "short_name": body.short_name,
        "created_at": moment(body.created_at, zone),
        "updated_at": moment(body.updated_at, zone),
        "home_page": body.home_page,
        "notes": body.notes,
        "publication_scheme": body.publication_scheme,
        "disclosure_log": body.disclosure_log,
        "tags": tag_pairs(tags),
        "info": figures.info,
        "statistics": statistics.members(figures),
        "jurisdiction": body.jurisdiction or site.settings.jurisdiction,
        "url": site.url(links.body_path(body.url_name)),
    }


def feed(request: Request) -> Page:
    """What happened to an authority's requests, newest first."""
    body = find(request)
    wanted = _wanted(request, body, of_feed=True)
    # Of a request that has moved on, nothing more is shown here: its changes do not raise this
    # authority's version.
    stayed = select(InfoRequest.id).where(
        InfoRequest.id == Event.request_id, InfoRequest.body_id == body.id
    )
    part = wanted.events(Event.body_id == body.id, exists(stayed.correlate(Event.__table__)))
    return feed_page(
        wanted,
        part,
        title=wanted.title(body.name, "requests and answers"),
        path=links.body_path(body.url_name) + wanted.path,
        scopes=(f"body:{body.id}", "people"),
        key=f"body/{body.id}",
    )


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Which authorities a list holds."""

    choice: str
    words: str
    conditions: list[ColumnElement[bool]]
    title: str

    @property
    def path(self) -> str:
        return "/body/list" if self.choice == "all" else links.tagged_path(self.choice)

    @property
    def query(self) -> str:
        return urlencode({"public_body_query": self.words}) if self.words else ""


def _chosen(request: Request) -> _Chosen:
    """Read which authorities an address asks for: one letter, other beginnings, a tag, words of
    their names.
    """
    choice = request.matchdict.get("tag", "all")
    words = " ".join(request.GET.get("public_body_query", "").split())
    conditions, title = _of_choice(request.db, choice)
    for word in words.split()[:_MOST_WORDS]:
        conditions.append(
            or_(
                Body.sort_name.contains(sort_name(word), autoescape=True),
                func.lower(Body.short_name).contains(word.lower(), autoescape=True),
            )
        )
    return _Chosen(choice, words, conditions, title)


def _of_choice(db: Session, choice: str) -> tuple[list[ColumnElement[bool]], str]:
    if choice == "all":
        return [], "Authorities"
    if choice == "other":
        letters = and_(Body.sort_name >= "a", Body.sort_name < "z\U0010ffff")
        return [not_(letters)], "Authorities beginning with no letter from A to Z"
    if len(choice) == 1:
        return [
            Body.sort_name >= choice.lower(),
            Body.sort_name < choice.lower() + "\U0010ffff",
        ], f"Authorities beginning with {choice.upper()}"
    return [tagged(db, "body", Body.id, choice)], f"Authorities tagged “{choice}”"


def index(request: Request) -> Page:
    """Authorities from A to Z; of one letter, with one tag, or all."""
    db, site = request.db, site_of(request)
    chosen = _chosen(request)
    statement = _LINES.where(*chosen.conditions)
    part = paging.part(
        request, statement, paging.BODIES, limit=LIST_LENGTH, filter_query=chosen.query
    )
    tags = members.tags_by_subject(db, "body", [row.id for row in part.rows])
    categories = _categories(db)
    return Page(
        title=chosen.title,
        path=chosen.path,
        scopes=("bodies",),
        template="bodies.jinja2",
        data={
            "public_bodies": [
                {
                    "id": row.id,
                    "url_name": row.url_name,
                    "name": row.name,
                    "short_name": row.short_name,
                    "tags": tag_pairs(tags.get(row.id, ())),
                    "url": site.url(links.body_path(row.url_name)),
                }
                for row in part.rows
            ],
            "categories": [
                {
                    "title": category.title,
                    "tags": [
                        {"tag": tag, "name": words, "url": site.url(links.tagged_path(tag))}
                        for tag, words in category.tags
                    ],
                }
                for category in categories
            ],
        },
        shows={
            "bodies": part.rows,
            "categories": categories,
            "tags": tags,
            "letters": LETTERS,
            "choice": chosen.choice,
            "words": chosen.words,
        },
        table=lambda: _table(request, statement),
        searchable=not chosen.words,
        **part.queries(),
    )


def _categories(db: Session) -> list[Category]:
    """Give the categories with those tags that an authority has; of others there is no list."""
    known = all_categories(db)
    names = {parse_tag(tag)[0] for category in known for tag, _ in category.tags}
    if not names:
        return []
    having = select(Tag.name, Tag.value).where(Tag.subject_kind == "body", Tag.name.in_(names))
    used = {(name, value) for name, value in db.execute(having.distinct())}
    used |= {(name, "") for name, _ in used}  # a name stands for every value
    kept = (
        Category(each.title, tuple(pair for pair in each.tags if parse_tag(pair[0]) in used))
        for each in known
    )
    return [category for category in kept if category.tags]


def _table(request: Request, statement: Select[Any]) -> Table:
    site = site_of(request)

    def make(db: Session, rows: Sequence[Row[Any]]) -> list[tuple[object, ...]]:
        tags = members.tags_by_subject(db, "body", [row.id for row in rows])
        return [
            (
                row.id,
                row.url_name,
                row.name,
                row.short_name,
                site.url(links.body_path(row.url_name)),
                " ".join(format_tag(*pair) for pair in tags.get(row.id, ())),
                row.home_page,
                row.publication_scheme,
                row.disclosure_log,
                row.notes,
                row.created_at,
                row.updated_at,
            )
            for row in rows
        ]

    return Table(_COLUMNS, paging.every(request, statement, paging.BODIES, make))


def index_feed(request: Request) -> Page:
    """Authorities as they are added and edited, newest first."""
    chosen = _chosen(request)
    wanted: list[ColumnElement[bool]] = [Event.body_id.is_not(None), Event.request_id.is_(None)]
    if chosen.conditions:
        known = select(Body.id).where(Body.id == Event.body_id, *chosen.conditions)
        wanted.append(exists(known.correlate(Event.__table__)))
    stream = Stream(*wanted, kinds=None)
    part = paging.events_before(request, stream, filter_query=chosen.query)
    return Page(
        title=f"{chosen.title}: added and edited",
        path=chosen.path,
        scopes=("bodies",),
        entries=entries_of(request.db, site_of(request), part.rows),
        key=chosen.path.lstrip("/") + (f"?{chosen.query}" if chosen.query else ""),
        **part.queries(),
    )
