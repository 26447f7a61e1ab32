"""Lists of requests by what became of them, the log of everything, and the feeds of both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from pyramid.request import Request
from sqlalchemy import ColumnElement, Row, and_, or_
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.casework import format_tag
from foi.archive.kinds import CORRESPONDENCE, Kind
from foi.archive.ledger import newest
from foi.archive.models import Event, InfoRequest
from foi.archive.states import VIEWS
from foi.pages import events, filters, links, members, paging
from foi.pages.entries import entries_of
from foi.pages.filters import Filters, Narrowed
from foi.pages.page import Page, Table
from foi.pages.streams import Stream
from foi.search.query import Node
from foi.site import Site, site_of

_TITLES = {
    "all": "All requests",
    "successful": "Successful requests",
    "unsuccessful": "Unsuccessful requests",
    "awaiting": "Requests awaiting an answer",
    "overdue": "Overdue requests",
    "recent": "New requests",
}
_TABS = {
    "all": "All",
    "successful": "Successful",
    "unsuccessful": "Unsuccessful",
    "awaiting": "Awaiting",
    "overdue": "Overdue",
}
_COLUMNS = (
    "id", "url_title", "title", "url", "public_body", "public_body_url_name", "user_name",
    "user_url_name", "created_at", "updated_at", "described_state", "calculated_state",
    "display_status", "law_used", "due_on", "very_overdue_on", "tags", "external_url",
)  # fmt: skip
SINCE_LIMIT = 1000


_request = InfoRequest.__table__.c


def in_view(view: str, today: date) -> list[ColumnElement[bool]]:
    """Give the conditions of a view; nobody has said yet what an unclassified request came to, so
    it is awaiting.
    """
    if view in ("all", "recent"):
        return []
    settled = _request.awaiting_description.is_(False)
    if view == "overdue":
        return [
            _request.described_state == "waiting_response",
            settled,
            _request.due_on < today,
        ]
    states = _request.described_state.in_(VIEWS[view])
    if view == "awaiting":
        return [or_(states, _request.awaiting_description.is_(True))]
    return [and_(states, settled)]


@lru_cache(maxsize=100)
def _everybodys(kinds: tuple[str, ...] | None) -> Stream:
    """Give the stream of all events of such kinds."""
    return Stream(kinds=kinds)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of requests as its address asks for it: of whom, in which view, with which tag,
    narrowed by which filters.
    """

    request: Request
    view: str
    tag: str
    filters: Filters
    whose: tuple[ColumnElement[bool], ...]
    """Of whom the requests are; none: everybody's."""
    narrowed: Narrowed

    @property
    def path(self) -> str:
        """What its address adds to that of all requests of the same party."""
        return self.base + (f"/{self.view}" if self.view != "all" else "")

    @property
    def base(self) -> str:
        """The same without the view."""
        return f"/{links.segment(self.tag)}" if self.tag else ""

    def title(self, whose: str = "", everything: str = "") -> str:
        """Say what it is a list of and whose; `everything` is what all of somebody's is called."""
        title = _TITLES[self.view]
        if whose and not self.path:
            return f"{whose}: {everything}" if everything else whose
        if whose:
            title = f"{whose}: {title[0].lower()}{title[1:]}"
        return f"{title} tagged “{self.tag}”" if self.tag else title

    def part(self) -> paging.Slice:
        """Give the part that is asked for."""
        return paging.requests_before(
            self.request, *self._conditions(), filter_query=self.filters.query
        )

    def table(self) -> Callable[[], Table]:
        """Give all of it as a table."""
        return lambda: table(self.request, *self._conditions())

    def events(self, *whose: ColumnElement[bool]) -> paging.Slice:
        """Give a part of what happened to its requests, newest first; `whose` are the conditions
        on events that choose the same party.
        """
        kinds: tuple[str, ...] = self.filters.kinds or CORRESPONDENCE
        only = {"successful": Kind.RESPONSE, "recent": Kind.SENT}.get(self.view)
        if only is not None:
            kinds = tuple(kind for kind in kinds if kind == only)
        wanted = list(whose)
        if narrow := self._narrow():
            wanted.append(filters.of_requests(self.request.db, *self.whose, *narrow))
        stream = Stream(*wanted, kinds=kinds) if wanted else _everybodys(kinds)
        return paging.events_before(self.request, stream, filter_query=self.filters.query)

    def shows(self) -> dict[str, Any]:
        """Give what templates show of it, beside its rows."""
        return {"view": self.view, "titles": _TABS, "filters": self.filters, "base": self.base,
                "notes": self.narrowed.notes}  # fmt: skip

    def members(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Give the members of its JSON."""
        # Not plain `notes`, which of an authority is what Alaveteli calls so.
        notes = {"query_notes": self.narrowed.notes} if self.narrowed.notes else {}
        return {"requests": list(rows), **notes}

    def _narrow(self) -> list[ColumnElement[bool]]:
        today = site_of(self.request).calendar.today()
        return [*in_view(self.view, today), *self.narrowed.conditions]

    def _conditions(self) -> list[ColumnElement[bool]]:
        return [reading.listed(), *self.whose, *self._narrow()]


def listing(
    request: Request,
    *whose: ColumnElement[bool],
    within: tuple[Node, ...] = (),
    of_feed: bool = False,
) -> Listing:
    """Read which list an address asks for; `whose` and, for the search engine, `within` choose a
    party's requests.
    """
    tag, view = request.matchdict.get("tag", ""), request.matchdict.get("view", "all")
    wanted = filters.read(request, kinds=of_feed)
    return Listing(
        request, view, tag, wanted, whose, filters.narrow(request, wanted, tag, *within)
    )


def table(request: Request, *conditions: ColumnElement[bool]) -> Table:
    """Give requests, newest first, as a table."""
    site = site_of(request)
    today = site.calendar.today()

    def make(db: Session, rows: Sequence[Row[Any]]) -> list[tuple[object, ...]]:
        return [_cells(site, found) for found in members.listed(db, rows, today)]

    statement = members.with_parties().where(*conditions)
    return Table(_COLUMNS, paging.every(request, statement, paging.REQUESTS, make))


def _cells(site: Site, found: members.Listed) -> tuple[object, ...]:
    row = found.row
    return (
        row.id, row.url_title, found.title, site.url(found.path), row.body_name,
        row.body_url_name, found.requester, row.person_url_name, row.created_at, row.updated_at,
        row.described_state, found.state.name, found.state.label, row.law_used, row.due_on,
        row.very_overdue_on, " ".join(format_tag(*pair) for pair in found.tags), row.external_url,
    )  # fmt: skip


def page(request: Request) -> Page:
    """Requests, newest first."""
    site, wanted = site_of(request), listing(request)
    part = wanted.part()
    return Page(
        title=wanted.title(),
        path=f"/list{wanted.path}",
        scopes=("requests", "bodies", "people", *wanted.narrowed.scopes),
        template="list.jinja2",
        data=lambda: wanted.members(
            [
                members.request_members(site, found)
                | {
                    "public_body": members.short_body_members(site, found.row),
                    "user": members.requester_members(site, found),
                }
                for found in part.rows
            ]
        ),
        shows={"part": part, **wanted.shows()},
        table=wanted.table(),
        searchable=not wanted.filters.query,
        **part.queries(),
    )


def feed(request: Request) -> Page:
    """What happened to the requests of a view; `recent` holds only that they were made, as
    Alaveteli's does.
    """
    wanted = listing(request, of_feed=True)
    return feed_page(
        wanted,
        wanted.events(),
        title=wanted.title(),
        path=f"/list{wanted.path}",
        scopes=("requests", "bodies", "people"),
    )


def feed_page(
    wanted: Listing,
    part: paging.Slice,
    *,
    title: str,
    path: str,
    scopes: tuple[str, ...],
    key: str = "",
) -> Page:
    """Make the page of a feed of a list; its key, of which its id is made, tells it from others of
    the same party.
    """
    request, narrower = wanted.request, wanted.filters.query
    return Page(
        title=title,
        path=path,
        scopes=(*scopes, *wanted.narrowed.scopes),
        entries=entries_of(request.db, site_of(request), part.rows),
        key=(key + wanted.path if key else path.lstrip("/"))
        + (f"?{narrower}" if narrower else ""),
        **part.queries(),
    )


def log(request: Request) -> Page:
    """Everything public that happened; as JSON, after `since` and oldest first, without gaps."""
    if "since" in request.GET or request.foi_variant.name == "json":
        return _log_since(request)
    part = paging.part(request, _everybodys(None).events, paging.EVENTS)
    return Page(
        title="Everything that happened",
        path="/events",
        scopes=("events", "bodies", "people"),
        template="events.jinja2",
        shows={"entries": entries_of(request.db, site_of(request), part.rows)},
        **part.queries(),
    )


def _log_since(request: Request) -> Page:
    since = paging.whole_number(request.GET.get("since", "0"), "since")
    wanted = paging.whole_number(request.GET.get("limit", "100"), "limit")
    limit = min(max(wanted, 1), SINCE_LIMIT)
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
    part = paging.events_before(request, _everybodys(None))
    return Page(
        title="Everything that happened",
        path="/events",
        scopes=("events", "bodies", "people"),
        entries=entries_of(request.db, site_of(request), part.rows),
        **part.queries(),
    )
