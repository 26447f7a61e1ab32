"""Going through the whole archive, or one request, and making Aleph agree with it here and now.

The worker does the same bit by bit; this is for the first time, for after a pause, and for those
who want to see it done. What it gives up: more than one request at a time.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from bridge.converge import WHOLE, Report, converge, visit
from bridge.target import Target
from foi.archive import reading
from foi.archive.models import Body, InfoRequest

BATCH = 200
"""Subjects that are read at once."""

Progress = Callable[[int, int, str], None]
"""Is told how many subjects of how many are done, and which was the last."""


@dataclass
class Summary:
    """What a push did, in objects; `waiting` counts subjects that Aleph had not finished with."""

    sent: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    waiting: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    stopped: str = ""
    """Why it ended before its time; empty: it did not."""

    @property
    def complete(self) -> bool:
        """Tell whether nothing is left to do."""
        return not (self.waiting or self.failed or self.stopped)

    def add(self, report: Report) -> None:
        """Count what became of one subject."""
        self.sent += len(report.sent)
        self.unchanged += len(report.unchanged - report.sent)
        self.withdrawn += len(report.withdrawn)
        self.failed |= report.failed
        self.waiting += bool(report.waiting)

    def members(self) -> dict[str, Any]:
        """Give the members of its JSON."""
        return {
            "sent": self.sent,
            "unchanged": self.unchanged,
            "withdrawn": self.withdrawn,
            "waiting": self.waiting,
            "failed": [{"what": what, "why": why} for what, why in self.failed.items()],
            "stopped": self.stopped or None,
        }


def subjects_of_all(target: Target) -> list[str]:
    """Give every subject that has or should have something in the collection."""
    with target.site.sessions.reading() as db:
        listed = reading.listed()
        wanted: list[tuple[str, InstrumentedAttribute[Any], list[ColumnElement[bool]]]] = [
            ("body", Body.id, []),
            ("request", InfoRequest.id, [listed]),
            ("person", InfoRequest.person_id, [listed, InfoRequest.person_id.is_not(None)]),
        ]
        found: list[str] = []
        # People come last: those who go must wait until their letters have gone.
        for kind, column, conditions in wanted:
            ids = db.scalars(select(column).where(*conditions).distinct().order_by(column))
            there = target.receipts.subjects(db, kind)
            found += dict.fromkeys(chain((f"{kind}:{id_}" for id_ in ids), there))
        return found


def push(
    target: Target,
    subjects: Sequence[str],
    progress: Progress,
    *,
    wait: float,
    pause: float = 2.0,
) -> Summary:
    """Make Aleph agree with the rows of subjects; wait for it up to `wait` seconds at the end.

    Aleph takes files in long before it has processed them, and only then the rest about them can
    be written: so subjects with files are looked at a second time.
    """
    reports: dict[str, Report] = {}
    stopped = ""
    try:
        _pass(target, subjects, reports, progress)
        _settle(target, reports, progress, wait, pause)
    except WHOLE as error:
        stopped = str(error)
    summary = Summary(stopped=stopped)
    for report in reports.values():
        summary.add(report)
    return summary


def _settle(
    target: Target, reports: dict[str, Report], progress: Progress, wait: float, pause: float
) -> None:
    """Look again at what waits for Aleph, once its queue is empty or the time is over."""
    end = time.monotonic() + wait
    while waiting := [subject for subject, report in reports.items() if report.waiting]:
        _wait(target, len(reports) - len(waiting), len(reports), progress, end, pause)
        time.sleep(min(target.aleph.patience.refresh, max(0.0, end - time.monotonic())))
        _pass(target, waiting, reports, _silent)
        if time.monotonic() >= end:
            return
    if any(report.sent or report.withdrawn for report in reports.values()):
        _wait(target, len(reports), len(reports), progress, end, pause)


def _wait(
    target: Target, done: int, total: int, progress: Progress, end: float, pause: float
) -> None:
    """Wait until Aleph has nothing more to do for the collection, or the time is over."""
    nap = min(0.05, pause)
    while not target.idle() and time.monotonic() < end:
        progress(done, total, "waiting for Aleph")
        time.sleep(nap)
        nap = min(nap * 2, pause)


def _silent(done: int, total: int, last: str) -> None:
    """Tell nobody."""


def _pass(
    target: Target, subjects: Sequence[str], reports: dict[str, Report], progress: Progress
) -> None:
    done = 0
    for batch in _batches(subjects):
        for report in converge(target, batch):
            _merge(reports, report)
            done += report.subject in batch
            progress(done, len(subjects), report.subject)


def _merge(reports: dict[str, Report], report: Report) -> None:
    former = reports.get(report.subject)
    if former is not None:
        report.sent |= former.sent
        report.withdrawn |= former.withdrawn
    reports[report.subject] = report
    for subject in report.also:
        if subject not in reports:
            reports[subject] = Report(subject, waiting="to be looked at again")


def plan(target: Target, subjects: Sequence[str], progress: Progress) -> Summary:
    """Say what a push would do, without doing it."""
    summary = Summary()
    visits = (each for batch in _batches(subjects) for each in visit(target, batch)[0])
    for done, each in enumerate(visits, start=1):
        report = each.plan()
        summary.add(report)
        progress(done, len(subjects), report.subject)
    return summary


def _batches(subjects: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(subjects), BATCH):
        yield subjects[start : start + BATCH]
