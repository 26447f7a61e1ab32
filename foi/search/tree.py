"""The tree of a query: what is asked, free of how it was typed and of the engine that answers.

`conjunction`, `disjunction` and `negation` keep it in one shape: nothing nested in its own kind,
nothing twice, a `Not` only within an `And` that asks for something as well. `write` gives its
normal form, which parses to it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

OPERATORS = ("AND", "OR", "NOT")
UNKNOWN = "XOR"
"""An operator of Alaveteli's that is taken as another."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, as typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two words or more that follow each other."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prefix:
    """Any word that begins so."""

    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """An exact value of a prefix, without case."""

    prefix: str
    value: str


@dataclass(frozen=True, slots=True)
class DateRange:
    """From the first to the last site-local day, both included; None: open.

    `of` is which day: `day`, of what happened; `due`, of the request's deadline; `very_due`, of
    the later one. A request without a deadline is in no range of these.
    """

    first: date | None
    last: date | None
    of: str = "day"


@dataclass(frozen=True, slots=True)
class Overdue:
    """A filter for requests that are late on a day, judged by their deadlines then, so that an
    index need not change at midnight.
    """

    prefix: str
    value: str
    """`overdue`, however much; `waiting_response_overdue`, not yet long;
    `waiting_response_very_overdue`.
    """
    today: date

    def meant(self) -> "Node":
        """Give what it stands for, in terms of what an index keeps."""
        yesterday = self.today - timedelta(days=1)
        awaited = Filter("latest_status", "waiting_response")
        late = DateRange(None, yesterday, "due")
        very_late = DateRange(None, yesterday, "very_due")
        if self.value == "overdue":
            return And((awaited, Or((late, very_late))))
        if self.value == "waiting_response_overdue":
            return And((awaited, late, Not(very_late)))
        return And((awaited, very_late))


OVERDUE = ("overdue", "waiting_response_overdue", "waiting_response_very_overdue")
"""States that follow from the date."""


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


Leaf = Word | Phrase | Prefix | Filter | Overdue | DateRange
Node = Leaf | Not | And | Or


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


def spelled_out(node: Node) -> Node:
    """Give a tree with what depends on the day put in terms of what an index keeps."""
    match node:
        case Overdue():
            return node.meant()
        case And(nodes):
            return And(tuple(spelled_out(each) for each in nodes))
        case Or(nodes):
            return Or(tuple(spelled_out(each) for each in nodes))
        case Not(inner):
            return Not(spelled_out(inner))
    return node


def asked_words(node: Node | None) -> Iterator[str]:
    """Give the words that are asked for, not those to leave out."""
    match node:
        case Word(text) | Prefix(text):
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
    match node:
        case Filter(prefix) | Overdue(prefix):
            return prefix
        case DateRange(_, _, of):
            return f"{of}.."
    return None


def _any_of_group(node: Node) -> str | None:
    if isinstance(node, Or):
        groups = {group_of(each) for each in node.nodes}
        return groups.pop() if len(groups) == 1 else None
    return group_of(node)


PREFIX_OF = {"day": "", "due": "due:", "very_due": "very_due:"}
"""What stands before a range of days."""


def respelled(node: Node, better: Mapping[str, str]) -> Node:
    """Give a tree with other spellings of some of its words."""
    match node:
        case Word(text):
            return Word(better.get(text, text))
        case Phrase(words):
            return Phrase(tuple(better.get(word, word) for word in words))
        case And(nodes):
            return conjunction(respelled(each, better) for each in nodes) or node
        case Or(nodes):
            return disjunction(respelled(each, better) for each in nodes) or node
        case Not(inner):
            return negation(respelled(inner, better))
    return node


def narrowed(node: Node | None, by: Node) -> Node:
    """Give a tree that asks for one thing more."""
    return conjunction((node, by) if node is not None else (by,)) or by


def widened(node: Node | None, by: Node) -> Node | None:
    """Give a tree that asks for one thing less; None when nothing is left to look for."""
    if not isinstance(node, And):
        return None if node == by else node
    left = conjunction(each for each in node.nodes if each != by)
    return None if isinstance(left, Not) else left


def write(node: Node | None) -> str:
    """Give the normal form of a query, which the parser turns into the same tree."""
    match node:
        case None:
            return ""
        case Word(text):
            return f'"{text}"' if text in (*OPERATORS, UNKNOWN) else text
        case Phrase(words):
            return f'"{" ".join(words)}"'
        case Prefix(text):
            return f"{text}*"
        case Filter(prefix, value) | Overdue(prefix, value):
            return f'{prefix}:"{value}"' if re.search(r"[\s()]", value) else f"{prefix}:{value}"
        case DateRange(first, last, of):
            return f"{PREFIX_OF[of]}{first or ''}..{last or ''}"
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
