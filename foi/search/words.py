"""Text to words: what counts as a word, and which words count as the same.

The query language, the embedded index and the snippets share it, so that what is found is also
marked. Words are compared without case and accents and by their stem in the site's language
(Snowball's, as Xapian's in Alaveteli). Given up: stems in a language other than the site's, and
words of scripts that put no space between them (a run of them is one word).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from whoosh.lang import snowball, stopwords

LONGEST = 64
"""Characters of a word that count: longer ones are encoded data rather than language."""

_WORD = re.compile(r"[^\W_]+(?:['’\u0300-\u036f]+[^\W_]+)*[\u0300-\u036f]*")
_DIGIT = re.compile(r"\d")

_ENGLISH_COMMON = frozenset(
    """
    a an and are as at be been but by can do for from had has have he her his i if in into is it
    its me my no not of on or our she so such that the their them there these they this to was we
    were what which who will with would you your
    """.split()  # noqa: SIM905 - a list to be read
)

_ALIASES = {"nb": "no", "nn": "no"}
"""Both written forms of Norwegian share one stemmer."""


def split(text: str) -> Iterator[re.Match[str]]:
    """Give each word of a text as it stands there: letters, digits and inner apostrophes."""
    return _WORD.finditer(text)


class Language:
    """How the words of one language are compared; made by `language`, once for each."""

    def __init__(self, code: str) -> None:
        self.code = code if code in snowball.classes else "plain"
        stemmer: Any = snowball.classes.get(code)
        self._stemmer = stemmer() if stemmer else None
        given: Iterable[str] = stopwords.stoplists.get(code, ())
        self.common: frozenset[str] = _ENGLISH_COMMON if code == "en" else frozenset(given)
        """Words that tell little; a search passes over them, when written small, if it has
        others.
        """
        self.stem = lru_cache(maxsize=131_072)(self._stem)
        """Give the form in which a word is compared: no case, no accents, no ending."""

    def _stem(self, word: str) -> str:
        word = fold(word)
        if self._stemmer is None or len(word) < 3 or _DIGIT.search(word):
            return plain(word)
        # Endings may bear accents, so the stemmer comes first; with it, nothing else is left of
        # an accent in the middle.
        return plain(str(self._stemmer.stem(plain(word) if self.code == "en" else word))) or word


def fold(word: str) -> str:
    """Give a word without case, cut to the length that counts."""
    return word[:LONGEST].casefold().replace("’", "'")


def plain(word: str) -> str:
    """Give a word without accents."""
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in parts if not unicodedata.combining(letter)) or word


@cache
def _made(code: str) -> Language:
    return Language(code)


def language(locale: str) -> Language:
    """Give the language of a locale such as `en-GB`; one without a stemmer compares whole
    words.
    """
    code = re.split(r"[-_]", locale.casefold())[0]
    return _made(_ALIASES.get(code, code))


ENGLISH = language("en")
