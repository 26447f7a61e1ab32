"""How documents lie in a Whoosh index: three fields, one column, and when segments are merged.

Whoosh gives the segment files, the term dictionary, packed postings and a commit that is all or
nothing; what a word weighs is worked out here (BM25F: one weighted count over title, names, text
and attachments, so that a word costs one look-up instead of four). Names with an underscore are
Whoosh's internals: the version is pinned exactly and has not changed since 2016. Given up: indexes
of another layout; `FORMAT` is raised with every change.
"""

import struct
from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import accumulate, compress
from typing import Any, NamedTuple

from whoosh import columns, fields, formats
from whoosh.codec.whoosh3 import W3Codec, W3LeafMatcher
from whoosh.reading import SegmentReader

from foi.search.engine import Document, Kind
from foi.search.words import Language, fold, plain, split

FORMAT = 2
"""Raised whenever an index written before can no longer be read or would answer otherwise."""

FORM = "form"
"""The prefix of the terms that are words as they are written, without case and accents."""

ATTACHED = 1_000_000
"""Characters of attachment text of one document that are indexed and kept."""

TITLE, NAMES, TEXT, ATTACHMENT = 4.0, 3.0, 1.0, 0.4
"""What a word counts by where it stands."""

GAP = 64
"""Positions between two parts of a document, so that no phrase reaches from one into the other."""

_EPOCH = datetime.fromtimestamp(0, UTC)
_KINDS = (Kind.REQUESTS, Kind.USERS, Kind.BODIES)
_TYPES = "qqqqiiifB"
_FACTS = struct.Struct(f"<{_TYPES}")


class Facts(NamedTuple):
    """What is known of each document without a look-up: for order, dates, kinds and lengths."""

    happened: int
    described: int
    number: int
    owner: int
    day: int
    due: int
    very_due: int
    length: float
    kind: int


class Words(fields.FieldType):  # type: ignore[misc]
    """The words of a document with weights and positions; its value is what `weigh` makes."""

    def __init__(self) -> None:
        super().__init__(formats.Positions(), None)

    def index(
        self, value: "dict[str, tuple[float, list[int]]]", **_: Any
    ) -> Iterator[tuple[bytes, int, float, bytes]]:
        for word, (weight, positions) in value.items():
            steps = array("I", map(int.__sub__, positions, [0, *positions[:-1]]))
            yield word.encode(), len(positions), weight, steps.tobytes()


class Terms(fields.FieldType):  # type: ignore[misc]
    """Exact terms, `prefix:value`; its value is the set of them."""

    def __init__(self) -> None:
        super().__init__(formats.Existence(), None)

    def index(self, value: Iterable[str], **_: Any) -> Iterator[tuple[bytes, int, float, bytes]]:
        for term in value:
            yield term.encode(), 1, 1.0, b""


def make_schema() -> Any:
    """Make the schema of an index."""
    return fields.Schema(
        words=Words(),
        terms=Terms(),
        facts=fields.COLUMN(columns.FixedBytesColumn(_FACTS.size)),
        kept=fields.STORED(),
    )


def codec() -> Any:
    """Make the codec: large blocks, since postings are read whole; lengths are in `Facts`."""
    made = W3Codec(blocklimit=1024)
    made.length_stats = False
    return made


def term_of(prefix: str, value: str) -> str:
    """Give the exact term of a filter; cut to what a term may be long."""
    return f"{prefix}:{value.casefold()}"[:200]


def row(document: Document, language: Language) -> dict[str, Any]:
    """Make Whoosh's fields of a document whose words are of a language."""
    weights: dict[str, list[Any]] = {}
    forms: dict[str, str] = {}
    left, at, length = ATTACHED, 0, 0.0
    kept = []
    parts = [(TITLE, document.title), (NAMES, document.names), (TEXT, document.text)]
    for attached in document.attachments:
        text = attached.text[:left]
        left -= len(text)
        kept.append((attached.number, attached.name, text))
        parts += [(TEXT, attached.name), (ATTACHMENT, text)]
    for weight, text in parts:
        before = at
        at = _weigh(weights, forms, weight, text, at, language.stem)
        length += weight * (at - before)
        at += GAP
    described = document.described_at or document.happened_at
    facts = Facts(
        _stamp(document.happened_at),
        _stamp(described),
        document.number,
        int(document.owner.partition(":")[2]),
        document.day.toordinal(),
        _ordinal(document.due_on),
        _ordinal(document.very_due_on),
        length,
        _KINDS.index(document.kind),
    )
    terms = {
        term_of(prefix, value) for prefix, values in document.filters().items() for value in values
    }
    texts = (document.text, kept)
    # For beginnings: a word whose stem is it, or begins as it does, is found by its stem.
    whole = ((plain(fold(written)), stem) for written, stem in forms.items())
    terms |= {f"{FORM}:{form}" for form, stem in whole if not stem.startswith(form)}
    return {
        "words": weights,
        "terms": terms | {f"owner:{document.owner}"},
        "facts": _FACTS.pack(*facts),
        "kept": (document.key, document.owner, document.title, document.names, *texts),
    }


def _weigh(
    weights: dict[str, list[Any]],
    forms: dict[str, str],
    weight: float,
    text: str,
    at: int,
    stem: Callable[[str], str],
) -> int:
    """Add the words of a part from position `at` on, and the stem of each as it is written; give
    the position behind it.
    """
    for match in split(text):
        written = match[0]
        word = forms.get(written)
        if word is None:
            word = forms[written] = stem(written)
        known = weights.get(word)
        if known is None:
            weights[word] = [weight, [at]]
        else:
            known[0] += weight
            known[1].append(at)
        at += 1
    return at


def _ordinal(day: date | None) -> int:
    """A day as a number; none is before all days."""
    return 0 if day is None else day.toordinal()


def _stamp(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds() * 1_000_000)


def kind_number(kind: Kind) -> int:
    """Give the number under which a kind is kept in `Facts.kind`."""
    return _KINDS.index(kind)


def read_facts(reader: Any) -> dict[str, Any]:
    """Read the facts of all documents of a segment, one array for each."""
    column = reader.column_reader("facts", translate=False)
    rows = list(zip(*_FACTS.iter_unpack(b"".join(column)), strict=True)) or [()] * len(
        Facts._fields
    )
    return {
        name: array(_TYPES[i], values)
        for i, (name, values) in enumerate(zip(Facts._fields, rows, strict=True))
    }


Block = tuple[Any, Any, Any]
"""Document numbers, weights and packed positions of some postings, in order."""


def blocks(matcher: Any) -> Iterator[Block]:
    """Give the postings of a term block by block; each block is read when it is asked for."""
    if isinstance(matcher, W3LeafMatcher):
        while matcher.is_active():
            matcher._read_ids()
            matcher._read_weights()
            matcher._read_values()
            yield matcher._ids, matcher._weights, matcher._values
            matcher._next_block()
    else:
        while matcher.is_active():
            yield (matcher.id(),), (matcher.weight(),), (matcher.value(),)
            matcher.next()


def positions(packed: bytes) -> Iterator[int]:
    """Give the positions of a word in a document, in order."""
    return accumulate(memoryview(packed).cast("I"))


class MergeReader(SegmentReader):  # type: ignore[misc]
    """Reads a segment to be merged into a new one; Whoosh's own looks at every deletion anew for
    every term.
    """

    def iter_postings(self) -> Iterator[tuple[str, bytes, int, float, bytes]]:
        gone = frozenset(self._perdoc.deleted_docs())
        for name, term in self.all_terms():
            for ids, weights, values in blocks(
                self._terms.matcher(name, term, self.schema[name].format)
            ):
                alive = [i not in gone for i in ids]
                for i, weight, value in compress(
                    zip(ids, weights, values or [b""] * len(ids), strict=True), alive
                ):
                    yield name, term, i, weight, value or b""


TIER = 8
"""Segments of about one size that are merged into one of the next size."""
LARGEST = 20_000
"""Documents beyond which segments are not merged but by a rebuild: no commit takes minutes."""


def merging(writer: Any, segments: list[Any]) -> list[Any]:
    """Merge what is due into the segment being written and give the others (a merge policy).

    Segments are of a tier by the power of `TIER` in their number of documents, so that a document
    is written again only once a tier. A segment of which most is deleted counts as smaller; an
    empty one is dropped.
    """
    tiers: dict[int, list[Any]] = {}
    for segment in segments:
        alive = segment.doc_count_all() - segment.deleted_count()
        if alive:
            tiers.setdefault(_tier(alive), []).append(segment)
    due: list[Any] = []
    for number in range(max(tiers, default=-1) + 1):
        members = tiers.get(number, [])
        # What is merged at this tier may make the next one full.
        if len(members) + (1 if due else 0) >= TIER and sum(map(_alive, members)) <= LARGEST:
            due += members
    for segment in due:
        reader = MergeReader(writer.storage, writer.schema, segment)
        writer.add_reader(reader)
        reader.close()
    taken = {id(segment) for segment in due}
    return [each for members in tiers.values() for each in members if id(each) not in taken]


def _alive(segment: Any) -> int:
    return int(segment.doc_count_all() - segment.deleted_count())


def _tier(count: int) -> int:
    return (count.bit_length() - 1) // (TIER.bit_length() - 1)
