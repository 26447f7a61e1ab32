"""Waitress as the site wants it: its own refusals in the one shape for every failure.

Waitress takes a body to the end, on disk, before the application hears of it: a client that
drops the connection is never heard of at all, and a body beyond the limit is refused at its
announcement. It would tell so in plain text, which no client of the API expects.
"""

import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, ThreadedTaskDispatcher
from waitress.utilities import (
    BadRequest,
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
    ServerNotImplemented,
)

from foi.settings import Settings

PATIENCE = 0.02
"""Seconds after which a further thread helps, on SQLite."""
STAND_INS = 16
"""Clients that may read slowly before they keep others waiting."""
CONNECTIONS = 400
"""Connections at once; each may need a second file, and a process often has 1024."""


class _Refusal(ErrorTask):  # type: ignore[misc]
    """Tells in JSON why a call was not let in; on a page, in plain text, as ever."""

    def execute(self) -> None:
        """Write the answer."""
        error = self.request.error
        if isinstance(error, ServerNotImplemented):
            # A Transfer-Encoding that is none: RFC 9112 would have it a 501, but it is the client
            # that must do otherwise, and many of them try again after any 5xx.
            said = "This Transfer-Encoding is not taken here: send chunked, or a Content-Length."
            error = self.request.error = BadRequest(said)
        # Where even the address could not be read, a program has sent it.
        known = not isinstance(error, RequestHeaderFieldsTooLarge)
        path = getattr(self.request, "path", "") if known else ""
        if path and not path.startswith("/api/"):
            super().execute()
            return
        limit = self.channel.server.adj.max_request_body_size
        too_large = isinstance(error, RequestEntityTooLarge)
        said = f"The call is larger than {limit - 1:,} bytes." if too_large else str(error.body)
        body = json.dumps({"errors": [said]}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _Refusal

    def handle_close(self) -> None:
        """Let go of what a client had sent when it dropped the connection: a file of any size."""
        if self.request is not None:
            self.request.close()
        super().handle_close()

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Wait for a client that does not read as fast as it is sent to; another thread takes the
        place of this one for so long, or four slow downloads would stop the site.
        """
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            with self.server.task_dispatcher.relieved():
                super()._flush_outbufs_below_high_watermark()


class _Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Lets one thread answer while each answer is quick; another helps where one takes long.

    Threads that compute at the same time take Python's lock from each other at every row that
    SQLite gives, which made a page cost up to twice its processor time. What it gives up: the
    first `patience` seconds of whoever comes behind a long answer.
    """

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience
        self._taken: dict[int, float] = {}  # when each thread at work took its task
        self._watched = False  # whether one of the idle threads looks at the clock
        self._own = 0  # threads without those that stand in for others
        self._standing_in = 0
        self._counting = threading.Lock()

    def begin(self, threads: int) -> None:
        """Start so many threads."""
        self._own = threads
        self.set_thread_count(threads)

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

    def shutdown(self, cancel_pending: bool = True, timeout: int = 5) -> bool:
        """End all threads; none stands in any more."""
        with self._counting:
            self._own = 0
        ended: bool = super().shutdown(cancel_pending, timeout)
        return ended

    def handler_thread(self, thread_no: int) -> None:
        """Carry out tasks until told to stop."""
        while True:
            with self.lock:
                self.active_count -= 1
                self._taken.pop(thread_no, None)
                while not self.stop_count and not self._is_due():
                    self._idle()
                if self.stop_count:
                    self.stop_count -= 1
                    self.threads.discard(thread_no)
                    self.thread_exit_cv.notify()
                    return
                self.active_count += 1
                task = self.queue.popleft()
                self._taken[thread_no] = time.monotonic()
                if self.queue and not self._watched:
                    self.queue_cv.notify()
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

    def _idle(self) -> None:
        """Wait; while there is a queue one of those who do watches the clock."""
        if self.queue and not self._watched:
            self._watched = True
            self.queue_cv.wait(self._patience)
            self._watched = False
        else:
            self.queue_cv.wait()

    def add_task(self, task: Any) -> None:
        """Queue a task; wake a thread only where it is due or none watches."""
        with self.lock:
            self.queue.append(task)
            if not self._watched or self._is_due():
                self.queue_cv.notify()


def serving(app: Any, listening: socket.socket, settings: Settings) -> Any:
    """Make the server of an application; `run` it."""
    # On PostgreSQL a thread waits for the network most of the time, and lets others work.
    on_sqlite = settings.database_url.startswith("sqlite")
    dispatcher = _Dispatcher(PATIENCE if on_sqlite else 0.0)
    dispatcher.begin(settings.threads)
    server = waitress.create_server(
        app,
        _dispatcher=dispatcher,
        sockets=[listening],
        threads=settings.threads,
        # Waitress refuses what has just as many bytes, too.
        max_request_body_size=(settings.body_limit or sys.maxsize - 1) + 1,
        channel_timeout=120,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        # Who is trusted with it is the site's own to say (foi.limits.address).
        clear_untrusted_proxy_headers=not settings.trusted_proxies,
        ident=None,
    )
    server.channel_class = _Channel
    return server
