"""The worker: one thread for each consumer, and one for the duties of the clock.

In `foi serve` it runs beside the web server; `foi work` runs it alone, in as many processes as one
likes. One thread each, so that a slow file or a far side that is down delays nobody else.
"""

import logging
import threading
from collections.abc import Sequence

from foi.site import Site
from foi.work import duties, outbox
from foi.work.consumers import Consumer, Later, Outcome

log = logging.getLogger(__name__)

_BRIEF = 10.0
"""Seconds; what is put off for less is under way."""
DUTY_PAUSE = 600.0
"""Seconds between two looks for duties."""


def work_once(site: Site, consumer: Consumer) -> int:
    """Take one batch of a consumer's deliveries; give how many it held."""
    with site.sessions.reading() as db:
        if not outbox.due(db, consumer.name):
            return 0
    with site.sessions.writing() as db:
        claims = outbox.claim(db, consumer.name, consumer.batch)
    if not claims:
        return 0
    outcome = _deliver(consumer, [claim.subject for claim in claims])
    _warn(consumer, outcome)
    with site.sessions.writing() as db:
        for claim in claims:
            outbox.settle(db, claim, outcome.get(claim.subject))
    return len(claims)


def _warn(consumer: Consumer, outcome: Outcome) -> None:
    """Log what could not be done, once for each reason: a far side that is away concerns all.

    What is put off for seconds takes its course, and is no warning.
    """
    by_reason: dict[tuple[int, str], list[str]] = {}
    for subject, problem in outcome.items():
        if problem is not None:
            brief = isinstance(problem, Later) and problem.seconds < _BRIEF
            level = logging.INFO if brief else logging.WARNING
            by_reason.setdefault((level, str(problem)), []).append(subject)
    for (level, reason), (first, *others) in by_reason.items():
        more = f" and {len(others)} more" if others else ""
        log.log(level, "%s could not deal with %s%s: %s", consumer.name, first, more, reason)


def _deliver(consumer: Consumer, subjects: Sequence[str]) -> dict[str, Exception | None]:
    """Let the consumer look at subjects together; if that fails as a whole, at each alone."""
    try:
        return dict(consumer.deliver(subjects))
    except Later as later:
        return dict.fromkeys(subjects, later)
    except Exception as problem:
        if len(subjects) == 1:
            log.exception("%s failed on %s", consumer.name, subjects[0])
            return {subjects[0]: problem}
        return {
            s: result
            for subject in subjects
            for s, result in _deliver(consumer, [subject]).items()
        }


def drain(site: Site, rounds: int = 1000) -> int:
    """Work until nothing is due: for tests, imports and commands; give how many deliveries were
    dealt with.
    """
    total = 0
    for _ in range(rounds):
        dealt = sum(work_once(site, consumer) for consumer in site.consumers.all)
        if not dealt:
            break
        total += dealt
    return total


class Worker:
    """Threads that work until stopped."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._work, args=(consumer,), name=f"work-{consumer.name}", daemon=True
            )
            for consumer in site.consumers.all
        ]
        self._threads.append(
            threading.Thread(target=self._do_duties, name="work-duties", daemon=True)
        )

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Let each thread finish what it has in hand, for at most `seconds` each."""
        self._stop.set()
        for thread in self._threads:
            thread.join(seconds)

    def _work(self, consumer: Consumer) -> None:
        pause = self._site.settings.worker_poll
        while not self._stop.is_set():
            try:
                idle = work_once(self._site, consumer) == 0
            except Exception:
                log.exception("the worker for %s stumbled", consumer.name)
                idle, pause = True, min(pause * 2, 30.0)
            else:
                pause = self._site.settings.worker_poll
            if idle:
                self._stop.wait(pause)

    def _do_duties(self) -> None:
        while not self._stop.is_set():
            try:
                duties.perform(self._site)
            except Exception:
                log.exception("a duty could not be done")
            self._stop.wait(DUTY_PAUSE)
