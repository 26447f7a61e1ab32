"""The parts of one stand-in server put together, and the work its queue does.

Gives up: a real cross-reference (equal names count as a match).
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.aleph.dialects import DIALECTS
from tests.aleph.entities import Entities, make_proxy
from tests.aleph.faults import Faults
from tests.aleph.ingest import Ingest
from tests.aleph.people import Caller, People
from tests.aleph.present import Presenter
from tests.aleph.processing import Pipeline, Poison
from tests.aleph.schemata import SCHEMATA
from tests.aleph.store import Record, Store, now

# The engine's refresh takes this share of the imitated delay; an idle queue comes before it.
LAG = 0.5


@dataclass
class Options:
    """How a server shall behave; see ``python -m tests.aleph --help``."""

    flavour: str = "aleph"
    delay: float = 0.0
    latency_ms: float = 0.0
    fail_rate: float = 0.0
    seed: int | None = None
    user_key: str | None = None
    admin_key: str | None = None
    data: Path | None = None
    ingest_worker: bool = True
    office: bool = True
    public_url: str | None = None
    max_upload: int | None = None


@dataclass
class Call:
    """One recorded call: what was asked, how it ended, and how many bytes were uploaded."""

    method: str
    path: str
    query: str
    status: int
    uploaded: int
    role_id: str
    session: str = ""


@dataclass
class Server:
    """Everything behind the HTTP interface."""

    options: Options
    calls: list[Call] = field(default_factory=list)
    # Searchable text of index rows by their sort number, folded once.
    folded: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        options = self.options
        self.dialect = DIALECTS[options.flavour]
        self.store = Store(options.data)
        self.people = People(self.store, options.user_key, options.admin_key)
        self.entities = Entities(self.store, self.dialect, options.delay * LAG)
        self.pipeline = Pipeline(self.store, options.delay, ingest_worker=options.ingest_worker)
        self.poison = Poison()
        self.ingest = Ingest(
            self.store, self.entities, self.pipeline, self.poison, office=options.office
        )
        self.presenter = Presenter(
            self.store, self.people, self.entities, self.pipeline, self.dialect
        )
        self.faults = Faults(options.fail_rate, options.seed)
        self.pipeline.workers |= {
            "index": self._index,
            "pruneentity": self._prune,
            "updateentity": self._index,
            "reindex": self._reindex,
            "reingest": self._reingest,
            "xref": self._xref,
            "loadmapping": self._load_mapping,
            "flushmapping": self._flush_mapping,
            "exportsearch": self._export,
            "exportxref": self._export,
            "analyze": self._nothing,
        }
        self.pipeline.refresh = self.entities.refresh
        self.store.commit()

    def live(self) -> Iterator[Record]:
        """Give the collections that are not deleted."""
        return iter([c for c in self.store.collections.values() if not c.get("deleted_at")])

    def readable(self, caller: Caller) -> list[Record]:
        """Give the collections the caller may read."""
        return [c for c in self.live() if self.people.can_read(c["id"], caller)]

    def touch(self, collection: Record) -> None:
        """Note that a collection's data changed."""
        collection["data_updated_at"] = now()
        self.store.collections.save(collection["id"], collection)

    def notify(self, name: str, collection_id: str, actor_id: str) -> None:
        """Note an event for the notifications of others."""
        key = str(self.store.number("event"))
        event = {"id": key, "name": name, "collection_id": collection_id}
        self.store.events.save(key, {**event, "actor_id": actor_id, "created_at": now()})

    def purge(self, collection_id: str, *, sync: bool = True) -> None:
        """Empty a collection, its index at once or soon; files stay in the archive."""
        self.pipeline.cancel(collection_id)
        self.entities.fade(collection_id)
        for table in (
            self.store.documents,
            self.store.fragments,
            *([self.store.index] if sync else []),
            self.store.mappings,
            self.store.entitysets,
            self.store.xref,
        ):
            self.store.purge(table, lambda row: row["collection_id"] == collection_id)

    def delete(self, collection_id: str, entity_id: str, job: str) -> None:
        """Take one entity out of the index at once and all that mentions it later."""
        self.pipeline.queue(collection_id, "pruneentity", job, entity=entity_id)
        self.entities.unindex(entity_id)

    # The work of the queue.

    def _nothing(self, task: Record) -> None:
        """Do the work of a stage whose result no client can see."""

    def _index(self, task: Record) -> None:
        for entity_id in task["payload"]["entities"]:
            entity = self.entities.stored(task["collection_id"], entity_id)
            if entity is not None:
                self.entities.index(task["collection_id"], entity)

    def _prune(self, task: Record) -> None:
        self.entities.prune(task["collection_id"], task["payload"]["entity"])

    def _reindex(self, task: Record) -> None:
        collection_id = task["collection_id"]
        if task["payload"]["flush"]:
            self.store.purge(self.store.index, lambda row: row["collection_id"] == collection_id)
        for document in self.store.of(self.store.documents, collection_id):
            proxy = self.ingest.proxy(document)
            kept = self.entities.fragment(collection_id, proxy["id"], "ingest")
            if (
                kept is None
                or kept["properties"].get("contentHash") != proxy["properties"].get("contentHash")
                or "processedAt" not in kept["properties"]
            ):
                self.entities.write(collection_id, "ingest", proxy)
        for row in self.store.of(self.store.fragments, collection_id):
            entity = self.entities.stored(collection_id, row["id"])
            if entity is not None:
                self.entities.index(collection_id, entity)

    def _reingest(self, task: Record) -> None:
        collection_id = task["collection_id"]
        index = task["payload"]["index"] or self.dialect.always_index
        for document in self.store.of(self.store.documents, collection_id):
            if self.dialect.always_index:
                entity_id = self.ingest.proxy(document)["id"]
                self.entities.unwrite(collection_id, entity_id, "ingest")
                self.entities.unindex(entity_id)
            self.pipeline.queue(
                collection_id, "ingest", task["job"], document=document["id"], index=index
            )

    def _xref(self, task: Record) -> None:
        """Match entities of this collection with those of equal name elsewhere."""
        collection_id = task["collection_id"]
        self.store.purge(self.store.xref, lambda row: row["collection_id"] == collection_id)
        names: dict[str, list[Record]] = {}
        for row in self.store.index.values():
            for name in row["properties"].get("name", []):
                names.setdefault(name.lower(), []).append(row)
        for row in self.entities.indexed(collection_id):
            if not SCHEMATA[row["schema"]].is_a("LegalEntity"):
                continue
            for name in row["properties"].get("name", []):
                for other in names[name.lower()]:
                    if other["collection_id"] != collection_id:
                        self._match(collection_id, row, other)

    def _match(self, collection_id: str, row: Record, other: Record) -> None:
        key = hashlib.sha1(f"{row['id']} {other['id']}".encode()).hexdigest()
        self.store.xref.save(
            key,
            {
                "id": key,
                "collection_id": collection_id,
                "created_at": now(),
                "method": f"ftm-{self.dialect.ftm_version}",
                "random": int(key[:7], 16),
                "schema": row["schema"],
                "score": 0.99,
                "judgement": "no_judgement",
                "entity": row["id"],
                "match": other["id"],
                "match_collection_id": other["collection_id"],
            },
        )

    def _load_mapping(self, task: Record) -> None:
        mapping = self.store.mappings.get(task["payload"]["mapping"])
        table = self.entities.find(mapping["table_id"]) if mapping else None
        if mapping is None or table is None:
            return
        foreign_id = self.store.collections[task["collection_id"]]["foreign_id"]
        text = self.store.files[table["properties"]["contentHash"][0]].decode("utf-8", "replace")
        made = []
        for line in csv.DictReader(io.StringIO(text)):
            for name, query in mapping["query"].items():
                columns = query.get("keys") or query.get("key") or query["id_column"]
                columns = columns if isinstance(columns, list) else [columns]
                keys = "/".join([mapping["id"], name, *(line.get(k, "") for k in columns)])
                properties = {
                    prop: line.get(source.get("column", ""), source.get("literal"))
                    for prop, source in query["properties"].items()
                }
                entity = make_proxy(
                    {
                        "id": hashlib.sha1(keys.encode()).hexdigest(),
                        "schema": query["schema"],
                        "properties": {**properties, "proof": [table["id"]]},
                    },
                    foreign_id,
                )
                entity |= {
                    "mutable": True,
                    "role_id": mapping["role_id"],
                    "created_at": mapping["created_at"],
                    "updated_at": mapping["updated_at"],
                }
                self.entities.write(task["collection_id"], "mapping", entity)
                made.append(entity["id"])
        self.store.mappings.save(
            mapping["id"],
            {**mapping, "last_run_status": "successful", "made": made, "updated_at": now()},
        )
        self.pipeline.queue(
            task["collection_id"], "index", task["job"], entities=made, follows=True
        )

    def _flush_mapping(self, task: Record) -> None:
        mapping = self.store.mappings.get(task["payload"]["mapping"])
        for entity_id in (mapping or {}).get("made", []):
            self.entities.unwrite(task["collection_id"], entity_id, "mapping")
            self.entities.unindex(entity_id)

    def _export(self, task: Record) -> None:
        """Pack the exported records into a zip of JSON Lines."""
        export = self.store.exports.get(task["payload"]["export"])
        if export is None:
            return
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            lines = [json.dumps(record) for record in task["payload"]["records"]]
            archive.writestr("export.jsonl", "\n".join(lines))
        sha1 = self.store.keep_file(packed.getvalue())
        done = {"status": "successful", "content_hash": sha1, "updated_at": now()}
        self.store.exports.save(export["id"], {**export, **done})
