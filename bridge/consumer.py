"""The worker's part of the bridge: whatever changed is made to agree in one Aleph.

Aleph being down or refusing the key costs nothing but time: every subject is put off, uncounted,
until it answers. A file that cannot be sent harms its own request only. Each Aleph has a consumer
of its own, so that none waits for another. What it gives up: knowing what nobody has changed (that
is for `foi bridge verify`).
"""

import time
from collections.abc import Iterable, Mapping, Sequence

from bridge import turnstile
from bridge.config import Remote, Unusable
from bridge.converge import converge
from bridge.places import Place, route
from bridge.report import Report
from bridge.target import Link
from bridge.wire import AlephDenied, AlephDown, AlephError, CollectionGone, Patience
from foi.archive import ledger
from foi.site import Site
from foi.work import outbox
from foi.work.consumers import Later, Outcome

SOON, LATER, MUCH_LATER = 5.0, 30.0, 300.0
"""Seconds until the next look: while Aleph works, while it is down, while somebody must act."""
LOOK = 600.0
"""Seconds for which key and collections are taken to be as they were."""


class Partly(Exception):
    """Some of a subject's objects could not be sent; the text names them."""


class AlephConsumer:
    """Keeps the collections of one Aleph in step with the archive."""

    subjects = frozenset({"request", "body", "person"})
    batch = 40

    def __init__(self, site: Site, remote: Remote, patience: Patience | None = None) -> None:
        self.name = remote.consumer
        self._site, self._remote = site, remote
        self._patience = patience or Patience(attempts=3, longest=10.0)
        self._link: Link | None = None
        self._opened = 0.0

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Make Aleph agree with the rows of these subjects."""
        try:
            with turnstile.passing(self._site.settings.data_folder):
                return self._deliver(subjects)
        except turnstile.Shut as shut:
            raise Later(SOON, str(shut)) from None

    def _deliver(self, subjects: Sequence[str]) -> Outcome:
        end = time.monotonic() + outbox.LEASE.total_seconds() / 2
        link = self._open()
        with self._site.sessions.reading() as db:
            places = route(db, self._site, self._remote, subjects)
        verdicts: dict[str, list[Exception]] = {subject: [] for subject in subjects}
        for place, those in places.items():
            left = self._converge(link, place, those, end, verdicts)
            for subject, problem in left.items():
                verdicts[subject].append(problem)
        return {subject: _gravest(problems) for subject, problems in verdicts.items()}

    def _converge(
        self,
        link: Link,
        place: Place,
        subjects: Sequence[str],
        end: float,
        verdicts: Mapping[str, list[Exception]],
    ) -> dict[str, Exception]:
        """Make one collection agree; give why some subjects were not reached."""
        left: Exception = Later(0.0, "the time for one batch was over")
        reached: set[str] = set()
        try:
            for report in converge(link.target(place), subjects, until=end):
                reached.add(report.subject)
                self._owe(report.also)
                if report.subject in verdicts:
                    verdicts[report.subject].extend(_verdict(report))
                elif report.failed or report.waiting:
                    self._owe([report.subject])  # what they need: it has its own delivery
        except AlephDown as error:
            left = Later(max(LATER, error.asked or 0.0), str(error))
        except AlephDenied as error:
            self._opened = -LOOK  # the key is looked at anew the next time
            left = Later(MUCH_LATER, str(error))
        except CollectionGone as error:
            link.forget(place)
            left = Later(SOON, str(error))
        except AlephError as error:
            left = Later(MUCH_LATER, str(error))
        return {subject: left for subject in subjects if subject not in reached}

    def _open(self) -> Link:
        """Give the connection, looked at again now and then; Later when it cannot be had."""
        if self._link is None or time.monotonic() - self._opened > LOOK:
            self._close()
            try:
                self._link = Link(self._site, self._remote, self._patience)
            except AlephDown as error:
                raise Later(max(LATER, error.asked or 0.0), str(error)) from None
            except (AlephError, Unusable) as error:
                raise Later(MUCH_LATER, str(error)) from None
            self._opened = time.monotonic()
        return self._link

    def _close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _owe(self, subjects: Iterable[str]) -> None:
        wanted = sorted(subjects)
        if wanted:
            with self._site.sessions.writing() as db:
                ledger.owe(db, wanted, [self.name])


def _verdict(report: Report) -> list[Exception]:
    if report.failed:
        return [Partly("; ".join(f"{name}: {why}" for name, why in report.failed.items()))]
    return [Later(SOON, report.waiting)] if report.waiting else []


def _gravest(problems: Sequence[Exception]) -> Exception | None:
    """Give one of several: what fails counts, what waits is only put off."""
    return next((each for each in problems if isinstance(each, Partly)), None) or next(
        iter(problems), None
    )
