"""Reads one segment of a Whoosh index: postings, dictionary, kept texts, and columns of values.

A segment never changes, so it is opened once, and what is worked out of it is kept with it. Its
files are read by seeking, under a lock for each segment. Given up: the first search that counts by
a prefix reads that prefix's postings of the whole segment, some hundredths of a second.
"""

import threading
import weakref
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from whoosh.filedb.filestore import FileStorage
from whoosh.reading import SegmentReader, TermNotFound

from foi.search.whoosh_format import blocks, read_facts


class Files(FileStorage):  # type: ignore[misc]
    """The files of an index that were opened together, and are closed together."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self._opened: list[Any] = []

    def open_file(self, name: str, **kwargs: Any) -> Any:
        """Open a file and remember it."""
        self._opened.append(super().open_file(name, **kwargs))
        return self._opened[-1]

    def close(self) -> None:
        """Close what Whoosh has left open."""
        for file in self._opened:
            if not file.is_closed:
                file.close()


Column = tuple[list[str], "array[int]"]
"""Values, the first being none, and for each document the place of its own among them."""
_MANY = 10_000


class Segment:
    """An open segment: its postings, its kept texts and the facts of its documents."""

    def __init__(self, folder: Path, schema: Any, segment: Any) -> None:
        files = Files(folder)
        weakref.finalize(self, files.close)
        self._reader = reader = SegmentReader(files, schema, segment)
        self._lock = threading.Lock()  # Whoosh's files are read by seeking
        self.name = str(segment.segment_id())
        self.size: int = segment.doc_count_all()
        # A merge or rebuild may delete files at any time: reading a text opens that of the texts,
        # and a missing column Whoosh would take to be empty.
        if not reader.has_column("facts"):
            raise FileNotFoundError(f"the segment {self.name} has lost its facts")
        reader.stored_fields(0)
        self.facts = read_facts(reader)
        self.length: float = sum(self.facts["length"])
        self._columns: dict[str, Column] = {}
        self._members: dict[str, dict[str, frozenset[int]]] = {}

    def spread(self, field: str, term: str) -> int:
        """Give in how many documents a term is, deleted ones included."""
        with self._lock:
            return int(self._reader.doc_frequency(field, term))

    def postings(self, field: str, term: str) -> "Postings":
        """Begin to read the postings of a term."""
        with self._lock:
            try:
                matcher = self._reader._terms.matcher(
                    field, term.encode(), self._reader.schema[field].format
                )
            except TermNotFound:
                return Postings(iter(()), self._lock)
        return Postings(blocks(matcher), self._lock)

    def having(self, term: str) -> set[int]:
        """Give the documents that have an exact term."""
        return {
            number for ids, _, _ in self.postings("terms", term).until(self.size) for number in ids
        }

    def beginning(self, field: str, prefix: str, limit: int) -> list[str]:
        """Give the terms that begin so, in their order, up to a number."""
        found: list[str] = []
        start = prefix.encode()
        with self._lock:
            for name, term in self._reader._terms.terms_from(field, start):
                if name != field or not term.startswith(start) or len(found) == limit:
                    break
                found.append(term.decode())
        return found

    def column(self, prefix: str) -> "Column":
        """Give the value of a prefix that each document has at most one of."""
        if prefix not in self._columns:
            values, numbers = [""], array("i", bytes(4 * self.size))
            for value, members in self.members(prefix).items():
                for number in members:
                    numbers[number] = len(values)
                values.append(value)
            self._columns[prefix] = (values, numbers)
        return self._columns[prefix]

    def members(self, prefix: str) -> dict[str, frozenset[int]]:
        """Give by value of a prefix the documents that have it."""
        if prefix not in self._members:
            terms = self.beginning("terms", f"{prefix}:", self.size + _MANY)
            self._members[prefix] = {
                term.partition(":")[2]: frozenset(self.having(term)) for term in terms
            }
        return self._members[prefix]

    def kept(self, number: int) -> Any:
        """Give what is kept of a document to be shown."""
        with self._lock:
            return self._reader.stored_fields(number)["kept"]


class Postings:
    """The postings of a term, read forwards."""

    def __init__(self, source: Iterator[Any], lock: Any) -> None:
        self._source, self._lock = source, lock
        self._block: Any = ((), (), ())

    def until(self, stop: int) -> Iterator[tuple[Sequence[int], Sequence[float], Sequence[bytes]]]:
        """Give what comes before document `stop`: numbers, weights and packed positions."""
        while True:
            ids, weights, values = self._block
            if not ids:
                with self._lock:
                    self._block = next(self._source, None) or ((), (), ())
                if not self._block[0]:
                    return
                continue
            cut = bisect_left(ids, stop)
            if cut < len(ids):
                self._block = (ids[cut:], weights[cut:], values[cut:] if values else ())
                if cut:
                    yield ids[:cut], weights[:cut], values[:cut] if values else ()
                return
            self._block = ((), (), ())
            yield ids, weights, values
