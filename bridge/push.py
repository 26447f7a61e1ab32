"""Going through the whole archive, or one request, and making Aleph agree with it here and now.

The worker does the same bit by bit; this is for the first time, for after a pause, and for those
who want to see it done. What it gives up: going on when Aleph goes away.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from bridge.comparing import SAME, WITHDRAW, Change
from bridge.converge import converge, visit
from bridge.receipts import number_in, with_number
from bridge.report import Report
from bridge.selection import taken
from bridge.stamps import stamps
from bridge.target import Target
from bridge.visit import WHOLE
from foi.archive import reading
from foi.archive.models import Body, InfoRequest

BATCH = 200
"""Subjects that are read at once."""

Progress = Callable[[int, int, str], None]
"""Is told how many subjects of how many are done, and which was the last."""

Job = tuple[Target, Sequence[str]]
"""A collection, and the subjects to look at in it."""


@dataclass
class Summary:
    """What a push did, in objects; `waiting` counts subjects that Aleph had not finished with."""

    sent: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    waiting: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    """Of what was sent: what is there by name, but Aleph could not read, and why."""
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
            "failed": _named(self.failed),
            "unread": _named(self.unread),
            "stopped": self.stopped or None,
        }


def _named(problems: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"what": what, "why": why} for what, why in problems.items()]


def subjects_of_all(target: Target) -> list[str]:
    """Give every subject that has or should have something in the collection.

    Those at which others point come last if they may have to go: they wait for the others.
    """
    source = target.source()
    with target.site.sessions.reading() as db:
        if source.selection.whole:
            found = [f"body:{id_}" for id_ in db.scalars(select(Body.id).order_by(Body.id))]
            columns = select(InfoRequest.id, InfoRequest.body_id, InfoRequest.person_id)
            rows = db.execute(columns.where(reading.listed()).order_by(InfoRequest.id)).all()
        else:
            found = []
            rows = taken(db, target.site, source.selection, source.today)
        found += [f"request:{row.id}" for row in rows]
        # Mostly these are dealt with before, together with who needs them.
        found += [f"body:{row.body_id}" for row in rows]
        found += [f"person:{row.person_id}" for row in rows if row.person_id]
        for kind in ("request", "person", "body"):
            found += target.receipts.subjects(db, kind)
    return list(dict.fromkeys(found))


def untouched(target: Target, subjects: Iterable[str]) -> dict[str, int]:
    """Give those of some subjects of which all is there and nothing has changed since: of how many
    objects each is.
    """
    source = target.source()
    with target.site.sessions.reading() as db:
        kept = target.receipts.stamped(db)
        now = stamps(db, source, [subject for subject in subjects if subject in kept])
    same = {subject: number_in(kept[subject]) for subject in now}
    return {s: n for s, n in same.items() if kept[s] == with_number(now[s], n)}


def push(
    jobs: Sequence[Job],
    progress: Progress,
    *,
    wait: float,
    pause: float = 2.0,
    thorough: bool = False,
) -> Summary:
    """Make Aleph agree with the rows of subjects; wait for it up to `wait` seconds at the end.

    What has not changed since it was last complete is passed over, unless it is to be `thorough`.
    Aleph takes files in long before it has processed them, and only then the rest about them can
    be written: so subjects with files are looked at a second time.
    """
    runs = [_Run(target, list(subjects)) for target, subjects in jobs]
    teller = _Teller(progress, sum(len(run.subjects) for run in runs))
    summary = Summary()
    try:
        for run in runs:
            run.go(run.subjects if thorough else run.changed(teller), teller)
        end = time.monotonic() + wait
        for run in runs:
            run.settle(teller, end, pause)
    except WHOLE as error:
        summary.stopped = str(error)
    for run in runs:
        run.tell(summary)
    return summary


class _Teller:
    """Counts what is done, over all collections."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self.total, self.done = progress, total, 0

    def count(self, last: str) -> None:
        self.done += 1
        self._progress(min(self.done, self.total), self.total, last)

    def say(self, what: str) -> None:
        self._progress(min(self.done, self.total), self.total, what)


class _Run:
    """A push to one collection."""

    def __init__(self, target: Target, subjects: list[str]) -> None:
        self._target, self.subjects = target, subjects
        self.reports: dict[str, Report] = {}
        self._quiet: dict[str, int] = {}
        """Subjects of which nothing but the number of their objects is worth keeping."""
        self._brought: set[str] = set()

    def changed(self, teller: _Teller) -> list[str]:
        """Pass over what has not changed; give the rest."""
        self._quiet |= untouched(self._target, self.subjects)
        for subject in self._quiet:
            teller.count(subject)
        return [subject for subject in self.subjects if subject not in self._quiet]

    def go(self, subjects: Sequence[str], teller: _Teller | None) -> None:
        """Look at subjects, once each; what the others have needed has been looked at."""
        for some in _batches(subjects):
            batch = [each for each in some if each not in self._brought]
            for report in converge(self._target, batch, brought=self._brought):
                self._merge(report)
            for each in some if teller else ():
                assert teller is not None
                teller.count(each)

    def _merge(self, report: Report) -> None:
        former = self.reports.get(report.subject)
        noted = report.sent or report.withdrawn or report.failed or report.waiting or report.also
        self._quiet.pop(report.subject, None)
        if former is None and not noted:
            self._quiet[report.subject] = len(report.unchanged)
            return
        if former is not None:
            report.sent |= former.sent
            report.withdrawn |= former.withdrawn
        self.reports[report.subject] = report
        for subject in report.also:
            self._brought.discard(subject)
            if subject not in self.reports:
                self.reports[subject] = Report(subject)
            if not self.reports[subject].waiting:
                self.reports[subject].waiting = "to be looked at again"

    def tell(self, summary: Summary) -> None:
        """Add what became of all subjects."""
        for report in self.reports.values():
            summary.add(report)
        summary.unchanged += sum(self._quiet.values())
        sent = {name for report in self.reports.values() for name in report.sent}
        if sent:
            with self._target.site.sessions.reading() as db:
                unread = self._target.receipts.unread(db)
            summary.unread |= {
                f"{held.foreign_id} ({held.file_name})": held.reason or "Aleph gives no reason"
                for held in unread
                if held.foreign_id in sent
            }

    def settle(self, teller: _Teller, end: float, pause: float) -> None:
        """Look again at what waits for Aleph, once its queue is empty or the time is over."""
        refresh = self._target.aleph.patience.refresh
        while waiting := [subject for subject, report in self.reports.items() if report.waiting]:
            self._wait(teller, end, pause)
            self._brought.difference_update(waiting)
            self.go(sorted(waiting, key=_last_of_all), None)
            if time.monotonic() >= end:
                return
            if any(self.reports[subject].waiting for subject in waiting):
                # Done, but the index does not show it yet.
                time.sleep(min(refresh, max(0.0, end - time.monotonic())))
        if any(report.sent or report.withdrawn for report in self.reports.values()):
            self._wait(teller, end, pause)

    def _wait(self, teller: _Teller, end: float, pause: float) -> None:
        """Wait until Aleph has nothing more to do for the collection, or the time is over."""
        nap = min(0.05, pause)
        while not self._target.idle() and time.monotonic() < end:
            teller.say("waiting for Aleph")
            time.sleep(nap)
            nap = min(nap * 2, pause)


def _last_of_all(subject: str) -> bool:
    return not subject.startswith("request:")


def plan(jobs: Sequence[Job], progress: Progress) -> Summary:
    """Say what a push would do, without doing it."""
    summary = Summary()
    for _, change in changes(jobs, progress):
        if change.action == SAME:
            summary.unchanged += 1
        elif change.action == WITHDRAW:
            summary.withdrawn += 1
        else:
            summary.sent += 1
    return summary


def changes(jobs: Sequence[Job], progress: Progress) -> Iterator[tuple[Target, Change]]:
    """Give what a push would do with each object, those that it would leave included."""
    teller = _Teller(progress, sum(len(subjects) for _, subjects in jobs))
    for target, subjects in jobs:
        seen: set[str] = set()
        for batch in _batches(subjects):
            visits, needed = visit(target, batch, seen)
            for each in (*visits, *needed):
                if each.subject not in seen:
                    seen.add(each.subject)
                    yield from ((target, change) for change in each.plan())
            for subject in batch:
                teller.count(subject)


def _batches(subjects: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(subjects), BATCH):
        yield subjects[start : start + BATCH]
