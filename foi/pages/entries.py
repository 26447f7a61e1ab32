"""Events as entries of a feed: titles, texts, authors, files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import Row
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.kinds import CORRESPONDENCE, Kind
from foi.archive.slugs import slug
from foi.archive.states import LABELS
from foi.pages import events, histories, links, members, prose
from foi.pages.page import Enclosure, Entry
from foi.site import Site

_UNNAMED = "Somebody without a name"
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_FIRST = histories.Trace(1, None)


@dataclass(frozen=True, slots=True)
class _About:
    """A request as all of its entries tell of it."""

    request: members.Listed
    title: str
    requester: str
    body: str
    categories: tuple[tuple[str, str], ...]


def entries_of(
    db: Session, site: Site, happened: Sequence[Row[Any]], readable: tuple[str, ...] = ("normal",)
) -> list[Entry]:
    """Make feed entries of events, in their order."""
    return entries_from(
        site, happened, events.context(db, happened, site.calendar.today(), readable)
    )


def entries_from(site: Site, happened: Sequence[Row[Any]], read: events.Context) -> list[Entry]:
    """Make feed entries of events whose rows are read already."""
    known = {number: _about(request) for number, request in read.requests.items()}
    return [_entry(site, event, read, known.get(event.request_id)) for event in happened]


def _about(request: members.Listed) -> _About:
    row = request.row
    tags = tuple((f"{name}:{value}" if value else name,) * 2 for name, value in request.tags)
    title = request.title.strip() or "A request without a title"
    return _About(
        request,
        title + _number(row.title, row.url_title, 32),
        request.requester.strip() or _UNNAMED,
        row.body_name.strip() or _UNNAMED,
        ((request.state.name, request.state.label), *tags),
    )


def _number(name: str, present: str, limit: int | None = None) -> str:
    """Give the number by which a slug tells apart things that are called the same."""
    stem, _, number = present.rpartition("_")
    return f" ({number})" if number.isdigit() and slug(name, stem, limit) == stem else ""


def _entry(site: Site, event: Row[Any], read: events.Context, about: _About | None) -> Entry:
    message = read.messages.get(event.message_id) if event.message_id else None
    annotation = read.annotations.get(event.annotation_id) if event.annotation_id else None
    trace = read.traces.get(event.id, _FIRST)
    if about is not None:
        title, author, author_path = _headline(event, about, annotation, trace)
        path = about.request.path + events.anchor(event, read)
    else:
        title, path, author, author_path = _beside(event, read, trace)
    return Entry(
        key=f"event/{event.id}",
        title=title,
        path=path,
        published=min(event.happened_at, event.recorded_at),  # never tomorrow, whatever it says
        updated=_updated(event, read, trace),
        author=author,
        author_path=author_path,
        kind=str(event.kind),
        tell=lambda: _html(event, about, message, annotation, read),
        describe=lambda: _members(site, event, about, message, annotation, read),
        categories=about.categories if about else (),
        enclosures=_enclosures(site, about.request, message) if about and message else (),
    )


def _updated(event: Row[Any], read: events.Context, trace: histories.Trace) -> datetime:
    """Give when what an entry tells was last changed: recorded, described, edited, shown again.

    An import records many events in one moment, and readers take entries of one moment for one
    (the W3C's validator warns of it). So the number of the event is added as microseconds: what
    was recorded later stays later, an entry has the same moment in every feed and whenever one
    asks, and it is off by less than a second.
    """
    moment: datetime = event.recorded_at
    described = read.states.get(event.id)
    if described and described.recorded:
        moment = max(moment, described.recorded)
    if trace.changed:
        moment = max(moment, trace.changed)
    return moment + timedelta(microseconds=event.id % 1_000_000)


def _headline(
    event: Row[Any],
    about: _About,
    annotation: reading.ReadAnnotation | None,
    trace: histories.Trace,
) -> tuple[str, str, str | None]:
    """Give the title of an entry of a request, its author and the author's page."""
    body, body_path = about.body, about.request.body_path
    asker, asker_path = about.requester, about.request.requester_path
    nth = f"{_ordinal(trace.number)} " if trace.number > 1 else ""
    again = f" ({nth}time)" if nth else ""
    match event.kind:
        case Kind.SENT:
            said, author, path = f"request to {body}", asker, asker_path
        case Kind.FOLLOWUP_SENT:
            said, author, path = f"{nth}follow-up to {body}", asker, asker_path
        case Kind.RESPONSE:
            said, author, path = f"{nth}response from {body}", body, body_path
        case Kind.COMMENT:
            author, path = asker, asker_path
            if annotation:
                author = annotation.name.strip() or _UNNAMED
                path = links.person_path(annotation.url_name)
            # Counted among all annotations, not among those of one person.
            said = f"{nth}annotation{',' if nth else ''} by {author}"
        case Kind.STATUS_UPDATE:
            state = LABELS.get(event.params.get("state", ""), "")
            said, author, path = f"described as “{state}”{again}", asker, asker_path
        case _:
            said = f"{_SAID.get(event.kind, event.kind)}{again}"
            author, path = body, body_path
    return f"{about.title}: {said}", author, path


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _beside(
    event: Row[Any], read: events.Context, trace: histories.Trace
) -> tuple[str, str, str, str | None]:
    """Give title, path, author and the author's page of what is of no request, or of one that is
    not shown.
    """
    said = _SAID.get(event.kind, event.kind)
    if event.request_id:
        again = f" ({_ordinal(trace.number)} time)" if trace.number > 1 else ""
        return f"Request {event.request_id}: {said}{again}", "/events", "The site", None
    kind, rows, prefix = (
        ("An authority", read.bodies, "/body/")
        if event.body_id
        else ("A person", read.people, "/user/")
    )
    row = rows.get(event.body_id or event.person_id)
    if row is None:
        return f"{kind} that is no longer here ({event.id})", "/events", "The site", None
    path, name = prefix + links.segment(row.url_name), row.name.strip() or _UNNAMED
    if event.kind in (Kind.BODY_EDITED, Kind.PERSON_EDITED):
        said += f" (event {event.id})"  # the only thing that tells two such changes apart
    return f"{name}{_number(row.name, row.url_name)}: {said}", path, name, path


_SAID = {
    Kind.EDIT: "edited",
    Kind.MOVE_REQUEST: "moved to another authority",
    Kind.HIDE: "something was hidden",
    Kind.RELEASE: "shown again",
    Kind.ERASE: "something was erased",
    Kind.OVERDUE: "the answer is late",
    Kind.VERY_OVERDUE: "the answer is very late",
    Kind.BODY_ADDED: "authority added",
    Kind.BODY_EDITED: "authority edited",
    Kind.PERSON_ADDED: "joined",
    Kind.PERSON_EDITED: "changed their profile",
}


def _members(
    site: Site,
    event: Row[Any],
    about: _About | None,
    message: reading.ReadMessage | None,
    annotation: reading.ReadAnnotation | None,
    read: events.Context,
) -> dict[str, Any]:
    """Give the members of an event in the JSON of a feed: Alaveteli's deep ones, and the text."""
    data = events.event_members(site, event, read)
    if about is None:
        return data
    request = about.request
    data |= {
        "info_request": members.request_members(site, request),
        "public_body": members.short_body_members(site, request.row),
        "user": members.requester_members(site, request),
    }
    if event.kind in CORRESPONDENCE:
        text = _text(message, annotation)
        data |= {"snippet": str(escape(prose.first_words(text or "", 150))), "text": text}
        attached = message.attachments if message else ()
        data["attachments"] = [
            members.attachment_members(site, request.row.url_title, a) for a in attached
        ]
    return data


def _text(
    message: reading.ReadMessage | None, annotation: reading.ReadAnnotation | None
) -> str | None:
    return message.text if message else annotation.text if annotation else None


def _html(
    event: Row[Any],
    about: _About | None,
    message: reading.ReadMessage | None,
    annotation: reading.ReadAnnotation | None,
    read: events.Context,
) -> str:
    if event.kind not in CORRESPONDENCE or about is None:
        return ""
    text = _text(message, annotation)
    told = prose.to_html(text) if text else Markup("<p>The text of this message is not known.</p>")
    attached = [a for a in (message.attachments if message else ()) if a.withheld is None]
    if attached:
        names = ", ".join(a.name.strip() or "a file without a name" for a in attached)
        told += Markup("<p>Attachments: {}</p>").format(names)
    described = read.states.get(event.id)
    if event.kind == Kind.RESPONSE and described and described.calculated:
        told += Markup("<p>Described as: {}</p>").format(
            LABELS.get(described.calculated, described.calculated)
        )
    return str(told)


def _enclosures(
    site: Site, request: members.Listed, message: reading.ReadMessage
) -> tuple[Enclosure, ...]:
    return tuple(
        Enclosure(
            site.url(links.attachment_path(request.row.url_title, message.id, a.number, a.name)),
            a.media_type if _MEDIA_TYPE.fullmatch(a.media_type) else "application/octet-stream",
            a.size,
            a.name.strip(),
        )
        for a in message.attachments
        if a.held and a.withheld is None
    )
