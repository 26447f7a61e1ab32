"""An authority's figures: how its requests ended, and how quickly it answers.

They are worked out of the rows on each reading, so that they are right the moment after a
correction. What that gives up: a last letter counts as the answer, since nothing says which of
an authority's letters was more than an acknowledgement.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from statistics import median_low
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from foi.archive import deadlines, reading
from foi.archive.calendar import Calendar
from foi.archive.models import Body, InfoRequest, Message
from foi.archive.states import VIEWS, State, calculated

FINAL = VIEWS["successful"] + VIEWS["unsuccessful"]
"""The described states after which an authority owes nothing more."""

AMONG = 200
"""How many of an authority's newest requests its times are worked out of: these say how it answers
nowadays, and the largest authority's page costs no more than this.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many requests stand at one state."""

    state: State
    count: int


@dataclass(frozen=True, slots=True)
class Span:
    """How many answers took from `low` to `high` days; no `high`: that many and more."""

    low: int
    high: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Year:
    """How requests made in one year were answered."""

    year: int
    answered: int
    in_time: int
    median: int
    """In days, as `Times` counts them."""


@dataclass(frozen=True, slots=True)
class Times:
    """How quickly requests were answered."""

    unit: str
    """`working days` or `days`, as the authority's deadline counts them."""
    limit: int
    """How many of them the law allows."""
    among: int
    """How many of the newest requests were looked at, at most."""
    in_time: int
    late: int
    overdue: int
    """Those that are past their due date without an answer."""
    median: int | None
    """None while nothing has been answered."""
    spans: tuple[Span, ...]
    years: tuple[Year, ...]

    @property
    def answered(self) -> int:
        """How many have been answered."""
        return self.in_time + self.late

    @property
    def share(self) -> float | None:
        """The share answered in time of all whose answer has come or is overdue."""
        known = self.in_time + self.late + self.overdue
        return self.in_time / known if known else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """An authority's figures; only listed requests count."""

    total: int
    info: dict[str, int]
    """Counts by Alaveteli's names."""
    outcomes: tuple[Outcome, ...]
    """Most frequent first."""
    times: Times


_request, _message = InfoRequest.__table__.c, Message.__table__.c
_late = case((_request.due_on < bindparam("today"), 1), else_=0)
_very_late = case((_request.very_overdue_on < bindparam("today"), 1), else_=0)
_STANDING = (
    select(
        _request.described_state,
        _request.awaiting_description,
        _late.label("late"),
        _very_late.label("very_late"),
        func.count().label("number"),
    )
    .where(_request.body_id == bindparam("body"), reading.listed())
    .group_by(_request.described_state, _request.awaiting_description, _late, _very_late)
)
_newest = (
    select(_request.id, _request.day_zero, _request.due_on, _request.described_state)
    .where(
        _request.body_id == bindparam("body"),
        reading.listed(),
        _request.awaiting_description.is_(False),
        or_(
            _request.described_state.in_(FINAL),
            and_(_request.described_state == "waiting_response", _late == 1),
        ),
        _request.due_on.is_not(None),
    )
    .order_by(_request.created_at.desc(), _request.id.desc())
    .limit(AMONG)
    .subquery()
)
_ANSWERED = (
    select(_newest, _message.purpose, _message.sent_at)
    .outerjoin(
        Message.__table__,
        and_(
            _message.request_id == _newest.c.id,
            or_(_message.direction == "response", _message.purpose == "internal_review"),
        ),
    )
    .order_by(_newest.c.id, _message.id)
)


def of_body(db: Session, body: Body, calendar: Calendar) -> Statistics:
    """Work out an authority's figures as of today; the times are those of the newest requests,
    `AMONG` at most.

    An answer is the last letter of the authority before a review was asked for, of a request that
    has ended; its days count from the request, or from the last clarification, as the deadline
    does.
    """
    today = calendar.today()
    standing = db.execute(_STANDING, {"body": body.id, "today": today}).all()
    counts = _outcomes(standing, today)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].label))
    return Statistics(
        sum(counts.values()),
        _info(standing),
        tuple(Outcome(state, count) for state, count in ordered),
        _times(
            deadlines.JURISDICTIONS[body.jurisdiction or calendar.jurisdiction],
            db.execute(_ANSWERED, {"body": body.id, "today": today}).all(),
            calendar,
        ),
    )


def _outcomes(standing: Sequence[Any], today: date) -> Counter[State]:
    past = today - timedelta(days=1)
    counts: Counter[State] = Counter()
    for row in standing:
        state = calculated(
            row.described_state,
            row.awaiting_description,
            past if row.late else None,
            past if row.very_late else None,
            today,
        )
        counts[state] += row.number
    return counts


def _info(standing: Sequence[Any]) -> dict[str, int]:
    """Give the counts by Alaveteli's names (its `info`)."""
    settled = [row for row in standing if not row.awaiting_description]
    states = Counter[str | None]()
    for row in settled:
        states[row.described_state] += row.number
    return {
        "requests_count": sum(row.number for row in standing),
        "requests_successful_count": sum(states[name] for name in VIEWS["successful"]),
        "requests_not_held_count": states["not_held"],
        "requests_overdue_count": sum(
            row.number for row in settled if row.described_state == "waiting_response" and row.late
        ),
        "requests_visible_classified_count": states.total(),
    }


class _Taken(NamedTuple):
    """An answer: the year of its request, whether it came in time, and how many days it took."""

    year: int
    in_time: bool
    days: int


def _times(rule: deadlines.Jurisdiction, rows: Sequence[Any], calendar: Calendar) -> Times:
    overdue, reviewed = set(), set()
    answers: dict[int, tuple[date, date, datetime]] = {}
    for number, day_zero, due_on, state, purpose, sent_at in rows:
        if state == "waiting_response":
            overdue.add(number)
        elif purpose == "internal_review":
            reviewed.add(number)
        elif sent_at is not None and number not in reviewed:
            answers[number] = (day_zero, due_on, sent_at)
    taken = []
    for day_zero, due_on, sent_at in answers.values():
        day = calendar.day(sent_at)
        if day_zero <= day and day.year <= deadlines.LAST_YEAR:
            taken.append(_Taken(day_zero.year, day <= due_on, _days_between(rule, day_zero, day)))
    in_time = sum(one.in_time for one in taken)
    return Times(
        f"{rule.unit} days" if rule.unit == "working" else "days",
        rule.days,
        AMONG,
        in_time,
        len(taken) - in_time,
        len(overdue),
        median_low(one.days for one in taken) if taken else None,
        _spans(rule, [one.days for one in taken]),
        _years(taken, whole=len({row[0] for row in rows}) < AMONG),
    )


def _years(taken: Sequence[_Taken], *, whole: bool) -> tuple[Year, ...]:
    """Part answers by years, newest first; the first year is left out when only a part of it is
    known.
    """
    by_year: dict[int, list[_Taken]] = {}
    for one in taken:
        by_year.setdefault(one.year, []).append(one)
    years = sorted(by_year.items(), reverse=True)
    return tuple(
        Year(
            year,
            len(those),
            sum(one.in_time for one in those),
            median_low(one.days for one in those),
        )
        for year, those in (years if whole else years[:-1])
    )


def _spans(rule: deadlines.Jurisdiction, days: Sequence[int]) -> tuple[Span, ...]:
    """Count answers by quarters of the time allowed, up to the second deadline, and beyond."""
    quarter = max(rule.days // 4, 1)
    highs = [quarter, 2 * quarter, 3 * quarter, rule.days, rule.very_days]
    lows = [0, *(high + 1 for high in highs)]
    return tuple(
        Span(low, high, sum(1 for n in days if n >= low and (high is None or n <= high)))
        for low, high in zip(lows, [*highs, None], strict=True)
    )


def _days_between(rule: deadlines.Jurisdiction, first: date, last: date) -> int:
    """Count the days after `first` up to and with `last`, as the deadline counts."""
    if rule.unit == "calendar":
        return (last - first).days
    days = _until(rule.code, last) - _until(rule.code, first)
    for year in range(first.year, last.year):
        days += _counted(rule.code, year)[-1]
    return days


@lru_cache(maxsize=16384)
def _until(code: str, day: date) -> int:
    return _counted(code, day.year)[day.timetuple().tm_yday - 1]


@lru_cache(maxsize=512)
def _counted(code: str, year: int) -> list[int]:
    """Give for each day of a year how many working days there have been with it."""
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
    return list(accumulate(int(deadlines.is_working_day(code, day)) for day in days))


def members(statistics: Statistics) -> dict[str, Any]:
    """Give the figures as the authority's JSON has them (`statistics`)."""
    times = statistics.times
    return {
        "requests": statistics.total,
        "outcomes": [
            {
                "calculated_state": outcome.state.name,
                "display_status": outcome.state.label,
                "count": outcome.count,
            }
            for outcome in statistics.outcomes
        ],
        "response_times": {
            "unit": times.unit,
            "limit": times.limit,
            "among": times.among,
            "answered_in_time": times.in_time,
            "answered_late": times.late,
            "overdue": times.overdue,
            "share_in_time": None if times.share is None else round(times.share, 4),
            "median": times.median,
            "distribution": [
                {"from": span.low, "to": span.high, "count": span.count} for span in times.spans
            ],
            "by_year": [
                {
                    "year": year.year,
                    "answered": year.answered,
                    "in_time": year.in_time,
                    "median": year.median,
                }
                for year in times.years
            ],
        },
    }
