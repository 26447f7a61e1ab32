"""What a list of requests, or a feed of them, is narrowed to: words, dates, tags, kinds of event.

What few requests have (`FEW`) is looked up first, what many have is tested while the list is
walked from its end; so either costs little, however large the archive. Words are left to the
search engine, of which a list takes the `MOST` requests that something happened to last.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.request import Request
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.kinds import CORRESPONDENCE
from foi.archive.models import Event, InfoRequest, Tag
from foi.pages import found
from foi.search.dates import NotADate, read_span
from foi.search.engine import Kind, Sort
from foi.search.query import Filter, Node, parse
from foi.search.tree import conjunction
from foi.site import Site, site_of

FEW = 500
MOST = 2000


@dataclass(frozen=True, slots=True)
class Filters:
    """What the parameters of an address ask for, by Alaveteli's names."""

    words: str = ""
    after: date | None = None
    before: date | None = None
    """The first and the last site-local day on which a request may have been made."""
    kinds: tuple[str, ...] = ()
    """Kinds of event; none: all that feeds hold."""

    @property
    def query(self) -> str:
        """The parameters in one spelling, for links."""
        pairs = [
            ("query", self.words),
            ("request_date_after", self.after.isoformat() if self.after else ""),
            ("request_date_before", self.before.isoformat() if self.before else ""),
            *(("event_type", kind) for kind in self.kinds),
        ]
        return urlencode([(name, value) for name, value in pairs if value])


def read(request: Request, *, kinds: bool = False) -> Filters:
    """Read the filters of an address, `event_type` only where asked for; one that is blank, as
    forms leave it, is none. 400 when one is not understood.
    """
    chosen = dict.fromkeys(kind for kind in request.GET.getall("event_type") if kind)
    if kinds and not set(chosen) <= {kind.value for kind in CORRESPONDENCE}:
        raise HTTPBadRequest(f"“event_type” must be one of {', '.join(CORRESPONDENCE)}.")
    return Filters(
        " ".join(request.GET.get("query", "").split()),
        _day(request, "request_date_after"),
        _day(request, "request_date_before"),
        tuple(chosen) if kinds else (),
    )


def _day(request: Request, name: str) -> date | None:
    text = request.GET.get(name, "").strip()
    if not text:
        return None
    try:
        first, last = read_span(text, site_of(request).calendar.today())
    except NotADate as why:
        raise HTTPBadRequest(f"“{name}”: {why}") from None
    day = last if name.endswith("before") else first
    if not 1000 <= day.year <= 9000:  # beyond what a time zone can be applied to
        raise HTTPBadRequest(f"“{name}” must be within the years 1000 to 9000, as 31/12/2024.")
    return day


@dataclass(slots=True)
class Narrowed:
    """Conditions on requests, and what belongs to them."""

    conditions: list[ColumnElement[bool]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What to tell of the words."""
    scopes: tuple[str, ...] = ()
    """The scopes on which the conditions depend, beside those of the requests."""


def narrow(request: Request, filters: Filters, tag: str, *within: Node) -> Narrowed:
    """Make the conditions that filters and a tag set on requests; `within` tells the search engine
    of which requests the list is anyway.
    """
    site: Site = site_of(request)
    narrowed = Narrowed()
    if filters.after is not None:
        first = site.calendar.midnight(filters.after)
        narrowed.conditions.append(InfoRequest.created_at >= first)
    if filters.before is not None:
        end = site.calendar.midnight(filters.before + timedelta(days=1))
        narrowed.conditions.append(InfoRequest.created_at < end)
    if tag:
        narrowed.conditions.append(tagged(request.db, "request", InfoRequest.id, tag))
        within = (*within, Filter("tag", tag))
    if filters.words:
        ids, narrowed.notes = _having(request, filters.words, within)
        narrowed.conditions.append(InfoRequest.id.in_(ids))
        narrowed.scopes = ("search",)
    return narrowed


def _having(request: Request, words: str, within: tuple[Node, ...]) -> tuple[list[int], list[str]]:
    """Give the requests whose correspondence has words, and what to tell of them."""
    query = parse(words, site_of(request).calendar.today())
    if query.tree is None:
        return [], query.notes
    hits = found.find(
        request,
        conjunction([query.tree, *within]),
        kind=Kind.REQUESTS,
        sort=Sort.NEWEST,
        limit=MOST,
        collapse=True,
        bare=True,
    )
    notes = list(query.notes)
    if hits.total > MOST or not hits.exact:
        notes.append(
            f"More than {MOST:,} requests have this; the list is of those to which something "
            "happened last. Further words narrow it down."
        )
    owners = (hit.owner.partition(":") for hit in hits.list)
    return [int(number) for kind, _, number in owners if kind == "request"], notes


def tagged(db: Session, kind: str, subject: Any, text: str) -> ColumnElement[bool]:
    """The condition for subjects with a tag: `name`, whatever its value, or `name:value`; 404 for
    one that nothing has, since a misspelt view would else look like an empty list.
    """
    name, value = casework.parse_tag(text)
    having = select(Tag.subject_id).where(Tag.subject_kind == kind, Tag.name == name)
    if value:
        having = having.where(Tag.value == value)
    ids = db.scalars(having.limit(FEW + 1)).all()
    if len(ids) > FEW:
        return exists(having.where(Tag.subject_id == subject).correlate(subject.table))
    if not ids:
        raise HTTPNotFound("Nothing here has that tag.")
    return subject.in_(set(ids))  # type: ignore[no-any-return]


def of_requests(db: Session, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition for events of requests that meet conditions."""
    ids = db.scalars(select(InfoRequest.id).where(*conditions).limit(FEW + 1)).all()
    if len(ids) <= FEW:
        return Event.request_id.in_(ids)
    # Not a join: of one, the database might take the requests first and sort all their events.
    return exists(
        select(InfoRequest.id)
        .where(InfoRequest.id == Event.request_id, *conditions)
        .correlate(Event.__table__)
    )
