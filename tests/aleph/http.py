"""The stand-in's HTTP: one thread that reads, calls the application and answers, call by call.

Calls of the application wait for each other anyway, so that threads for them would only cost; an
imitated latency is waited out beside them. Gives up: calls that block, TLS, bodies larger than
memory.
"""

import asyncio
import logging
import sys
import threading
from email.utils import formatdate
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, parse_url

log = logging.getLogger(__name__)

AT_ONCE = 1 << 18
"""Bytes that are taken from a socket at once."""


class _Connection(asyncio.BufferedProtocol):
    """One connection of a client, for any number of calls."""

    def __init__(self, server: "HttpServer") -> None:
        self._server = server
        self._parser = HttpRequestParser(self)
        self._room = memoryview(bytearray(AT_ONCE))
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.open.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._server.open.discard(self._transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Give room for what has come."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Read what has come; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(self._room[:nbytes])
        except HttpParserUpgrade:
            pass  # to what nobody speaks here: answered as if it had not been asked for
        except HttpParserError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self._transport.close()

    # What the parser finds

    def on_message_begin(self) -> None:
        """Begin a call."""
        self._address, self._body = b"", BytesIO()
        host, port = self._transport.get_extra_info("sockname")[:2]
        self._environ: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._transport.get_extra_info("peername")[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": self._body,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "webob.is_body_seekable": True,
        }

    def on_url(self, piece: bytes) -> None:
        """Keep a piece of the address."""
        self._address += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of several with one name all values."""
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        former = self._environ.get(key)
        self._environ[key] = text if former is None else f"{former}, {text}"

    def on_headers_complete(self) -> None:
        """Encourage whoever waits for that before sending a body (RFC 9110 section 10.1.1)."""
        if self._environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body."""
        self._body.write(piece)

    def on_message_complete(self) -> None:
        """Answer, after the imitated latency."""
        environ, address = self._environ, parse_url(self._address)
        environ["REQUEST_METHOD"] = self._parser.get_method().decode("latin-1")
        environ["PATH_INFO"] = unquote_to_bytes(address.path or b"/").decode("latin-1")
        environ["QUERY_STRING"] = (address.query or b"").decode("latin-1")
        environ["CONTENT_LENGTH"] = str(self._body.tell())
        self._body.seek(0)
        stay = self._parser.should_keep_alive()
        if self._server.latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._server.latency, self._answer, environ, stay)
        else:
            self._answer(environ, stay)

    def _answer(self, environ: dict[str, Any], stay: bool) -> None:
        """Write what the application says; nothing, and no connection, if it breaks off."""
        lines: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], problem: Any = None) -> Any:
            lines[:] = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]

        try:
            content = b"".join(self._server.application(environ, start))
        except ConnectionAbortedError:
            self._transport.abort()
            return
        except Exception:
            log.exception("%s %s", environ["REQUEST_METHOD"], environ["PATH_INFO"])
            lines, content, stay = ["HTTP/1.1 500 Internal Server Error"], b"", False
        if not any(line.lower().startswith("content-length:") for line in lines):
            lines.append(f"Content-Length: {len(content)}")
        lines.append(f"Date: {formatdate(usegmt=True)}")
        lines += [] if stay else ["Connection: close"]
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + content)
        if not stay:
            self._transport.close()


class HttpServer:
    """Serves a WSGI application from construction on, in a thread of its own."""

    def __init__(
        self, application: WSGIApplication, host: str, port: int, latency: float = 0.0
    ) -> None:
        self.application, self.latency = application, latency
        self.open: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        made = self._loop.create_server(lambda: _Connection(self), host, port)
        self._listening = self._loop.run_until_complete(made)
        self.port: int = self._listening.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, break off what is under way, and end the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._loop.close()

    async def _end(self) -> None:
        for each in self._listening.sockets:
            self._loop.remove_reader(each)
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)  # connections that are just being accepted
        self._listening.close()
        for transport in list(self.open):
            transport.abort()
        await asyncio.sleep(0)  # they let go of their sockets
