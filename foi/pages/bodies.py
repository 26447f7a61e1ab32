"""Authorities: one, its requests by view, and the list of all."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.casework.names import resolve_former
from foi.archive.models import Body, Event, InfoRequest, Tag
from foi.archive.states import VIEWS
from foi.pages import cursors, events, links, members, paging
from foi.pages.entries import entries_of
from foi.pages.json import moment, tag_pairs
from foi.pages.lists import in_view, view_titles
from foi.pages.page import Page
from foi.pages.requests import moved
from foi.site import Site, site_of

LIST_LENGTH = 100
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def find(request: Request) -> Body:
    """Give the authority that the address names; a former name redirects."""
    slug = request.matchdict["url_name"]
    body = request.db.scalar(select(Body).where(Body.url_name == slug))
    if body is None:
        present = resolve_former(request.db, "body", slug)
        if present is None:
            raise HTTPNotFound("There is no such authority.")
        raise moved(request, links.body_path(slug), links.body_path(present))
    return body  # type: ignore[no-any-return]


def counts(db: Session, body_id: int, today: Any) -> dict[str, int]:
    """Count an authority's listed requests by what became of them (Alaveteli's `info`)."""
    state = InfoRequest.described_state
    settled = InfoRequest.awaiting_description.is_(False)

    def how_many(*conditions: Any) -> Any:
        met = conditions[0]
        for each in conditions[1:]:
            met = met & each
        return func.coalesce(func.sum(case((met, 1), else_=0)), 0)

    row = db.execute(
        select(
            func.count().label("requests_count"),
            how_many(state.in_(VIEWS["successful"]), settled).label("requests_successful_count"),
            how_many(state == "not_held", settled).label("requests_not_held_count"),
            how_many(state == "waiting_response", settled, InfoRequest.due_on < today).label(
                "requests_overdue_count"
            ),
            how_many(settled).label("requests_visible_classified_count"),
        ).where(InfoRequest.body_id == body_id, reading.listed())
    ).one()
    return {name: int(number) for name, number in row._mapping.items()}


def page(request: Request) -> Page:
    """An authority and the requests made to it, newest first."""
    db, site = request.db, site_of(request)
    body = find(request)
    view = request.matchdict.get("view", "all")
    path = links.body_path(body.url_name)
    tags = members.tags_by_subject(db, "body", [body.id]).get(body.id, [])
    part = paging.requests_before(
        request,
        InfoRequest.body_id == body.id,
        reading.listed(),
        *in_view(view, site.calendar.today()),
    )
    info = counts(db, body.id, site.calendar.today())
    return Page(
        title=body.name,
        path=path if view == "all" else f"{path}/{view}",
        feed_path=path,
        scopes=(f"body:{body.id}", *_shown_people(part)),
        template="body.jinja2",
        data=_members(site, body, tags, info)
        | {"requests": [members.request_members(site, found) for found in part.rows]},
        shows={
            "body": body,
            "tags": tags,
            "info": info,
            "part": part,
            "view": view,
            "titles": view_titles(),
        },
        query=part.query,
        next_query=part.next_query,
    )


def _shown_people(part: paging.Slice) -> list[str]:
    return sorted({f"person:{found.row.person_id}" for found in part.rows if found.row.person_id})


def _members(
    site: Site, body: Body, tags: list[tuple[str, str]], info: dict[str, int]
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
        "info": info,
        "jurisdiction": body.jurisdiction or site.settings.jurisdiction,
        "url": site.url(links.body_path(body.url_name)),
    }


def feed(request: Request) -> Page:
    """What happened to an authority's requests, newest first."""
    body = find(request)
    part = paging.events_before(
        request,
        # Of a request that has moved on, nothing more is shown here: its changes do not raise this
        # authority's version.
        events.select_events(
            Event.body_id == body.id, InfoRequest.body_id == body.id, events.in_feeds()
        ),
    )
    return Page(
        title=f"{body.name}: requests and answers",
        path=links.body_path(body.url_name),
        scopes=(f"body:{body.id}", "people"),
        entries=entries_of(request.db, site_of(request), part.rows),
        key=f"body/{body.id}",
        query=part.query,
        next_query=part.next_query,
    )


def index(request: Request) -> Page:
    """Authorities from A to Z; of one letter, with one tag, or all."""
    db, site = request.db, site_of(request)
    choice = request.matchdict.get("tag", "all")
    conditions, title = _chosen(choice)
    given = request.GET.get("after", "")
    statement = select(Body.id, Body.url_name, Body.name, Body.short_name, Body.sort_name).where(
        *conditions
    )
    if given:
        name, number = cursors.read(given, str, int)
        statement = statement.where(
            or_(Body.sort_name > name, (Body.sort_name == name) & (Body.id > number))
        )
    rows = db.execute(statement.order_by(Body.sort_name, Body.id).limit(LIST_LENGTH + 1)).all()
    shown = rows[:LIST_LENGTH]
    tags = members.tags_by_subject(db, "body", [row.id for row in shown])
    following = (
        f"after={cursors.write(shown[-1].sort_name, shown[-1].id)}"
        if len(rows) > LIST_LENGTH
        else ""
    )
    return Page(
        title=title,
        path="/body/list" if choice == "all" else links.tagged_path(choice),
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
                for row in shown
            ]
        },
        shows={"bodies": shown, "tags": tags, "letters": LETTERS, "choice": choice},
        query=f"after={given}" if given else "",
        next_query=following,
    )


def _chosen(choice: str) -> tuple[list[Any], str]:
    if choice == "all":
        return [], "Authorities"
    if len(choice) == 1:
        return [
            Body.sort_name >= choice.lower(),
            Body.sort_name < choice.lower() + "\U0010ffff",
        ], (f"Authorities beginning with {choice.upper()}")
    name, _, value = choice.partition(":")
    tagged = select(Tag.subject_id).where(Tag.subject_kind == "body", Tag.name == name)
    if value:
        tagged = tagged.where(Tag.value == value)
    return [Body.id.in_(tagged)], f"Authorities tagged “{choice}”"


def index_feed(request: Request) -> Page:
    """Authorities as they are added and edited, newest first."""
    choice = request.matchdict.get("tag", "all")
    conditions, title = _chosen(choice)
    statement = events.select_events(Event.body_id.is_not(None), Event.request_id.is_(None))
    if conditions:
        statement = statement.where(Event.body_id.in_(select(Body.id).where(*conditions)))
    part = paging.events_before(request, statement)
    return Page(
        title=f"{title}: added and edited",
        path="/body/list" if choice == "all" else links.tagged_path(choice),
        scopes=("bodies",),
        entries=entries_of(request.db, site_of(request), part.rows),
        query=part.query,
        next_query=part.next_query,
    )
