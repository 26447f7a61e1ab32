"""When an answer is due, by hand for known dates and as rules for all others."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foi.archive.deadlines import (
    JURISDICTIONS,
    Calendar,
    Due,
    Jurisdiction,
    UnknownJurisdiction,
    due,
    explain,
    is_working_day,
    working_day_after,
)

ENGLAND = Jurisdiction(
    "GB-ENG", "England", (Calendar("GB", "ENG", "England"),), "a law", "section 1", "here"
)
CODES = st.sampled_from(sorted(JURISDICTIONS))
DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("code", "day_zero", "due_on", "very_overdue_on"),
    [
        # St Patrick's Day counts out in the whole United Kingdom, although only Belfast keeps it.
        ("GB", "2026-03-01", "2026-03-30", "2026-04-29"),
        ("GB-SCT", "2026-03-01", "2026-03-27", "2026-04-27"),
        ("IE", "2026-03-01", "2026-03-30", "2026-04-28"),
        # Christmas and New Year's Day on Sundays, and Scotland's 2 January moved on as well.
        ("GB", "2022-12-16", "2023-01-19", "2023-02-16"),
        # Received on a Sunday: Monday is the first day, not the day nought.
        ("GB", "2023-07-30", "2023-08-29", "2023-09-26"),
        # The day of the funeral of Elizabeth II.
        ("GB", "2022-09-01", "2022-09-30", "2022-10-28"),
    ],
)
def test_known_deadlines(code: str, day_zero: str, due_on: str, very_overdue_on: str) -> None:
    assert due(code, day(day_zero)) == Due(day(due_on), day(very_overdue_on))


def test_england_alone_would_be_a_working_day_earlier() -> None:
    assert due(ENGLAND, day("2026-03-01")).due_on == day("2026-03-27")


@pytest.mark.parametrize(
    ("code", "off"),
    [
        ("GB", "2022-06-03"),  # Platinum Jubilee
        ("GB", "2022-09-19"),  # state funeral
        ("GB", "2023-05-08"),  # coronation
        ("GB", "2022-12-27"),  # substitute for Christmas Day on a Sunday
        ("GB", "2021-12-28"),  # substitute for Boxing Day on a Sunday
        ("GB", "2020-05-08"),  # the May holiday moved to VE Day
        ("GB", "2024-01-02"),  # Scotland
        ("GB", "2024-07-12"),  # Northern Ireland
        ("GB-SCT", "2024-08-05"),  # first Monday in August
        ("GB-SCT", "2024-12-02"),  # St Andrew's Day on a Saturday
        ("IE", "2024-02-05"),  # St Brigid's Day
        ("IE", "2022-03-18"),  # day of remembrance
        ("GB", "2026-03-07"),  # a Saturday
    ],
)
def test_days_that_do_not_count(code: str, off: str) -> None:
    assert not is_working_day(code, day(off))


@pytest.mark.parametrize(
    ("code", "on"),
    [
        ("GB", "2020-05-04"),  # the first Monday in May of the year it moved
        ("GB-SCT", "2024-04-01"),  # Easter Monday is no bank holiday in Scotland
        ("GB-SCT", "2024-07-12"),
        ("IE", "2024-03-29"),  # Good Friday is no public holiday in Ireland
        ("GB", "2024-12-24"),
    ],
)
def test_days_that_count(code: str, on: str) -> None:
    assert is_working_day(code, day(on))


def test_the_calculation_is_explained_in_words() -> None:
    reasons = {skipped.day: skipped.reason for skipped in explain("GB", day("2022-12-16"))}
    assert reasons[day("2022-12-17")] == "Saturday"
    assert reasons[day("2022-12-26")] == "Boxing Day"
    assert reasons[day("2022-12-27")] == "Christmas Day, substitute day"
    assert reasons[day("2023-01-03")] == "New Year Holiday, substitute day (Scotland)"
    assert day("2022-12-28") not in reasons


def test_a_calendar_day_rule_only_moves_off_the_last_day() -> None:
    rule = Jurisdiction(
        "XX", "Thirty days", ENGLAND.calendars, "a law", "s. 1", "here", 30, 60, "calendar"
    )
    # 30 days after 24 November is Christmas Eve; after 25 November, Christmas Day.
    assert due(rule, day("2025-11-24")).due_on == day("2025-12-24")
    assert explain(rule, day("2025-11-24")) == []
    assert due(rule, day("2025-11-25")).due_on == day("2025-12-29")
    assert [skipped.reason for skipped in explain(rule, day("2025-11-25"))] == [
        "Christmas Day",
        "Boxing Day",
        "Saturday",
        "Sunday",
    ]
    assert due(rule, day("2025-11-24")).very_overdue_on == day("2026-01-23")


def test_an_unknown_jurisdiction_is_named_with_those_known() -> None:
    with pytest.raises(UnknownJurisdiction, match=r"'FR'; known are GB, GB-SCT, IE"):
        due("FR", day("2026-03-01"))


@pytest.mark.parametrize("outside", [date(1989, 12, 31), date(2101, 1, 1), date.max, date.min])
def test_years_without_known_holidays_are_refused(outside: date) -> None:
    with pytest.raises(ValueError, match="1990 to 2100"):
        due("GB", outside)


def test_a_moment_is_no_day() -> None:
    with pytest.raises(TypeError, match="site's zone"):
        due("GB", datetime(2026, 3, 1, tzinfo=UTC))


def test_counting_starts_at_one() -> None:
    with pytest.raises(ValueError, match="one working day or more"):
        working_day_after("GB", day("2026-03-01"), 0)


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS.values(), ids=JURISDICTIONS)
def test_every_jurisdiction_says_whence_its_rule(jurisdiction: Jurisdiction) -> None:
    assert JURISDICTIONS[jurisdiction.code] is jurisdiction
    assert 0 < jurisdiction.days < jurisdiction.very_days
    assert re.fullmatch(r"https://\S+", jurisdiction.source)
    assert jurisdiction.label
    assert jurisdiction.law
    assert "section" in jurisdiction.citation


@given(CODES, DAYS)
def test_due_days_are_working_days_and_agree_with_the_count(code: str, day_zero: date) -> None:
    dates = due(code, day_zero)
    if dates.very_overdue_on.year <= 2100:
        assert is_working_day(code, dates.due_on)
        assert is_working_day(code, dates.very_overdue_on)
    assert dates.due_on == working_day_after(code, day_zero, 20)
    assert dates.very_overdue_on == working_day_after(code, day_zero, 40)
    skipped = explain(code, day_zero)
    assert (dates.due_on - day_zero).days == 20 + len(skipped)
    assert all(each.reason and day_zero < each.day < dates.due_on for each in skipped)


@given(CODES, DAYS, st.integers(1, 60))
def test_more_days_are_later(code: str, day_zero: date, n: int) -> None:
    assert working_day_after(code, day_zero, n) < working_day_after(code, day_zero, n + 1)


@given(CODES, DAYS.filter(lambda each: each < date(2100, 12, 31)))
def test_a_later_receipt_is_never_due_earlier(code: str, day_zero: date) -> None:
    assert due(code, day_zero) <= due(code, day_zero + timedelta(days=1))


@given(DAYS)
def test_a_part_of_the_union_is_never_slower_than_the_whole(day_zero: date) -> None:
    assert due("GB-SCT", day_zero) <= due("GB", day_zero)
    assert due(ENGLAND, day_zero) <= due("GB", day_zero)
