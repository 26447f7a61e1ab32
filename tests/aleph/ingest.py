"""Uploads: which document an upload is, what its metadata may be, and its way to the index.

Document identity and the rules for metadata left out, null or empty are the parts of Aleph a
bridge most easily gets wrong. Gives up: streaming (a file is held in memory), ``headers``.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tests.aleph.contents import Content, read_content
from tests.aleph.entities import Entities
from tests.aleph.places import clean_country, clean_language
from tests.aleph.processing import Pipeline, Poison
from tests.aleph.refusals import Refused, invalid
from tests.aleph.schemata import SCHEMATA
from tests.aleph.store import Record, Store, now
from tests.aleph.values import clean, clean_date, clean_url, sign, unite

AGENT = "4.1.4"
MAX_DEPTH = 8
_TEXTS = {
    "foreign_id": "",
    "file_name": "fileName",
    "title": "title",
    "summary": "summary",
    "author": "author",
    "publisher": "publisher",
    "crawler": "crawler",
    "generator": "",
    "mime_type": "mimeType",
    "parent_id": "",
}
_URLS = {"source_url": "sourceUrl"}
_DATES = {
    "date": "date",
    "authored_at": "authoredAt",
    "modified_at": "modifiedAt",
    "published_at": "publishedAt",
    "retrieved_at": "retrievedAt",
}
_LISTS = {
    "languages": ("language", "ftm-language", clean_language),
    "countries": ("country", "ftm-country", clean_country),
    "keywords": ("keywords", "", lambda text: text if len(text) <= 5000 else None),
}
_PROPERTIES = {**_TEXTS, **_URLS, **_DATES}


def check_list(name: str, values: Any, errors: dict[str, str]) -> None:
    """Note what is wrong with a list of countries, languages or keywords."""
    if not isinstance(values, list):
        errors[name] = f"{values!r} is not of type 'array'"
        return
    _, form, cleaner = _LISTS[name]
    for position, value in enumerate(values):
        place = f"{name}.{position}"
        if not isinstance(value, str):
            also = f"; {value!r} is not a {form!r}" if form else ""
            errors[place] = f"{value!r} is not of type 'string'{also}"
        elif cleaner(value) is None:
            errors[place] = f"{value!r} is not a {form!r}" if form else f"{value!r} is too long"


def check_meta(text: str | None) -> Record:
    """Give the metadata of an upload; Refused with every error when it breaks the schema."""
    try:
        meta = json.loads(text or "{}")
    except ValueError as error:
        raise Refused(400, str(error)) from None
    if not isinstance(meta, dict):
        raise invalid({"": f"{meta!r} is not of type 'object'"})
    errors: dict[str, str] = {}
    for name in (*_TEXTS, *_URLS, *_DATES):
        value = meta.get(name)
        wrong = value is not None and (
            not isinstance(value, str)
            or (name in _URLS and clean_url(value) is None)
            or (name in _DATES and clean_date(value) is None)
        )
        if wrong:
            errors[name] = f"{value!r} is not valid under any of the given schemas"
    for name in _LISTS:
        if name in meta:
            check_list(name, meta[name], errors)
    if errors:
        raise invalid(errors)
    return meta


@dataclass
class Upload:
    """One upload: where, by whom, its checked metadata, and the bytes of its last file part."""

    collection: Record
    role_id: str
    meta: Record
    data: bytes | None
    job: str = ""
    sync: bool = False
    index: bool = True


class Ingest:
    """Takes uploads in and processes them later."""

    def __init__(
        self,
        store: Store,
        entities: Entities,
        pipeline: Pipeline,
        poison: Poison,
        *,
        office: bool = True,
    ) -> None:
        self.store = store
        self.entities = entities
        self.pipeline = pipeline
        self.poison = poison
        self.office = office
        pipeline.workers["ingest"] = self.work
        # Where an upload's forerunner may be: by foreign_id and by SHA-1; looked through, not at.
        self._known: dict[tuple[str, str, str], set[str]] = {}
        for document in store.documents.values():
            self._remember(document)

    def accept(self, upload: Upload) -> str:
        """Store an upload and queue its processing; give the signed id of its document."""
        parent = self._parent(upload)
        foreign_id = upload.meta.get("foreign_id")
        if upload.data is None and not foreign_id:
            raise Refused(400, "Directories need to have a foreign_id")
        sha1 = None if upload.data is None else self.store.keep_file(upload.data)
        document = self._find(upload.collection["id"], parent, foreign_id, sha1) or {
            "id": str(self.store.number("document")),
            "collection_id": upload.collection["id"],
            "parent_id": parent,
            "foreign_id": foreign_id,
            "meta": {},
            "created_at": now(),
            "updated_at": now(),
            "role_id": upload.role_id,
        }
        document["sha1"] = sha1
        document["meta"] = self._update(document["meta"], upload.meta)
        self.store.documents.save(document["id"], document)
        self._remember(document)
        upload.collection["data_updated_at"] = now()
        self.store.collections.save(upload.collection["id"], upload.collection)
        proxy = self.proxy(document)
        if sha1 is None and upload.sync and upload.index:
            self.entities.index(upload.collection["id"], proxy, replace=True)
        self._queue(document, upload.job, upload.index)
        return str(proxy["id"])

    def _queue(self, document: Record, job: str, index: bool) -> None:
        name = document["meta"].get("file_name") or ""
        stuck = self.poison.fate(document["sha1"] or "", name) == "stuck"
        self.pipeline.queue(
            document["collection_id"],
            "ingest",
            job,
            document=document["id"],
            index=index,
            stuck=stuck,
        )

    def _parent(self, upload: Upload) -> str | None:
        """Give the number of the parent document; a ``parent`` without ``id`` is ignored."""
        given = upload.meta.get("parent_id")
        if given is None and isinstance(upload.meta.get("parent"), dict):
            given = upload.meta["parent"].get("id")
        if given is None:
            return None
        document = self.store.documents.get(str(given).partition(".")[0])
        if document is None or document["collection_id"] != upload.collection["id"]:
            raise Refused(400, "Cannot load parent document")
        return str(document["id"])

    def _find(
        self, collection_id: str, parent: str | None, foreign_id: str | None, sha1: str | None
    ) -> Record | None:
        """Find the document an upload replaces: by foreign_id, else by its bytes."""
        key, value = ("foreign_id", foreign_id) if foreign_id else ("sha1", sha1)
        ids = self._known.get((collection_id, key, value or ""), ())
        rows = [self.store.documents[id_] for id_ in ids if id_ in self.store.documents]
        if parent is not None:
            rows = [row for row in rows if row["parent_id"] == parent]
        return max(
            (row for row in rows if row[key] == value),
            key=lambda row: int(row["id"]),
            default=None,
        )

    def _remember(self, document: Record) -> None:
        for key in ("foreign_id", "sha1"):
            place = (document["collection_id"], key, document[key] or "")
            self._known.setdefault(place, set()).add(document["id"])

    @staticmethod
    def _update(old: Record, sent: Record) -> Record:
        """Left out: kept. Null: cleared. Countries and languages left out: emptied."""
        known = {
            name: value
            for name, value in sent.items()
            if name in _PROPERTIES or name == "keywords"
        }
        lists = {name: sent.get(name) or [] for name in ("countries", "languages")}
        return {**old, **known, **lists}

    def proxy(self, document: Record) -> Record:
        """Give the entity of a document row as it is before any processing."""
        foreign_id = self.store.collections[document["collection_id"]]["foreign_id"]
        schema = SCHEMATA["Folder" if document["sha1"] is None else "Document"]
        meta = document["meta"]
        wanted = [
            (prop, [meta[name]]) for name, prop in _PROPERTIES.items() if prop and meta.get(name)
        ]
        wanted += [(_LISTS[name][0], meta[name]) for name in _LISTS if meta.get(name)]
        wanted.append(("contentHash", [document["sha1"]]))
        above = self._ancestors(document, foreign_id)
        wanted += [("ancestors", above), ("parent", above[-1:])]
        properties = {}
        for name, values in wanted:
            if not any(values):
                continue
            cleaned = [clean(schema.properties[name], value) for value in values]
            good = unite([value for value in cleaned if value])
            if good:
                properties[name] = good
        return {
            "id": sign(document["id"], foreign_id),
            "schema": schema.name,
            "properties": properties,
            "created_at": document["created_at"],
            "updated_at": document["updated_at"],
            "role_id": document["role_id"],
        }

    def _ancestors(self, document: Record, foreign_id: str) -> list[str]:
        out: list[str] = []
        parent = self.store.documents.get(document["parent_id"] or "")
        while parent is not None:
            out.insert(0, sign(parent["id"], foreign_id))
            parent = self.store.documents.get(parent["parent_id"] or "")
        return out

    def work(self, task: Record) -> None:
        """Process one document: write its fragment and those of its children, then index."""
        document = self.store.documents.get(task["payload"]["document"])
        if document is None:
            return
        proxy = self.proxy(document)
        written = [proxy["id"]]
        fate = self.poison.fate(document["sha1"] or "", document["meta"].get("file_name") or "")
        if fate == "lost":
            return
        if document["sha1"] is None:
            self.entities.write(document["collection_id"], "ingest", proxy)
        else:
            data = self.store.files[document["sha1"]]
            written = self._process(document["collection_id"], proxy, data, fate == "fail", 0)
        if task["payload"]["index"]:
            self.pipeline.queue(
                document["collection_id"], "index", task["job"], entities=written, follows=True
            )

    def _process(
        self, collection_id: str, proxy: Record, data: bytes, fail: bool, depth: int
    ) -> list[str]:
        """Write the fragments of one file and all it holds; give their ids."""
        props = proxy["properties"]
        name = (props.get("fileName") or [""])[0]
        content = read_content(
            data, name, (props.get("mimeType") or [None])[0], office=self.office
        )
        if fail:
            content = Content("Document", content.mime, error="Processing failed on purpose")
        proxy["schema"] = content.schema
        props |= {key: value for key, value in content.properties.items() if value != [""]}
        props |= {
            "fileSize": [str(len(data))],
            "mimeType": [content.mime],
            "processedAt": [now()[:19]],
            "processingAgent": [AGENT],
            "processingStatus": ["failure" if content.error else "success"],
        }
        if content.error:
            props["processingError"] = [content.error]
        if content.schema == "Table":
            props["csvHash"] = [self.store.keep_file(data + b"\n")]
        written = [proxy["id"]]
        written += self._write_people(collection_id, proxy, content)
        written += self._write_pages(collection_id, proxy, content)
        self.entities.write(collection_id, "ingest", proxy)
        if depth < MAX_DEPTH:
            written += self._write_children(collection_id, proxy, content, depth)
        return written

    def _child(self, collection_id: str, parent: Record, schema: str, token: str) -> Record:
        foreign_id = self.store.collections[collection_id]["foreign_id"]
        plain = hashlib.sha1(f"{parent['id']}/{token}".encode()).hexdigest()
        return {
            "id": sign(plain, foreign_id),
            "schema": schema,
            "properties": {},
            "created_at": parent.get("created_at"),
            "updated_at": parent.get("updated_at"),
            "role_id": parent.get("role_id"),
        }

    def _write_people(self, collection_id: str, proxy: Record, content: Content) -> list[str]:
        """Write a Person per address of a mail: the same id for the same address."""
        foreign_id = self.store.collections[collection_id]["foreign_id"]
        out = []
        for prop, people in content.people.items():
            for name, address in people:
                plain = hashlib.sha1(f"{collection_id}/{address}".encode()).hexdigest()
                person: Record = {
                    "id": sign(plain, foreign_id),
                    "schema": "Person",
                    "properties": {"name": [name or address], "email": [address]},
                }
                self.entities.write(collection_id, "ingest", person)
                proxy["properties"][prop] = unite(
                    proxy["properties"].get(prop, []), [person["id"]]
                )
                out.append(str(person["id"]))
        return out

    def _write_pages(self, collection_id: str, proxy: Record, content: Content) -> list[str]:
        out = []
        for number, text in enumerate(content.pages, start=1):
            page = self._child(collection_id, proxy, "Page", f"page {number}")
            page["properties"] = {"document": [proxy["id"]], "index": [str(number)]}
            if text.strip():
                page["properties"]["bodyText"] = [text]
            self.entities.write(collection_id, "ingest", page)
            out.append(page["id"])
        return out

    def _write_children(
        self, collection_id: str, proxy: Record, content: Content, depth: int
    ) -> list[str]:
        """Write what a mail or an archive holds, with a Folder for every folder on the way."""
        out: list[str] = []
        above = proxy["properties"].get("ancestors", [])
        folders: dict[str, tuple[str, list[str]]] = {"": (proxy["id"], [*above, proxy["id"]])}
        for child in content.children:
            steps = child.path.split("/")
            for level in range(1, len(steps) + (child.data is None)):
                path = "/".join(steps[:level])
                if path not in folders:
                    upper, line = folders["/".join(steps[: level - 1])]
                    folder = self._child(collection_id, proxy, "Folder", path)
                    folder["properties"] = {
                        "fileName": [steps[level - 1]],
                        "parent": [upper],
                        "ancestors": line,
                    }
                    self.entities.write(collection_id, "ingest", folder)
                    folders[path] = (folder["id"], [*line, folder["id"]])
                    out.append(folder["id"])
            if child.data is None:
                continue
            upper, line = folders["/".join(steps[:-1])]
            entity = self._child(collection_id, proxy, "Document", child.path)
            entity["properties"] = {
                "fileName": [steps[-1]],
                "parent": [upper],
                "ancestors": line,
                "contentHash": [self.store.keep_file(child.data)],
            }
            out += self._process(collection_id, entity, child.data, False, depth + 1)
        return out
