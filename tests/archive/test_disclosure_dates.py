"""Dates of logs: the order of day and month belongs to a column, and nothing is made more exact
than it is told.
"""

from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foi.archive.disclosure.dating import is_unknown, month_of, order_of, read_day
from foi.archive.disclosure.fields import FIELDS, by_heading
from foi.archive.disclosure.outcomes import WORDS, law_of, state_of
from foi.archive.states import STATES

DAYS = st.dates(date(1990, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2024-03-17", "2024-03-17"),
        ("2024/3/7", "2024-03-07"),
        ("2024-03-17T00:00:00", "2024-03-17"),
        ("17/03/2024 14:05", "2024-03-17"),
        ("3.4.24", "2024-04-03"),
        ("Monday 4th March 2024", "2024-03-04"),
        ("4-Mar-24", "2024-03-04"),
        ("March 4, 2024", "2024-03-04"),
        ("1er février 2024", "2024-02-01"),
        ("45355", "2024-03-04"),
        ("45355.6", "2024-03-04"),
        ("Mar-24", "2024-03"),
        ("août 2023", "2023-08"),
        ("03/2024", "2024-03"),
        ("2024-03", "2024-03"),
        ("2024", "2024"),
        ("2023/24", "2023"),
        ("Q2 2024", "2024"),
    ],
)
def test_ways_of_writing_a_date(told: str, kept: str) -> None:
    assert read_day(told, "dmy") == kept


@pytest.mark.parametrize(
    "text", ["", "soon", "31/02/2024", "40/40/2024", "99999", "1/2/3/4", "Room 12"]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        read_day(text, "dmy")


@given(st.lists(DAYS, min_size=1), st.sampled_from([("dmy", "%d/%m/%Y"), ("mdy", "%m/%d/%Y")]))
def test_a_column_is_read_in_the_order_in_which_it_was_written(
    days: list[date], written: tuple[str, str]
) -> None:
    order, form = written
    texts = [day.strftime(form) for day in days]
    found = order_of(texts)
    if any(day.day > 12 for day in days):
        assert (found.order, found.against) == (order, 0)
        assert not found.assumed
        assert [read_day(text, found.order) for text in texts] == [d.isoformat() for d in days]
    else:
        assert found.evidence == 0
        assert found.assumed == any(day.day != day.month for day in days)


@given(DAYS, st.sampled_from(["%d %B %Y", "%A %d %b %Y", "%Y-%m-%d", "%B %d, %Y", "%d-%b-%y"]))
def test_dates_in_words_need_no_order(day: date, form: str) -> None:
    text = day.strftime(form)
    assert read_day(text, "dmy") == read_day(text, "mdy") == day.isoformat()


@given(st.text(max_size=80))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert len(read_day(text, "mdy")) in (4, 7, 10)


def test_words_for_not_known_and_months() -> None:
    assert all(map(is_unknown, ("", " - ", "N/A", "TBC", "n.a.", "Ongoing", "inconnu")))
    assert not is_unknown("2024")
    assert [month_of(text) for text in ("4", "Apr.", "avril", "13", "x", "")] == [
        4,
        4,
        4,
        None,
        None,
        None,
    ]


def test_outcomes_have_states_and_the_docs_name_them() -> None:
    assert set(WORDS) - set(STATES) == {"waiting_classification"}
    everyone = [words for many in WORDS.values() for words in many]
    assert len(everyone) == len(set(everyone)), "no words mean two things"
    docs = (Path(__file__).parents[2] / "docs" / "import.md").read_text(encoding="utf-8")
    chapter = docs.partition("## Disclosure logs")[2]
    for state in WORDS:
        assert f"`{state}`" in chapter
    for field in FIELDS:
        assert f"`{field}`" in chapter


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("Disclosed in part", "partially_successful"),
        ("REFUSED – Section 40(2)", "rejected"),
        ("Information not held", "not_held"),
        ("not_held", "not_held"),
        ("Withdrawn by the requester", "user_withdrawn"),
        ("Partial grant/partial denial", "partially_successful"),
        ("Divulgation complète", "successful"),
        ("passed on", None),
        ("", None),
    ],
)
def test_words_of_outcomes(words: str, state: str | None) -> None:
    assert state_of(words, {}) == state


def test_laws() -> None:
    assert [law_of(text) for text in ("FOI(S)A", "EIRs", "F.O.I.", "none")] == [
        None,
        "eir",
        None,
        None,
    ]
    assert law_of("Freedom of Information Act 2000") == "foi"


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Request Number / Numéro de la demande", "reference"),
        ("FOI Ref No.", "reference"),
        ("Date Received (dd/mm/yyyy)", "received"),
        ("date_closed", "answered"),
        ("responseDate", "answered"),
        ("Exemption(s) applied", "exemptions"),
        ("Applicant Name", "personal"),
        ("Applicant type", "applicant"),
        ("Link to response", "files"),
        ("Disposition", "outcome"),
        ("Due date", "ignore"),
        ("Public body", "authority"),
        ("Number of pages released", "pages"),
        ("Weather", None),
    ],
)
def test_headings(heading: str, field: str | None) -> None:
    found = by_heading(heading)
    assert (found and found[0]) == field
