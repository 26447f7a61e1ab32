"""The same call twice is carried out once.

With an `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header) for a day: same key and
payload, same answer; another payload, 422; still under way, 409. Without one, correspondence that
is the same in every byte as one to the same request within ten minutes. What is remembered is
written in the transaction of the call itself, so that no crash can part the two. Refusals change
nothing and are not remembered: the key may be used again.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pyramid.request import Request
from sqlalchemy import bindparam, delete, insert, select, text
from sqlalchemy.orm import Session

from foi.api.models import ApiCall
from foi.archive import ledger
from foi.problems import Problem
from foi.site import Site

KEPT = timedelta(hours=24)
MERGED = timedelta(minutes=10)
REPLAYED = "Idempotent-Replayed"
"""Header of an answer that was given before; its value is `true`."""

_KEY = re.compile(
    r'"(?P<quoted>[\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|(?P<bare>[\x21\x23-\x7e]{1,255})'
)
_BATCH = 1000
_call = ApiCall.__table__.c
_BY_KEY = select(_call.id, _call.fingerprint, _call.answer, _call.made_at).where(
    _call.body_id == bindparam("body"), _call.key == bindparam("key")
)
_SAME = (
    select(_call.answer)
    .where(
        _call.fingerprint == bindparam("fingerprint"),
        _call.body_id == bindparam("body"),
        _call.made_at > bindparam("since"),
    )
    .order_by(_call.id)
    .limit(1)
)
_REMEMBER = insert(ApiCall.__table__)  # type: ignore[arg-type]
_FREE = delete(ApiCall.__table__).where(  # type: ignore[arg-type]
    _call.body_id == bindparam("body"), _call.key == bindparam("key")
)
_TAKE_KEY = text("SELECT pg_try_advisory_xact_lock(:number)")


class Underway:
    """The keyed calls that this process is at."""

    def __init__(self) -> None:
        self._lock, self._calls = threading.Lock(), set[tuple[int, str]]()

    def begin(self, call: tuple[int, str]) -> bool:
        """Note a call; False when the same one is under way."""
        with self._lock:
            fresh = call not in self._calls
            self._calls.add(call)
            return fresh

    def end(self, call: tuple[int, str]) -> None:
        """Forget a call."""
        with self._lock:
            self._calls.discard(call)


def claim(request: Request, body_id: int) -> str | None:
    """Give the hash of the call's Idempotency-Key, None when it has none; until the call is
    finished another one with it is refused with 409.
    """
    given = request.headers.get("Idempotency-Key", "").strip()
    if not given:
        return None
    found = _KEY.fullmatch(given)
    if found is None:
        raise Problem(400, "The Idempotency-Key is not 1 to 255 visible ASCII characters.")
    key = hashlib.sha256((found["quoted"] or found["bare"]).encode()).hexdigest()
    underway: Underway = request.registry["foi.api.underway"]
    if not underway.begin((body_id, key)):
        raise _busy()
    # After the transaction has ended, for finished callbacks come last.
    request.add_finished_callback(lambda _: underway.end((body_id, key)))
    return key


def _busy() -> Problem:
    return Problem(409, "A call with this Idempotency-Key is still under way; try again later.")


def fingerprint(what: str, given: Mapping[str, Any], files: Iterable[tuple[str, str]] = ()) -> str:
    """Give a hash of what a call asks: its address, its checked payload, its files' names and
    hashes. How it was spelt and encoded makes no difference.
    """
    told = json.dumps([what, given, list(files)], sort_keys=True, default=datetime.isoformat)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def earlier(
    db: Session, body_id: int, key: str | None, mark: str, *, merge: bool = False
) -> dict[str, Any] | None:
    """Give the answer of the call that this one repeats; None when it is new. 422 when the key
    was used for something else. `merge` recognises the same call without a key as well.

    In a transaction that writes it decides: another process can be at the same key no more.
    """
    now = ledger.now()
    if key is None:
        given = {"fingerprint": mark, "body": body_id, "since": now - MERGED}
        answer = db.scalar(_SAME, given) if merge else None
        return None if answer is None else json.loads(answer)
    _hold_key(db, body_id, key)
    known = db.execute(_BY_KEY, {"body": body_id, "key": key}).one_or_none()
    if known is None or known.made_at <= now - KEPT:
        return None
    if known.fingerprint != mark:
        raise Problem(422, "This Idempotency-Key was used before, for another call.")
    answered: dict[str, Any] = json.loads(known.answer)
    return answered


def _hold_key(db: Session, body_id: int, key: str) -> None:
    """Refuse a key that another process is at (SQLite has them wait for each other anyway)."""
    if db.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(
            hashlib.sha256(f"{body_id}:{key}".encode()).digest()[:8], signed=True
        )
        if not db.scalar(_TAKE_KEY, {"number": number}):
            raise _busy()


def remember(
    db: Session, body_id: int, key: str | None, mark: str, answer: Mapping[str, Any]
) -> None:
    """Remember the answer, in the transaction of what it is about."""
    if key is not None:
        # One that has run out may still be there.
        db.execute(_FREE, {"body": body_id, "key": key})
    db.execute(
        _REMEMBER,
        {
            "body_id": body_id,
            "key": key,
            "fingerprint": mark,
            "answer": json.dumps(answer),
            "made_at": ledger.now(),
        },
    )


def forget(site: Site) -> int:
    """Delete the calls that have run out, a duty of the clock; give how many.

    They lie in the order of their age, so that it ends at the first that has not.
    """
    gone = 0
    while True:
        with site.sessions.reading() as db:
            oldest = db.execute(select(_call.id, _call.made_at).order_by(_call.id).limit(_BATCH))
            before = ledger.now() - KEPT
            ids = [row.id for row in oldest if row.made_at <= before]
        if not ids:
            return gone
        with site.sessions.writing() as db:
            db.execute(delete(ApiCall).where(ApiCall.id <= ids[-1], ApiCall.made_at <= before))
        gone += len(ids)
