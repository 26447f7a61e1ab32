"""Entities: fragments by origin, their union, and the index that searches read.

One id holds one fragment per origin (ingest, mapping, bulk, ...): writing replaces that fragment
whole, reading merges them. What is searchable is a copy made later, in an index per schema.
"""

import time
from functools import cache
from typing import Any

from tests.aleph.dialects import Dialect
from tests.aleph.schemata import GROUPS, SCHEMATA, common
from tests.aleph.store import Record, Store
from tests.aleph.values import as_list, clean, clean_id, indexable_date, sign, unite

# The first origin decides when schemata do not fit: what came from a file wins over bulk.
_ORDER = ("ingest", "analyze", "model", "mapping", "bulk")


def make_proxy(
    data: Record, foreign_id: str, *, clean_values: bool = True, safe: bool = True
) -> Record:
    """Give the entity Aleph keeps of one sent: known properties, clean values, signed ids.

    The caller has checked that the schema is known and the id is valid.
    """
    schema = SCHEMATA[data["schema"]]
    properties: dict[str, list[str]] = {}
    given = data.get("properties")
    for name, values in (given if isinstance(given, dict) else {}).items():
        prop = schema.properties.get(name)
        if prop is None or (safe and prop.type == "checksum"):
            continue
        kept = [clean(prop, v) if clean_values else str(v) for v in as_list(values)]
        good = [value for value in kept if value is not None]
        if prop.type == "entity":
            good = [sign(value, foreign_id) for value in good]
        if good:
            properties[name] = unite(good)
    out: Record = {
        "id": sign(clean_id(data["id"]) or "", foreign_id),
        "schema": schema.name,
        "properties": properties,
    }
    return out | {key: data[key] for key in ("created_at", "updated_at") if data.get(key)}


def merge(parts: list[Record]) -> Record:
    """Give the union of fragments; one whose schema does not fit is skipped without an error."""
    out: Record = {**parts[0], "properties": dict(parts[0]["properties"])}
    for part in parts[1:]:
        schema = common(out["schema"], part["schema"])
        if schema is None:
            continue
        out["schema"] = schema
        for name, values in part["properties"].items():
            out["properties"][name] = unite(out["properties"].get(name, []), values)
        for key, choose in (("created_at", min), ("updated_at", max)):
            known = [moment for moment in (out.get(key), part.get(key)) if moment]
            if known:
                out[key] = choose(known)
        out["mutable"] = out.get("mutable") or part.get("mutable")
        out["role_id"] = out.get("role_id") or part.get("role_id")
    return out


def caption(entity: Record) -> str:
    """Give an entity's title."""
    for name in SCHEMATA[entity["schema"]].caption:
        if entity["properties"].get(name):
            return str(entity["properties"][name][0])
    is_file = SCHEMATA[entity["schema"]].is_a("Document")
    return "File" if is_file else SCHEMATA[entity["schema"]].name


def field_values(entity: Record, field: str) -> list[str]:
    """Give the values of an index field: ``properties.X``, a group such as ``names``, or own."""
    if field.startswith("properties."):
        return list(entity["properties"].get(field.removeprefix("properties."), []))
    if field == "caption":
        return [caption(entity)]
    if field == "schemata":
        return sorted(SCHEMATA[entity["schema"]].schemata)
    if field in ("id", "_id"):
        return [entity["id"]]
    if field in GROUPS.values():
        props = SCHEMATA[entity["schema"]].properties
        groups = (
            values
            for name, values in entity["properties"].items()
            if name in props and GROUPS.get(props[name].type) == field
        )
        return unite(*groups)
    return [str(value) for value in as_list(entity.get(field))]


def references(entity: Record) -> list[str]:
    """Give the ids of all entities this one refers to."""
    return field_values(entity, "entities")


@cache
def buckets(dialect: Dialect) -> frozenset[str]:
    """Give the names of all indexes."""
    return frozenset(dialect.bucket(name) for name in SCHEMATA)


class Entities:
    """The fragments and the index of all collections."""

    def __init__(self, store: Store, dialect: Dialect, lag: float = 0.0) -> None:
        self.store = store
        self.dialect = dialect
        # Seconds from the end of an index task until its work can be seen: the engine's refresh.
        self.lag = lag
        self._version = -1
        self._by_collection: dict[str, list[Record]] = {}

    @staticmethod
    def _key(collection_id: str, entity_id: str) -> str:
        return f"{collection_id}/{entity_id}"

    def write(self, collection_id: str, origin: str, entity: Record) -> None:
        """Replace one origin's fragment of an entity."""
        key = self._key(collection_id, entity["id"])
        row = self.store.fragments.get(key) or {
            "collection_id": collection_id,
            "id": entity["id"],
            "origins": {},
        }
        row["origins"][origin] = entity
        self.store.fragments.save(key, row)

    def unwrite(self, collection_id: str, entity_id: str, origin: str | None = None) -> None:
        """Remove one origin's fragment of an entity, or all of them."""
        key = self._key(collection_id, entity_id)
        row = self.store.fragments.get(key)
        if row is None:
            return
        if origin is not None:
            row["origins"].pop(origin, None)
        if origin is None or not row["origins"]:
            self.store.fragments.drop(key)
        else:
            self.store.fragments.save(key, row)

    def fragment(self, collection_id: str, entity_id: str, origin: str) -> Record | None:
        """Give one origin's fragment, or None."""
        row = self.store.fragments.get(self._key(collection_id, entity_id))
        found: Record | None = row["origins"].get(origin) if row else None
        return found

    def stored(self, collection_id: str, entity_id: str) -> Record | None:
        """Give the union of an entity's fragments, indexed or not."""
        row = self.store.fragments.get(self._key(collection_id, entity_id))
        if row is None:
            return None
        origins: dict[str, Any] = row["origins"]
        return merge([origins[name] for name in _ORDER if name in origins])

    def index(self, collection_id: str, entity: Record, *, replace: bool = False) -> bool:
        """Make an entity searchable; False when the index loses it without a word.

        ``replace`` is for single writes: they remove copies under other schemata, which bulk
        does not, and are seen at once.
        """
        if replace:
            self.unindex(entity["id"], except_bucket=self.dialect.bucket(entity["schema"]))
        if SCHEMATA[entity["schema"]].abstract:
            return False
        if self.dialect.minute_dates_lost and not all(
            map(indexable_date, field_values(entity, "dates"))
        ):
            return False
        bucket = self.dialect.bucket(entity["schema"])
        row = {
            **entity,
            "collection_id": collection_id,
            "_bucket": bucket,
            "_sort": self.store.number("sort"),
        }
        key = f"{entity['id']}/{bucket}"
        if self.lag and not replace:
            waiting = {"visible": time.time() + self.lag, "key": key, "row": row}
            self.store.unrefreshed.save(str(row["_sort"]), {**waiting, "id": entity["id"]})
        else:
            self._show(key, row)
        return True

    def _show(self, key: str, row: Record) -> None:
        self.store.index.drop(key)
        self.store.index.save(key, row)

    def refresh(self) -> None:
        """Let what was indexed long enough ago be seen."""
        moment = time.time()
        for number, waiting in list(self.store.unrefreshed.items()):
            if waiting["visible"] <= moment:
                if "fades" not in waiting:
                    self._show(waiting["key"], waiting["row"])
                elif self.store.index.get(waiting["key"], {}).get("_sort") == waiting["fades"]:
                    self.store.index.drop(waiting["key"])
                self.store.unrefreshed.drop(number)

    def fade(self, collection_id: str) -> None:
        """Remove what is indexed of a collection now, seen after the engine's refresh; what is
        indexed meanwhile stays.
        """
        for key, row in list(self.store.index.items()):
            if row["collection_id"] == collection_id:
                waiting = {"visible": time.time() + self.lag, "key": key, "fades": row["_sort"]}
                self.store.unrefreshed.save(f"fades {key}", {**waiting, "id": row["id"]})
        self.refresh()

    def unindex(self, entity_id: str, except_bucket: str | None = None) -> None:
        """Remove an entity's copies from the index."""
        for bucket in self._buckets():
            if bucket != except_bucket:
                self.store.index.drop(f"{entity_id}/{bucket}")
        self.store.purge(self.store.unrefreshed, lambda waiting: waiting["id"] == entity_id)

    def _buckets(self) -> frozenset[str]:
        return buckets(self.dialect)

    def find(self, entity_id: str) -> Record | None:
        """Give the newest indexed copy of an entity, or None."""
        keys = (f"{entity_id}/{bucket}" for bucket in self._buckets())
        found = [self.store.index[key] for key in keys if key in self.store.index]
        return max(found, key=lambda row: row["_sort"], default=None)

    def indexed(self, collection_id: str) -> list[Record]:
        """Give every indexed entity of a collection, stale copies included."""
        if self._version != self.store.index.version:
            self._by_collection = {}
            for row in self.store.index.values():
                self._by_collection.setdefault(row["collection_id"], []).append(row)
            self._version = self.store.index.version
        return self._by_collection.get(collection_id, [])

    def prune(self, collection_id: str, entity_id: str) -> None:
        """Delete an entity and, recursively, everything in the collection that mentions it."""
        mentioned_by: dict[str, list[str]] = {}
        for row in self.indexed(collection_id):
            for target in references(row):
                mentioned_by.setdefault(target, []).append(row["id"])
        doomed: set[str] = set()
        queue = [entity_id]
        while queue:
            current = queue.pop()
            if current not in doomed:
                doomed.add(current)
                queue += mentioned_by.get(current, [])
        for gone in doomed:
            self.unindex(gone)
            self.unwrite(collection_id, gone)
            number = gone.partition(".")[0]
            document = self.store.documents.get(number)
            if document and document["collection_id"] == collection_id:
                self.store.documents.drop(number)
