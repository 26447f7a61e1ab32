"""Calls to Aleph over HTTP: time limits, repetition, and what a refusal means.

Whatever goes wrong ends as one of the errors here, with the server's own words, be they JSON or a
proxy's HTML page. The key is sent in a header and appears nowhere else. What it gives up:
redirects, which would turn a write into a read.
"""

import json
import logging
import os
import random
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import get_environ_proxies
from urllib3 import HTTPHeaderDict

from bridge.exchange import LOST as LOST_ON_THE_WAY
from bridge.exchange import WRONG as WRONG_ON_THE_WAY
from bridge.exchange import Answer, Exchange, TooLarge
from bridge.multipart import Upload, packed

log = logging.getLogger(__name__)

Json = dict[str, Any]

LARGEST_ANSWER = 64 * 2**20
"""Bytes of an answer beyond which it is not read on."""

BLOCK = 262_144
"""Bytes of an upload that are handed to the socket at once."""

_TOO_LARGE = "Aleph's answer is too large to be true"
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_OVERLOADED = frozenset({429, 502, 503, 504})
LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class AlephError(Exception):
    """Aleph did not do what was asked: HTTP `status` (0: no answer) and its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})" if status else message)
        self.status = status
        self.message = message


class AlephDown(AlephError):
    """Aleph cannot be reached or is overloaded: nothing else would succeed either."""

    retry_after = ""

    @property
    def asked(self) -> float | None:
        """Seconds for which it asked to be left alone, if it did."""
        return _retry_after(self.retry_after)


class AlephDenied(AlephError):
    """The key is not, or no longer, good for this."""


class CollectionGone(AlephError):
    """The collection is no longer there."""


class _Key(AuthBase):
    """Puts the key into the header and nowhere else; never shows it (and keeps .netrc out)."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"ApiKey {self._key}"
        return request

    def __repr__(self) -> str:
        return "<key>"

    def __bool__(self) -> bool:
        return bool(self._key)

    def scrub(self, text: str) -> str:
        """Give a text without the key, should somebody have repeated it."""
        return text.replace(self._key, "[key]") if self._key else text


@dataclass(frozen=True)
class Patience:
    """How long to go on: tries, seconds before the second, longest pause, and time limits.

    `greeting` is the limit for what costs Aleph nothing, with which one begins, if it is not that
    for all; `refresh` is how long what Aleph has dealt with may take to show in its index.
    """

    attempts: int = 4
    pause: float = 0.5
    longest: float = 30.0
    connect: float = 10.0
    answer: float = 300.0
    greeting: float = 20.0
    refresh: float = 2.0

    @property
    def first(self) -> float:
        """Seconds for the answer to what costs nothing."""
        return min(self.greeting, self.answer)


PATIENT = Patience()


def address(host: str) -> str:
    """Give the address of an Aleph as receipts name it, without its `/api/2`."""
    return host.rstrip("/").removesuffix("/api/2")


class _Adapter(HTTPAdapter):
    """Connections that are kept and shared, and take large blocks."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, blocksize=BLOCK, **kwargs)


class Wire:
    """The calls to one Aleph with one key, from as many threads at once as `connections`."""

    def __init__(
        self, host: str, key: str, patience: Patience = PATIENT, connections: int = 8
    ) -> None:
        self.host = address(host)
        self._key = _Key(key)
        self.patience = patience
        # A session may be shared by threads as long as nothing in it changes: it keeps no cookies,
        # and its settings are those of the beginning.
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=connections))
        self._session.auth = self._key
        # The environment's say on proxies and certificates, asked once and not at each call.
        self._session.trust_env = False
        self._session.proxies = get_environ_proxies(self.host)
        self._session.verify = next(filter(None, map(os.environ.get, _BUNDLES)), True)
        self._session.headers["User-Agent"] = "foi-tracker"
        # OpenAleph shows the queue by this name, one per run.
        self._session.headers["X-Aleph-Session"] = f"foi-{uuid.uuid4().hex}"
        times = (patience.connect, patience.answer)
        self._exchange = Exchange(self._session, f"{self.host}/api/2/", *times)

    def __repr__(self) -> str:
        return f"<Aleph at {self.host}>"

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(self, method: str, where: str, *, repeat: bool = True, **how: Any) -> Json:
        """Make a call, again and again while that may help, and give the members of its answer.

        A 500 is tried again only if `repeat`: it may be the word for bad input.
        """
        error = AlephError(0, "")
        for attempt in range(self.patience.attempts):
            if attempt:
                pause = self._pause(attempt, error)
                if pause > self.patience.longest:
                    break  # asked to stay away for longer than anybody waits here
                time.sleep(pause)
            try:
                return self._once(method, where, **how)
            except AlephDown as lost:
                error = lost
            except AlephError as refused:
                if refused.status != 500 or not repeat:
                    raise
                error = refused
            log.info("%s %s failed: %s", method, where, error)
        own = isinstance(error, AlephDown) and error.status != 429 and where != "metadata"
        if own and self._answers():
            # Only this call fails, so that it must not keep others waiting.
            raise AlephError(error.status, error.message)
        raise error

    def _answers(self) -> bool:
        try:
            self._once("GET", "metadata", within=self.patience.first)
        except AlephError:
            return False
        return True

    def _once(self, method: str, where: str, **how: Any) -> Json:
        try:
            answer = self._ask(method, where, **how)
        except FileNotFoundError:
            raise  # of ours, and no word about the server
        except LOST_ON_THE_WAY as problem:
            reason = type(problem).__name__
            raise AlephDown(0, f"Aleph at {self.host} does not answer ({reason})") from None
        except (WRONG_ON_THE_WAY, requests.RequestException) as problem:
            text = self._key.scrub(str(problem))
            raise AlephError(0, f"Aleph at {self.host} cannot be asked: {text}") from None
        except TooLarge:
            raise AlephError(0, _TOO_LARGE) from None
        if answer.status >= 300:
            raise self._refused(where, answer)
        if not answer.content.strip():
            return {}
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise AlephError(0, f"what answers at {self.host} is not an Aleph")
        return found

    def _ask(
        self,
        method: str,
        where: str,
        *,
        params: Any = None,
        fields: Json | None = None,
        body: bytes | None = None,
        meta: str | None = None,
        file: Path | bytes | None = None,
        within: float | None = None,
    ) -> Answer:
        """Send one call with at most one of JSON `fields`, a JSON `body`, or an upload."""
        most = LARGEST_ANSWER
        kind, content = "application/json", body
        if fields is not None:
            content = json.dumps(fields, allow_nan=False).encode()
        elif meta is not None and not isinstance(file, Path):
            kind, content = packed(meta, file)
        elif isinstance(file, Path):
            with Upload(meta or "", file) as upload:
                headers = {"Content-Type": upload.content_type, "Content-Length": str(len(upload))}
                return self._exchange.call(method, where, params, upload, headers, most, within)
        headers = {} if content is None else {"Content-Type": kind}
        return self._exchange.call(method, where, params, content, headers, most, within)

    def send(self, method: str, where: str, *, params: Any = None) -> requests.Response:
        """Make one call whose answer is read as it comes."""
        return self._session.request(
            method,
            f"{self.host}/api/2/{where}",
            params=params,
            timeout=(self.patience.connect, self.patience.answer),
            # A redirected POST would become a GET and silently do nothing.
            allow_redirects=False,
            stream=True,
        )

    def refusal(self, response: requests.Response, where: str) -> AlephError:
        """Give the error that an answer of 300 and more stands for."""
        try:
            content = _read(response)
        except (AlephError, requests.RequestException):
            content = b""
        headers = HTTPHeaderDict(response.headers)
        return self._refused(
            where, Answer(response.status_code, response.reason or "", headers, content)
        )

    def _refused(self, where: str, answer: Answer) -> AlephError:
        status, headers = answer.status, answer.headers
        message = self._key.scrub(_message(answer.content, answer.reason))
        if 300 <= status < 400:
            target = headers.get("Location", "elsewhere").split("?")[0]
            return AlephError(status, f"Aleph has moved to {target}: name that in aleph.host")
        if status in (401, 403):
            return AlephDenied(status, f"{message} {self._why_denied(message)}".strip())
        if status == 404 and where.startswith("collections/"):
            return CollectionGone(status, message)
        if status in _OVERLOADED:
            down = AlephDown(status, message)
            down.retry_after = headers.get("Retry-After", "")
            return down
        return AlephError(status, message)

    def _why_denied(self, message: str) -> str:
        if "maintenance" in message.lower():
            return ""
        if not self._key:
            return "Setting aleph.api_key is empty."
        return (
            f"Aleph at {self.host} takes the key in aleph.api_key for nobody's, or for somebody's "
            "who may not do this. Keys can be wrong, and expire (in Aleph 4.1 after 90 days): "
            "make a new one under Settings in Aleph."
        )

    def _pause(self, attempt: int, error: AlephError) -> float:
        """Give the seconds before the next attempt: Retry-After if given, else ever longer."""
        asked = error.asked if isinstance(error, AlephDown) else None
        spread = random.random()  # noqa: S311 - spreads load, guards nothing
        if asked is not None:
            return asked + spread * min(self.patience.pause, asked)
        longest = min(self.patience.pause * 2.0 ** (attempt - 1), self.patience.longest)
        return longest * (0.5 + spread / 2)


def _read(response: requests.Response) -> bytes:
    content = bytearray()
    for piece in response.iter_content(65536):
        content += piece
        if len(content) > LARGEST_ANSWER:
            raise AlephError(0, _TOO_LARGE)
    return bytes(content)


def _message(content: bytes, reason: str) -> str:
    """Give the server's words, from JSON or from an HTML page of a proxy: one line, trimmed, with
    nothing that a terminal or a log would obey.
    """
    text = content[:20_000].decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, Mapping):
        parts = [str(found.get("message") or found.get("error") or reason)]
        errors = found.get("errors")
        if isinstance(errors, Mapping):
            parts += [f"{name}: {value}" for name, value in errors.items() if name]
        text = "; ".join(parts)
    else:
        titled = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        text = titled.group(1) if titled else re.sub(r"<[^>]*>", " ", text)
    shown = "".join(each for each in " ".join(text.split()) if each.isprintable())
    return shown[:300] or reason


def _retry_after(value: str) -> float | None:
    """Read Retry-After: seconds or a date (RFC 9110 section 10.2.3)."""
    value = value.strip()
    if value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
