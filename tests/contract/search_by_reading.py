"""Any small library and any query, and the slow way to find: reading every document.

An engine must find exactly what this finds.
"""

import re
from datetime import date

from hypothesis import strategies as st

from foi.search.engine import Attached, Document
from foi.search.tree import And, DateRange, Filter, Node, Not, Or, Phrase, Prefix, Word
from foi.search.words import ENGLISH, fold, plain, split

stem = ENGLISH.stem
WORDS = ("heron", "owl", "lamp", "bench", "Café", "park's")
_texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
documents = st.fixed_dictionaries(
    {
        "title": _texts,
        "names": _texts,
        "text": _texts,
        "attachments": st.lists(_texts, max_size=2).map(
            lambda texts: tuple(Attached(n, "", text) for n, text in enumerate(texts, 1))
        ),
        "state": st.sampled_from(["", "successful", "rejected"]),
        "due_on": st.one_of(st.none(), st.dates(date(2024, 1, 1), date(2024, 1, 9))),
        "tags": st.lists(st.sampled_from(["a", "a:1", "b:1:2"]), unique=True).map(tuple),
    }
)
_terms = st.one_of(
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=3).map(lambda ws: f'"{" ".join(ws)}"'),
    st.sampled_from(["status:successful", "status:rejected", "tag:a", "tag:a:1", "tag:b"]),
    st.sampled_from(["due:2024-01-04..", "due:..2024-01-04", "due:2024-01-05"]),
    st.sampled_from(["her*", "cafe*", "ben*"]),
    st.sampled_from(["2024-01-03..", "..2024-01-08", "2024-01-04..2024-01-09"]),
)
queries = st.recursive(
    _terms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(" ".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' OR '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(" AND ".join),
        inner.map(lambda part: f"-({part})"),
    ),
    max_leaves=6,
)


def matches(node: Node, document: Document) -> bool:
    """Tell by reading it whether a document is asked for."""
    parts = [[stem(match[0]) for match in part] for part in _whole(document)]
    match node:
        case Word(text):
            return any(stem(text) in part for part in parts)
        case Phrase(words):
            sought = [stem(word) for word in words]
            starts = ((part, at) for part in parts for at in range(len(part)))
            return any(part[at : at + len(sought)] == sought for part, at in starts)
        case Prefix(text):
            return any(_begins(match[0], text) for whole in _whole(document) for match in whole)
        case Filter(prefix, value):
            return value in document.filters().get(prefix, ())
        case DateRange(first, last, of):
            day = document.day if of == "day" else document.due_on
            return day is not None and (first or date.min) <= day <= (last or date.max)
        case And(nodes):
            return all(matches(each, document) for each in nodes)
        case Or(nodes):
            return any(matches(each, document) for each in nodes)
        case Not(inner):
            return not matches(inner, document)


def _whole(document: Document) -> list[list[re.Match[str]]]:
    texts = [document.title, document.names, document.text]
    return [list(split(t)) for t in (*texts, *(each.text for each in document.attachments))]


def _begins(word: str, start: str) -> bool:
    return plain(fold(word)).startswith(start)
