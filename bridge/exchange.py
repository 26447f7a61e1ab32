"""One call and its whole answer, over the connections of a `requests` session.

The session's own way there (putting together settings, cookies, hooks and redirects for each call)
takes four times as long as the exchange itself, and here nothing of it ever differs: so it is
asked once for pool, address and headers. What it gives up: answers that do not fit into memory,
which are streamed through the session.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from requests.utils import requote_uri
from urllib3 import HTTPConnectionPool, HTTPHeaderDict, Timeout
from urllib3.exceptions import HTTPError, ProtocolError, ProxyError, SSLError, TimeoutError

LOST = (ProtocolError, TimeoutError, ProxyError, SSLError, OSError)
"""What a broken connection, or none, is raised as."""
WRONG = HTTPError
"""Whatever else may go wrong on the way."""

Params = Mapping[str, Any] | Iterable[tuple[str, Any]]


class TooLarge(Exception):
    """An answer is larger than it may be."""


@dataclass(frozen=True)
class Answer:
    """What came back, to the end."""

    status: int
    reason: str
    headers: HTTPHeaderDict
    content: bytes


@dataclass(frozen=True)
class _Way:
    """What the session says of every call."""

    pool: HTTPConnectionPool
    prefix: str
    headers: Mapping[str, str] = field(repr=False)  # the key is among them


class Exchange:
    """Calls to addresses that begin alike, from many threads at once; the first asks the session
    how.
    """

    def __init__(
        self, session: requests.Session, prefix: str, connect: float, answer: float
    ) -> None:
        self._session, self._prefix = session, prefix
        self._connect, self._answer = connect, answer
        self._way: _Way | None = None
        self._lock = Lock()

    def call(
        self,
        method: str,
        where: str,
        params: Params | None,
        body: Any,
        headers: Mapping[str, str],
        most: int,
        within: float | None = None,
    ) -> Answer:
        """Send a body of bytes, or one that can be read, and give the answer of at most so many
        bytes, which must begin `within` so many seconds (as long as all others, if not said);
        TooLarge, one of LOST, or WRONG. Redirects are answers like others: followed, a
        POST would become a GET and silently do nothing.
        """
        way = self._way or self._find()
        address = requote_uri(way.prefix + where)
        if params:
            pairs = params.items() if isinstance(params, Mapping) else params
            address += "?" + urlencode([(n, v) for n, v in pairs if v is not None], doseq=True)
        response = way.pool.urlopen(
            method,
            address,
            body=body,
            headers={**way.headers, **headers},
            timeout=Timeout(connect=self._connect, read=within or self._answer),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
        )
        try:
            content = response.read(most + 1, decode_content=True)
            if len(content) > most:
                raise TooLarge
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(response.status, response.reason or "", response.headers, content)

    def _find(self) -> _Way:
        with self._lock:
            if self._way is None:
                session = self._session
                like = session.prepare_request(requests.Request("GET", self._prefix))
                adapter = session.get_adapter(self._prefix)
                assert isinstance(adapter, HTTPAdapter)
                proxies, verify = session.proxies, session.verify
                pool = adapter.get_connection_with_tls_context(like, verify, proxies=proxies)
                assert isinstance(pool, HTTPConnectionPool)
                address = adapter.request_url(like, proxies)
                self._way = _Way(pool, address, dict(like.headers))
            return self._way
