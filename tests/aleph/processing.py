"""The work queue: uploads are ingested, then indexed, some time after they were acknowledged.

The queue's counters are all a client can watch, and they fall back to zero when the last task
ends, whatever became of it. With a delay of 0 all work is done before the request is answered.
Gives up: parallel workers, retries, priorities.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.aleph.store import Record, Store

Worker = Callable[[Record], None]


@dataclass
class Poison:
    """What shall go wrong with files, by SHA-1 or file name: fail, be lost, or stick."""

    fates: dict[str, str] = field(default_factory=dict)

    def set(self, file: str, fate: str = "fail") -> None:
        """Let processing of a file (SHA-1 or name) ``fail``, be ``lost`` or be ``stuck``."""
        if fate not in ("fail", "lost", "stuck"):
            raise ValueError(f"no such fate: {fate}")
        self.fates[file] = fate

    def fate(self, *names: str) -> str:
        """Give the fate of a file with these names, '' for none."""
        return next((self.fates[name] for name in names if name in self.fates), "")


def stamp(moment: float) -> str:
    """Give a time as the status endpoint writes it."""
    naive = datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)
    return naive.isoformat(timespec="microseconds")


class Pipeline:
    """The tasks of all collections and the thread that does them when they fall due."""

    def __init__(self, store: Store, delay: float, *, ingest_worker: bool = True) -> None:
        self.store = store
        self.delay = delay
        self.ingest_worker = ingest_worker
        self.workers: dict[str, Worker] = {}
        self.refresh: Callable[[], None] = lambda: None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start working in the background (with a delay of 0 there is nothing to do there)."""
        if self.delay == 0:
            return
        self._thread = threading.Thread(target=self._run, name="aleph-worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the background work."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(max(0.01, min(0.05, self.delay / 10))):
            with self.store.lock:
                self.work()
                self.refresh()
                self.store.commit()

    def queue(self, collection_id: str, stage: str, job: str = "", **payload: Any) -> None:
        """Add a task; it is taken up after half the delay and done after the whole of it.

        An ingest task and the index task that follows it share the delay.
        """
        begin = time.time()
        share = self.delay / 2 if stage == "ingest" or payload.get("follows") else self.delay
        due: float | None = begin + share
        if payload.get("stuck") or (stage == "ingest" and not self.ingest_worker):
            due = None
        number = self.store.number("task")
        self.store.tasks.save(
            str(number),
            {
                "collection_id": collection_id,
                "stage": stage,
                "job": job,
                "payload": payload,
                "queued": begin,
                "due": due,
                "share": share,
                "done": None,
            },
        )

    def work(self) -> None:
        """Do all tasks that are due, in order of their time."""
        while True:
            moment = time.time()
            ready = [
                (task["due"], int(key))
                for key, task in self.store.tasks.items()
                if task["done"] is None and task["due"] is not None and task["due"] <= moment
            ]
            if not ready:
                return
            key = str(min(ready)[1])
            task = self.store.tasks[key]
            self.workers[task["stage"]](task)
            # A task may have cancelled its collection's queue, itself included.
            if key in self.store.tasks:
                self.store.tasks.save(key, {**task, "done": time.time()})
            self._reset(task["collection_id"])

    def _reset(self, collection_id: str) -> None:
        tasks = [
            (key, task)
            for key, task in self.store.tasks.items()
            if task["collection_id"] == collection_id
        ]
        if all(task["done"] is not None for _, task in tasks):
            for key, _ in tasks:
                self.store.tasks.drop(key)

    def settle(self) -> None:
        """Do everything that can be done now when no delay is wanted."""
        if self.delay == 0:
            self.work()

    def cancel(self, collection_id: str) -> None:
        """Forget all tasks of a collection, whoever queued them."""
        self.store.purge(self.store.tasks, lambda t: t["collection_id"] == collection_id)

    def tasks(self, collection_id: str) -> list[Record]:
        """Give a collection's tasks with their ``state``: pending, running or finished."""
        moment = time.time()
        out = []
        for task in self.store.of(self.store.tasks, collection_id):
            if task["done"] is not None:
                state = "finished"
            elif task["due"] is not None and moment > task["due"] - task["share"] / 2:
                state = "running"
            else:
                state = "pending"
            out.append({**task, "state": state})
        return out

    def active(self) -> list[str]:
        """Give the ids of collections with tasks."""
        return list(dict.fromkeys(t["collection_id"] for t in self.store.tasks.values()))
