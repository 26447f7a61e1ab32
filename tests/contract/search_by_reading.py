"""Any small library and any query, and the slow way to find: reading every document.

An engine must find exactly what this finds.
"""

from datetime import date

from hypothesis import strategies as st

from foi.search.engine import Attached, Document
from foi.search.tree import And, DateRange, Filter, Node, Not, Or, Phrase, Word
from foi.search.words import split, stem

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
        "tags": st.lists(st.sampled_from(["a", "a:1", "b:1:2"]), unique=True).map(tuple),
    }
)
_terms = st.one_of(
    st.sampled_from(WORDS),
    st.lists(st.sampled_from(WORDS), min_size=2, max_size=3).map(lambda ws: f'"{" ".join(ws)}"'),
    st.sampled_from(["status:successful", "status:rejected", "tag:a", "tag:a:1", "tag:b"]),
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
    texts = [document.title, document.names, document.text]
    parts = [
        [stem(match[0]) for match in split(text)]
        for text in (*texts, *(each.text for each in document.attachments))
    ]
    match node:
        case Word(text):
            return any(stem(text) in part for part in parts)
        case Phrase(words):
            sought = [stem(word) for word in words]
            starts = ((part, at) for part in parts for at in range(len(part)))
            return any(part[at : at + len(sought)] == sought for part, at in starts)
        case Filter(prefix, value):
            return value in document.filters().get(prefix, ())
        case DateRange(first, last):
            return (first or date.min) <= document.day <= (last or date.max)
        case And(nodes):
            return all(matches(each, document) for each in nodes)
        case Or(nodes):
            return any(matches(each, document) for each in nodes)
        case Not(inner):
            return not matches(inner, document)
