"""Sending to an address that somebody else has chosen, so that it reaches nothing it should not.

The name is looked up once, every address it has must be a public one, and the connection goes to
the very address that was looked at. No redirect is followed, no proxy used, and a watch ends the
whole when its time is over, however slowly the far side drips. `http.client` is used because
libraries above it look the name up themselves.
"""

import contextlib
import functools
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from foi import __version__

CONNECT = 3.0
TOTAL = 10.0
"""Seconds for the connection, and for everything."""
READ = 4096
"""Bytes of an answer that are read."""
KEPT = 500
"""Characters of an answer that are kept."""
_LONGEST_URL = 2000
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class BadAddress(ValueError):
    """An address to which nothing may be sent; the text says why."""


@dataclass(frozen=True)
class Answer:
    """What came of sending."""

    status: int | None
    told: str
    milliseconds: int
    retry_after: float = 0.0

    @property
    def taken(self) -> bool:
        """Whether the far side has it (2xx)."""
        return self.status is not None and 200 <= self.status < 300


def check(url: str) -> SplitResult:
    """Take an address apart; BadAddress when none can be sent to it."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or re.search(r"[^\x21-\x7e]", url) or len(url) > _LONGEST_URL:
        raise BadAddress("is not an http(s) address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadAddress("has a name, password or fragment in it")
    return parts


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the Internet's: not private, of this machine or link,
    of the cloud's own services, or any of these wrapped in an IPv6 one.
    """
    known = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        inner = known.ipv4_mapped or known.sixtofour or (known.teredo or (None, None))[1]
        if known in _NAT64:
            inner = ipaddress.IPv4Address(int(known) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if known.is_site_local:
            return False
    return known.is_global and not known.is_multicast and not known.is_reserved


def resolve(host: str, port: int, *, private: bool) -> list[str]:
    """Give the IP addresses of a host; BadAddress when one of them may not be reached."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadAddress(f"{host} has no address") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not private and not all(is_public(address) for address in addresses):
        raise BadAddress(f"{host} is not on the public Internet (setting webhooks.allow_private)")
    return addresses


def send(url: str, body: bytes, headers: Mapping[str, str], *, private: bool = False) -> Answer:
    """Post JSON and give what came of it; never raises what the far side can cause."""
    began = time.monotonic()

    def answer(status: int | None, told: str, retry_after: float = 0.0) -> Answer:
        spent = int((time.monotonic() - began) * 1000)
        return Answer(status, _storable(told), spent, retry_after)

    late = f"no answer within {TOTAL:.0f} seconds"
    watch = _Watch()
    try:
        parts = check(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        addresses = resolve(host, port, private=private)
        with watch.over(_open(addresses, port)) as raw:
            status, told, pause = _post(raw, parts, port, body, headers)
        # What was cut off in the middle of its headers looks like an answer.
        return answer(None, late) if watch.cut else answer(status, told, pause)
    except BadAddress as wrong:
        return answer(None, f"not sent: {wrong}")
    except (OSError, http.client.HTTPException) as problem:
        said = late if watch.cut else f"no answer: {problem or type(problem).__name__}"
        return answer(None, said)


def _post(
    raw: socket.socket, parts: SplitResult, port: int, body: bytes, headers: Mapping[str, str]
) -> tuple[int, str, float]:
    """Send over a connection that stands already; give status and beginning of the answer, and
    the seconds for which it asks.
    """
    host, path = parts.hostname or "", parts.path or "/"
    if parts.scheme == "https":
        raw = _trust().wrap_socket(raw, server_hostname=host)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(host, port)
    connection.sock = raw
    own = {
        "Content-Type": "application/json",
        "User-Agent": f"foi-tracker/{__version__}",
        "Connection": "close",
    }
    path = f"{path}?{parts.query}" if parts.query else path
    with contextlib.closing(connection):
        connection.request("POST", path, body, {**headers, **own})
        with contextlib.closing(connection.getresponse()) as response:
            told = response.read(READ).decode("utf-8", "replace")
            return response.status, told, _seconds(response.headers.get("Retry-After"))


@functools.cache
def _trust() -> ssl.SSLContext:
    """Read whom this machine trusts: once, since it takes tens of milliseconds."""
    return ssl.create_default_context()


class _Watch:
    """Cuts a connection off when its time is over."""

    def __init__(self) -> None:
        self.cut = False

    @contextlib.contextmanager
    def over(self, raw: socket.socket) -> Iterator[socket.socket]:
        """Watch a connection, and close it in the end."""
        held = raw.dup()
        timer = threading.Timer(TOTAL, self._end, (held,))
        timer.daemon = True
        raw.settimeout(TOTAL)
        timer.start()
        try:
            yield raw
        finally:
            timer.cancel()
            held.close()
            raw.close()

    def _end(self, raw: socket.socket) -> None:
        self.cut = True
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)


def _open(addresses: list[str], port: int) -> socket.socket:
    until = time.monotonic() + CONNECT
    problem: OSError = TimeoutError("no time was left to connect")
    for address in addresses:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=left)
        except OSError as failed:
            problem = failed
    raise problem


def _seconds(value: str | None) -> float:
    """Read a Retry-After that is a number of seconds; 0 otherwise."""
    text = (value or "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0.0


def _storable(text: str) -> str:
    clean = text[:KEPT].replace("\0", "\ufffd")
    return clean.encode("utf-8", "replace").decode()
