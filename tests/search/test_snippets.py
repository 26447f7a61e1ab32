"""Snippets: what is cut out, marked and escaped."""

from hypothesis import given
from hypothesis import strategies as st

from foi.search.snippets import AROUND, Sought, best, cut, mark
from foi.search.words import ENGLISH


def seek(*words: str) -> Sought:
    """Seek words by their stems."""
    return Sought(frozenset(ENGLISH.stem(word) for word in words))


def test_the_stretch_with_the_most_words_is_cut_out() -> None:
    text = "heron " + "lamp " * 200 + "a heron and an owl " + "bench " * 200
    html = cut(text, seek("heron", "owls")).html
    assert html.startswith("… ")
    assert html.endswith(" …")
    assert "a <mark>heron</mark> and an <mark>owl</mark> bench" in html


def test_without_the_words_it_is_the_beginning() -> None:
    found = cut("One two. " * 100, seek("heron"))
    assert found.html.startswith("One two. One")
    assert found.words == 0
    assert len(found.html) <= AROUND + 2


def test_the_text_itself_comes_before_attachments_with_no_more_words() -> None:
    assert best([(None, "a heron"), (1, "a heron too")], seek("heron"))[0] is None
    assert best([(None, "a lamp"), (1, "x"), (2, "a heron")], seek("heron"))[0] == 2
    assert best([], seek("heron")) == (None, "")


def test_a_title_is_marked_as_a_whole() -> None:
    assert mark("Herons <& owls>", seek("heron")) == "<mark>Herons</mark> &lt;&amp; owls&gt;"


def test_what_begins_so_is_marked_as_a_whole() -> None:
    sought = Sought(frozenset({"owl"}), ("libr",))
    assert mark("Libraries and librarians, owls", sought).count("<mark>") == 3


@given(st.text(alphabet="ab <>&\"'\n\t\u0301é", max_size=600), st.lists(st.text("ab"), max_size=3))
def test_whatever_the_text_only_our_marks_are_markup(text: str, words: list[str]) -> None:
    html = cut(text, seek(*words)).html
    plain = html.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in plain
    assert ">" not in plain
    assert html.count("<mark>") == html.count("</mark>")
    assert len(html.unescape()) < 3 * AROUND
