"""The site's days: where they begin, in every zone and whatever the clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from foi.archive.calendar import Calendar

# Zones that change their clocks at midnight, by half an hour, not at all, or by law of the year.
ZONES = [
    "Europe/London",
    "Atlantic/Azores",
    "America/Havana",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "UTC",
]
INSTANT = timedelta(microseconds=1)


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_a_day_begins_at_its_midnight_and_not_before(name: str, day: date) -> None:
    calendar = Calendar(ZoneInfo(name), "GB")
    begins = calendar.midnight(day)
    assert begins.tzinfo is UTC
    assert calendar.day(begins) == day
    assert calendar.day(begins - INSTANT) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "moment", "today"),
    [
        ("Europe/London", "2026-06-30T23:00:00Z", "2026-07-01"),
        ("Europe/London", "2026-12-31T23:59:59Z", "2026-12-31"),
        ("Pacific/Kiritimati", "2026-06-30T10:00:00Z", "2026-07-01"),
        ("Pacific/Pago_Pago", "2026-07-01T10:59:59Z", "2026-06-30"),
    ],
)
def test_today_is_the_sites_own(zone: str, moment: str, today: str) -> None:
    with time_machine.travel(datetime.fromisoformat(moment), tick=False):
        assert Calendar(ZoneInfo(zone), "GB").today() == date.fromisoformat(today)
