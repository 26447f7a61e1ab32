"""What Aleph ought to hold: the archive's public rows as FollowTheMoney objects.

A pure reading of rows, settings and the date, through the same masks and prominence as every page
(foi/archive/reading.py); push and export both start from it. What is not public is not in it, so
that whatever a manifest lacks is to be withdrawn.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.correspondence import Correspondence
from bridge.items import Item, Manifest, Source, clean, publisher, web_address
from bridge.schemata import country_of
from bridge.selection import taken
from foi.archive import reading
from foi.archive.casework import format_tag
from foi.archive.models import Body, InfoRequest, Message, Person
from foi.archive.reading import ReadMessage, mask
from foi.pages import links, members


def manifests(db: Session, source: Source, subjects: Iterable[str]) -> dict[str, Manifest]:
    """Make the manifests of subjects (`request:7`, `body:3`, `person:5`), many at a time."""
    wanted = list(dict.fromkeys(subjects))
    found = {subject: Manifest(subject) for subject in wanted}
    for kind, make in (("body", _bodies), ("person", _people), ("request", _requests)):
        ids = [int(s.partition(":")[2]) for s in wanted if s.startswith(f"{kind}:")]
        if ids:
            found |= {m.subject: m for m in make(db, source, ids)}
    return found


def _bodies(db: Session, source: Source, ids: Sequence[int]) -> Iterable[Manifest]:
    """Every authority where all requests belong; elsewhere those to whom one that does was
    made.
    """
    wanted = numbers_asked(db, source, "body_id", ids)
    tags = members.tags_by_subject(db, "body", sorted(wanted))
    for body in db.scalars(select(Body).where(Body.id.in_(wanted))):
        subject = f"body:{body.id}"
        item = Item(
            kind="body",
            foreign_id=source.digest(subject),
            schema="PublicBody",
            properties=clean(
                publisher(source),
                name=[mask(body.name)],
                alias=[mask(body.short_name)],
                country=[country_of(body.jurisdiction or source.site.settings.jurisdiction)],
                website=[web_address(body.home_page)],
                sourceUrl=[source.site.url(links.body_path(body.url_name))],
                classification=[mask(format_tag(*tag)) for tag in tags.get(body.id, ())],
                keywords=["foi"],
            ),
            created_at=body.created_at,
        )
        yield Manifest(subject, (item,))


def numbers_asked(db: Session, source: Source, column: str, ids: Sequence[int]) -> set[int]:
    """Give those numbers of authorities (`body_id`) or people (`person_id`) that belong: those in
    a listed request that does, and every authority where all requests do.
    """
    if source.selection.whole and column == "body_id":
        return set(ids)
    among = getattr(InfoRequest, column).in_(ids)
    if source.selection.whole:
        statement = select(getattr(InfoRequest, column)).where(reading.listed(), among)
        return set(db.scalars(statement.distinct()))
    rows = taken(db, source.site, source.selection, source.today, among)
    return {getattr(row, column) for row in rows}


def _people(db: Session, source: Source, ids: Sequence[int]) -> Iterable[Manifest]:
    """Registered people who have made a request that is listed and belongs; nobody else."""
    asked = numbers_asked(db, source, "person_id", ids)
    for person in db.scalars(select(Person).where(Person.id.in_(asked))):
        subject = f"person:{person.id}"
        item = Item(
            kind="person",
            foreign_id=source.digest(subject),
            schema="Person",
            properties=clean(
                publisher(source),
                name=[mask(person.name)],
                sourceUrl=[source.site.url(links.person_path(person.url_name))],
                keywords=["foi"],
            ),
            created_at=person.created_at,
        )
        yield Manifest(subject, (item,))


def _requests(db: Session, source: Source, ids: Sequence[int]) -> Iterable[Manifest]:
    among = InfoRequest.id.in_(ids)
    rows = taken(db, source.site, source.selection, source.today, among)
    jurisdictions = dict(
        db.execute(
            select(Body.id, Body.jurisdiction).where(Body.id.in_({row.body_id for row in rows}))
        ).all()
    )
    letters: dict[int, list[ReadMessage]] = {}
    for message in reading.messages(db, Message.request_id.in_([row.id for row in rows])):
        letters.setdefault(message.request_id, []).append(message)
    for request in members.listed(db, rows, source.today):
        country = country_of(
            jurisdictions[request.row.body_id] or source.site.settings.jurisdiction
        )
        yield Correspondence(source, request, country).manifest(letters.get(request.row.id, []))
