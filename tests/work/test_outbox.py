"""Owed work on its way: claimed, settled, marked again, tried again, parked. (Many workers at
once, and PostgreSQL: tests/contract.)
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from foi.archive import ledger
from foi.archive.models import Delivery
from foi.site import Site
from foi.work import outbox
from foi.work.consumers import Later

SUBJECT = "request:7"


class Clock:
    """A clock that goes on only when told."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self._traveller.shift(seconds)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Time stands still but for `forward`."""
    with time_machine.travel(datetime.fromisoformat("2026-06-01T12:00:00Z"), tick=False) as moved:
        yield Clock(moved)


@pytest.fixture
def site(site: Site, clock: Clock) -> Site:
    """A site that owes one look at one request."""
    _owe(site)
    return site


def _owe(site: Site, *subjects: str) -> None:
    with site.sessions.writing() as db:
        ledger.owe(db, subjects or [SUBJECT], ["aleph"])


def _claim(site: Site, limit: int = 10) -> list[outbox.Claim]:
    with site.sessions.writing() as db:
        return outbox.claim(db, "aleph", limit)


def _settle(site: Site, claim: outbox.Claim, problem: Exception | None = None) -> None:
    with site.sessions.writing() as db:
        outbox.settle(db, claim, problem)


def _row(site: Site) -> Delivery | None:
    with site.sessions.reading() as db:
        row = db.scalar(select(Delivery).where(Delivery.consumer == "aleph"))
        if row is not None:
            db.expunge(row)
        return row


def _pause(site: Site) -> float:
    row = _row(site)
    assert row is not None
    return (row.due_at - ledger.now()).total_seconds()


def test_what_is_done_is_gone(site: Site) -> None:
    (claim,) = _claim(site)
    assert (claim.subject, claim.attempts, _claim(site)) == (SUBJECT, 1, [])
    _settle(site, claim)
    assert _row(site) is None


def test_only_the_consumer_that_is_owed_may_claim_and_only_when_it_is_due(
    site: Site, clock: Clock
) -> None:
    with site.sessions.writing() as db:
        assert outbox.claim(db, "search", 9) == []
        assert (outbox.due(db, "search"), outbox.due(db, "aleph")) == (False, True)
    (claim,) = _claim(site)
    with site.sessions.reading() as db:
        assert not outbox.due(db, "aleph")
    _settle(site, claim, Later(30, "not yet"))
    assert _claim(site) == []
    clock.forward(30)
    assert len(_claim(site)) == 1


def test_the_oldest_are_claimed_first(site: Site, clock: Clock) -> None:
    for subject in ("request:9", "request:10", "request:8"):
        clock.forward(1)
        _owe(site, subject)
    assert {claim.subject for claim in _claim(site, 3)} == {SUBJECT, "request:9", "request:10"}
    assert [claim.subject for claim in _claim(site, 3)] == ["request:8"]


def test_what_changes_in_hand_is_due_again(site: Site) -> None:
    (claim,) = _claim(site)
    _owe(site)
    assert _claim(site) == []  # nobody else gets it meanwhile
    _settle(site, claim)
    (again,) = _claim(site)
    assert (again.subject, again.attempts, again.mark) == (SUBJECT, 1, 2)
    _settle(site, again)
    assert _row(site) is None


def test_a_killed_workers_claim_comes_back_when_its_lease_runs_out(
    site: Site, clock: Clock
) -> None:
    _claim(site)
    clock.forward(outbox.LEASE.total_seconds() - 1)
    assert _claim(site) == []
    clock.forward(1)
    (claim,) = _claim(site)
    assert claim.attempts == 2


@pytest.mark.parametrize("problem", [None, ValueError("slow"), Later(5, "slow")])
def test_who_comes_after_the_lease_settles_nothing(
    site: Site, clock: Clock, problem: Exception | None
) -> None:
    (slow,) = _claim(site)
    clock.forward(outbox.LEASE.total_seconds())
    (quick,) = _claim(site)
    _settle(site, slow, problem)
    assert _claim(site) == []  # still in the second one's hands
    _settle(site, quick)
    assert _row(site) is None


def test_who_comes_late_does_not_undo_a_pause(site: Site, clock: Clock) -> None:
    (slow,) = _claim(site)
    clock.forward(outbox.LEASE.total_seconds())
    (quick,) = _claim(site)
    _settle(site, quick, Later(60, "busy"))
    _settle(site, slow, ValueError("slow"))
    row = _row(site)
    assert row is not None
    assert (_pause(site), row.error) == (60, "busy")


def test_a_late_settle_does_not_close_a_newer_delivery_of_the_same_number(
    site: Site, clock: Clock
) -> None:
    """SQLite gives the number of the last row again once that is gone."""
    (slow,) = _claim(site)
    clock.forward(outbox.LEASE.total_seconds())
    (quick,) = _claim(site)
    _settle(site, quick)
    _owe(site)
    row = _row(site)
    assert row is not None
    assert (row.id, row.mark) == (slow.id, slow.mark)
    _settle(site, slow)
    assert _row(site) is not None


def test_what_fails_is_tried_ever_more_rarely_and_then_parked(site: Site, clock: Clock) -> None:
    pauses = []
    for attempt in range(1, outbox.ATTEMPTS + 1):
        (claim,) = _claim(site)
        assert claim.attempts == attempt
        _settle(site, claim, ConnectionError("refused"))
        pauses.append(_pause(site))
        clock.forward(pauses[-1])
    assert pauses[:-1] == [4, 16, 64, 256, 1024, 4096, 16384]
    row = _row(site)
    assert row is not None
    assert (row.parked, row.error) == (True, "ConnectionError: refused")
    clock.forward(10**7)
    assert _claim(site) == []
    with site.sessions.reading() as db:
        assert outbox.counts(db)["aleph"] == {"owed": 1, "parked": 1}


def test_what_is_parked_comes_back_by_hand_or_by_a_change(site: Site, clock: Clock) -> None:
    def park() -> None:
        for _ in range(outbox.ATTEMPTS):
            (claim,) = _claim(site)
            _settle(site, claim, ValueError("no"))
            clock.forward(max(_pause(site), 0))

    park()
    with site.sessions.writing() as db:
        assert outbox.retry(db, [0]) == 0
        assert outbox.retry(db) == 1
        assert outbox.retry(db) == 0
    park()  # as many attempts as the first time
    _owe(site)
    (claim,) = _claim(site)
    assert claim.attempts == 1


def test_what_changed_in_its_last_attempt_is_not_parked_unseen(site: Site, clock: Clock) -> None:
    for _ in range(outbox.ATTEMPTS - 1):
        (claim,) = _claim(site)
        _settle(site, claim, ValueError("no"))
        clock.forward(_pause(site))
    (claim,) = _claim(site)
    _owe(site)
    _settle(site, claim, ValueError("no"))
    (claim,) = _claim(site)
    assert claim.attempts == 1


@pytest.mark.parametrize(
    ("asked", "given"),
    [(0, 0), (90, 90), (-5, 0), (1e12, 21600), (float("inf"), 21600), (float("nan"), 21600)],
)
def test_later_waits_as_asked_within_reason_and_counts_no_attempt(
    site: Site, asked: float, given: float
) -> None:
    (claim,) = _claim(site)
    _settle(site, claim, Later(asked, "busy"))
    row = _row(site)
    assert row is not None
    assert (_pause(site), row.attempts, row.parked, row.error) == (given, 0, False, "busy")


def test_a_delivery_whose_workers_are_killed_time_and_again_can_still_be_parked(
    site: Site, clock: Clock
) -> None:
    for _ in range(40):
        _claim(site)
        clock.forward(timedelta(minutes=10).total_seconds())
    (claim,) = _claim(site)
    _settle(site, claim, MemoryError("at last"))
    row = _row(site)
    assert row is not None
    assert (row.parked, row.attempts) == (True, 41)
