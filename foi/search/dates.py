"""Days and spans of days as people type them: `31/12/2024`, `2024-12-31`, `2024`, `today`,
`this_week`, `1/2/2024..today`.

Numbers alone are read as Alaveteli reads them, the day before the month. What is relative is
relative to the site-local day at hand.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta

Span = tuple[date | None, date | None]
"""First and last day, both included; None: open."""

_DATE = re.compile(
    r"(?P<d>\d{1,2})[/\-](?P<m>\d{1,2})[/\-](?P<y>\d{4})|(?P<Y>\d{4})(?:[/\-](?P<M>\d{1,2})[/\-](?P<D>\d{1,2}))?",
    re.ASCII,
)
_RANGE = re.compile(r"([\w/\-]*)\.\.([\w/\-]*)", re.ASCII)
_BARE = re.compile(r"[\d/\-]*", re.ASCII)


class NotADate(ValueError):
    """What stands where a date is wanted is none; the text says what was typed."""


def _week(today: date, weeks: int) -> tuple[date, date]:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)
    return monday, monday + timedelta(days=6)


def _month(today: date, months: int) -> tuple[date, date]:
    count = today.year * 12 + today.month - 1 + months
    first = date(count // 12, count % 12 + 1, 1)
    following = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    return first, following - timedelta(days=1)


def _year(today: date, years: int) -> tuple[date, date]:
    return date(today.year + years, 1, 1), date(today.year + years, 12, 31)


_SPANS: dict[str, Callable[[date, int], tuple[date, date]]] = {
    "week": _week, "month": _month, "year": _year,
}  # fmt: skip
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
NAMES = (*_DAYS, *(f"{which}_{span}" for which in ("last", "this", "next") for span in _SPANS))
"""The spans that have names."""


def is_range(text: str) -> bool:
    """Tell whether a text is meant as a range of days rather than as words with dots between."""
    found = _RANGE.fullmatch(text)
    return found is not None and all(_is_end(end) for end in found.groups())


def _is_end(text: str) -> bool:
    if not text or text.casefold() in NAMES:
        return True
    return bool(_BARE.fullmatch(text)) and (len(text) == 4 or "/" in text or "-" in text)


def read_range(text: str, today: date, notes: list[str]) -> Span:
    """Read `a..b`, or a single day or span; what is taken otherwise than it was typed is noted.

    A blank range, as empty fields of a form make it, is open at both ends.
    """
    found = _RANGE.fullmatch(text)
    if found is None:
        return _read(text, today, notes)
    first, last = (_read(end, today, notes) for end in found.groups())
    if first[0] and last[1] and first[0] > last[1]:
        notes.append("The first date is after the second; they were taken the other way round.")
        first, last = last, first
    return first[0], last[1]


def _read(text: str, today: date, notes: list[str]) -> Span:
    try:
        return read_span(text, today) if text else (None, None)
    except NotADate as why:
        notes.append(str(why))
        return None, None


def read_span(text: str, today: date) -> tuple[date, date]:
    """Read a day, a year or a name; NotADate when it is none."""
    name = text.strip().casefold()
    try:
        if name in _DAYS:
            return (today + timedelta(days=_DAYS[name]),) * 2
        which, _, span = name.partition("_")
        if name in NAMES:
            return _SPANS[span](today, {"last": -1, "this": 0, "next": 1}[which])
        found = _DATE.fullmatch(name)
        if found and found["Y"] and not found["M"]:
            return date(int(found["Y"]), 1, 1), date(int(found["Y"]), 12, 31)
        if found:
            return (date(*(int(found[part] or found[part.upper()]) for part in "ymd")),) * 2
    except (ValueError, OverflowError):
        pass
    raise NotADate(
        f"{text[:40]} is not a date; write 31/12/2024, 2024/12/31, 2024-12-31, a year, or one of "
        f"{', '.join(NAMES)}."
    )
