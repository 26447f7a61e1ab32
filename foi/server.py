"""Waitress as the site wants it: its own refusals in the one shape for every failure.

Waitress takes a body to the end, on disk, before the application hears of it: a client that
drops the connection is never heard of at all, and a body beyond the limit is refused at its
announcement. It would tell so in plain text, which no client of the API expects.
"""

import json
import socket
import sys
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from waitress.utilities import (
    BadRequest,
    RequestEntityTooLarge,
    RequestHeaderFieldsTooLarge,
    ServerNotImplemented,
)

from foi.dispatch import Dispatcher
from foi.settings import Settings

PATIENCE = 0.02
"""Seconds after which a further thread helps, on SQLite."""
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


def serving(app: Any, listening: socket.socket, settings: Settings) -> Any:
    """Make the server of an application; `run` it."""
    # On PostgreSQL a thread waits for the network most of the time, and lets others work.
    on_sqlite = settings.database_url.startswith("sqlite")
    dispatcher = Dispatcher(PATIENCE if on_sqlite else 0.0)
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
