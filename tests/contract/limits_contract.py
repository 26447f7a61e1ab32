"""What counting calls promises, by whatever engine: run in memory and on PostgreSQL."""

import threading
from collections import deque

import hypothesis
from hypothesis import HealthCheck
from hypothesis import strategies as st

from foi.limits.limiter import Engine
from foi.limits.windows import WINDOW, Policy

MINUTE = Policy("searches", 6, shared=True)


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class LimitsContract:
    """The promises; a subclass gives the fixtures `clock` and `engine`."""

    def test_so_many_are_admitted_and_then_none(self, engine: Engine, clock: Clock) -> None:
        verdicts = [engine.take(MINUTE, "192.0.2.1") for _ in range(9)]
        assert [v.admitted for v in verdicts] == [True] * 6 + [False] * 3
        assert [v.remaining for v in verdicts] == [5, 4, 3, 2, 1, 0, 0, 0, 0]
        assert engine.take(MINUTE, "192.0.2.2").admitted, "somebody else is not concerned"
        other = Policy("writes", 1, shared=True)
        assert engine.take(other, "192.0.2.1").admitted, "nor is another limit"

    def test_who_waits_as_long_as_told_is_admitted_and_not_a_moment_before(
        self, engine: Engine, clock: Clock
    ) -> None:
        clock.now += 17.3
        while (refused := engine.take(MINUTE, "192.0.2.1")).admitted:
            clock.now += 1.1
        for _ in range(5):
            clock.now += refused.seconds - 0.05
            assert not engine.take(MINUTE, "192.0.2.1").admitted
            clock.now += 0.06
            assert engine.take(MINUTE, "192.0.2.1").admitted
            refused = engine.take(MINUTE, "192.0.2.1")
            assert not refused.admitted
            assert 0 < refused.seconds <= 2 * WINDOW

    def test_refused_calls_cost_nothing(self, engine: Engine, clock: Clock) -> None:
        """Whoever goes on knocking is let in again as soon as whoever waits."""
        admitted = {"knocking": 0, "waiting": 0}
        for tick in range(240):
            for who in admitted:
                if who == "knocking" or tick % 10 == 0:
                    admitted[who] += engine.take(MINUTE, who).admitted
            clock.now += 1.0
        assert abs(admitted["knocking"] - admitted["waiting"]) <= 4
        assert admitted["knocking"] >= 20

    def test_looking_does_not_count(self, engine: Engine, clock: Clock) -> None:
        for _ in range(20):
            assert engine.peek(MINUTE, "192.0.2.1").admitted
        for _ in range(7):
            engine.take(MINUTE, "192.0.2.1")
        assert not engine.peek(MINUTE, "192.0.2.1").admitted
        clock.now += 2 * WINDOW
        assert engine.peek(MINUTE, "192.0.2.1").admitted

    def test_a_clock_that_is_set_back_lets_nobody_in(self, engine: Engine, clock: Clock) -> None:
        for _ in range(7):
            engine.take(MINUTE, "192.0.2.1")
        clock.now -= 3 * WINDOW
        assert not engine.take(MINUTE, "192.0.2.1").admitted

    def test_after_two_windows_nothing_is_left(self, engine: Engine, clock: Clock) -> None:
        for _ in range(7):
            engine.take(MINUTE, "192.0.2.1")
        clock.now += 2 * WINDOW + 1
        assert engine.take(MINUTE, "192.0.2.1").remaining == 5

    def test_many_threads_are_admitted_just_as_often(self, engine: Engine, clock: Clock) -> None:
        policy, admitted = Policy("pages", 25, shared=True), deque[bool]()

        def call() -> None:
            for _ in range(10):
                admitted.append(engine.take(policy, "192.0.2.1").admitted)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert sum(admitted) == 25

    @hypothesis.settings(
        max_examples=40,
        deadline=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.differing_executors,
        ],
        database=None,
    )
    @hypothesis.given(
        pauses=st.lists(st.floats(0.0, 45.0, allow_nan=False), min_size=1, max_size=40),
        limit=st.integers(1, 8),
        start=st.floats(0, 1000),
    )
    def test_no_minute_sees_many_more_than_the_limit(
        self, engine: Engine, clock: Clock, pauses: list[float], limit: int, start: float
    ) -> None:
        """By the window at hand never more; by any minute at most half as many again."""
        clock.now += 10 * WINDOW + start
        policy = Policy("writes", limit, shared=True)
        times = []
        for pause in pauses:
            clock.now += pause
            if engine.take(policy, "192.0.2.1").admitted:
                times.append(clock.now)
        for moment in times:
            within = [t for t in times if moment - WINDOW < t <= moment]
            assert len(within) <= 1.5 * limit + 1
            slot = [t for t in times if t // WINDOW == moment // WINDOW]
            assert len(slot) <= limit
