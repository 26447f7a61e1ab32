"""Counting in this process: two dictionaries for each limit, of the window at hand and of the one
before, so that nothing need be looked through to forget.

Bounded: when a window has seen MOST callers the earliest is forgotten for each new one, which lets
through only whoever commands more addresses than that.
"""

import threading
import time
from collections.abc import Callable

from foi.limits.windows import WINDOW, Policy, Verdict, judge, used

MOST = 10_000
"""Callers that are remembered for each limit and window."""


class _Counts:
    __slots__ = ("current", "lock", "previous", "slot")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.slot = -1
        self.current: dict[str, int] = {}
        self.previous: dict[str, int] = {}

    def move(self, slot: int) -> None:
        """Go on to a window; a clock that is set back changes nothing."""
        if slot > self.slot:
            self.previous = self.current if slot == self.slot + 1 else {}
            self.current, self.slot = {}, slot


class MemoryEngine:
    """Counts calls by limit and caller."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counts: dict[str, _Counts] = {}
        self._making = threading.Lock()

    def take(self, policy: Policy, who: str) -> Verdict:
        """Count a call, unless it is beyond the limit."""
        return self._judge(policy, who, 1)

    def peek(self, policy: Policy, who: str) -> Verdict:
        """Tell what would become of a call, without counting it."""
        return self._judge(policy, who, 0)

    def size(self) -> int:
        """Give how many callers are remembered."""
        return sum(len(c.current) + len(c.previous) for c in self._counts.values())

    def prune(self) -> int:
        """Forget nothing: windows go by themselves."""
        return 0

    def close(self) -> None:
        """Hold on to nothing."""

    def _judge(self, policy: Policy, who: str, cost: int) -> Verdict:
        slot, share = divmod(self._clock() / WINDOW, 1.0)
        counts = self._counts.get(policy.name) or self._new(policy.name)
        with counts.lock:
            counts.move(int(slot))
            if counts.slot > slot:
                share = 0.0
            current, previous = counts.current.get(who, 0), counts.previous.get(who, 0)
            admitted = used(share, current, previous) + 1 <= policy.limit
            if admitted and cost:
                if not current and len(counts.current) >= MOST:
                    del counts.current[next(iter(counts.current))]
                current = counts.current[who] = current + cost
        return judge(policy, share, current, previous, admitted)

    def _new(self, name: str) -> _Counts:
        with self._making:
            return self._counts.setdefault(name, _Counts())
