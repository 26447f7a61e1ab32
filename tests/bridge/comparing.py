"""What a stand-in holds, held against what the archive wants there."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from bridge.items import Item, Source
from bridge.manifest import manifests
from foi.archive.models import Body, InfoRequest, Person
from foi.site import Site
from tests.aleph import Aleph


@dataclass
class Difference:
    """Names of objects that are not as the archive wants them; `there` is how many are."""

    there: int = 0
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.duplicated or self.stale)


def wanted(site: Site, collection: str) -> list[Item]:
    """Give everything that a collection for the whole site should hold."""
    with site.sessions.reading() as db:
        subjects = [
            f"{kind}:{number}"
            for kind, model in (("body", Body), ("person", Person), ("request", InfoRequest))
            for number in db.scalars(select(model.id))
        ]
        source = Source(site, collection, site.calendar.today())
        return [item for each in manifests(db, source, subjects).values() for item in each.items]


def compare(site: Site, server: Aleph, collection: str) -> Difference:
    """Compare the manifest with index and uploads of a stand-in."""
    view = server.collection(collection)
    with server.server.store.lock:
        copies = Counter(row["id"] for row in server.server.entities.indexed(view.id))
        indexed, documents = view.indexed, view.documents
    uploads = Counter(row["foreign_id"] for row in documents.values())
    ids = {row["foreign_id"]: id_ for id_, row in documents.items()}
    found = Difference()
    known = set()
    for item in wanted(site, collection):
        id_ = ids.get(item.foreign_id, "") if item.document else view.sign(item.foreign_id)
        known.add(id_)
        if id_ not in indexed:
            found.missing.append(item.foreign_id)
        elif wrong := differing(site, item, indexed[id_], ids):
            found.stale.append(f"{item.foreign_id}: {wrong}")
    found.there = len(known)
    found.extra = [id_ for id_ in {*indexed, *documents} if id_ not in known]
    found.duplicated = [id_ for id_, number in (copies + uploads).items() if number > 1]
    return found


def differing(site: Site, item: Item, row: dict[str, Any], ids: dict[str, str]) -> str:
    """Give the first property in which an object differs from what it should be."""
    properties = row["properties"]
    for name, values in item.properties.items():
        if name == "processingStatus" or (item.file and name in ("title", "keywords")):
            continue
        if set(properties.get(name, ())) != set(values):
            return f"{name} is {properties.get(name)}, not {values}"
    for name, targets in item.references.items():
        there = {each.partition(".")[0] for each in properties.get(name, ())}
        if there != {ids.get(target, target).partition(".")[0] for target in targets}:
            return f"{name} points at {there}"
    if item.file:
        content = site.blobs.path(item.file.sha256).read_bytes()
        if properties.get("contentHash") != [hashlib.sha1(content).hexdigest()]:
            return "other bytes"
        if properties.get("parent") != [ids[item.parent]]:
            return "another parent"
        if not set(item.properties["title"]) <= set(properties.get("title", ())):
            return "title"
    elif row["schema"] != item.schema:
        return f"a {row['schema']}"
    return ""
