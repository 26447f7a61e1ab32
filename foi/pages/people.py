"""People: who made which requests and annotations."""

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from sqlalchemy import or_, select

from foi.archive import reading
from foi.archive.casework.names import resolve_former
from foi.archive.models import Event, InfoRequest, Person
from foi.pages import events, links, members, paging
from foi.pages.entries import entries_of
from foi.pages.page import Page
from foi.pages.requests import moved
from foi.site import site_of


def find(request: Request) -> Person:
    """Give the person whom the address names; a former name redirects."""
    slug = request.matchdict["url_name"]
    person = request.db.scalar(select(Person).where(Person.url_name == slug))
    if person is None:
        present = resolve_former(request.db, "person", slug)
        if present is None:
            raise HTTPNotFound("There is nobody of that name here.")
        raise moved(request, links.person_path(slug), links.person_path(present))
    return person  # type: ignore[no-any-return]


def page(request: Request) -> Page:
    """Somebody and the requests they made, newest first."""
    site = site_of(request)
    person = find(request)
    part = paging.requests_before(request, InfoRequest.person_id == person.id, reading.listed())
    return Page(
        title=person.name,
        path=links.person_path(person.url_name),
        scopes=(f"person:{person.id}", "bodies"),
        template="person.jinja2",
        data=members.person_members(person)
        | {"requests": [members.request_members(site, found) for found in part.rows]},
        shows={"part": part},
        query=part.query,
        next_query=part.next_query,
    )


def feed(request: Request) -> Page:
    """What happened to somebody's requests, and what they annotated, newest first."""
    person = find(request)
    theirs = or_(InfoRequest.person_id == person.id, Event.person_id == person.id)
    part = paging.events_before(request, events.select_events(theirs, events.in_feeds()))
    return Page(
        title=f"{person.name}: requests and annotations",
        path=links.person_path(person.url_name),
        scopes=("requests", "bodies", "people"),
        entries=entries_of(request.db, site_of(request), part.rows),
        key=f"person/{person.id}",
        query=part.query,
        next_query=part.next_query,
    )
