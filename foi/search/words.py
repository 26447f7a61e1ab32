"""Text to words: what counts as a word, and which words count as the same.

The query language, the embedded index and the snippets share it, so that what is found is also
marked. Words are compared without case and accents and by their English stem (Snowball's, as
Xapian's in Alaveteli). Given up: other languages' stems, and words of scripts that put no space
between them (a run of them is one word).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from whoosh.lang.snowball.english import EnglishStemmer

LONGEST = 64
"""Characters of a word that count: longer ones are encoded data rather than language."""

_WORD = re.compile(r"[^\W_]+(?:['’\u0300-\u036f]+[^\W_]+)*[\u0300-\u036f]*")

COMMON = frozenset(
    """
    a an and are as at be been but by can do for from had has have he her his i if in into is it
    its me my no not of on or our she so such that the their them there these they this to was we
    were what which who will with would you your
    """.split()  # noqa: SIM905 - a list to be read
)
"""Words that tell little; a search passes over them, when written small, if it has others."""

_stemmer: Any = EnglishStemmer()


def split(text: str) -> Iterator[re.Match[str]]:
    """Give each word of a text as it stands there: letters, digits and inner apostrophes."""
    return _WORD.finditer(text)


@lru_cache(maxsize=131_072)
def stem(word: str) -> str:
    """Give the form in which a word is compared: no case, no accents, no English ending."""
    word = word[:LONGEST].casefold().replace("’", "'")
    if not word.isascii():
        plain = unicodedata.normalize("NFKD", word)
        word = "".join(letter for letter in plain if not unicodedata.combining(letter)) or word
    if len(word) < 3 or any(digit in word for digit in "0123456789"):
        return word
    return str(_stemmer.stem(word)) or word


def stems(words: Iterable[str]) -> list[str]:
    """Give the stem of each word."""
    return [stem(word) for word in words]
