"""What owed work promises on every database: run by test_sqlite and test_postgres."""

import random
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from foi.archive import ledger
from foi.archive.models import Delivery
from foi.site import Site
from foi.work import outbox
from foi.work.consumers import Outcome
from foi.work.worker import work_once
from tests.contract.crowd import Taker, in_processes, together, work_elsewhere

SECOND = timedelta(seconds=1)


class OutboxContract:
    """The promises; a subclass gives the fixture `site`."""

    def test_four_processes_share_the_work(self, site: Site, tmp_path: Path) -> None:
        """Nothing is in two hands at once, nothing is left over."""
        owed = [f"request:{n}" for n in range(400)]
        with site.sessions.writing() as db:
            ledger.owe(db, owed, ["taker"])
        logs = [str(tmp_path / f"log-{n}") for n in range(4)]
        dealt = in_processes(work_elsewhere, [(site.settings, log) for log in logs])
        assert sum(dealt) == len(owed)
        hands = [line for log in logs for line in Path(log).read_text().splitlines()]
        assert sorted(hands) == sorted(owed)
        with site.sessions.reading() as db:
            assert db.query(Delivery).count() == 0

    def test_work_that_is_owed_again_and_again_is_done_last_after_the_last_change(
        self, site: Site
    ) -> None:
        """Writers owe crosswise what workers settle: no deadlock, and no change goes unseen."""
        subjects = [f"request:{n}" for n in range(12)]
        owed_at = dict.fromkeys(subjects, 0.0)
        seen_at = dict.fromkeys(subjects, 0.0)
        writing = threading.Event()

        class Seeing(Taker):
            batch = 5

            def deliver(self, subjects: Sequence[str]) -> Outcome:
                moment = time.monotonic()
                for subject in subjects:
                    seen_at[subject] = max(seen_at[subject], moment)
                return {}

        def owe(order: int) -> None:
            for turn in range(40):
                some = random.Random(turn * order).sample(subjects, 6)
                with site.sessions.writing() as db:
                    ledger.lock(db)
                    ledger.owe(db, some, ["taker"])
                    moment = time.monotonic()
                for subject in some:
                    owed_at[subject] = max(owed_at[subject], moment)

        def owe_all() -> None:
            try:
                for order in (7, 11):
                    owe(order)
            finally:
                writing.set()

        def work() -> None:
            while work_once(site, Seeing()) or not writing.is_set():
                pass

        together(owe_all, work, work)
        with site.sessions.reading() as db:
            assert db.query(Delivery).count() == 0
        assert all(seen_at[subject] >= owed_at[subject] for subject in subjects)

    def test_a_claim_takes_no_more_than_asked_and_a_lease_runs_out(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with site.sessions.writing() as db:
            ledger.owe(db, [f"request:{n}" for n in range(9)], ["taker"])
        with site.sessions.writing() as db:
            first = outbox.claim(db, "taker", 4)
        with site.sessions.writing() as db:
            second = outbox.claim(db, "taker", 100)
            assert outbox.claim(db, "taker", 100) == []
        assert (len(first), len(second)) == (4, 5)
        later = ledger.now() + outbox.LEASE + SECOND
        monkeypatch.setattr(outbox, "now", lambda: later)
        with site.sessions.writing() as db:
            again = outbox.claim(db, "taker", 100)
            assert {claim.attempts for claim in again} == {2}
            for claim in first:  # they come too late: somebody else has them in hand
                outbox.settle(db, claim)
                outbox.settle(db, claim, ValueError("late"))
        with site.sessions.writing() as db:
            assert db.query(Delivery).filter(Delivery.due_at == later + outbox.LEASE).count() == 9
            for claim in again:
                outbox.settle(db, claim)
            assert db.query(Delivery).count() == 0

    def test_a_problem_that_no_database_can_hold_is_kept_all_the_same(self, site: Site) -> None:
        with site.sessions.writing() as db:
            ledger.owe(db, ["body:1"], ["taker"])
        with site.sessions.writing() as db:
            (claim,) = outbox.claim(db, "taker", 1)
            outbox.settle(db, claim, ValueError("half \ud800, \0" + "x" * 9999))
        with site.sessions.reading() as db:
            error = db.scalars(select(Delivery.error)).one()
        assert error.startswith("ValueError: half ?, \ufffdxxx")
        assert len(error) <= 2000
