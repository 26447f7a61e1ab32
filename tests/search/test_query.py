"""The query language: what people type, and what it is taken to mean."""

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foi.search.query import LENGTH, NESTING, TERMS, parse
from foi.search.tree import (
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
    narrowed,
    respelled,
    widened,
    write,
)
from tests.conftest import examples

A, B, C = Word("a"), Word("b"), Word("c")
TODAY = date(2026, 11, 19)  # a Thursday
LATE = Overdue("status", "overdue", TODAY)


def due(first: date | None, last: date | None) -> DateRange:
    """Make a range of deadlines."""
    return DateRange(first, last, "due")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a b OR c", Or((And((A, B)), C))),
        ("a (b OR c)", And((A, Or((B, C))))),
        ("a -b", And((A, Not(B)))),
        ("a NOT b", And((A, Not(B)))),
        ("a AND NOT b", And((A, Not(B)))),
        ("-b a", And((A, Not(B)))),
        ("a -(b c)", And((A, Not(And((B, C)))))),
        ("+a +b", And((A, B))),
        ("a and b", And((A, Word("and"), B))),
        ('"a b" c', And((Phrase(("a", "b")), C))),
        ("“a b”", Phrase(("a", "b"))),
        ("e-mail", Phrase(("e", "mail"))),
        ("council's", Word("council's")),
        ('a "b"', And((A, B))),
        ("a a", A),
        ("((a)) ((b))", And((A, B))),
        ("status:rejected", Filter("status", "rejected")),
        ("Status:rejected", Filter("status", "rejected")),
        ("tag:charity:12", Filter("tag", "charity:12")),
        ('tag:"a b"', Filter("tag", "a b")),
        ("tag:a tag:b", Or((Filter("tag", "a"), Filter("tag", "b")))),
        ("tag:a AND tag:b", And((Filter("tag", "a"), Filter("tag", "b")))),
        ("tag:a x tag:b", And((Or((Filter("tag", "a"), Filter("tag", "b"))), Word("x")))),
        ("a -tag:b -tag:c", And((A, Not(Filter("tag", "b")), Not(Filter("tag", "c"))))),
        ("https://x.org/a", Phrase(("https", "x", "org", "a"))),
        ("1/2/2024..2024-03-04", DateRange(date(2024, 2, 1), date(2024, 3, 4))),
        ("2024/03/04..", DateRange(date(2024, 3, 4), None)),
        ("..31-12-2024", DateRange(None, date(2024, 12, 31))),
        ("2023..2024", DateRange(date(2023, 1, 1), date(2024, 12, 31))),
        ("2024-01-05..today", DateRange(date(2024, 1, 5), TODAY)),
        ("last_month..", DateRange(date(2026, 10, 1), None)),
        ("last_year..THIS_week", DateRange(date(2025, 1, 1), date(2026, 11, 22))),
        ("due:today", due(TODAY, TODAY)),
        ("due:..yesterday", due(None, date(2026, 11, 18))),
        ("due:tomorrow..next_week", due(date(2026, 11, 20), date(2026, 11, 29))),
        ("due:1/12/2026..2026", due(date(2026, 12, 1), date(2026, 12, 31))),
        ("due:2027", due(date(2027, 1, 1), date(2027, 12, 31))),
        ("very_due:..today", DateRange(None, TODAY, "very_due")),
        ("due:today 2024..", And((due(TODAY, TODAY), DateRange(date(2024, 1, 1), None)))),
        ("status:overdue", LATE),
        ("status:overdue status:rejected", Or((LATE, Filter("status", "rejected")))),
        ("a -Status:Overdue", And((A, Not(LATE)))),
        ("waiting_classification:yes", Filter("waiting_classification", "yes")),
        ("librar*", Prefix("librar")),
        ("a -librar*", And((A, Not(Prefix("librar"))))),
        ("a * b", And((A, B))),
        ("a ..", A),
        ("a -.. b", And((A, B))),
        ("a -!! b", And((A, B))),
        ("", None),
        ("a\x00\ud800b", And((A, B))),
    ],
)
def test_what_is_typed_has_its_meaning_and_nothing_to_be_said(
    text: str, tree: Node | None
) -> None:
    query = parse(text, TODAY)
    assert query.tree == tree
    assert query.notes == []


@pytest.mark.parametrize(
    ("text", "meant", "note"),
    [
        ('a "b c', 'a "b c"', "quotation mark"),
        ("(a b", "a b", "not closed"),
        ("a) b", "a b", "closing parenthesis"),
        ("a AND", "a", "AND joins"),
        ("OR a", "a", "OR joins"),
        ("a NOT", "a", "NOT goes before"),
        ("-a", "", "something to look for"),
        ("NOT (a OR b)", "", "something to look for"),
        ("a OR -b", "a", "beside OR"),
        ("a tag:", "a", "Nothing stands behind tag:"),
        ("colour:a", "colour a", "no filter colour:"),
        ("..", "", "nothing to look for"),
        ("due:..", "", "nothing to look for"),
        (" !? ", "", "nothing to look for"),
        ("a 31/02/2024..", "a", "31/02/2024 is not a date"),
        ("a due:soon", "a", "soon is not a date"),
        ("31/02/2024..2025", "..2025-12-31", "31/02/2024 is not a date"),
        ("a XOR b", "a OR b", "XOR is not known"),
        ("a li*", "a li", "* stands for"),
        ("a*b c", '"a b" c', "* stands for"),
        ("latest_status:late", "latest_status:late", "waiting_response_overdue"),
        ("2024-05-01..2024-04-01", "2024-04-01..2024-05-01", "other way round"),
        ("status:lost", "status:lost", "There is no status:lost"),
        ("variety:letter", "variety:letter", "there are sent,"),
        ("x" * 1100, "x" * LENGTH, "first 1000 characters"),
        ("(" * 12 + "a" + ")" * 12, "a", f"within {NESTING} others"),
        (
            " ".join(f"w{n}" for n in range(40)),
            " ".join(f"w{n}" for n in range(TERMS)),
            f"first {TERMS} words",
        ),
    ],
)
def test_what_makes_no_sense_is_taken_at_its_nearest_meaning_and_said(
    text: str, meant: str, note: str
) -> None:
    query = parse(text)
    assert query.text == meant
    assert any(note in sentence for sentence in query.notes), query.notes


def test_the_words_that_are_asked_for_can_be_told() -> None:
    assert parse('heron "right to know" -owl tag:a').words == ("heron", "right", "to", "know")
    assert parse("tag:a 2024..").words == ()


def test_a_query_can_be_narrowed_widened_and_respelled() -> None:
    both = parse("a tag:b", TODAY).tree
    assert both is not None
    assert narrowed(None, A) == A
    assert narrowed(A, Filter("tag", "b")) == both
    assert widened(both, Filter("tag", "b")) == A
    assert widened(A, A) is None
    assert widened(parse("a -b").tree, A) is None
    assert write(respelled(parse('a "a c" -b').tree or A, {"a": "x"})) == 'x "x c" -b'
    assert write(respelled(parse("a (b OR c)").tree or A, {"b": "x"})) == "a (x OR c)"


_lumps = st.sampled_from(
    ["a", "b", "AND", "OR", "NOT", "(", ")", '"', "-", "+", " ", "tag:", "status:rejected", "..",
     "1/2/2024", "2024..", "o'b", "x-y", "foo:", "“", "é", "//", "AND)", "-(",
     "due:", "due:today", "today", "status:overdue", "abcd*", "*", "XOR", "very_due:2024.."]
)  # fmt: skip
_anything = st.one_of(st.text(), st.lists(_lumps, max_size=60).map("".join))
_spaced = st.lists(_lumps, max_size=60).map(" ".join)


@pytest.mark.deeper
@settings(max_examples=examples(400), deadline=None)
@given(st.one_of(_anything, _spaced))
def test_any_text_has_a_meaning_and_its_normal_form_means_the_same(text: str) -> None:
    query = parse(text, TODAY)
    again = parse(query.text, TODAY, length=4 * LENGTH)
    assert again.tree == query.tree
    assert again.text == query.text
    assert not isinstance(query.tree, Not)
    assert all(note.endswith(".") for note in query.notes)


@settings(max_examples=100, deadline=None)
@given(st.characters(), st.integers(min_value=1, max_value=3))
def test_no_repetition_takes_long(letter: str, size: int) -> None:
    for text in (letter * 100_000, ("(" * size + letter + '"') * 20_000):
        start = time.process_time()
        parse(text)
        assert time.process_time() - start < 0.5
