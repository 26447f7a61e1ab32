"""Answers a query from the segments of a Whoosh index.

Segments never change, so each is opened once and kept; what has been deleted from it is known
beside it. A query walks each segment in windows of document numbers: the postings of every word
are read up to the end of the window, combined as sets and weighed (BM25). So memory stays small,
and when time is up what has been found so far is right as far as it goes.
"""

import threading
import time
import weakref
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

from whoosh.filedb.filestore import FileStorage
from whoosh.reading import SegmentReader, TermNotFound

from foi.search.engine import Kind, Sort
from foi.search.tree import (
    And,
    DateRange,
    Filter,
    Node,
    Not,
    Or,
    Phrase,
    Word,
    asked_words,
)
from foi.search.whoosh_format import blocks, kind_number, positions, read_facts, term_of
from foi.search.words import COMMON, stem

WINDOW = 8192
_K, _B = 1.2, 0.6


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


class WordWindow:
    """The documents of a window in which a word is, and what it weighs there."""

    def __init__(self, segment: Segment, text: str) -> None:
        self._postings = segment.postings("words", stem(text))

    def read(self, _start: int, stop: int) -> dict[int, float]:
        found: dict[int, float] = {}
        for ids, weights, _ in self._postings.until(stop):
            found.update(zip(ids, weights, strict=True))
        return found


class PhraseWindow:
    """The documents of a window in which words follow each other, and how often."""

    def __init__(self, segment: Segment, words: Sequence[str]) -> None:
        self._stems = [stem(word) for word in words]
        self._postings = {
            each: segment.postings("words", each) for each in dict.fromkeys(self._stems)
        }

    def read(self, _start: int, stop: int) -> dict[int, float]:
        packed: dict[str, dict[int, bytes]] = {}
        for word, postings in self._postings.items():
            packed[word] = {}
            for ids, _, values in postings.until(stop):
                packed[word].update(zip(ids, values, strict=True))
        rare_first = sorted(packed.values(), key=len)
        common = set(rare_first[0])
        for each in rare_first[1:]:
            common &= each.keys()
        counts = ((number, self._count(packed, number)) for number in common)
        return {number: float(count) for number, count in counts if count}

    def _count(self, packed: dict[str, dict[int, bytes]], number: int) -> int:
        starts: set[int] | None = None
        for offset, word in enumerate(self._stems):
            at = {position - offset for position in positions(packed[word][number])}
            starts = at if starts is None else starts & at
            if not starts:
                return 0
        return len(starts or ())


class FilterWindow:
    """The documents of a window that have an exact term."""

    def __init__(self, segment: Segment, node: Filter) -> None:
        self._postings = segment.postings("terms", term_of(node.prefix, node.value))

    def read(self, _start: int, stop: int) -> set[int]:
        return {number for ids, _, _ in self._postings.until(stop) for number in ids}


class DateWindow:
    """The documents of a window that are of a span of days."""

    def __init__(self, segment: Segment, node: DateRange) -> None:
        self._days = segment.facts["day"]
        self._first = node.first.toordinal() if node.first else 0
        self._last = node.last.toordinal() if node.last else 4_000_000

    def read(self, start: int, stop: int) -> set[int]:
        first, last = self._first, self._last
        return {
            number
            for number, day in enumerate(self._days[start:stop], start)
            if first <= day <= last
        }


Window = WordWindow | PhraseWindow | FilterWindow | DateWindow


def _open(segment: Segment, node: Node) -> Window:
    match node:
        case Word(text):
            return WordWindow(segment, text)
        case Phrase(words):
            return PhraseWindow(segment, words)
        case Filter():
            return FilterWindow(segment, node)
        case DateRange():
            return DateWindow(segment, node)
    raise TypeError(node)


def _leaves(node: Node) -> Iterator[Node]:
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _leaves(each)
        case Not(inner):
            yield from _leaves(inner)
        case _:
            yield node


def sift(node: Node) -> Node:
    """Give the query without the words that tell little, as far as it has others."""
    match node:
        case And(nodes):
            telling = tuple(
                each for each in nodes if not (isinstance(each, Word) and each.text in COMMON)
            )
            if any(not isinstance(each, Not | Filter | DateRange) for each in telling):
                nodes = telling
            sifted = tuple(sift(each) for each in nodes)
            return And(sifted) if len(sifted) > 1 else sifted[0]
        case Or(nodes):
            return Or(tuple(sift(each) for each in nodes))
        case Not(inner):
            return Not(sift(inner))
    return node


def _matching(node: Node, found: dict[Node, Any]) -> set[int]:
    """Combine what the leaves have found in a window."""
    match node:
        case And(nodes):
            sets = sorted(
                (_matching(each, found) for each in nodes if not isinstance(each, Not)), key=len
            )
            matching = set.intersection(*sets)
            for each in nodes:
                if isinstance(each, Not) and matching:
                    matching -= _matching(each.node, found)
            return matching
        case Or(nodes):
            return set().union(*(_matching(each, found) for each in nodes))
    return set(found[node])


Found = tuple[float, int, int, int, int, int]
"""A document that matches: first what orders it (score and moment, negated, then number and kind,
so that no two are equal), then the position of its segment in the snapshot and its number there.
"""


class Search:
    """One run of a query over a snapshot: segments, each with what has been deleted from it."""

    def __init__(
        self, snapshot: Sequence[tuple[Segment, frozenset[int]]], node: Node, sort: Sort
    ) -> None:
        self._snapshot = snapshot
        self._node = sift(node)
        self._sort = sort
        self._leaves = list(dict.fromkeys(_leaves(self._node)))
        self._telling = [leaf for leaf in _asked(self._node) if isinstance(leaf, Word | Phrase)]
        count = sum(segment.size for segment, _ in snapshot) or 1
        self._average = sum(segment.length for segment, _ in snapshot) / count or 1.0
        self._rarity = {leaf: self._rarity_of(leaf, count) for leaf in self._telling}

    def _rarity_of(self, leaf: Node, count: int) -> float:
        if self._sort != Sort.RELEVANT:
            return 0.0
        total = 0.0
        for word in asked_words(leaf):
            spread = sum(segment.spread("words", stem(word)) for segment, _ in self._snapshot)
            total += log(1 + (count - spread + 0.5) / (spread + 0.5))
        return total

    def run(self, kind: Kind, deadline: float) -> tuple[list[Found], bool]:
        """Give everything that matches, in no order, and whether there was time for all of it."""
        results: list[Found] = []
        for position, (segment, deleted) in reversed(list(enumerate(self._snapshot))):
            windows = {leaf: _open(segment, leaf) for leaf in self._leaves}
            for start, stop in pairwise([*range(0, segment.size, WINDOW), segment.size]):
                if time.monotonic() > deadline:
                    return results, False
                found = {leaf: window.read(start, stop) for leaf, window in windows.items()}
                matching = _matching(self._node, found) - deleted
                if kind != Kind.ALL:
                    wanted, kinds = kind_number(kind), segment.facts["kind"]
                    matching = {number for number in matching if kinds[number] == wanted}
                results += self._ordered(position, segment, matching, found)
        return results, True

    def _ordered(
        self, position: int, segment: Segment, matching: set[int], found: dict[Node, Any]
    ) -> list[Found]:
        facts = segment.facts
        when = facts["described" if self._sort == Sort.DESCRIBED else "happened"]
        numbers, kinds = facts["number"], facts["kind"]
        if self._sort == Sort.RELEVANT:
            scores = self._score(segment, matching, found)
        else:
            scores = dict.fromkeys(matching, 0.0)
        return [
            (-score, -when[i], -numbers[i], kinds[i], position, i) for i, score in scores.items()
        ]

    def _score(
        self, segment: Segment, matching: set[int], found: dict[Node, Any]
    ) -> dict[int, float]:
        """Weigh the words of each document: rare ones count more, and often in a short text."""
        scores = dict.fromkeys(matching, 0.0)
        lengths, average = segment.facts["length"], self._average
        for leaf in self._telling:
            rarity, weights = self._rarity[leaf] * (_K + 1), found[leaf]
            for i in matching & weights.keys():
                weight = weights[i]
                scores[i] += rarity * weight / (weight + _K * (1 - _B + _B * lengths[i] / average))
        return scores


def _asked(node: Node) -> Iterator[Node]:
    """Give the leaves that are asked for, not those to leave out."""
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _asked(each)
        case Not():
            return
        case _:
            yield node


def marked_stems(node: Node) -> frozenset[str]:
    """Give the stems that snippets mark: those of the words that tell something, if any does."""
    words = set(asked_words(node))
    return frozenset(stem(word) for word in (words - COMMON or words))
