"""Events as entries of a feed: titles, texts, authors, files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy import Row
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.kinds import CORRESPONDENCE, Kind
from foi.archive.states import LABELS
from foi.pages import events, links, members, prose
from foi.pages.page import Enclosure, Entry
from foi.site import Site


def entries_of(
    db: Session, site: Site, happened: Sequence[Row[Any]], readable: tuple[str, ...] = ("normal",)
) -> list[Entry]:
    """Make feed entries of events, in their order."""
    read = events.context(db, happened, site.calendar.today(), readable)
    return [_entry(site, event, read) for event in happened]


def _entry(site: Site, event: Row[Any], read: events.Context) -> Entry:
    request = read.requests.get(event.request_id) if event.request_id else None
    message = read.messages.get(event.message_id) if event.message_id else None
    annotation = read.annotations.get(event.annotation_id) if event.annotation_id else None
    title, path, author, author_path = _headline(event, request, annotation, read)
    text = message.text if message else annotation.text if annotation else None
    data = events.event_members(site, event, read)
    if request is not None:
        data |= {
            "info_request": members.request_members(site, request),
            "public_body": members.short_body_members(site, request.row),
            "user": members.requester_members(site, request),
        }
        if event.kind in CORRESPONDENCE:
            data |= {"snippet": str(escape(prose.first_words(text or "", 150))), "text": text}
            attached = message.attachments if message else ()
            data["attachments"] = [
                members.attachment_members(site, request.row.url_title, a) for a in attached
            ]
    return Entry(
        key=f"event/{event.id}",
        title=title,
        path=path,
        published=min(event.happened_at, event.recorded_at),  # never tomorrow, whatever it says
        updated=_updated(event, read),
        author=author,
        author_path=author_path,
        html=_html(event, request, message, text, read),
        categories=_categories(request),
        enclosures=_enclosures(site, request, message),
        data=data,
    )


def _updated(event: Row[Any], read: events.Context) -> datetime:
    """Give when an entry last changed: recorded, or since described, which its text says."""
    described = read.states.get(event.id)
    recorded: datetime = event.recorded_at
    return max(recorded, described.recorded) if described and described.recorded else recorded


def _headline(
    event: Row[Any],
    request: members.Listed | None,
    annotation: reading.ReadAnnotation | None,
    read: events.Context,
) -> tuple[str, str, str, str | None]:
    """Give an entry's title, path, author and the author's page."""
    if request is not None:
        path = request.path + events.anchor(event, read)
        body, asker = request.row.body_name, request.requester
        commenter = annotation.name if annotation else asker
        commenter_path = (
            links.person_path(annotation.url_name) if annotation else request.requester_path
        )
        titles = {
            Kind.SENT: (f"{request.title}: request to {body}", asker, request.requester_path),
            Kind.FOLLOWUP_SENT: (
                f"{request.title}: follow-up to {body}",
                asker,
                request.requester_path,
            ),
            Kind.RESPONSE: (f"{request.title}: response from {body}", body, request.body_path),
            Kind.COMMENT: (
                f"{request.title}: annotation by {commenter}",
                commenter,
                commenter_path,
            ),
            Kind.STATUS_UPDATE: (
                f"{request.title}: described as “{LABELS.get(event.params.get('state', ''), '')}”",
                asker,
                request.requester_path,
            ),
        }
        title, author, author_path = titles.get(
            event.kind,
            (f"{request.title}: {_SAID.get(event.kind, event.kind)}", body, request.body_path),
        )
        return title, path, author, author_path
    if event.request_id:
        return (
            f"Request {event.request_id}: {_SAID.get(event.kind, event.kind)}",
            "/events",
            "The site",
            None,
        )
    kind, rows, prefix = (
        ("authority", read.bodies, "/body/")
        if event.body_id
        else ("person", read.people, "/user/")
    )
    row = rows.get(event.body_id or event.person_id)
    if row is None:
        return f"A {kind} that is no longer here", "/events", "The site", None
    path = prefix + links.segment(row.url_name)
    return f"{row.name}: {_SAID.get(event.kind, event.kind)}", path, row.name, path


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


def _html(
    event: Row[Any],
    request: members.Listed | None,
    message: reading.ReadMessage | None,
    text: str | None,
    read: events.Context,
) -> str:
    if event.kind not in CORRESPONDENCE or request is None:
        return ""
    told = prose.to_html(text) if text else Markup("<p>The text of this message is not known.</p>")
    attached = [a for a in (message.attachments if message else ()) if a.withheld is None]
    if attached:
        told += Markup("<p>Attachments: {}</p>").format(", ".join(a.name for a in attached))
    described = read.states.get(event.id)
    if event.kind == Kind.RESPONSE and described and described.calculated:
        told += Markup("<p>Described as: {}</p>").format(
            LABELS.get(described.calculated, described.calculated)
        )
    return str(told)


def _categories(request: members.Listed | None) -> tuple[tuple[str, str], ...]:
    if request is None:
        return ()
    tags = tuple((f"{name}:{value}" if value else name,) * 2 for name, value in request.tags)
    return ((request.state.name, request.state.label), *tags)


def _enclosures(
    site: Site, request: members.Listed | None, message: reading.ReadMessage | None
) -> tuple[Enclosure, ...]:
    if request is None or message is None:
        return ()
    return tuple(
        Enclosure(
            site.url(links.attachment_path(request.row.url_title, message.id, a.number, a.name)),
            a.media_type,
            a.size,
            a.name,
        )
        for a in message.attachments
        if a.held and a.withheld is None
    )
