"""Other spellings of words that no document has, and the words that set a text apart.

The candidates are the index's own words: those with the same first letter within one or two
letters of what was typed (a swap of neighbours counts as one). Of words that are in the index by
their stem only, how they are written is read from a document. Given up: mistakes in the first
letter.
"""

from collections import Counter
from math import log

from foi.search.whoosh_format import FORM
from foi.search.whoosh_reader import Clock, Snapshot, Term
from foi.search.whoosh_segment import Segment
from foi.search.words import Language, fold, plain, split

_LOOKED_AT = 20_000
_READ = 100_000
_TRIED = 5
_SHORTEST = 4


def better(
    snapshot: Snapshot, words: list[str], language: Language, clock: Clock
) -> dict[str, str]:
    """Give for each word that is nowhere the one that may be meant; OutOfTime as it says."""
    found = {}
    for word in words:
        if len(word) >= _SHORTEST and not _spread(snapshot, language.stem(word)):
            meant = _nearest(snapshot, word, language, clock)
            if meant:
                found[word] = meant
    return found


def telling(snapshot: Snapshot, text: str, count: int, language: Language) -> tuple[str, ...]:
    """Give the words of a text that are often in it and rarely elsewhere, the best first."""
    total = sum(segment.size for segment, _ in snapshot) or 1
    written: dict[str, str] = {}
    often: Counter[str] = Counter()
    for match in split(text):
        word = match[0]
        if word.lower() not in language.common and not word.isdigit() and len(word) > 2:
            stem = language.stem(word)
            written.setdefault(stem, word.lower())
            often[stem] += 1
    scores = {
        stem: (1 + log(number)) * log(total / spread)
        for stem, number in often.items()
        if 0 < (spread := _spread(snapshot, stem)) <= total / 2 + 1
    }
    chosen = sorted(scores, key=lambda stem: (-scores[stem], stem))[:count]
    return tuple(written[stem] for stem in chosen)


def _spread(snapshot: Snapshot, stem: str) -> int:
    return sum(segment.spread("words", stem) for segment, _ in snapshot)


def _nearest(snapshot: Snapshot, word: str, language: Language, clock: Clock) -> str | None:
    sought = plain(fold(word))
    reach = 1 if len(sought) < 6 else 2
    near: dict[Term, int] = {}
    for segment, _ in snapshot:
        for field, prefix in (("words", ""), ("terms", f"{FORM}:")):
            clock.check()
            for term in _alike(segment, field, prefix, sought):
                there = term.removeprefix(prefix)
                alike = abs(len(there) - len(sought)) <= reach >= len(set(there) ^ set(sought)) / 2
                if alike and (far := _distance(there, sought, reach)) <= reach:
                    near[field, term] = far
    spread = {term: sum(segment.spread(*term) for segment, _ in snapshot) for term in near}
    for field, term in sorted(near, key=lambda each: (near[each], -spread[each], each))[:_TRIED]:
        clock.check()
        if field == "terms":
            return term.partition(":")[2]
        written = (_written(segment, deleted, term, language) for segment, deleted in snapshot)
        meant = next((each for each in written if each), None)
        if meant and _distance(plain(fold(meant)), sought, reach) <= reach:
            return meant
    return None


def _alike(segment: Segment, field: str, prefix: str, sought: str) -> list[str]:
    """Give the terms with the same first letter or, where these are too many, first two."""
    terms = segment.beginning(field, prefix + sought[0], _LOOKED_AT)
    if len(terms) == _LOOKED_AT:
        return segment.beginning(field, prefix + sought[:2], _LOOKED_AT)
    return terms


def _written(
    segment: Segment, deleted: frozenset[int], stem: str, language: Language
) -> str | None:
    """Find how a stem is written in the first document that has it in its texts."""
    for ids, _, _ in segment.postings("words", stem).until(segment.size):
        for number in [i for i in ids if i not in deleted][:5]:
            _, _, *parts, attachments = segment.kept(number)
            for part in (*parts, *(text for _, _, text in attachments)):
                for match in split(part[:_READ]):
                    if language.stem(match[0]) == stem:
                        return match[0].lower()
        break
    return None


def _distance(one: str, other: str, reach: int) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours (Damerau, restricted);
    beyond `reach` it is only said to be more.
    """
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > reach and min(last) > reach:
            return reach + 1
        before, last = last, row
    return last[-1]
