"""The worker's part of the bridge: whatever changed is made to agree in Aleph.

Aleph being down or refusing the key costs nothing but time: every subject is put off, uncounted,
until it answers. A file that cannot be sent harms its own request only. What it gives up: sending
several requests at once.
"""

import time
from collections.abc import Sequence

from bridge import turnstile
from bridge.converge import Report, converge
from bridge.target import Target, Unusable, open_target
from bridge.wire import AlephDenied, AlephDown, AlephError, CollectionGone, Patience
from foi.archive import ledger
from foi.site import Site
from foi.work import outbox
from foi.work.consumers import Later, Outcome

SOON, LATER, MUCH_LATER = 5.0, 30.0, 300.0
"""Seconds until the next look: while Aleph works, while it is down, while somebody must act."""
LOOK = 600.0
"""Seconds for which key and collection are taken to be as they were."""


class Partly(Exception):
    """Some of a subject's objects could not be sent; the text names them."""


class AlephConsumer:
    """Keeps the collection of the site in step with the archive."""

    name = "aleph"
    subjects = frozenset({"request", "body", "person"})
    batch = 20

    def __init__(self, site: Site, patience: Patience | None = None) -> None:
        self._site = site
        self._patience = patience or Patience(attempts=3, longest=10.0)
        self._target: Target | None = None
        self._opened = 0.0

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Make Aleph agree with the rows of these subjects."""
        try:
            with turnstile.passing(self._site.settings.data_folder):
                return self._deliver(subjects)
        except turnstile.Shut as shut:
            raise Later(SOON, str(shut)) from None

    def _deliver(self, subjects: Sequence[str]) -> Outcome:
        target = self._open()
        outcome: dict[str, Exception | None] = {}
        end = time.monotonic() + outbox.LEASE.total_seconds() / 2
        left: Exception = Later(0.0, "the time for one batch was over")
        try:
            for report in converge(target, subjects):
                if report.subject in subjects:
                    outcome[report.subject] = self._verdict(report)
                elif report.failed:
                    self._owe([report.subject])  # what they need: it fails on its own account
                if time.monotonic() > end:
                    break
        except AlephDown as error:
            left = Later(LATER, str(error))
        except AlephDenied as error:
            self._target, left = None, Later(MUCH_LATER, str(error))
        except CollectionGone as error:
            self._target, left = None, Later(SOON, str(error))
        return {subject: outcome.get(subject, left) for subject in subjects}

    def _open(self) -> Target:
        """Give the collection, looked at again now and then; Later when it cannot be had."""
        if self._target is None or time.monotonic() - self._opened > LOOK:
            try:
                self._target = open_target(self._site, self._patience)
            except AlephDown as error:
                raise Later(LATER, str(error)) from None
            except (AlephError, Unusable) as error:
                raise Later(MUCH_LATER, str(error)) from None
            self._opened = time.monotonic()
        return self._target

    def _verdict(self, report: Report) -> Exception | None:
        self._owe(report.also)
        if report.failed:
            return Partly("; ".join(f"{name}: {why}" for name, why in report.failed.items()))
        return Later(SOON, report.waiting) if report.waiting else None

    def _owe(self, subjects: Sequence[str]) -> None:
        if subjects:
            with self._site.sessions.writing() as db:
                ledger.owe(db, subjects, [self.name])
