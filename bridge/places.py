"""Which collections of an Aleph a thing belongs to, or is still in.

A request is looked at wherever its rows put it and wherever receipts say that it is; an authority
or a requester, wherever receipts say so and where everything belongs. What it gives up: deciding
what is in a collection (the manifest does), so that a place too many costs a look and no more.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.config import Plan, Remote
from bridge.receipts import collections_of, known_collections
from bridge.selection import (
    Everything,
    Facts,
    Nothing,
    OfAuthority,
    Selection,
    Tagged,
    facts_of,
    tag_names,
)
from foi.archive import reading
from foi.archive.models import Body, InfoRequest, Tag
from foi.archive.reading import mask
from foi.pages import members
from foi.site import Site


@dataclass(frozen=True)
class Place:
    """One collection: its foreign_id, what belongs there, and what it says of itself."""

    foreign_id: str
    selection: Selection = field(default_factory=Everything)
    fields: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)

    @property
    def wanted(self) -> bool:
        """Whether the settings still name it; if not, nothing belongs there."""
        return not isinstance(self.selection, Nothing)


def places(db: Session, site: Site, remote: Remote) -> list[Place]:
    """Give every collection that an Aleph should hold, and those left over from former plans."""
    found: dict[str, Place] = {}
    for plan in remote.plans:
        found |= {place.foreign_id: place for place in _of_plan(db, site, plan)}
    for foreign_id in known_collections(db, remote.host):
        found.setdefault(foreign_id, Place(foreign_id, Nothing()))
    return list(found.values())


def route(
    db: Session, site: Site, remote: Remote, subjects: Iterable[str]
) -> dict[Place, list[str]]:
    """Give for each collection those of some subjects at which somebody must look there."""
    wanted = list(subjects)
    found: dict[Place, dict[str, None]] = {}
    for facts in _facts(db, site, wanted):
        for plan in remote.plans:
            for place in _of_facts(site, plan, facts):
                found.setdefault(place, {})[f"request:{facts.row.id}"] = None
    for plan in remote.plans:
        if plan.of == "everything":
            whole = Place(plan.foreign_id(), plan.selection, plan.fields(site))
            entities = (each for each in wanted if not each.startswith("request:"))
            found.setdefault(whole, {}).update(dict.fromkeys(entities))
    known = {place.foreign_id: place for place in found}
    for foreign_id, held in collections_of(db, remote.host, wanted).items():
        if foreign_id not in known:
            known |= {place.foreign_id: place for place in places(db, site, remote)}
        found.setdefault(known[foreign_id], {}).update(dict.fromkeys(sorted(held)))
    return {place: list(those) for place, those in found.items() if those}


def _facts(db: Session, site: Site, subjects: Iterable[str]) -> list[Facts]:
    ids = [int(s.partition(":")[2]) for s in subjects if s.startswith("request:")]
    if not ids:
        return []
    statement = members.with_parties().where(InfoRequest.id.in_(ids), reading.listed())
    return facts_of(db, site, db.execute(statement).all())


def _of_facts(site: Site, plan: Plan, facts: Facts) -> Iterator[Place]:
    """Give the collections of a plan to which a request belongs."""
    if plan.of == "authority":
        yield _of_authority(site, plan, facts.row.body_id, facts.row.body_name)
    elif plan.of == "tag":
        for name in sorted(tag_names(facts)):
            if not plan.tags or name in plan.tags:
                yield _of_tag(site, plan, name)
    elif plan.selection.takes(facts, site.calendar.today()):
        yield Place(plan.foreign_id(), plan.selection, plan.fields(site))


def _of_plan(db: Session, site: Site, plan: Plan) -> Iterator[Place]:
    """Give all collections of a plan."""
    if plan.of == "authority":
        asked = select(InfoRequest.body_id).where(reading.listed())
        for body_id, name in db.execute(
            select(Body.id, Body.name).where(Body.id.in_(asked)).order_by(Body.id)
        ):
            yield _of_authority(site, plan, body_id, name)
    elif plan.of == "tag":
        listed = select(InfoRequest.id).where(reading.listed())
        borne = select(Tag.name).where(Tag.subject_kind == "request", Tag.subject_id.in_(listed))
        for name in sorted(set(db.scalars(borne.distinct()))):
            if not plan.tags or name in plan.tags:
                yield _of_tag(site, plan, name)
    else:
        yield Place(plan.foreign_id(), plan.selection, plan.fields(site))


def _of_authority(site: Site, plan: Plan, body_id: int, name: str) -> Place:
    fields = plan.fields(site, authority=mask(name))
    return Place(plan.foreign_id(str(body_id)), OfAuthority(body_id), fields)


def _of_tag(site: Site, plan: Plan, name: str) -> Place:
    return Place(plan.foreign_id(name), Tagged(name), plan.fields(site, tag=mask(name)))
