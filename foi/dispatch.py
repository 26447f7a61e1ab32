"""Which thread answers: one as long as answers are quick, a further one where somebody would wait.

Threads that compute at the same time take Python's lock from each other at every row that SQLite
gives, which made a page cost up to twice its processor time. What it gives up: the first moments
of whoever comes behind a long answer.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from waitress.task import ThreadedTaskDispatcher

STAND_INS = 16
"""Clients that may read slowly before they keep others waiting."""


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Waitress's, but that a task waits while another that is younger than `patience` seconds is
    under way; with 0 none waits as long as there are threads.
    """

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience
        self._taken: dict[int, float] = {}  # when each thread at work took its task
        self._idle: list[threading.Condition] = []  # the last to have worked is woken first
        self._waking = 0  # threads that were woken and have not looked yet
        self._clock = threading.Condition(self.lock)
        self._clock_runs = not patience  # without patience there is nothing to watch
        self._own = 0  # threads without those that stand in for others
        self._standing_in = 0
        self._counting = threading.Lock()

    def begin(self, threads: int) -> None:
        """Start so many threads."""
        self._own = threads
        self.set_thread_count(threads)
        if self._patience:
            threading.Thread(target=self._watch, name="waitress-clock", daemon=True).start()

    @contextlib.contextmanager
    def relieved(self) -> Iterator[None]:
        """Let one more thread take tasks while the present one waits, if there are not too many
        of these already.
        """
        done = self._stand_in(1)
        try:
            yield
        finally:
            if done:
                self._stand_in(-1)

    def _stand_in(self, more: int) -> bool:
        with self._counting:
            if not self._own or self._standing_in + more > STAND_INS:
                return False
            self._standing_in += more
            self.set_thread_count(self._own + self._standing_in)
            return True

    def set_thread_count(self, count: int) -> None:
        """Start threads, or tell some to stop."""
        super().set_thread_count(count)
        with self.lock:
            while self.stop_count and self._idle:
                self._wake()

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        """End all threads; none stands in any more."""
        with self._counting:
            self._own = 0
        with self.lock:
            self._clock.notify()
        ended: bool = super().shutdown(cancel_pending, timeout)
        return ended

    def add_task(self, task: Any) -> None:
        """Queue a task, and wake a thread if it is due."""
        with self.lock:
            self.queue.append(task)
            if not self._clock_runs:
                self._clock_runs = True
                self._clock.notify()
            if self._waking < (1 if self._patience else len(self.queue)) and self._is_due():
                self._wake()

    def handler_thread(self, thread_no: int) -> None:
        """Carry out tasks until told to stop."""
        woken = threading.Condition(self.lock)
        while True:
            with self.lock:
                self.active_count -= 1
                self._taken.pop(thread_no, None)
                while not self.stop_count and not self._is_due():
                    self._idle.append(woken)
                    woken.wait()
                    self._waking -= 1
                if self.stop_count:
                    self.stop_count -= 1
                    self.threads.discard(thread_no)
                    self.thread_exit_cv.notify()
                    return
                self.active_count += 1
                task = self.queue.popleft()
                self._taken[thread_no] = time.monotonic()
            try:
                task.service()
            except BaseException:
                self.logger.exception("Exception when servicing %r", task)

    def _is_due(self) -> bool:
        """Tell whether there is a task that no thread at work is about to take: each of them has
        been at its own for long.
        """
        if not self.queue:
            return False
        newest = max(self._taken.values(), default=None)
        return newest is None or time.monotonic() - newest >= self._patience

    def _wake(self) -> None:
        if self._idle:
            self._waking += 1
            self._idle.pop().notify()

    def _watch(self) -> None:
        """Wake a further thread where one that is at work takes long; sleep while none is."""
        with self.lock:
            while self._own:
                self._clock_runs = bool(self._taken or self.queue)
                self._clock.wait(self._patience if self._clock_runs else None)
                if not self._waking and self._is_due():
                    self._wake()
