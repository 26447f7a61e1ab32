"""Lists of requests by what became of them, the log of everything, and the feeds of both."""

from datetime import date
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest
from pyramid.request import Request
from sqlalchemy import ColumnElement, and_, or_

from foi.archive import reading
from foi.archive.kinds import Kind
from foi.archive.ledger import newest
from foi.archive.models import Event, InfoRequest
from foi.archive.states import VIEWS
from foi.pages import events, members, paging
from foi.pages.entries import entries_of
from foi.pages.page import Page
from foi.site import site_of

_TITLES = {
    "all": "All requests",
    "successful": "Successful requests",
    "unsuccessful": "Unsuccessful requests",
    "awaiting": "Requests awaiting an answer",
    "overdue": "Overdue requests",
}
_TABS = {
    "all": "All",
    "successful": "Successful",
    "unsuccessful": "Unsuccessful",
    "awaiting": "Awaiting",
    "overdue": "Overdue",
}
SINCE_LIMIT = 1000


def view_titles() -> dict[str, str]:
    """Give the views of a list of requests and what their tabs are called."""
    return _TABS


def in_view(view: str, today: date) -> list[ColumnElement[bool]]:
    """Give the conditions of a view; nobody has said yet what an unclassified request came to, so
    it is awaiting.
    """
    if view == "all":
        return []
    settled = InfoRequest.awaiting_description.is_(False)
    if view == "overdue":
        return [
            InfoRequest.described_state == "waiting_response",
            settled,
            InfoRequest.due_on < today,
        ]
    states = InfoRequest.described_state.in_(VIEWS[view])
    if view == "awaiting":
        return [or_(states, InfoRequest.awaiting_description.is_(True))]
    return [and_(states, settled)]


def page(request: Request) -> Page:
    """Requests, newest first."""
    site = site_of(request)
    view = request.matchdict.get("view", "all")
    part = paging.requests_before(request, reading.listed(), *in_view(view, site.calendar.today()))
    return Page(
        title=_TITLES[view],
        path="/list" if view == "all" else f"/list/{view}",
        scopes=("requests", "bodies", "people"),
        template="list.jinja2",
        data={
            "requests": [
                members.request_members(site, found)
                | {
                    "public_body": members.short_body_members(site, found.row),
                    "user": members.requester_members(site, found),
                }
                for found in part.rows
            ]
        },
        shows={"part": part, "view": view, "titles": _TABS},
        query=part.query,
        next_query=part.next_query,
    )


def feed(request: Request) -> Page:
    """What happened to the requests of a view; `recent` holds only that they were made, as
    Alaveteli's does.
    """
    site = site_of(request)
    view = request.matchdict.get("view", "all")
    if view == "recent":
        statement = events.select_events(Event.kind == Kind.SENT)
        title, path = "New requests", "/list/recent"
    else:
        conditions = in_view(view, site.calendar.today())
        kinds = Event.kind == Kind.RESPONSE if view == "successful" else events.in_feeds()
        statement = events.select_events(kinds, *conditions)
        title, path = _TITLES[view], "/list" if view == "all" else f"/list/{view}"
    part = paging.events_before(request, statement)
    return Page(
        title=title,
        path=path,
        scopes=("requests", "bodies", "people"),
        entries=entries_of(request.db, site, part.rows),
        query=part.query,
        next_query=part.next_query,
    )


def log(request: Request) -> Page:
    """Everything public that happened; as JSON, after `since` and oldest first, without gaps."""
    if "since" in request.GET or request.foi_variant.name == "json":
        return _log_since(request)
    part = paging.events_before(request, events.select_events())
    return Page(
        title="Everything that happened",
        path="/events",
        scopes=("events", "bodies", "people"),
        template="events.jinja2",
        shows={"entries": entries_of(request.db, site_of(request), part.rows)},
        query=part.query,
        next_query=part.next_query,
    )


def _log_since(request: Request) -> Page:
    since = whole_number(request.GET.get("since", "0"), "since")
    limit = min(max(whole_number(request.GET.get("limit", "100"), "limit"), 1), SINCE_LIMIT)
    newest_id = newest(request.db)
    statement = events.select_events(Event.id > since).order_by(Event.id).limit(limit)
    rows = request.db.execute(statement).all()
    entries = entries_of(request.db, site_of(request), rows)
    data: dict[str, Any] = {
        "events": [entry.data for entry in entries],
        "newest": newest_id,
        # The next call's `since`: also past the events that this asker may not see.
        "since": rows[-1].id if len(rows) == limit else max(newest_id, since),
    }
    return Page(
        title="Everything that happened",
        path="/events",
        scopes=("events", "bodies", "people"),
        template="events.jinja2",
        data=data,
        shows={"entries": entries},
        query=f"since={since}&limit={limit}",
        next_query=f"since={data['since']}&limit={limit}" if len(rows) == limit else "",
    )


def log_feed(request: Request) -> Page:
    """Everything public that happened, newest first."""
    part = paging.events_before(request, events.select_events())
    return Page(
        title="Everything that happened",
        path="/events",
        scopes=("events", "bodies", "people"),
        entries=entries_of(request.db, site_of(request), part.rows),
        query=part.query,
        next_query=part.next_query,
    )


def whole_number(text: str, name: str) -> int:
    """Read a parameter that is a whole number of at most 64 bits; 400 when it is not."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise HTTPBadRequest(f"“{name}” must be a whole number.")
    return int(text)
