"""The query language: what people type, to a tree. It never refuses: it takes the nearest meaning
and says so.

Alaveteli's language (Xapian's syntax): every word counts, `AND OR NOT` in capitals, `+` and `-`,
"phrases", parentheses, `prefix:value` filters and `from..to` dates. A prefix given twice means
either value. What Alaveteli lacks: `due:` ranges, overdue requests, `begin*`. Given up: words to
leave out and nothing else, XOR and NEAR, and the prefixes that nobody uses (docs/alaveteli.md).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from foi.archive.states import STATES
from foi.search import dates
from foi.search.tree import (
    OPERATORS,
    OVERDUE,
    PREFIX_OF,
    UNKNOWN,
    And,
    DateRange,
    Filter,
    Node,
    Not,
    Or,
    Overdue,
    Phrase,
    Prefix,
    Word,
    asked_words,
    conjunction,
    disjunction,
    group_of,
    negation,
    write,
)
from foi.search.words import split

__all__ = [
    "And", "DateRange", "Filter", "Node", "Not", "Or", "Overdue", "Phrase", "Prefix", "Query",
    "Word", "asked_words", "parse", "write",
]  # fmt: skip

LENGTH = 1000
"""Characters of a query that are read."""
TERMS = 32
"""Words and filters."""
NESTING = 10
"""Parentheses within each other."""
BEGINNING = 3
"""Letters that stand before a `*`."""

UNCLASSIFIED = "waiting_classification"
"""The latest state of a request whose last answer nobody has described."""
VARIETIES = ("sent", "followup_sent", "response", "comment", "authority", "user")
PREFIXES: dict[str, tuple[str, ...] | None] = {
    "status": (*STATES, *OVERDUE),
    "latest_status": (*STATES, UNCLASSIFIED, *OVERDUE),
    "variety": VARIETIES,
    "requested_from": None,
    "requested_by": None,
    "commented_by": None,
    "request": None,
    "filetype": None,
    "tag": None,
    "request_public_body_tag": None,
    "waiting_classification": ("yes", "no"),
}
"""The prefixes, and their only values where these are known beforehand."""

_SKIPPED = re.compile(r"[\s\x00-\x1f\x7f\ud800-\udfff]+")
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_SIGNS = re.compile(r"[+\-]+(?=[^\s+\-)])")
_QUOTED = re.compile(r'"([^"]*)("?)')
_LUMP = re.compile(r'[^\s()"]+')
_PREFIXED = re.compile(r"([A-Za-z_]+):(.*)", re.DOTALL)
_BEGINNING = re.compile(r"([^\W_]+)\*+")
_DUE = {prefix.removesuffix(":"): of for of, prefix in PREFIX_OF.items() if prefix}


@dataclass(frozen=True, slots=True)
class Query:
    """A query as it was understood."""

    tree: Node | None
    """None: nothing is asked."""
    notes: list[str]
    """Sentences for the person: what was not taken as typed, and why."""
    words: tuple[str, ...]
    """The words that are asked for; none: only filters, so newest first suits best."""

    @property
    def text(self) -> str:
        """The normal form, which parses to the same tree."""
        return write(self.tree)


def parse(text: str, today: date | None = None, length: int = LENGTH) -> Query:
    """Understand a query; takes any text whatever, and time in proportion to its length.

    `today` is the site-local day, by which `due:today` and `status:overdue` go (UTC's if None).
    """
    notes: list[str] = []
    day = today or datetime.now(UTC).date()
    if len(text) > length:
        notes.append(f"Only the first {length} characters were searched for.")
        text = text[:length]
    tokens = _Reader(_SKIPPED.sub(" ", text).translate(_QUOTES), day, notes).tokens()
    tree = _Parser(tokens, notes).query()
    if tree is None and not notes and text.strip():
        notes.append("That holds nothing to look for: a search needs a word, a filter or a date.")
    return Query(tree, list(dict.fromkeys(notes)), tuple(asked_words(tree)))


Token = Node | str
"""A leaf of the tree, or one of ( ) AND OR NOT, where a sign `-` is NOT as well."""


class _Reader:
    """Cuts the text into tokens."""

    def __init__(self, text: str, today: date, notes: list[str]) -> None:
        self._text, self._today, self._notes = text, today, notes
        self._found: list[Token] = []
        self._terms = self._depth = 0

    def tokens(self) -> list[Token]:
        at, text = 0, self._text
        while at < len(text):
            signs = _SIGNS.match(text, at)
            if signs:
                at = signs.end()
            if signs and "-" in signs[0]:
                self._found.append("NOT")
                before = len(self._found)
                at = self._item(at, signed=True)
                if len(self._found) == before:
                    self._found.pop()  # nothing came of what was to be left out
            else:
                at = self._item(at, signed=signs is not None)
        return self._found

    def _item(self, at: int, signed: bool) -> int:
        """Take a space, a parenthesis, a quotation or what stands together; give where it ends."""
        if self._text[at] in " ()":
            self._nest(self._text[at])
            return at + 1
        quoted = _QUOTED.match(self._text, at)
        if quoted is None:
            return self._lump(at, signed)
        self._add_words(quoted[1])
        if not quoted[2]:
            self._notes.append(
                "A quotation mark was not closed; the phrase was taken to go to the end."
            )
        return quoted.end()

    def _nest(self, sign: str) -> None:
        """Take a parenthesis, unless it is within too many others."""
        if sign == "(":
            self._depth += 1
            if self._depth > NESTING:
                self._notes.append(f"Parentheses within {NESTING} others were passed over.")
        if sign != " " and self._depth <= NESTING:
            self._found.append(sign)
        if sign == ")":
            self._depth = max(0, self._depth - 1)

    def _lump(self, at: int, signed: bool) -> int:
        """Take what stands together from `at` on; give where it ends."""
        lump = _LUMP.match(self._text, at)
        assert lump is not None
        taken = lump[0]
        if taken in OPERATORS and not signed:
            self._found.append(taken)
            return lump.end()
        if taken == UNKNOWN and not signed:
            self._notes.append("XOR is not known here; it was taken as OR.")
            self._found.append("OR")
            return lump.end()
        prefixed = _PREFIXED.fullmatch(taken)
        prefix = prefixed[1].lower() if prefixed else ""
        if prefixed and (prefix in PREFIXES or prefix in _DUE):
            take = self._days_due if prefix in _DUE else self._filter
            return self._valued(prefix, prefixed[2], lump.end(), take)
        if dates.is_range(taken):
            self._days(taken, "day")
        elif prefixed and not prefixed[2].startswith("//"):
            if prefixed[2]:
                self._notes.append(
                    f"There is no filter {prefix[:40]}: and so it was taken as a word; there are "
                    f"{', '.join((*PREFIXES, *_DUE))}."
                )
            self._add_words(prefixed[1])
            return lump.start(0) + len(prefixed[1]) + 1
        else:
            self._words(taken)
        return lump.end()

    def _valued(self, prefix: str, value: str, end: int, take: Callable[[str, str], None]) -> int:
        if not value:
            quoted = _QUOTED.match(self._text, end)
            if quoted:
                value, end = quoted[1].strip(), quoted.end()
        if value:
            take(prefix, value)
        else:
            self._notes.append(
                f"Nothing stands behind {prefix}: (write the value next to it, without a space)."
            )
        return end

    def _filter(self, prefix: str, value: str) -> None:
        known = PREFIXES[prefix]
        if known and value.casefold() not in known:
            self._notes.append(f"There is no {prefix}:{value}; there are {', '.join(known)}.")
        if known and value.casefold() in OVERDUE:
            self._add(Overdue(prefix, value.casefold(), self._today), 1)
        else:
            self._add(Filter(prefix, value), 1)

    def _days_due(self, prefix: str, value: str) -> None:
        self._days(value, _DUE[prefix])

    def _days(self, text: str, of: str) -> None:
        since, until = dates.read_range(text, self._today, self._notes)
        if since or until:
            self._add(DateRange(since, until, of), 1)

    def _words(self, text: str) -> None:
        """Add what is neither filter nor dates: words, or the beginning of one."""
        beginning = _BEGINNING.fullmatch(text)
        if beginning and len(beginning[1]) >= BEGINNING:
            self._add(Prefix(beginning[1]), 1)
            return
        if "*" in text and text.strip("*"):
            self._notes.append(
                f"A * stands for the rest of one word, behind at least {BEGINNING} letters of it; "
                "elsewhere it was passed over."
            )
        self._add_words(text)

    def _add_words(self, text: str) -> None:
        """Add the words of a lump or quotation: a phrase when there are several."""
        words = tuple(match[0] for match in split(text))
        if self._terms + len(words) > TERMS:
            words = words[: max(0, TERMS - self._terms)]
            self._too_many()
        if words:
            self._add(Word(words[0]) if len(words) == 1 else Phrase(words), len(words))

    def _add(self, node: Node, terms: int) -> None:
        if self._terms + terms > TERMS:
            self._too_many()
        else:
            self._terms += terms
            self._found.append(node)

    def _too_many(self) -> None:
        self._notes.append(f"Only the first {TERMS} words and filters were searched for.")


class _Parser:
    """Puts the tokens together: OR binds least, then AND, then standing side by side."""

    def __init__(self, tokens: list[Token], notes: list[str]) -> None:
        self._tokens, self._notes = tokens, notes
        self._at = 0

    def query(self) -> Node | None:
        parts = []
        while self._next() is not None:
            parts.append(self._either())
            if self._next() == ")":
                self._notes.append("A closing parenthesis without an opening one was passed over.")
                self._at += 1
        tree = conjunction(part for part in parts if part is not None)
        if isinstance(tree, Not):
            self._notes.append(
                "A search needs something to look for, not only words to leave out."
            )
            return None
        return tree

    def _next(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, token: str) -> bool:
        taken = self._next() == token
        self._at += taken
        return taken

    def _either(self) -> Node | None:
        found = []
        while True:
            found.append(self._all())
            if not self._take("OR"):
                break
        parts = [part for part in found if part is not None]
        self._miss("OR", len(parts) < len(found) > 1)
        if len(parts) > 1 and any(isinstance(part, Not) for part in parts):
            self._notes.append(
                "What is to be left out cannot stand alone beside OR, and was passed over."
            )
            parts = [part for part in parts if not isinstance(part, Not)]
        return disjunction(parts)

    def _all(self) -> Node | None:
        runs = []
        while True:
            runs.append(self._run())
            if not self._take("AND"):
                break
        self._miss("AND", len(runs) > 1 and not all(runs))
        return conjunction(node for run in runs for node in run)

    def _miss(self, operator: str, missed: bool) -> None:
        if missed:
            self._notes.append(
                f"{operator} joins what is on both its sides; one that did not was passed over."
            )

    def _run(self) -> list[Node]:
        """Take what stands side by side; filters of one group become one choice between them."""
        found: dict[object, list[Node]] = {}
        while (token := self._next()) is not None and token not in (")", "AND", "OR"):
            node = self._one()
            if node is not None:
                found.setdefault(group_of(node) or node, []).append(node)
        return [node for group in found.values() if (node := disjunction(group)) is not None]

    def _one(self) -> Node | None:
        if self._take("NOT"):
            turned = True
            while self._take("NOT"):
                turned = not turned
            if self._next() in (None, ")", "AND", "OR"):
                self._notes.append(
                    "NOT goes before what is to be left out; one that did not was passed over."
                )
                return None
            node = self._one()
            return negation(node) if node is not None and turned else node
        token = self._next()
        self._at += 1
        if token != "(":  # noqa: S105 - a token of the language
            return token if not isinstance(token, str) else None
        node = self._either()
        if not self._take(")"):
            self._notes.append("A parenthesis was not closed; it was taken to go to the end.")
        return node
