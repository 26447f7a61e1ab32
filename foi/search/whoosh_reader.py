"""Answers a query from the segments of a Whoosh index.

A query walks each segment in windows of document numbers: the postings of every word are read up
to the end of the window, combined as sets and weighed (BM25). So memory stays small, and when time
is up, which is looked at between words, what has been found so far is right as far as it goes.
"""

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log
from typing import Any

from foi.search.engine import Kind, Sort
from foi.search.snippets import Sought
from foi.search.tree import (
    And,
    DateRange,
    Filter,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Word,
    asked_words,
    spelled_out,
)
from foi.search.whoosh_format import FORM, kind_number, positions, term_of
from foi.search.whoosh_segment import Segment
from foi.search.words import Language, fold, plain

WINDOW = 8192
_K, _B = 1.2, 0.6
BEGINNINGS = 100
"""Words that a beginning stands for, the most frequent ones."""
_LOOKED_AT = 2000


class OutOfTime(Exception):
    """Time is up."""


class Clock:
    """Says when time is up."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def check(self) -> None:
        """Go on, or OutOfTime."""
        if time.monotonic() > self._deadline:
            raise OutOfTime


Term = tuple[str, str]
"""A field of the index and a term in it."""


class WordWindow:
    """The documents of a window in which any of some words is, and what it weighs there."""

    def __init__(self, segment: Segment, terms: Sequence[Term]) -> None:
        self._postings = [segment.postings(*term) for term in terms]

    def read(self, _start: int, stop: int) -> dict[int, float]:
        found: dict[int, float] = {}
        for postings in self._postings:
            for ids, weights, _ in postings.until(stop):
                if len(self._postings) == 1:
                    found.update(zip(ids, weights, strict=True))
                    continue
                for number, weight in zip(ids, weights, strict=True):
                    found[number] = max(weight, found.get(number, 0.0))
        return found


class PhraseWindow:
    """The documents of a window in which words follow each other, and how often."""

    def __init__(self, segment: Segment, stems: Sequence[str]) -> None:
        self._stems = stems
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
        self._days = segment.facts[node.of]
        self._first = node.first.toordinal() if node.first else 1  # none is 0
        self._last = node.last.toordinal() if node.last else 4_000_000

    def read(self, start: int, stop: int) -> set[int]:
        first, last = self._first, self._last
        return {
            number
            for number, day in enumerate(self._days[start:stop], start)
            if first <= day <= last
        }


Window = WordWindow | PhraseWindow | FilterWindow | DateWindow


def _leaves(node: Node) -> Iterator[Node]:
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _leaves(each)
        case Not(inner):
            yield from _leaves(inner)
        case _:
            yield node


def sift(node: Node, common: frozenset[str]) -> Node:
    """Give the query without the words that tell little, as far as it has others."""
    match node:
        case And(nodes):
            telling = tuple(
                each for each in nodes if not (isinstance(each, Word) and each.text in common)
            )
            if any(not isinstance(each, Not | Filter | DateRange) for each in telling):
                nodes = telling
            sifted = tuple(sift(each, common) for each in nodes)
            return And(sifted) if len(sifted) > 1 else sifted[0]
        case Or(nodes):
            return Or(tuple(sift(each, common) for each in nodes))
        case Not(inner):
            return Not(sift(inner, common))
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


Snapshot = Sequence[tuple[Segment, frozenset[int]]]
"""The segments of a commit, each with what has been deleted from it."""


class Search:
    """One run of a query over a snapshot."""

    def __init__(
        self, snapshot: Snapshot, node: Node, sort: Sort, language: Language, clock: Clock
    ) -> None:
        self.notes: list[str] = []
        self._snapshot, self._sort, self._clock = snapshot, sort, clock
        self._language = language
        self._node = sift(spelled_out(node), language.common)
        self._leaves = list(dict.fromkeys(_leaves(self._node)))
        self._terms: dict[Node, list[Term]] = {
            leaf: self._terms_of(leaf)
            for leaf in self._leaves
            if isinstance(leaf, Word | Phrase | Prefix)
        }
        self._telling = [leaf for leaf in dict.fromkeys(_asked(self._node)) if leaf in self._terms]
        count = sum(segment.size for segment, _ in snapshot) or 1
        self._average = sum(segment.length for segment, _ in snapshot) / count or 1.0
        self._rarity = {leaf: self._rarity_of(leaf, count) for leaf in self._telling}

    def _terms_of(self, leaf: Node) -> list[Term]:
        if not isinstance(leaf, Prefix):
            return [("words", self._language.stem(word)) for word in asked_words(leaf)]
        start = plain(fold(leaf.text))
        spread: dict[Term, int] = {}
        for segment, _ in self._snapshot:
            for field, prefix in (("words", start), ("terms", f"{FORM}:{start}")):
                for term in segment.beginning(field, prefix, _LOOKED_AT):
                    self._clock.check()
                    known = spread.get((field, term), 0)
                    spread[field, term] = known + segment.spread(field, term)
        if len(spread) > BEGINNINGS:
            self.notes.append(
                f"More than {BEGINNINGS} words begin with “{leaf.text}”; the most frequent ones "
                "were searched for."
            )
        return sorted(spread, key=lambda term: (-spread[term], term))[:BEGINNINGS]

    def _rarity_of(self, leaf: Node, count: int) -> float:
        if self._sort != Sort.RELEVANT:
            return 0.0
        spreads = [
            sum(segment.spread(*term) for segment, _ in self._snapshot)
            for term in self._terms[leaf]
        ]
        if isinstance(leaf, Prefix):
            spreads = [min(sum(spreads), count)]
        return sum(log(1 + (count - spread + 0.5) / (spread + 0.5)) for spread in spreads)

    def run(self, kind: Kind) -> tuple[list[Found], bool]:
        """Give everything that matches, in no order, and whether there was time for all of it."""
        results: list[Found] = []
        try:
            for position, (segment, deleted) in reversed(list(enumerate(self._snapshot))):
                windows = {leaf: self._open(segment, leaf) for leaf in self._leaves}
                for start, stop in pairwise([*range(0, segment.size, WINDOW), segment.size]):
                    found = {}
                    for leaf, window in windows.items():
                        self._clock.check()
                        found[leaf] = window.read(start, stop)
                    matching = _matching(self._node, found) - deleted
                    if kind != Kind.ALL:
                        wanted, kinds = kind_number(kind), segment.facts["kind"]
                        matching = {number for number in matching if kinds[number] == wanted}
                    results += self._ordered(position, segment, matching, found)
        except OutOfTime:
            return results, False
        return results, True

    def _open(self, segment: Segment, leaf: Node) -> Window:
        match leaf:
            case Word() | Prefix():
                return WordWindow(segment, self._terms[leaf])
            case Phrase():
                return PhraseWindow(segment, [term for _, term in self._terms[leaf]])
            case Filter():
                return FilterWindow(segment, leaf)
            case DateRange():
                return DateWindow(segment, leaf)
        raise TypeError(leaf)

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


def sought(node: Node, language: Language) -> Sought:
    """Give what snippets mark: the words that tell something, if any does."""
    beginnings = {plain(fold(each.text)) for each in _asked(node) if isinstance(each, Prefix)}
    words = {
        word for each in _asked(node) if not isinstance(each, Prefix) for word in asked_words(each)
    }
    telling = words - language.common or ([] if beginnings else words)
    return Sought(
        frozenset(language.stem(word) for word in telling), tuple(sorted(beginnings)), language
    )
