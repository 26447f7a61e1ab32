"""Who calls, what they may write to, and what they send: all of it before a write begins.

The order of checks is Alaveteli's: key, request, ownership, payload. A key in the query or in a
header is checked before anything is read, one in a form before its first file is.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session, joinedload

from foi.api import idempotency, payload, uploads
from foi.archive import ledger
from foi.archive.models import InfoRequest
from foi.limits.limiter import limiter_of
from foi.pages.json import dump
from foi.problems import Problem
from foi.site import Site, site_of

_request = InfoRequest.__table__.c
_WITH_PARTIES = (
    select(InfoRequest)
    .options(joinedload(InfoRequest.body), joinedload(InfoRequest.person))
    .where(InfoRequest.id == bindparam("number"))
)
_STANDING = select(_request.body_id, _request.via_api, _request.external_url).where(
    _request.id == bindparam("number")
)


@dataclass
class Call:
    """A write that has been let in: whose it is, what was sent, and under which key."""

    request: Request
    body_id: int
    key: str | None
    """SHA-256 of its Idempotency-Key."""
    sent: payload.Payload
    tray: uploads.Tray

    @cached_property
    def site(self) -> Site:
        """The site that is written to."""
        return site_of(self.request)

    @property
    def actor(self) -> str:
        """The authority as the log names it."""
        return f"body:{self.body_id}"

    @cached_property
    def number(self) -> int:
        """The id of the request that the address names."""
        return int(self.request.matchdict["id"])

    def mark(self, what: str, given: Mapping[str, Any]) -> str:
        """Give the fingerprint of the call."""
        return idempotency.fingerprint(what, given, self.tray.hashes())

    def repeated(self, db: Session, mark: str, *, merge: bool = False) -> Response | None:
        """Give the answer once more if the call was carried out before."""
        known = idempotency.earlier(db, self.body_id, self.key, mark, merge=merge)
        if known is None:
            return None
        response = answer(known)
        response.headers[idempotency.REPLAYED] = "true"
        return response

    def remember(self, mark: str, told: Mapping[str, Any]) -> None:
        """Remember the answer in the transaction at hand."""
        idempotency.remember(self.request.db, self.body_id, self.key, mark, told)


def receive(request: Request) -> Call:
    """Let a write in and read what it sends; 403 or 404 for whoever may not, 409 for one that is
    under way.
    """
    tray = uploads.Tray(site_of(request))
    request.add_finished_callback(lambda _: tray.discard())
    admitted: list[tuple[int, str | None]] = []

    def admit(fields: Mapping[str, str], *, late: bool = True) -> None:
        key = key_of(request) or fields.get("k", "")
        if not admitted and (key or late):
            body_id = _admit(request, key)
            admitted.append((body_id, idempotency.claim(request, body_id)))

    admit({}, late=False)
    sent = payload.read(request, tray, lambda fields: admit(fields, late=False))
    admit(sent.fields)
    return Call(request, *admitted[0], sent, tray)


def _admit(request: Request, key: str) -> int:
    """Give the id of the authority whose key this is, if it may write to what the address names:
    one look at the database.
    """
    number = request.matchdict.get("id")
    with glimpse(request) as db:
        body_id = owner(request, db, key)
        if number is not None:
            found = db.execute(_STANDING, {"number": int(number)}).one_or_none()
            check_writable(int(number), found, body_id)
    limiter_of(request).admit_key(request, body_id)
    return body_id


def key_of(request: Request) -> str:
    """Give the key with which a call comes, as Bearer token or in the query; empty when it may be
    in the form.
    """
    found = re.fullmatch(r"(?i:bearer)\s+(\S+)", request.headers.get("Authorization", "").strip())
    if found:
        return found.group(1)
    given: str = request.GET.get("k", "")
    return given


def owner(request: Request, db: Session, key: str) -> int:
    """Give the id of the authority whose key this is; 403 without a good one."""
    if not key:
        raise Problem(403, "This call needs the authority's key as “k”.")
    limits = limiter_of(request)
    limits.admit_guess(request)
    found = site_of(request).keys.owner(db, key)
    if found is None:
        limits.count_guess(request)
        raise Problem(403, "This is not a key that the site knows.")
    return found


@contextmanager
def glimpse(request: Request) -> Iterator[Session]:
    """Look something up before the write begins, in a read of its own."""
    given: Session | None = request.environ.get("foi.db")
    if given is not None:
        yield given
    else:
        with site_of(request).sessions.reading() as db:
            yield db


def check_writable(number: int, found: Any, body_id: int) -> None:
    """Refuse a request that the authority may not write to: in Alaveteli's order and words."""
    if found is None:
        raise Problem(404, f"Could not find request {number}")
    if not found.via_api and found.external_url is None:
        raise Problem(403, f"Request {number} cannot be updated using the API")
    if found.body_id != body_id:
        raise Problem(403, f"You do not own request {number}")


def open_writable(call: Call) -> InfoRequest:
    """Begin the write: give the request that the address names, with its parties, as its last
    writer left it, and held.
    """
    found: InfoRequest | None = call.request.db.scalar(_WITH_PARTIES, {"number": call.number})
    if found is not None:
        ledger.hold(call.request.db, found)
    check_writable(call.number, found, call.body_id)
    assert found is not None
    return found


def answer(data: Any) -> Response:
    """Give JSON that is for the asker alone."""
    response = Response(dump(data), content_type="application/json")
    response.headers["Cache-Control"] = "private, no-store"
    # The address may hold the key.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
