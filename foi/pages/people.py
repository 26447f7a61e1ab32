"""People: who made which requests and annotations, and what they say of themselves."""

from typing import Any

from pyramid.request import Request
from sqlalchemy import ColumnElement, Select, and_, or_, select

from foi.archive.kinds import Kind
from foi.archive.models import Annotation, Event, InfoRequest, Person
from foi.pages import links, members, paging
from foi.pages.entries import entries_of
from foi.pages.lists import Listing, feed_page, listing
from foi.pages.naming import named
from foi.pages.page import Entry, Page
from foi.pages.streams import Stream
from foi.search.query import Filter
from foi.site import site_of


def find(request: Request) -> Person:
    """Give the person whom the address names; a former name redirects."""
    missing = "There is nobody of that name here."
    found: Person = named(request, Person, "person", links.person_path, missing)
    return found


def _wanted(request: Request, person: Person, *, of_feed: bool = False) -> Listing:
    return listing(
        request,
        InfoRequest.person_id == person.id,
        within=(Filter("requested_by", person.url_name),),
        of_feed=of_feed,
    )


def page(request: Request) -> Page:
    """Somebody and the requests they made, newest first."""
    site = site_of(request)
    person = find(request)
    wanted = _wanted(request, person)
    part = wanted.part()
    own = links.person_path(person.url_name)
    facet = request.matchdict.get("facet", "")
    return Page(
        title=f"{person.name}: {facet}" if facet else person.name,
        path=f"{own}/{facet}" if facet else own,
        feed_path=own,
        scopes=(f"person:{person.id}", "bodies", *wanted.narrowed.scopes),
        template="person.jinja2",
        data=members.person_members(person)
        | wanted.members([members.request_members(site, found) for found in part.rows]),
        shows={"part": part, "own": own, "facet": facet, **wanted.shows()},
        table=wanted.table(),
        searchable=not wanted.filters.query,
        **part.queries(),
    )


def profile(request: Request) -> Page:
    """What somebody says of themselves."""
    person = find(request)
    own = links.person_path(person.url_name)
    return Page(
        title=f"{person.name}: profile",
        path=f"{own}/profile",
        feed_path=own,
        scopes=(f"person:{person.id}",),
        template="person.jinja2",
        data=members.person_members(person),
        shows={"own": own, "facet": "profile"},
    )


def wall(request: Request) -> Page:
    """What somebody did, newest first: requests, follow-ups, annotations."""
    person, part, entries = _deeds(request)
    own = links.person_path(person.url_name)
    return Page(
        title=f"{person.name}: what they did",
        path=f"{own}/wall",
        scopes=("requests", "bodies", "people"),
        template="person.jinja2",
        data=members.person_members(person) | {"events": [entry.data for entry in entries]},
        shows={"own": own, "facet": "wall", "entries": entries},
        **part.queries(),
    )


def wall_feed(request: Request) -> Page:
    """The same as a feed."""
    person, part, entries = _deeds(request)
    return Page(
        title=f"{person.name}: what they did",
        path=f"{links.person_path(person.url_name)}/wall",
        scopes=("requests", "bodies", "people"),
        entries=entries,
        key=f"person/{person.id}/wall",
        **part.queries(),
    )


def _deeds(request: Request) -> tuple[Person, paging.Slice, list[Entry]]:
    person = find(request)
    commented = and_(Event.kind == Kind.COMMENT, Event.person_id == person.id)
    written = Event.kind.in_((Kind.SENT, Kind.FOLLOWUP_SENT))
    mine = Event.request_id.in_(_made_by(person))
    stream = Stream(_theirs(person), only=or_(and_(written, mine), commented))
    part = paging.events_before(request, stream)
    return person, part, entries_of(request.db, site_of(request), part.rows)


def _made_by(person: Person) -> Select[Any]:
    return select(InfoRequest.id).where(InfoRequest.person_id == person.id)


def _theirs(person: Person) -> ColumnElement[bool]:
    """The condition for what happened to somebody's requests, and to their annotations anywhere:
    who hides one of these is not the person.
    """
    noted = select(Annotation.id).where(Annotation.person_id == person.id)
    return or_(
        Event.request_id.in_(_made_by(person)),
        Event.person_id == person.id,
        Event.annotation_id.in_(noted),
    )


def feed(request: Request) -> Page:
    """What happened to somebody's requests, and what they annotated, newest first."""
    person = find(request)
    wanted = _wanted(request, person, of_feed=True)
    part = wanted.events(_theirs(person))
    return feed_page(
        wanted,
        part,
        title=f"{person.name}: requests and annotations",
        path=links.person_path(person.url_name),
        scopes=("requests", "bodies", "people"),
        key=f"person/{person.id}",
    )
