"""Snippets: the few lines of a text around the words that were searched for.

Everything of the text is escaped; only our own <mark> is markup. Given up: in very long texts only
the beginning is looked through.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from foi.search.words import ENGLISH, Language, fold, plain, split

AROUND = 200
"""Characters of a snippet, more or less."""
DEPTH = 200_000
"""Characters of a text that are looked through."""

_OCCURRENCES = 200
_SPACE = re.compile(r"\s+")

Place = tuple[int, int, str]
"""Where a word begins and ends, and its stem."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is marked: words by their stems, and whatever begins in some way."""

    stems: frozenset[str]
    beginnings: tuple[str, ...] = ()
    language: Language = ENGLISH

    def __len__(self) -> int:
        return len(self.stems) + len(self.beginnings)

    def of(self, word: str) -> str | None:
        """Give which of them a word is."""
        stem = self.language.stem(word)
        if stem in self.stems:
            return stem
        if self.beginnings:
            whole = plain(fold(word))
            return next((b for b in self.beginnings if whole.startswith(b)), None)
        return None


NOTHING = Sought(frozenset())


@dataclass(frozen=True, slots=True)
class Snippet:
    """A snippet, and how many of the words sought are in it."""

    html: Markup
    words: int


def mark(text: str, sought: Sought) -> Markup:
    """Give a whole text, such as a title, with the words marked."""
    return _render(text, 0, len(text), _places(text, sought, whole=True))


def cut(text: str, sought: Sought) -> Snippet:
    """Cut out the stretch that has the most of the words, the first of equals; else the beginning
    of the text.
    """
    places = _places(text, sought)
    if not places:
        return Snippet(_frame(text, 0, min(len(text), AROUND), []), 0)
    first, last, words = _densest(places)
    spare = max(0, AROUND - (places[last][1] - places[first][0]))
    start = max(0, places[first][0] - spare // 2)
    stop = min(len(text), places[last][1] + spare - (places[first][0] - start))
    return Snippet(_frame(text, start, stop, places), words)


def best(texts: Iterable[tuple[int | None, str]], sought: Sought) -> tuple[int | None, Markup]:
    """Choose the text with the most of the words, the first of equals: its label and snippet."""
    chosen: tuple[int | None, Snippet] | None = None
    for label, text in texts:
        snippet = cut(text, sought)
        if chosen is None or snippet.words > chosen[1].words:
            chosen = (label, snippet)
        if snippet.words == len(sought):
            break
    return (chosen[0], chosen[1].html) if chosen else (None, Markup())


def _places(text: str, sought: Sought, whole: bool = False) -> list[Place]:
    """Find the words, up to a number of occurrences and a depth; unless the `whole` is wanted, not
    far beyond the first stretch that has them all.
    """
    places: list[Place] = []
    last: dict[str, int] = {}
    end = DEPTH if len(sought) else 0
    for match in split(text[:end]):
        if match.start() > end or len(places) == _OCCURRENCES:
            break
        found = sought.of(match[0])
        if found is not None:
            places.append((match.start(), match.end(), found))
            last[found] = match.start()
            together = match.end() - min(last.values()) <= AROUND
            if len(last) == len(sought) and together and not whole:
                end = min(end, match.end() + AROUND)
    return places


def _densest(places: Sequence[Place]) -> tuple[int, int, int]:
    """Give the first and last place of the stretch with the most different words, and how many."""
    chosen = (0, 0, 1)
    last = 0
    for first, (begin, _, _) in enumerate(places):
        last = max(last, first)
        while last + 1 < len(places) and places[last + 1][1] - begin <= AROUND:
            last += 1
        words = len({word for _, _, word in places[first : last + 1]})
        if words > chosen[2] or first == 0:
            chosen = (first, last, words)
    return chosen


def _frame(text: str, start: int, stop: int, places: Sequence[Place]) -> Markup:
    """Widen or narrow to whole words and show where text was left out."""
    while start > 0 and start < stop and not text[start - 1].isspace():
        start += 1
    while stop < len(text) and stop > start and not text[stop].isspace():
        stop -= 1
    inside = [place for place in places if start <= place[0] and place[1] <= stop]
    before, after = ("… " if start > 0 else ""), (" …" if stop < len(text) else "")
    return Markup(before) + _render(text, start, stop, inside) + Markup(after)  # noqa: S704 - our own dots


def _render(text: str, start: int, stop: int, places: Sequence[Place]) -> Markup:
    pieces = []
    for begin, end, _ in places:
        pieces.append(escape(_flat(text[start:begin])))
        pieces += [Markup("<mark>"), escape(text[begin:end]), Markup("</mark>")]
        start = end
    pieces.append(escape(_flat(text[start:stop])))
    return Markup().join(pieces).strip()


def _flat(text: str) -> str:
    return _SPACE.sub(" ", text)
