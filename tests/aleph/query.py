"""The query language of ``q``: words joined by AND, OR, NOT, phrases, groups and fields.

Gives up: relevance, stemming, fuzziness, ranges and proximity; what a real engine scores, this
only matches.
"""

import re
from collections.abc import Callable

Matcher = Callable[[str, Callable[[str], list[str]]], bool]

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[()]|[^\s()"]+(?:"(?:[^"\\]|\\.)*")?)')


class BrokenQuery(ValueError):
    """The query is unbalanced."""


def fold(text: str) -> str:
    """Give a text as lower-case words between single spaces, with a space at both ends."""
    words = re.findall(r"[^\W_]+", text.lower())
    return f" {' '.join(words)} "


def words_of(query: str) -> list[str]:
    """Give the bare words of a query, for highlighting."""
    known = ("and", "or", "not")
    return [word for word in fold(query).split() if word not in known]


class _Parser:
    def __init__(self, query: str) -> None:
        self.tokens: list[str] = []
        position = 0
        query = query.strip()
        while position < len(query):
            match = _TOKEN.match(query, position)
            if match is None or match.end() == position:
                raise BrokenQuery(query)
            self.tokens.append(match.group(1))
            position = match.end()
        if "".join(self.tokens).count('"') % 2:
            raise BrokenQuery(query)
        self.query = query

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def either(self) -> Matcher:
        parts = [self.all()]
        while self.peek() in ("OR", "||"):
            self.tokens.pop(0)
            parts.append(self.all())
        return lambda text, field: any(part(text, field) for part in parts)

    def all(self) -> Matcher:
        parts = []
        while self.peek() not in ("", ")", "OR", "||"):
            if self.peek() in ("AND", "&&"):
                self.tokens.pop(0)
                continue
            parts.append(self.one())
        return lambda text, field: all(part(text, field) for part in parts)

    def one(self) -> Matcher:
        token = self.tokens.pop(0)
        if token in ("NOT", "!") and self.tokens:
            inner = self.one()
            return lambda text, field: not inner(text, field)
        if token in ("-", "+") and self.peek() == "(":
            inner = self.one()
            return inner if token == "+" else (lambda text, field: not inner(text, field))
        if token == "(":
            inner = self.either()
            if self.peek() != ")":
                raise BrokenQuery(self.query)
            self.tokens.pop(0)
            return inner
        if token == ")":
            raise BrokenQuery(self.query)
        if token.startswith("-") and len(token) > 1:
            inner = _term(token[1:])
            return lambda text, field: not inner(text, field)
        return _term(token.lstrip("+"))


def _term(token: str) -> Matcher:
    name, colon, value = token.partition(":")
    if colon and re.fullmatch(r"[a-z_]+(\.[A-Za-z]+)?", name):
        wanted = value.strip('"')
        return lambda text, field: wanted in field(name) or (wanted == "*" and bool(field(name)))
    if token.endswith("*") and not token.startswith('"'):
        start = fold(token).rstrip()
        return lambda text, field: start in text
    needle = fold(token)
    return lambda text, field: needle in text


def parse(query: str) -> Matcher:
    """Give a function that says whether folded text and fields match, or raise BrokenQuery."""
    parser = _Parser(query)
    matcher = parser.either()
    if parser.tokens:
        raise BrokenQuery(query)
    return matcher
