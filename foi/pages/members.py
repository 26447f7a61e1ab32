"""JSON members of requests, authorities, people and messages, made in one place for every page and
feed.

The members that Alaveteli has carry its names and meaning (its `json_for_api`); the others are
this site's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from foi.archive.models import Body, InfoRequest, Person, Tag
from foi.archive.reading import ReadAttachment, ReadMessage, mask
from foi.archive.states import State, calculated
from foi.pages import links
from foi.pages.json import moment, tag_pairs
from foi.site import Site

_request, _body, _person = InfoRequest.__table__.c, Body.__table__.c, Person.__table__.c
_WITH_PARTIES: Select[Any] = (
    select(
        _request.id,
        _request.url_title,
        _request.title,
        _request.body_id,
        _request.person_id,
        _request.external_user_name,
        _request.external_url,
        _request.described_state,
        _request.awaiting_description,
        _request.law_used,
        _request.prominence,
        _request.prominence_reason,
        _request.day_zero,
        _request.due_on,
        _request.very_overdue_on,
        _request.created_at,
        _request.updated_at,
        _request.source_url,
        _body.url_name.label("body_url_name"),
        _body.name.label("body_name"),
        _person.url_name.label("person_url_name"),
        _person.name.label("person_name"),
    )
    .select_from(InfoRequest.__table__)
    .join(Body.__table__, _body.id == _request.body_id)
    .outerjoin(Person.__table__, _person.id == _request.person_id)
)
_BY_SLUG = _WITH_PARTIES.where(_request.url_title == bindparam("slug"))
_tag = Tag.__table__.c
_ALL_TAGS = (
    select(_tag.subject_id, _tag.name, _tag.value)
    .where(_tag.subject_kind == bindparam("kind"))
    .order_by(_tag.id)
)
_TAGS = _ALL_TAGS.where(_tag.subject_id.in_(bindparam("ids", expanding=True)))
_TAGS_OF_ONE = _ALL_TAGS.where(_tag.subject_id == bindparam("id"))


def with_parties() -> Select[Any]:
    """Select requests with their authority and requester, as `Listed` needs them."""
    return _WITH_PARTIES


def by_slug(db: Session, slug: str) -> Row[Any] | None:
    """Give the row of the request that has a slug now."""
    return db.execute(_BY_SLUG, {"slug": slug}).one_or_none()


@dataclass(frozen=True)
class Listed:
    """A request as lists, feeds and its own page show it."""

    row: Row[Any]
    state: State
    tags: Sequence[tuple[str, str]]

    @property
    def made(self) -> datetime | None:
        """When it was made; None where no day is known of it, whose `created_at` is no more than
        its place in lists.
        """
        return self.row.created_at if self.row.day_zero else None

    @cached_property
    def title(self) -> str:
        """Its title, masked."""
        return mask(self.row.title)

    @cached_property
    def path(self) -> str:
        """Its page."""
        return links.request_path(self.row.url_title)

    @cached_property
    def requester(self) -> str:
        """The public name of who made it."""
        return self.row.person_name or mask(self.row.external_user_name or "") or "Anonymous user"

    @cached_property
    def requester_path(self) -> str | None:
        """The page of who made it; None when it is nobody registered."""
        return links.person_path(self.row.person_url_name) if self.row.person_url_name else None

    @cached_property
    def body_path(self) -> str:
        """The page of its authority."""
        return links.body_path(self.row.body_url_name)


def listed(db: Session, rows: Sequence[Row[Any]], today: date) -> list[Listed]:
    """Make rows of REQUEST ready to be shown."""
    tags = tags_by_subject(db, "request", [row.id for row in rows])
    return [Listed(row, state_of(row, today), tags.get(row.id, ())) for row in rows]


def state_of(row: Any, today: date) -> State:
    """Give the state that a request shows on a day."""
    return calculated(
        row.described_state, row.awaiting_description, row.due_on, row.very_overdue_on, today
    )


def tags_by_subject(
    db: Session, kind: str, ids: Sequence[int]
) -> dict[int, list[tuple[str, str]]]:
    """Give the tags of several subjects at once."""
    found: dict[int, list[tuple[str, str]]] = {}
    if ids:
        rows = (
            db.execute(_TAGS_OF_ONE, {"kind": kind, "id": ids[0]})
            if len(ids) == 1
            else db.execute(_TAGS, {"kind": kind, "ids": ids})
        )
        for subject_id, name, value in rows:
            found.setdefault(subject_id, []).append((name, value))
    return found


def request_members(site: Site, request: Listed) -> dict[str, Any]:
    """The members of a request that every JSON has."""
    row, zone = request.row, site.settings.site_zone
    return {
        "id": row.id,
        "url_title": row.url_title,
        "title": request.title,
        "created_at": moment(row.created_at, zone),
        "updated_at": moment(row.updated_at, zone),
        "described_state": row.described_state,
        "display_status": request.state.label,
        "awaiting_description": row.awaiting_description,
        "prominence": row.prominence,
        "law_used": row.law_used,
        "tags": tag_pairs(request.tags),
        "calculated_state": request.state.name,
        "due_on": row.due_on and row.due_on.isoformat(),
        "very_overdue_on": row.very_overdue_on and row.very_overdue_on.isoformat(),
        "external_url": row.external_url,
        "url": site.url(request.path),
    }


def short_body_members(site: Site, row: Any) -> dict[str, Any]:
    """An authority as it stands within a request's JSON."""
    return {
        "id": row.body_id,
        "url_name": row.body_url_name,
        "name": row.body_name,
        "url": site.url(links.body_path(row.body_url_name)),
    }


def requester_members(site: Site, request: Listed) -> dict[str, Any]:
    """`user` of a request: an object with its page for a registered person, a name alone for
    others.
    """
    if request.row.person_id is None:
        return {"name": request.requester}
    return {
        "id": request.row.person_id,
        "url_name": request.row.person_url_name,
        "name": request.row.person_name,
        "url": site.url(links.person_path(request.row.person_url_name)),
    }


def person_members(person: Person) -> dict[str, Any]:
    """A person's own JSON."""
    return {
        "id": person.id,
        "url_name": person.url_name,
        "name": person.name,
        "ban_text": person.ban_text,
        "about_me": mask(person.about),
    }


def attachment_members(site: Site, url_title: str, attachment: ReadAttachment) -> dict[str, Any]:
    """An attachment: what it is, where it is, and by which hash it can be checked."""
    members: dict[str, Any] = {"id": attachment.id, "number": attachment.number}
    if attachment.withheld is not None:
        return members | {"withheld": attachment.withheld}
    path = links.attachment_path(
        url_title, attachment.message_id, attachment.number, attachment.name
    )
    return members | {
        "filename": attachment.name,
        "content_type": attachment.media_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "url": site.url(path) if attachment.held else None,
        "html_url": _view_url(site, url_title, attachment),
        "original_url": attachment.link or None,
    }


def _view_url(site: Site, url_title: str, attachment: ReadAttachment) -> str | None:
    """Give where an attachment can be read as a web page, if there is such a view of its kind."""
    if not attachment.held or not links.viewable(attachment.media_type):
        return None
    return site.url(
        links.attachment_view_path(
            url_title, attachment.message_id, attachment.number, attachment.name
        )
    )


def message_members(site: Site, url_title: str, message: ReadMessage) -> dict[str, Any]:
    """A message with its text and attachments; of a withheld one only its place and the reason."""
    zone = site.settings.site_zone
    return {
        "id": message.id,
        "direction": message.direction,
        "purpose": message.purpose,
        "sent_at": moment(message.sent_at, zone),
        "created_at": moment(message.created_at, zone),
        "text": message.text,
        "prominence": message.prominence,
        "withheld": message.withheld,
        "attachments": [attachment_members(site, url_title, a) for a in message.attachments],
        "url": site.url(
            links.request_path(url_title) + links.message_anchor(message.direction, message.id)
        ),
    }
