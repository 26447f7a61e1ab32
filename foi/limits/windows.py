"""How a limit slides: the calls of the window at hand, and of the one before as far as it still
overlaps the last minute.

Two numbers for each caller instead of the time of every call. Given up: calls of the former window
are taken for evenly spread, so that after a sudden burst the true number in a minute may be up to
half as many again.
"""

import math
from dataclasses import dataclass

WINDOW = 60.0
"""Seconds over which calls are counted."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A limit: so many calls in WINDOW."""

    name: str
    """Its name in the RateLimit headers."""
    limit: int
    shared: bool = False
    """Whether all processes count together, where the database lets them."""

    @property
    def described(self) -> str:
        """The limit as the header RateLimit-Policy has it."""
        return f'"{self.name}";q={self.limit};w={WINDOW:.0f}'


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a call."""

    policy: Policy
    admitted: bool
    remaining: int
    """How many more calls would be admitted at this moment."""
    seconds: float
    """Until the next call is admitted, of one that was not; else until the window ends."""

    @property
    def wait(self) -> int:
        """Whole seconds to wait, at least one."""
        return max(1, math.ceil(self.seconds))

    @property
    def told(self) -> str:
        """The standing as the header RateLimit has it."""
        return f'"{self.policy.name}";r={self.remaining};t={self.wait}'


def used(share: float, current: int, previous: int) -> float:
    """Give the calls of the last WINDOW when `share` of the window at hand has passed."""
    return previous * (1.0 - share) + current


def judge(policy: Policy, share: float, current: int, previous: int, admitted: bool) -> Verdict:
    """Tell what the numbers mean once the call is counted, if it was admitted."""
    left = max(0, math.floor(policy.limit - used(share, current, previous)))
    seconds = (1.0 - share) * WINDOW if admitted else _wait(policy.limit, share, current, previous)
    return Verdict(policy, admitted, left, seconds)


def _wait(limit: int, share: float, current: int, previous: int) -> float:
    """Give the seconds until one more call fits: in this window, or in the next one."""
    room = limit - 1 - current
    if room >= 0 and previous > 0:
        fits = 1.0 - room / previous
        if fits <= 1.0:
            return max(0.0, fits - share) * WINDOW
    fits = max(0.0, 1.0 - (limit - 1) / current) if current else 0.0
    return (1.0 - share + fits) * WINDOW
