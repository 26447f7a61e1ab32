"""Counts what was found by state, authority, year and type of file.

A request counts once for each value, so that a count is the number of results that narrowing by it
leaves. All documents of a request lie in one segment, so counts of segments add up. Given up:
nothing is counted when time is short, rather than a part.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

from foi.search.engine import Facets, Kind
from foi.search.whoosh_format import kind_number
from foi.search.whoosh_reader import Clock, Found, Snapshot
from foi.search.whoosh_segment import Segment

SHOWN = 10
"""Values of a facet that are given."""


def count(
    snapshot: Snapshot, found: Iterable[Found], collapse: bool, today: date, clock: Clock
) -> Facets:
    """Count hits that are events of requests; OutOfTime when there is no time for all of it."""
    wanted = kind_number(Kind.REQUESTS)
    by_segment: dict[int, list[int]] = {}
    for _, _, _, kind, position, number in found:
        if kind == wanted:
            by_segment.setdefault(position, []).append(number)
    totals: dict[str, Counter[str]] = {
        name: Counter() for name in ("state", "authority", "year", "filetype")
    }
    for position, numbers in by_segment.items():
        for name, counted in _of_segment(snapshot[position][0], numbers, collapse, today):
            clock.check()
            totals[name].update(counted)
    return {name: _chosen(name, total) for name, total in totals.items()}


def _of_segment(
    segment: Segment, numbers: list[int], collapse: bool, today: date
) -> Iterable[tuple[str, Counter[str]]]:
    owners = segment.facts["owner"]
    one = list({owners[i]: i for i in numbers}.values()) if collapse else numbers
    states, column = segment.column("latest_status")
    yield "state", Counter(states[column[i]] for i in one)
    yield "state", Counter({"overdue": _overdue(segment, one, today)})
    authorities, column = segment.column("requested_from")
    yield "authority", Counter(authorities[column[i]] for i in one)
    days = segment.facts["day"]
    years = {day: str(date.fromordinal(day).year) for day in {days[i] for i in numbers}}
    yield "year", _count((owners[i] if collapse else i, years[days[i]]) for i in numbers)
    members = segment.members("filetype")
    for value, having in members.items():
        there: Collection[int] = having.intersection(numbers)
        yield (
            "filetype",
            Counter({value: len({owners[i] for i in there} if collapse else there)}),
        )


def _count(pairs: Iterable[tuple[int, str]]) -> Counter[str]:
    return Counter(value for _, value in set(pairs))


def _overdue(segment: Segment, numbers: list[int], today: date) -> int:
    states, column = segment.column("latest_status")
    if "waiting_response" not in states:
        return 0
    waiting, now = states.index("waiting_response"), today.toordinal()
    due, very_due = segment.facts["due"], segment.facts["very_due"]
    return sum(
        1 for i in numbers if column[i] == waiting and (0 < due[i] < now or 0 < very_due[i] < now)
    )


def _chosen(name: str, total: Counter[str]) -> list[tuple[str, int]]:
    there = [(value, number) for value, number in total.items() if value and number]
    if name == "year":
        return sorted(there, reverse=True)
    return sorted(there, key=lambda pair: (-pair[1], pair[0]))[:SHOWN]
