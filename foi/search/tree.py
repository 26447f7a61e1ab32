"""The tree of a query: what is asked, free of how it was typed and of the engine that answers.

`conjunction`, `disjunction` and `negation` keep it in one shape: nothing nested in its own kind,
nothing twice, a `Not` only within an `And` that asks for something as well. `write` gives its
normal form, which parses to it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

OPERATORS = ("AND", "OR", "NOT")


@dataclass(frozen=True, slots=True)
class Word:
    """A word, as typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two words or more that follow each other."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """An exact value of a prefix, without case."""

    prefix: str
    value: str


@dataclass(frozen=True, slots=True)
class DateRange:
    """From the first to the last site-local day, both included; None: open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be there."""

    node: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """Everything at once."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    nodes: tuple["Node", ...]


Node = Word | Phrase | Filter | DateRange | Not | And | Or


def conjunction(nodes: Iterable[Node]) -> Node | None:
    """Join with AND; a `Not` alone is given back as it is, for whoever encloses it."""
    flat = list(
        dict.fromkeys(
            part for node in nodes for part in (node.nodes if isinstance(node, And) else (node,))
        )
    )
    wanted: list[Node] = [node for node in flat if not isinstance(node, Not)]
    unwanted = [node for node in flat if isinstance(node, Not)]
    if not wanted and len(unwanted) > 1:
        either = disjunction(node.node for node in unwanted)
        return None if either is None else Not(either)
    joined = (*wanted, *unwanted)
    return And(joined) if len(joined) > 1 else joined[0] if joined else None


def disjunction(nodes: Iterable[Node]) -> Node | None:
    """Join with OR."""
    flat = tuple(
        dict.fromkeys(
            part for node in nodes for part in (node.nodes if isinstance(node, Or) else (node,))
        )
    )
    return Or(flat) if len(flat) > 1 else flat[0] if flat else None


def negation(node: Node) -> Node:
    """Turn into the opposite."""
    return node.node if isinstance(node, Not) else Not(node)


def asked_words(node: Node | None) -> Iterator[str]:
    """Give the words that are asked for, not those to leave out."""
    match node:
        case Word(text):
            yield text
        case Phrase(words):
            yield from words
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from asked_words(each)


def group_of(node: Node) -> str | None:
    """Give the prefix of a filter, `..` for dates; several of one group, side by side, mean any of
    them.
    """
    return (
        node.prefix if isinstance(node, Filter) else ".." if isinstance(node, DateRange) else None
    )


def _any_of_group(node: Node) -> str | None:
    if isinstance(node, Or):
        groups = {group_of(each) for each in node.nodes}
        return groups.pop() if len(groups) == 1 else None
    return group_of(node)


def write(node: Node | None) -> str:
    """Give the normal form of a query, which the parser turns into the same tree."""
    match node:
        case None:
            return ""
        case Word(text):
            return f'"{text}"' if text in OPERATORS else text
        case Phrase(words):
            return f'"{" ".join(words)}"'
        case Filter(prefix, value):
            return f'{prefix}:"{value}"' if re.search(r"[\s()]", value) else f"{prefix}:{value}"
        case DateRange(first, last):
            return f"{first or ''}..{last or ''}"
        case Not(inner):
            return f"-({write(inner)})" if isinstance(inner, And | Or) else f"-{write(inner)}"
        case Or(nodes):
            return (" " if _any_of_group(node) else " OR ").join(write(each) for each in nodes)
        case And(nodes):
            groups = [group for each in nodes if (group := _any_of_group(each))]
            between = " AND " if len(set(groups)) < len(groups) else " "
            return between.join(_within(each) for each in nodes)


def _within(node: Node) -> str:
    return f"({write(node)})" if isinstance(node, Or) and not _any_of_group(node) else write(node)
