"""One request as the views see it: who asks, for what, with which rights.

Aleph's silent anonymity lives here: a wrong key is no error, its bearer is simply nobody.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from webob import Request, Response

from tests.aleph.people import ANONYMOUS, Caller
from tests.aleph.refusals import FORBIDDEN, Refused, bad_request, not_found
from tests.aleph.search import Search, Values
from tests.aleph.server import Server
from tests.aleph.store import Record


class WrongToken(Exception):
    """The session token is not valid: the one case of bad credentials that is a 401."""


def identify(request: Request, server: Server) -> Caller:
    """Give the caller by header, else by ``api_key``; whoever has no good key is anonymous."""
    scheme, _, rest = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() == "token":
        found = server.people.by_token(rest.strip())
        if found is None:
            raise WrongToken
        return found
    for key in (rest.strip() or scheme, request.GET.get("api_key", "")):
        caller = server.people.by_key(key)
        if caller is not None:
            return caller
    return ANONYMOUS


@dataclass
class Ask:
    """A request with its caller and the names its route matched."""

    request: Request
    server: Server
    caller: Caller
    names: dict[str, str] = field(default_factory=dict)

    @property
    def job(self) -> str:
        """Give the job id that ``X-Aleph-Session`` makes."""
        session = self.request.headers.get("X-Aleph-Session") or "default"
        return f"{self.caller.id}:{session}" if session != "default" else session

    def flag(self, name: str, default: bool = False) -> bool:
        """Give a boolean parameter; unknown words mean the default."""
        word = self.request.GET.get(name, "").strip().lower()
        if word in ("1", "true", "t", "yes", "y", "on"):
            return True
        return False if word in ("0", "false", "f", "no", "n", "off") else default

    def forbidden(self) -> Refused:
        """Give the 403 that names the roles the caller has."""
        return Refused(403, FORBIDDEN, roles=[int(role) for role in self.caller.roles])

    def login(self, *, write: bool = False) -> None:
        """Refuse anonymous callers, and all writes in maintenance mode."""
        if self.caller.role is None or (write and self.server.people.maintenance):
            raise self.forbidden()

    def admin(self) -> None:
        """Refuse all but admins."""
        if not self.caller.admin:
            raise self.forbidden()

    def collection(self, *, write: bool = False, id_: str | None = None) -> Record:
        """Give the collection of the address: 404 when unknown, 403 without the right."""
        key = self.names["collection"] if id_ is None else id_
        found = self.server.store.collections.get(key)
        if found is None or found.get("deleted_at"):
            raise not_found()
        may = self.server.people.can_write if write else self.server.people.can_read
        if not may(found["id"], self.caller):
            raise self.forbidden()
        return found

    def entity(self, *, write: bool = False) -> Record:
        """Give the indexed entity of the address: 404 when not (yet) indexed."""
        found = self.server.entities.find(self.names["entity"])
        if found is None:
            raise not_found()
        self.collection(write=write, id_=found["collection_id"])
        return found

    def json(self) -> Any:
        """Give the JSON body whatever its declared type; the bare 400 when it is none."""
        try:
            return json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise bad_request() from None

    def fields(self) -> Record:
        """Give a JSON object or the form's fields; anything else counts as nothing."""
        if "json" in self.request.content_type:
            body = self.json()
            return body if isinstance(body, dict) else {}
        try:
            return {str(k): str(v) for k, v in self.request.POST.items()}
        except (UnicodeDecodeError, ValueError):
            return {}

    def search(self, values: Values, text: Callable[[Record], str], **more: Any) -> Search:
        """Give the search that the request's parameters describe."""
        args = list(self.request.GET.items())
        url = f"{self.server.presenter.base}{self.request.path}"
        return Search(
            args,
            url,
            self.server.dialect,
            values,
            text,
            anonymous=self.caller.role is None,
            **more,
        )

    def page(self, rows: list[Record], show: Callable[[Record], Record]) -> Record:
        """Give one page of plain rows, as lists from the database come."""
        search = self.search(lambda row, name: [], lambda row: "")
        start = search.window.offset
        shown = [show(row) for row in rows[start : start + search.window.width]]
        return {"status": "ok", "results": shown, **search.paging(len(rows))}


def answer(data: Any, status: int = 200) -> Response:
    """Give a JSON answer."""
    return Response(
        json.dumps(data).encode(),
        status=status,
        headerlist=[("Content-Type", "application/json"), ("Cache-Control", "no-cache")],
    )


def nothing(status: int = 204) -> Response:
    """Give an empty answer; Flask declares it as HTML."""
    return Response(
        b"",
        status=status,
        headerlist=[("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache")],
    )


def html_page(status: int, title: str, text: str) -> Response:
    """Give one of the HTML error pages that a client must not try to read as JSON."""
    body = (
        f"<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n"
        f"<h1>{title}</h1>\n<p>{text}</p>\n"
    )
    return Response(
        body.encode(),
        status=status,
        headerlist=[("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache")],
    )
