"""The site's own calendar: its time zone, and the deadline rule of authorities that name none."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from foi.archive import deadlines
from foi.archive.models import Body, InfoRequest


@dataclass(frozen=True)
class Calendar:
    """Time zone and default jurisdiction of the site."""

    zone: ZoneInfo
    jurisdiction: str

    def day(self, moment: datetime) -> date:
        """Give the site-local day of a moment."""
        return moment.astimezone(self.zone).date()

    def today(self) -> date:
        """Give the site-local day of now."""
        return self.day(datetime.now(UTC))

    def midnight(self, day: date) -> datetime:
        """Give the moment at which a site-local day begins, in UTC."""
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)


def of(db: Session) -> Calendar:
    """Give the calendar of the site that a session belongs to."""
    return db.info["calendar"]  # type: ignore[no-any-return]


def start_clock(db: Session, request: InfoRequest, body: Body, moment: datetime | None) -> None:
    """Let a request's deadlines count from a moment; without one they are not known, nor for a day
    outside the years that `deadlines` knows.
    """
    calendar = of(db)
    day = None if moment is None else calendar.day(moment)
    if day is None or not deadlines.FIRST_YEAR <= day.year <= deadlines.LAST_YEAR:
        request.day_zero = request.due_on = request.very_overdue_on = None
        return
    request.day_zero = day
    due = deadlines.due(body.jurisdiction or calendar.jurisdiction, request.day_zero)
    request.due_on, request.very_overdue_on = due.due_on, due.very_overdue_on
