"""Many at once: threads, processes and a follower, as writers, workers and pollers of one site."""

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import bridge.models  # noqa: F401  # its tables are of the schema as well
from foi import settings
from foi.archive import casework, ledger
from foi.archive.models import InfoRequest
from foi.site import Site, open_site
from foi.work.consumers import Outcome
from foi.work.worker import work_once


class Taker:
    """A consumer that wants everything and does nothing."""

    name = "taker"
    subjects = frozenset({"request", "body", "person"})
    batch = 20

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Be content."""
        return {}


def scratch(folder: Path, **ini: str) -> Site:
    """Open a site with one consumer and nothing else around the archive."""
    site = open_site(settings.load({"data": str(folder), **ini}, {}))
    site.consumers.add(Taker())
    return site


def opened(site: Site, number: int = 1) -> list[int]:
    """Open requests to one authority and give their ids."""
    with site.sessions.writing() as db:
        body = casework.add_body(db, "desk", name="Fenby Town Council")
        db.flush()
        made = [
            casework.open_request(db, "desk", body=body, title=f"Question {n}", text="How many?")
            for n in range(number)
        ]
        db.flush()
        return [request.id for request in made]


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Do tasks at once, each in a thread of its own; the first that fails fails all."""
    ready = threading.Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        ready.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def write_many(site: Site, seed: int, mine: int, writes: int) -> int:
    """Open, answer and describe, by chance; give how many events that made."""
    chance, made = random.Random(seed), 0
    for _ in range(writes):
        verb = chance.randrange(4)
        made += 2 if verb == 2 else 1
        with site.sessions.writing() as db:
            request = db.get_one(InfoRequest, mine)
            if verb == 0:
                casework.open_request(
                    db, "desk", body=request.body, title="Lamp posts", text="How many?"
                )
            elif verb == 1:
                casework.correspond(db, request, "desk", direction="response", text="Forty.")
            elif verb == 2:
                casework.correspond(
                    db, request, "desk", direction="response", text="None.", state="rejected"
                )
            else:
                casework.classify(db, request, "desk", "successful")

    return made


def write_elsewhere(given: settings.Settings, seed: int, mine: int, writes: int) -> int:
    site = open_site(given)
    try:
        return write_many(site, seed, mine, writes)
    finally:
        site.close()


def work_elsewhere(given: settings.Settings, log: str) -> int:
    """Work off everything that is owed to `taker`; log every subject that came into hand."""
    site = open_site(given)
    lines: list[str] = []

    class Logging(Taker):
        def deliver(self, subjects: Sequence[str]) -> Outcome:
            lines.extend(f"{subject}\n" for subject in subjects)
            return {}

    consumer, idle, done = Logging(), 0, 0
    while idle < 5:
        dealt = work_once(site, consumer)
        done, idle = done + dealt, 0 if dealt else idle + 1
        if not dealt:
            time.sleep(0.01)
    site.close()
    Path(log).write_text("".join(lines))
    return done


def in_processes(task: Callable[..., int], arguments: Iterable[tuple[Any, ...]]) -> list[int]:
    """Run a task in processes of its own, forked from one that has the imports already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    given = list(arguments)
    with context.Pool(len(given)) as pool:
        results = pool.starmap(task, given, chunksize=1)
        pool.close()
        pool.join()
    return results


class Follower(threading.Thread):
    """Reads what happened by `since`, as a poller of /events.json does, until told to end."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site, self._end = site, threading.Event()
        self.seen: list[tuple[int, datetime]] = []

    def run(self) -> None:
        """Follow."""
        last_round = False
        while True:
            after = self.seen[-1][0] if self.seen else 0
            with self._site.sessions.reading() as db:
                found = db.scalars(ledger.since(after, 7)).all()
                self.seen += [(event.id, event.recorded_at) for event in found]
            if not found:
                if last_round:
                    return
                last_round = self._end.is_set()
                time.sleep(0.002)

    def finish(self) -> list[int]:
        """Let it read to the end and give the ids that it met."""
        self._end.set()
        self.join(30)
        assert not self.is_alive()
        return [event_id for event_id, _ in self.seen]
