"""How authorities use the write API: their events in the log, month by month; no counter of its
own.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import extract, func, select
from sqlalchemy.orm import Session

from foi.archive.models import Body, Event
from foi.desk import frame
from foi.site import site_of

MONTHS = 6
"""Months that are looked at, the present one among them."""

Month = tuple[int, int]


def _months(today: date) -> list[Month]:
    """Give the last months, the newest first."""
    last = today.year * 12 + today.month - 1
    return [((last - n) // 12, (last - n) % 12 + 1) for n in range(MONTHS)]


def _start(months: Sequence[Month]) -> datetime:
    year, month = months[-1]
    return datetime(year, month, 1, tzinfo=UTC)


_MONTH = (extract("year", Event.recorded_at), extract("month", Event.recorded_at))


def of_body(db: Session, body_id: int, today: date) -> list[tuple[str, int]]:
    """Give each of the last months with the number of events that an authority has made."""
    months = _months(today)
    rows = db.execute(
        select(*_MONTH, func.count())
        .where(
            Event.body_id == body_id,
            Event.actor == f"body:{body_id}",
            Event.recorded_at >= _start(months),
        )
        .group_by(*_MONTH)
    )
    counted = {(int(year), int(month)): number for year, month, number in rows}
    return [(_words(month), counted.get(month, 0)) for month in months]


def _words(month: Month) -> str:
    return f"{date(*month, 1):%B %Y}"


def page(request: Request) -> Response:
    """Every authority that has used the write API of late, the busiest first."""
    months = _months(site_of(request).calendar.today())
    rows = request.db.execute(
        select(Event.actor, *_MONTH, func.count())
        .where(Event.actor.like("body:%"), Event.recorded_at >= _start(months))
        .group_by(Event.actor, *_MONTH)
    )
    counted: dict[int, dict[Month, int]] = {}
    for actor, year, month, number in rows:
        of_one = counted.setdefault(int(actor.partition(":")[2]), {})
        of_one[int(year), int(month)] = number
    busiest = sorted(counted, key=lambda key: -sum(counted[key].values()))[:200]
    named: dict[int, Any] = {
        row.id: row
        for row in request.db.execute(
            select(Body.id, Body.name, Body.url_name).where(Body.id.in_(busiest))
        )
    }
    lines = [
        (named[key], [counted[key].get(month, 0) for month in months])
        for key in busiest
        if key in named
    ]
    return frame.show(
        request, "use", "Use of the write API", months=[_words(m) for m in months], lines=lines
    )
