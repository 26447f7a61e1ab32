"""The promises of counting, in this process."""

import pytest

from foi.limits.memory import MOST, MemoryEngine
from foi.limits.windows import Policy
from tests.contract.limits_contract import Clock, LimitsContract


class TestMemory(LimitsContract):
    """All of them."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def engine(self, clock: Clock) -> MemoryEngine:
        return MemoryEngine(clock)

    @pytest.mark.thorough
    def test_a_hundred_thousand_addresses_do_not_fill_the_memory(
        self, engine: MemoryEngine, clock: Clock
    ) -> None:
        policy = Policy("pages", 3)
        for window in range(3):
            for n in range(100_000):
                engine.take(policy, f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::/64")
            assert engine.size() <= 2 * MOST, window
            clock.now += 60
        for _ in range(3):
            assert engine.take(policy, "192.0.2.1").admitted
        assert not engine.take(policy, "192.0.2.1").admitted
