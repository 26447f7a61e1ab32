"""The documents of a collection as an Aleph shows them, one at a time, however many there are.

Whoever may write to a collection can have it streamed; all others search, and Aleph's searches end
at the 9,999th hit, so they are begun anew at the time of the last. What it gives up: the order of
names, and, for a reader, more than 9,999 documents of one millisecond.
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, field, fields
from typing import Any

from bridge.aleph import Aleph
from bridge.items import line
from bridge.receipts import Receipts
from bridge.target import Link, processing
from bridge.wire import AlephDown, AlephError, Json
from foi.pages.table import harmless

WINDOW, PAGE = 9999, 200
"""Where searches end, and hits that are asked for at once: documents are heavy."""
_MILLISECOND = 23
# Characters of a moment; Aleph's index tells no less apart.
_NAMES = ("fileName", "title", "subject", "name")
_INCLUDE = (
    *("id", "schema", "properties.processingStatus", "properties.processingError"),
    *("properties.contentHash", *(f"properties.{name}" for name in _NAMES)),
)


@dataclass(frozen=True, slots=True)
class Document:
    """One document: `status` is success, failed, pending (a file that Aleph has not dealt with) or
    none (what is not processed: folders, letters written by others).
    """

    collection: str
    status: str
    name: str
    schema: str
    id: str
    reason: str = ""


@dataclass(frozen=True)
class Asked:
    """Which documents: of a collection as Aleph tells of it, of a schema and its descendants."""

    collection: Json
    schema: str = "Document"

    @property
    def number(self) -> str:
        """The number that Aleph gave the collection."""
        return str(self.collection["id"])

    @property
    def foreign_id(self) -> str:
        """Its foreign_id; by its number where Aleph does not tell."""
        return str(self.collection.get("foreign_id", self.number))


def documents_of(link: Link, asked: Asked) -> Iterator[Document]:
    """Give the documents of a collection, and what of ours Aleph has taken and not yet shown.

    AlephDown when it breaks off: what came until then is not all.
    """
    if not asked.collection.get("writeable"):
        filters = [("filter:collection_id", asked.number), ("filter:schemata", asked.schema)]
        for row in hits(link.aleph, "entities", filters):
            yield _document(asked.foreign_id, row)
        return
    receipts = Receipts(link.site, link.aleph.host, asked.foreign_id, asked.number)
    with link.site.sessions.reading() as db:
        uploading = receipts.uploading(db) if asked.schema == "Document" else {}
    for row in _streamed(link.aleph, asked):
        uploading.pop(str(row["id"]), None)
        yield _document(asked.foreign_id, row)
    for id_, name in uploading.items():
        yield Document(asked.foreign_id, "pending", name, "Document", id_)


def _streamed(aleph: Aleph, asked: Asked) -> Iterator[Json]:
    """Stream a collection; tried again only as long as nothing has come."""
    for attempt in range(aleph.patience.attempts):
        come = False
        try:
            for row in aleph.stream(asked.number, _INCLUDE, asked.schema):
                come = True
                yield row
            return
        except AlephDown as error:
            if come or attempt + 1 == aleph.patience.attempts:
                raise
            time.sleep(min(error.asked or aleph.patience.pause, aleph.patience.longest))


def hits(aleph: Aleph, where: str, filters: list[tuple[str, str]]) -> Iterator[Json]:
    """Give every hit of a search, by the time of its making."""
    begin, offset = "", 0
    seen: set[str] = set()
    while True:
        limit = min(PAGE, WINDOW - offset)
        if limit <= 0:
            raise AlephError(
                0,
                f"more than {WINDOW:,} were made at {begin or 'no known time'}, and Aleph shows "
                "no more of these to a key that may not write there",
            )
        since = [("filter:gte:created_at", begin)] if begin else []
        how = [("sort", "created_at:asc"), ("limit", str(limit)), ("offset", str(offset))]
        page = aleph.call("GET", where, params=[*filters, *since, *how]).get("results") or []
        fresh = [each for each in page if str(each["id"]) not in seen]
        yield from fresh
        if len(page) < limit:
            break
        moment = str(page[-1].get("created_at") or "")[:_MILLISECOND]
        if moment in ("", begin):
            offset += limit
            seen.update(str(each["id"]) for each in fresh)
        else:
            begin, offset, seen = moment, 0, {str(each["id"]) for each in page}
    if begin and ("empty:created_at", "1") not in filters:
        # Asked for by time, those without are not among the hits.
        yield from hits(aleph, where, [*filters, ("empty:created_at", "1")])


def _document(foreign_id: str, row: Mapping[str, Any]) -> Document:
    properties = row.get("properties") or {}
    done = processing(row)
    if done["status"]:
        status = "success" if done["status"] == "success" else "failed"
    else:
        status = "pending" if properties.get("contentHash") else "none"
    names = (str(value) for name in _NAMES for value in properties.get(name) or ())
    return Document(
        foreign_id,
        status,
        line(next(names, "")),
        str(row.get("schema", "")),
        str(row["id"]),
        done["error"] if status == "failed" else "",
    )


@dataclass
class Listing:
    """Writes documents to standard output, a line each, and remembers how many were not well."""

    form: str
    """text, json or csv."""
    states: frozenset[str] = frozenset()
    """Those to write; empty: all."""
    counts: Counter[str] = field(default_factory=Counter)
    queued: int = 0
    stopped: str = ""

    def __post_init__(self) -> None:
        self._table = csv.writer(sys.stdout, lineterminator="\n")
        if self.form == "csv":
            self._table.writerow(each.name for each in fields(Document))

    @property
    def failed(self) -> int:
        """How many Aleph could not process, whether they were written or not."""
        return self.counts["failed"]

    @property
    def seen(self) -> int:
        """How many there were."""
        return self.counts.total()

    def add(self, each: Document) -> None:
        """Write one document, if it is among those asked for."""
        self.counts[each.status] += 1
        if self.states and each.status not in self.states:
            return
        if self.form == "csv":
            self._table.writerow(harmless(value) for value in astuple(each))
        elif self.form == "json":
            sys.stdout.write(json.dumps(asdict(each), ensure_ascii=False) + "\n")
        else:
            why = f": {each.reason}" if each.reason else ""
            sys.stdout.write(f"{each.status:<8} {each.name or each.id}{why}\n")

    def warnings(self) -> Iterator[str]:
        """Give what whoever relies on the documents should know."""
        if self.stopped:
            yield f"broke off, this is not all: {self.stopped}"
        if self.failed:
            yield f"{self.failed:,} of {self.seen:,} documents were not processed successfully"
        if waiting := self.counts["pending"]:
            yield f"{waiting:,} of {self.seen:,} documents are not processed yet"
        if self.queued:
            yield f"Aleph still has {self.queued:,} tasks to do: more may come"
        if not self.seen and not self.stopped:
            yield "there are no documents"
