"""Failures on request: answers of broken proxies and servers, and connections that end early.

A client must survive all of them, and must cope with calls that took effect although no answer
came. Gives up: slow reads, half answers.
"""

import random
from dataclasses import dataclass

KINDS = ("500", "502", "429", "drop")


@dataclass
class Fault:
    """One failure to come: of which kind, and for which calls."""

    kind: str
    after: bool = False
    times: int = 1
    method: str = ""
    path: str = ""
    retry_after: int = 0

    def fits(self, method: str, path: str) -> bool:
        """Say whether the failure is meant for this call."""
        return self.times > 0 and self.method in ("", method) and self.path in path


class Faults:
    """The failures ordered by a test, and a share of random ones."""

    def __init__(self, rate: float = 0.0, seed: int | None = None) -> None:
        self.rate = rate
        self._random = random.Random(seed)
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Let coming calls fail: status (``"503"``), or ``"drop"`` for a broken connection."""
        if fault.kind != "drop" and not fault.kind.isdigit():
            raise ValueError(f"no such failure: {fault.kind}")
        self._ordered.append(fault)

    def clear(self) -> None:
        """Forget the failures ordered and make none at random any more."""
        self._ordered.clear()
        self.rate = 0.0

    def draw(self, method: str, path: str) -> Fault | None:
        """Give the failure this call shall meet, if any."""
        for fault in self._ordered:
            if fault.fits(method, path):
                fault.times -= 1
                return fault
        if self.rate and path.startswith("/api/") and self._random.random() < self.rate:
            return Fault(self._random.choice(KINDS), after=self._random.random() < 0.5)
        return None
