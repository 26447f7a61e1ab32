"""Dates as exactly as they are known: to the moment, to the day, or only to the month or year.

A day begins at midnight of the site's time zone. A month or a year orders things in lists, as its
first day would, but nothing counts as dated by it: no deadline is worked out from it and no day is
shown.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from foi.archive import deadlines
from foi.archive.calendar import Calendar

_ROUGH = re.compile(r"(\d{4})(?:-(\d{2}))?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)"
    r" ?(?:(Z|UTC)|([+-]\d{2}:?\d{2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class When:
    """A moment in UTC; `dated` is false of one that stands for a whole month or year."""

    moment: datetime
    dated: bool = True


def read_date(text: str, calendar: Calendar) -> When:
    """Read ISO 8601 with a zone, a day, a month or a year; ValueError says why a text is none that
    can be kept.

    Alaveteli's `2008-05-12 11:33:36 UTC` is read as well. What lies before the first year of the
    deadline rules, or after tomorrow, is taken for a slip.
    """
    when = _read(text, calendar)
    year = calendar.day(when.moment).year
    if year < deadlines.FIRST_YEAR:
        raise ValueError(f"{text!r} is before {deadlines.FIRST_YEAR}")
    if when.moment > datetime.now(UTC) + timedelta(days=1):
        raise ValueError(f"{text!r} has yet to come")
    return when


def _read(text: str, calendar: Calendar) -> When:
    try:
        if rough := _ROUGH.fullmatch(text):
            return When(calendar.midnight(date(int(rough[1]), int(rough[2] or 1), 1)), dated=False)
        if _DAY.fullmatch(text):
            return When(calendar.midnight(date.fromisoformat(text)))
        if found := _MOMENT.fullmatch(text):
            day, time, utc, offset = found.groups()
            if not (utc or offset):
                raise ValueError(f"{text!r} needs its time zone, such as Z or +01:00")
            return When(
                datetime.fromisoformat(f"{day}T{time}{offset or '+00:00'}").astimezone(UTC)
            )
    except OverflowError:
        pass  # the first and the last day of the calendar, with a zone that leads out of it
    except ValueError as error:
        if "time zone" in str(error):
            raise
    raise ValueError(
        f"{text!r} is not a date such as 2024-01-31T09:30:00Z, 2024-01-31, 2024-01 or 2024"
    )
