"""What the archive knows already of the things that a batch of lines is about, fetched with a few
selects.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from foi.archive import casework
from foi.archive.casework.requests import Origin
from foi.archive.importing.report import Refused
from foi.archive.importing.threads import AuthorityOf, Somebody, Thread
from foi.archive.kinds import Kind
from foi.archive.models import (
    Annotation,
    Body,
    Event,
    FormerName,
    InfoRequest,
    Message,
    Person,
    Tag,
)

Pair = tuple[str, str]
Named = TypeVar("Named", Body, Person)

_AT_ONCE = 500
"""Values in one IN, well below what any database takes."""


def bodies_by_slug(db: Session, slugs: Iterable[str]) -> dict[str, Body]:
    """Give the authorities that have, or used to have, these slugs."""
    return _by_slug(db, Body, "body", slugs)


def people_by_slug(db: Session, slugs: Iterable[str]) -> dict[str, Person]:
    """Give the people who have, or used to have, these slugs."""
    return _by_slug(db, Person, "person", slugs)


def _by_slug(db: Session, model: type[Named], kind: str, slugs: Iterable[str]) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for some in pieces(sorted(set(slugs))):
        former = (
            select(FormerName.slug, model)
            .join(model, FormerName.subject_id == model.id)
            .where(FormerName.subject_kind == kind, FormerName.slug.in_(some))
        )
        for former_slug, row in db.execute(former):
            found[former_slug] = row
        found |= {
            row.url_name: row for row in db.scalars(select(model).where(model.url_name.in_(some)))
        }
    return found


def tags_by_subject(db: Session, kind: str, ids: Iterable[int]) -> dict[int, list[Pair]]:
    """Give the tags of each subject in the order in which they were given."""
    found: dict[int, list[Pair]] = {}
    for some in pieces(sorted(set(ids))):
        rows = db.execute(
            select(Tag.subject_id, Tag.name, Tag.value)
            .where(Tag.subject_kind == kind, Tag.subject_id.in_(some))
            .order_by(Tag.id)
        )
        for subject, name, value in rows:
            found.setdefault(subject, []).append((name, value))
    return found


T = TypeVar("T")


def pieces(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """Cut a sequence into pieces that fit into one IN."""
    return (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))


class Known:
    """What the archive holds of the threads of a batch; the adding methods keep it up to date."""

    def __init__(self, db: Session, threads: Sequence[Thread]) -> None:
        self.db = db
        self.bodies = bodies_by_slug(db, (thread.authority.url_name for thread in threads))
        self.people = people_by_slug(db, (who.url_name for t in threads for who in _people(t)))
        self.requests = _requests_by_origin(db, [thread.origin for thread in threads])
        ids = [request.id for request in self.requests.values()]
        self.tags = tags_by_subject(db, "request", ids)
        self.comments = _comments(db, ids)
        self.described = _descriptions(db, ids)
        self.slugs = _slugs_in_use(db, [t.url_title for t in threads if t.url_title])

    def body(self, authority: AuthorityOf) -> Body:
        """Give the authority, added now if the line says enough; Refused when there is none."""
        body = self.bodies.get(authority.url_name)
        if body is None:
            if not authority.fields:
                raise Refused(f"authority: there is no authority {authority.url_name!r} here")
            body = self.bodies[authority.url_name] = casework.add_body(
                self.db,
                "import",
                url_name=authority.url_name,
                tag_texts=authority.tags,
                **authority.fields,
            )
        return body

    def person(self, somebody: Somebody) -> Person:
        """Give the person, registered now if there is none of that slug."""
        person = self.people.get(somebody.url_name)
        if person is None:
            person = self.people[somebody.url_name] = casework.add_person(
                self.db, "import", name=somebody.name, url_name=somebody.url_name
            )
        return person


def _people(thread: Thread) -> Iterable[Somebody]:
    if thread.requester is not None and thread.requester.url_name:
        yield thread.requester
    for comment in thread.comments:
        yield comment.person


def _requests_by_origin(db: Session, origins: Sequence[Origin]) -> dict[Origin, InfoRequest]:
    """Give the requests that came from these origins, with messages and attachments."""
    by_source: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for origin in origins:
        by_source[origin.source, bool(origin.ref)].add(origin.ref or origin.url)
    found: dict[Origin, InfoRequest] = {}
    for (source, has_ref), values in by_source.items():
        column = InfoRequest.source_ref if has_ref else InfoRequest.source_url
        for some in pieces(sorted(values)):
            # source <> '' and source_ref = '' let the index on the origin be used
            rows = db.scalars(
                select(InfoRequest)
                .where(InfoRequest.source == source, InfoRequest.source != "", column.in_(some))
                .where(InfoRequest.source_ref != "" if has_ref else InfoRequest.source_ref == "")
                .options(
                    joinedload(InfoRequest.body),
                    joinedload(InfoRequest.person),
                    selectinload(InfoRequest.messages).selectinload(Message.attachments),
                )
            )
            found |= {Origin(r.source, r.source_ref, r.source_url): r for r in rows}
    return {origin: found[origin] for origin in origins if origin in found}


def _comments(db: Session, ids: Sequence[int]) -> dict[int, list[Annotation]]:
    found: dict[int, list[Annotation]] = defaultdict(list)
    for some in pieces(ids):
        rows = db.scalars(
            select(Annotation).where(Annotation.request_id.in_(some)).order_by(Annotation.id)
        )
        for row in rows:
            found[row.request_id].append(row)
    return found


def _descriptions(db: Session, ids: Sequence[int]) -> dict[int, set[tuple[datetime, str]]]:
    """Give when each request was described, and as what."""
    found: dict[int, set[tuple[datetime, str]]] = defaultdict(set)
    for some in pieces(ids):
        rows = db.execute(
            select(Event.request_id, Event.happened_at, Event.params).where(
                Event.request_id.in_(some), Event.kind == Kind.STATUS_UPDATE
            )
        )
        for request_id, moment, params in rows:
            found[request_id].add((moment, params["state"]))
    return found


def _slugs_in_use(db: Session, slugs: Sequence[str]) -> set[str]:
    """Give those of these slugs that some request has or had."""
    found: set[str] = set()
    for some in pieces(sorted(set(slugs))):
        found |= set(
            db.scalars(select(InfoRequest.url_title).where(InfoRequest.url_title.in_(some)))
        )
        found |= set(
            db.scalars(
                select(FormerName.slug).where(
                    FormerName.subject_kind == "request", FormerName.slug.in_(some)
                )
            )
        )
    return found
