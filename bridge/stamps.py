"""What a subject's manifest depends on, told in few bytes and without making the manifest.

A push passes over a subject whose stamp is the one that its last complete visit left with the
receipts. Requests, authorities and people are read as the manifest reads them; of a request's
letters, files and tags only the version of the request is, which every verb raises. What it gives
up: noticing changes that somebody has made to letters past `casework` (`push --thorough` does).
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import bridge
import foi
from bridge.items import Source
from bridge.manifest import numbers_asked
from bridge.selection import taken
from foi.archive.models import Body, InfoRequest, Person, Version
from foi.pages import members

_AT_ONCE = 2000
"""Subjects that are read with one statement."""
_BODY, _PERSON, _VERSION = Body.__table__, Person.__table__, Version.__table__.c


@cache
def release() -> str:
    """Give a digest of the code that manifests are made with, whatever its version says."""
    found = hashlib.sha256()
    for package in (bridge, foi):
        folder = Path(package.__file__ or "").parent
        for path in sorted(folder.rglob("*.py")):
            found.update(str(path.relative_to(folder)).encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def epoch(source: Source) -> str:
    """Give what all stamps of a collection under these settings have in common."""
    settings = source.site.settings
    told = (
        release(),
        source.collection,
        settings.site_url,
        settings.site_name,
        settings.site_locale,
        str(settings.site_zone),
        settings.jurisdiction,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()


def stamps(db: Session, source: Source, subjects: Iterable[str]) -> dict[str, str]:
    """Give the stamps of subjects; none for one of which nothing belongs in the collection."""
    common = epoch(source)
    numbers: dict[str, list[int]] = {"body": [], "person": [], "request": []}
    for subject in subjects:
        kind, _, number = subject.partition(":")
        numbers[kind].append(int(number))
    found: dict[str, str] = {}
    for kind, tell in (("body", _bodies), ("person", _people), ("request", _requests)):
        for start in range(0, len(numbers[kind]), _AT_ONCE):
            for id_, told in tell(db, source, numbers[kind][start : start + _AT_ONCE]):
                spelled = repr((common, kind, told)).encode("utf-8", "surrogatepass")
                found[f"{kind}:{id_}"] = hashlib.sha256(spelled).hexdigest()[:40]
    return found


Told = Iterator[tuple[int, Sequence[Any]]]


def _bodies(db: Session, source: Source, ids: Sequence[int]) -> Told:
    wanted = numbers_asked(db, source, "body_id", ids)
    tags = members.tags_by_subject(db, "body", sorted(wanted))
    for row in db.execute(select(_BODY).where(_BODY.c.id.in_(wanted))):
        yield row.id, (tuple(row), tags.get(row.id, ()))


def _people(db: Session, source: Source, ids: Sequence[int]) -> Told:
    wanted = numbers_asked(db, source, "person_id", ids)
    for row in db.execute(select(_PERSON).where(_PERSON.c.id.in_(wanted))):
        yield row.id, tuple(row)


def _requests(db: Session, source: Source, ids: Sequence[int]) -> Told:
    rows = taken(db, source.site, source.selection, source.today, InfoRequest.id.in_(ids))
    bodies = {row.body_id for row in rows}
    of_bodies = select(_BODY.c.id, _BODY.c.jurisdiction).where(_BODY.c.id.in_(bodies))
    jurisdictions = {row.id: row.jurisdiction for row in db.execute(of_bodies)}
    scopes = [f"request:{row.id}" for row in rows]
    of_scopes = select(_VERSION.scope, _VERSION.position).where(_VERSION.scope.in_(scopes))
    positions = {row.scope: row.position for row in db.execute(of_scopes)}
    for row in rows:
        # What follows from the day, and not the day itself: it passes for all at once.
        state = members.state_of(row, source.today).name
        position = positions.get(f"request:{row.id}", 0)
        yield row.id, (tuple(row), jurisdictions[row.body_id], state, position)
