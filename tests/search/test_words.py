"""Words: which count as the same in the site's language."""

from pathlib import Path

import pytest

from foi.search.engine import SearchUnavailable
from foi.search.whoosh_engine import WhooshEngine
from foi.search.words import language
from tests.contract.searching import event, find, keys, put


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("en-GB", "repairing", "Repairs"),
        ("fr", "décisions", "decision"),
        ("de-AT", "Häuser", "Haus"),
        ("nb_NO", "veiene", "VEIEN"),
        ("ru", "дороги", "дорога"),
        ("cs", "CAFÉ", "cafe"),
    ],
)
def test_words_are_compared_in_the_language_of_the_site(locale: str, one: str, other: str) -> None:
    stem = language(locale).stem
    assert stem(one) == stem(other)
    assert language(locale) is language(locale)


def test_a_language_without_a_stemmer_compares_whole_words() -> None:
    stem = language("cs-CZ").stem
    assert stem("silnice") != stem("silnici")


def test_an_index_is_in_the_language_of_the_site(tmp_path: Path) -> None:
    english, german = (
        WhooshEngine(tmp_path, language=language(code), look_every=0.0) for code in ("en", "de")
    )
    put(english, event(1, text="Die Häuser der Stadt"))
    assert keys(english, "haus") == []
    assert not german.exists()
    with pytest.raises(SearchUnavailable):
        find(german, "haus")
    german.rebuild([event(1, text="Die Häuser der Stadt")])
    assert keys(german, "haus") == ["event:1"]
    assert keys(german, "die haus") == ["event:1"]
    (hit,) = find(german, "haus").list
    assert hit.snippet == "Die <mark>Häuser</mark> der Stadt"
    english.close()
    german.close()
