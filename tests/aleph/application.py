"""The WSGI application: routes, rate limit, failures on request and the record of calls.

Calls are answered one after the other. Gives up: speed under many clients.
"""

import logging
import math
import re
import time
from collections.abc import Callable, Iterable
from typing import Any

from webob import Request, Response

from tests.aleph import (
    page,
    views_collections,
    views_documents,
    views_entities,
    views_people,
    views_work,
)
from tests.aleph.ask import Ask, WrongToken, answer, html_page, identify
from tests.aleph.faults import Fault
from tests.aleph.refusals import BROKEN, GENERIC, Refused, not_found
from tests.aleph.server import Call, Server

log = logging.getLogger(__name__)
RATE_LIMIT, RATE_WINDOW = 450, 15 * 60
_FREE = ("/api/2/metadata", "/healthz", "/")
_TITLES = {
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
View = Callable[[Ask], Response]


class NotAllowed(Exception):
    """The address exists, but not with this method."""


class Router:
    """Finds the view of an address and method."""

    def __init__(self, routes: Iterable[tuple[str, str, View]]) -> None:
        self.routes: list[tuple[set[str], re.Pattern[str], View]] = []
        self.templates: dict[str, set[str]] = {}
        for methods, template, view in routes:
            names = re.sub(r"\{(\w+):([^}]*)\}", r"(?P<\1>\2)", template)
            names = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", names)
            self.routes.append((set(methods.split()), re.compile(names), view))
            self.templates.setdefault(template, set()).update(methods.split())

    def find(self, method: str, path: str) -> tuple[View, dict[str, str]]:
        """Give the view and the names of an address; Refused 404 or NotAllowed."""
        allowed: set[str] = set()
        for methods, pattern, view in self.routes:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            if method in methods or (method == "HEAD" and "GET" in methods):
                return view, match.groupdict()
            allowed |= methods
        if allowed:
            raise NotAllowed(", ".join(sorted({*allowed, "OPTIONS"})))
        raise not_found()


class RateLimit:
    """Counts the calls of anonymous callers by the address they claim to have."""

    def __init__(self) -> None:
        self.usage: dict[tuple[str, int], int] = {}

    def add(self, request: Request, seconds: float) -> int:
        """Add a call's cost and give the caller's sum in this window of 15 minutes."""
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")[0].strip()
        key = (forwarded or request.remote_addr or "", int(time.time() // RATE_WINDOW))
        self.usage[key] = self.usage.get(key, 0) + max(1, math.ceil(seconds))
        return self.usage[key]


class Application:
    """The WSGI callable of one server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.limit = RateLimit()
        self.router = Router(
            [
                ("GET", "/", page.overview),
                ("GET", "/collection/{collection}", page.collection),
                ("GET", "/api/openapi.json", self._openapi),
                *views_people.ROUTES,
                *views_collections.ROUTES,
                *views_documents.ROUTES,
                *views_entities.ROUTES,
                *views_work.ROUTES,
            ]
        )

    def _openapi(self, ask: Ask) -> Response:
        """Describe the routes there are."""
        paths: dict[str, dict[str, object]] = {
            template: {method.lower(): {} for method in sorted(methods)}
            for template, methods in self.router.templates.items()
        }
        return answer(
            {
                "openapi": "3.0.2",
                "info": {
                    "title": self.server.dialect.title,
                    "version": self.server.dialect.version,
                },
                "components": {},
                "paths": paths,
            }
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        body = request.body
        with self.server.store.lock:
            fault = self._fault(request, len(body))
            response = self._serve(request) if fault is None or fault.after else None
            if fault:
                response = _broken(fault)
            status = response.status_int if response else 0
            self._record(request, status, len(body))
        if response is None:
            raise ConnectionAbortedError
        out: Iterable[bytes] = response(environ, start_response)
        return out

    def _fault(self, request: Request, size: int) -> Fault | None:
        """Give the failure the call shall meet: of a proxy's limit, ordered, or at random."""
        limit = self.server.options.max_upload
        if limit is not None and size > limit:
            return Fault("413")
        return self.server.faults.draw(request.method, request.path)

    def _record(self, request: Request, status: int, size: int) -> None:
        try:
            role_id = identify(request, self.server).id
        except WrongToken:
            role_id = ""
        session = request.headers.get("X-Aleph-Session", "")
        self.server.calls.append(
            Call(
                request.method, request.path, request.query_string, status, size, role_id, session
            )
        )

    def _serve(self, request: Request) -> Response:
        """Answer one request and do at once what needs no delay."""
        self.server.entities.refresh()
        self.server.presenter.base = self.server.options.public_url or request.host_url
        begin = time.monotonic()
        try:
            caller = identify(request, self.server)
        except WrongToken:
            return html_page(
                401,
                "Unauthorized",
                "The server could not verify that you are authorized to access the URL requested.",
            )
        usage = 0
        if caller.role is None and request.path not in _FREE:
            usage = self.limit.add(request, time.monotonic() - begin)
        if usage > RATE_LIMIT:
            response = html_page(429, "Too Many Requests", "Rate limit exceeded.")
        else:
            response = self._dispatch(Ask(request, self.server, caller))
        if usage:
            response.headers["X-Rate-Limit"] = str(RATE_LIMIT)
            response.headers["X-Rate-Usage"] = str(usage)
        self.server.pipeline.settle()
        self.server.store.commit()
        return response

    def _dispatch(self, ask: Ask) -> Response:
        try:
            view, ask.names = self.router.find(ask.request.method, ask.request.path)
            return view(ask)
        except Refused as refused:
            return answer(refused.body(), refused.status)
        except NotAllowed as refused:
            response = html_page(
                405, "Method Not Allowed", "The method is not allowed for the requested URL."
            )
            response.headers["Allow"] = str(refused)
            return response
        except UnicodeDecodeError:
            return answer(Refused(400, GENERIC).body(), 400)
        except Exception:
            log.exception("%s %s", ask.request.method, ask.request.path)
            return answer(Refused(500, BROKEN).body(), 500)


def _broken(fault: Fault) -> Response | None:
    """Give the answer of a failure; None stands for a dropped connection."""
    if fault.kind == "drop":
        return None
    status = int(fault.kind)
    if status == 500:
        return answer(Refused(500, BROKEN).body(), 500)
    response = html_page(status, _TITLES.get(status, "Error"), "No answer from upstream.")
    if status in (429, 503):
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
