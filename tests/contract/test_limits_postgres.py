"""The promises of counting, on PostgreSQL, and what is only promised there."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from foi import migrations
from foi.limits import shared
from foi.limits.shared import SharedEngine
from foi.limits.windows import Policy
from tests.contract.crowd import scratch
from tests.contract.limits_contract import MINUTE, Clock, LimitsContract
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.thorough

__all__ = ["postgres"]


@pytest.fixture(scope="module")
def database(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a database of the present schema."""
    url = postgres.url(postgres.make())
    site = scratch(tmp_path_factory.mktemp("limits"), **{"database.url": url})
    migrations.upgrade(site.engine, site.settings)
    site.close()
    return url


class TestPostgres(LimitsContract):
    """All of them."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def engine(
        self, database: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[SharedEngine]:
        monkeypatch.setattr(shared, "PATIENCE", 5.0)  # a busy machine is no reason to give up
        made = SharedEngine(make_url(database), connections=8, clock=clock)
        with made._engine.connect() as connection:
            connection.exec_driver_sql("TRUNCATE limit_usage")
        yield made
        made.close()

    def test_processes_count_together(
        self, engine: SharedEngine, database: str, clock: Clock
    ) -> None:
        other = SharedEngine(make_url(database), clock=clock)
        admitted = [
            each.take(MINUTE, "192.0.2.1").admitted for _ in range(5) for each in (engine, other)
        ]
        assert admitted == [True] * 6 + [False] * 4
        alone = Policy("pages", 6)
        assert all(
            each.take(alone, "192.0.2.1").admitted for _ in range(6) for each in (engine, other)
        )
        other.close()

    def test_a_refused_caller_costs_no_statement(
        self, engine: SharedEngine, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(7):
            engine.take(MINUTE, "192.0.2.1")
        monkeypatch.setattr(engine, "_count", None)
        first = engine.take(MINUTE, "192.0.2.1")
        clock.now += 10
        second = engine.take(MINUTE, "192.0.2.1")
        assert not first.admitted
        assert first.seconds - second.seconds == pytest.approx(10)

    def test_what_says_nothing_any_more_is_deleted(
        self, engine: SharedEngine, clock: Clock
    ) -> None:
        engine.take(MINUTE, "192.0.2.1")
        assert engine.prune() == 0
        clock.now += 121
        engine.take(MINUTE, "192.0.2.2")
        assert engine.prune() == 1

    def test_many_rows_are_deleted_in_batches(self, engine: SharedEngine, clock: Clock) -> None:
        with engine._engine.connect() as connection:
            connection.exec_driver_sql(
                "INSERT INTO limit_usage SELECT 'writes:' || n, 0, 1, 0, true, '2001-01-01'"
                " FROM generate_series(1, 4500) AS n"
            )
        assert engine.prune() == 4500

    def test_a_slow_database_is_waited_for_a_moment_and_then_left_alone(
        self, database: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = SharedEngine(make_url(database))
        engine.take(MINUTE, "198.51.100.1")
        with engine._engine.connect() as connection, caplog.at_level(logging.WARNING):
            locked = connection.execution_options(isolation_level="READ COMMITTED")
            locked.exec_driver_sql("LOCK TABLE limit_usage IN ACCESS EXCLUSIVE MODE")
            verdicts = [engine.take(MINUTE, "198.51.100.1") for _ in range(7)]
            locked.rollback()
        assert [v.admitted for v in verdicts] == [True] * 6 + [False], "counted here meanwhile"
        assert len(caplog.messages) == 1
        assert "each process alone" in caplog.messages[0]
        engine.close()

    def test_a_database_that_is_away_refuses_nobody(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        engine = SharedEngine(make_url("postgresql+psycopg://foi@127.0.0.1:9/none"))
        with caplog.at_level(logging.WARNING):
            assert all(engine.take(MINUTE, "192.0.2.1").admitted for _ in range(6))
        assert len(caplog.messages) == 1
        assert engine.prune() == 0
        engine.close()
