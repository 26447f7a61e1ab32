"""When an answer is due: a jurisdiction is a union of holiday calendars plus a rule for counting.

One calendar is not enough, because the law may look to the holidays of several nations at once.
The holidays come from the `holidays` library, which knows the announced one-off days of the years
behind us and computes the others; it gives up the days that only one regulator's list knows, and a
bank holiday proclaimed tomorrow is known only after an upgrade. docs/deadlines.md tells how the
rules were read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

FIRST_YEAR = 1990
LAST_YEAR = 2100

_ONE_DAY = timedelta(days=1)
_WEEKEND = {5: "Saturday", 6: "Sunday"}


class UnknownJurisdiction(ValueError):
    """Raised for a code that is not in JURISDICTIONS."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"There is no jurisdiction {code!r}; known are {', '.join(sorted(JURISDICTIONS))}."
        )


class Calendar(NamedTuple):
    """The public holidays of one country or of one part of it (`holidays` library codes)."""

    country: str
    subdivision: str | None
    label: str


@dataclass(frozen=True)
class Jurisdiction:
    """A law's way of counting: whose holidays stop the clock, and how many days there are."""

    code: str
    label: str
    calendars: tuple[Calendar, ...]
    law: str
    citation: str
    source: str
    days: int = 20
    very_days: int = 40
    unit: Literal["working", "calendar"] = "working"


class Due(NamedTuple):
    """The last day on which an answer is in time, and the last before it is long overdue."""

    due_on: date
    very_overdue_on: date


class SkippedDay(NamedTuple):
    """A day that did not count, and why, in words."""

    day: date
    reason: str


_SCOTLAND = Calendar("GB", "SCT", "Scotland")

_ALL = (
    Jurisdiction(
        code="GB",
        label="United Kingdom",
        calendars=(
            Calendar("GB", "ENG", "England"),
            Calendar("GB", "WLS", "Wales"),
            _SCOTLAND,
            Calendar("GB", "NIR", "Northern Ireland"),
        ),
        law="Freedom of Information Act 2000",
        citation="section 10(1) and (6)",
        source="https://www.legislation.gov.uk/ukpga/2000/36/section/10",
    ),
    Jurisdiction(
        code="GB-SCT",
        label="Scotland",
        calendars=(_SCOTLAND,),
        law="Freedom of Information (Scotland) Act 2002",
        citation="sections 10(1) and 73",
        source="https://www.legislation.gov.uk/asp/2002/13/section/73",
    ),
    Jurisdiction(
        code="IE",
        label="Ireland",
        calendars=(Calendar("IE", None, "Ireland"),),
        law="Freedom of Information Act 2014",
        citation="section 13(1), four weeks of five weekdays each as section 2 defines a week",
        source="https://www.irishstatutebook.ie/eli/2014/act/30/enacted/en/html",
    ),
)

JURISDICTIONS: Mapping[str, Jurisdiction] = MappingProxyType({one.code: one for one in _ALL})


def due(jurisdiction: str | Jurisdiction, day_zero: date) -> Due:
    """Return the due day and the long-overdue day of a request received on `day_zero`.

    `day_zero` itself never counts and need not be a working day. Raises UnknownJurisdiction, and
    ValueError for a day outside 1990 to 2100.
    """
    rule = _rule(jurisdiction)
    if rule.unit == "calendar":
        return Due(
            _first_working_day_from(rule, _known(day_zero) + rule.days * _ONE_DAY),
            _first_working_day_from(rule, day_zero + rule.very_days * _ONE_DAY),
        )
    due_on = working_day_after(rule, day_zero, rule.days)
    very_overdue_on = due_on
    for _ in range(rule.very_days - rule.days):
        very_overdue_on = _first_working_day_from(rule, very_overdue_on + _ONE_DAY)
    return Due(due_on, very_overdue_on)


def is_working_day(jurisdiction: str | Jurisdiction, day: date) -> bool:
    """Tell whether `day` is neither at a weekend nor a holiday in any of the calendars."""
    return _counts(_rule(jurisdiction), _known(day))


def working_day_after(jurisdiction: str | Jurisdiction, start: date, n: int) -> date:
    """Return the n-th working day following `start` (n of 1 or more); `start` is day nought."""
    if n < 1:
        raise ValueError(f"Count one working day or more, not {n}.")
    rule = _rule(jurisdiction)
    day = _known(start)
    for _ in range(n):
        day = _first_working_day_from(rule, day + _ONE_DAY)
    return day


def explain(jurisdiction: str | Jurisdiction, day_zero: date) -> list[SkippedDay]:
    """Return the days between `day_zero` and the due day that did not count, each with its reason.

    A holiday that only some of the calendars keep names them: "Saint Andrew's Day (Scotland)".
    Under a calendar-day rule every day counts, save those the due day itself was moved over.
    """
    rule = _rule(jurisdiction)
    due_on = due(rule, day_zero).due_on
    first = day_zero + (rule.days if rule.unit == "calendar" else 1) * _ONE_DAY
    return [
        SkippedDay(day, _reason(rule, day))
        for day in _days(first, due_on)
        if not _counts(rule, day)
    ]


def _rule(jurisdiction: str | Jurisdiction) -> Jurisdiction:
    if isinstance(jurisdiction, Jurisdiction):
        return jurisdiction
    try:
        return JURISDICTIONS[jurisdiction]
    except KeyError:
        raise UnknownJurisdiction(jurisdiction) from None


def _known(day: date) -> date:
    # A datetime is a date to Python, but not equal to one: it would miss every holiday.
    if isinstance(day, datetime):
        raise TypeError("Deadlines count dates of the site's zone: pass a date, not a datetime.")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"Deadlines are known for {FIRST_YEAR} to {LAST_YEAR}, not for {day}.")
    return day


def _counts(rule: Jurisdiction, day: date) -> bool:
    return day.weekday() < 5 and day not in _holidays(rule.calendars, day.year)


def _first_working_day_from(rule: Jurisdiction, day: date) -> date:
    while not _counts(rule, day):
        day += _ONE_DAY
    return day


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += _ONE_DAY


def _reason(rule: Jurisdiction, day: date) -> str:
    named = _holidays(rule.calendars, day.year).get(day)
    return named or _WEEKEND[day.weekday()]


@lru_cache(maxsize=1024)
def _holidays(calendars: tuple[Calendar, ...], year: int) -> Mapping[date, str]:
    """Return the union of the calendars for one year: day -> names, and who keeps them."""
    import holidays  # takes long, and few commands need it

    keepers: dict[date, dict[str, list[str]]] = {}
    for calendar in calendars:
        kept = holidays.country_holidays(
            calendar.country, subdiv=calendar.subdivision, years=year, expand=False
        )
        for day in kept:
            for name in kept.get_list(day):
                keepers.setdefault(day, {}).setdefault(name, []).append(calendar.label)
    return {day: _in_words(names, len(calendars)) for day, names in keepers.items()}


def _in_words(names: dict[str, list[str]], calendars: int) -> str:
    words = []
    for name, labels in names.items():
        kept_by = "" if len(labels) == calendars else f" ({', '.join(labels)})"
        words.append(name.replace(" (observed)", ", substitute day") + kept_by)
    return "; ".join(words)
