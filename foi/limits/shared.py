"""Counting together: all processes on one PostgreSQL, one statement for a call, outside of any
transaction of the call's own.

A caller who was refused is remembered here until it may try again, so that refusing costs no
statement. When the database is slow or away, calls are counted in this process for some seconds
and the log says so: a limit is never the reason for an error.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from foi.limits.memory import MOST, MemoryEngine
from foi.limits.windows import WINDOW, Policy, Verdict, judge

log = logging.getLogger(__name__)

PATIENCE = 0.25
"""Seconds that a statement may take."""
PAUSE = 5.0
"""Seconds without a further try after a failure."""

# All the names on the right are of the row as it was; a clock that lags behind another process's
# is taken for that one.
_NOW = "greatest(u.at, excluded.at)"
_SAME = f"floor({_NOW}) = floor(u.at)"
_CURRENT = f"(CASE WHEN {_SAME} THEN u.current ELSE 0 END)"
_PREVIOUS = (
    f"(CASE WHEN {_SAME} THEN u.previous"
    f" WHEN floor({_NOW}) = floor(u.at) + 1 THEN u.current ELSE 0 END)"
)
_FITS = f"({_PREVIOUS} * (1 - ({_NOW} - floor({_NOW}))) + {_CURRENT} + 1 <= :limit)"
_TAKE = text(
    "INSERT INTO limit_usage AS u (source, at, current, previous, admitted, until)"  # noqa: S608
    " VALUES (:source, :at, 1, 0, true, :until)"
    " ON CONFLICT (source) DO UPDATE SET"
    f" at = {_NOW}, previous = {_PREVIOUS}, admitted = {_FITS}, until = excluded.until,"
    f" current = {_CURRENT} + CASE WHEN {_FITS} THEN 1 ELSE 0 END"
    " RETURNING at, current, previous, admitted"
)
_PRUNE = text(
    "DELETE FROM limit_usage WHERE source IN"
    " (SELECT source FROM limit_usage WHERE until < :now LIMIT 2000 FOR UPDATE SKIP LOCKED)"
)


class SharedEngine:
    """Counts calls of shared limits in the database, those of others in this process."""

    def __init__(
        self, url: Any, *, connections: int = 4, clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._local = MemoryEngine(clock)
        self._refused: dict[tuple[str, str], tuple[float, Verdict]] = {}
        self._away_until = 0.0
        milliseconds = int(PATIENCE * 1000)
        self._engine: Engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_timeout=PATIENCE,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "connect_timeout": 2,
                "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
            },
        )

    def take(self, policy: Policy, who: str) -> Verdict:
        """Count a call, unless it is beyond the limit."""
        if not policy.shared or time.monotonic() < self._away_until:
            return self._local.take(policy, who)
        key = (policy.name, who)
        if (known := self._known(key)) is not None:
            return known
        try:
            row = self._count(policy, who)
        except SQLAlchemyError as problem:
            self._away_until = time.monotonic() + PAUSE
            log.warning(
                "limits are counted by each process alone for %d seconds: %s",
                PAUSE,
                str(problem).partition("\n")[0],
            )
            return self._local.take(policy, who)
        share = row.at % 1.0
        verdict = judge(policy, share, row.current, row.previous, row.admitted)
        if not verdict.admitted:
            self._remember(key, verdict)
        return verdict

    def peek(self, policy: Policy, who: str) -> Verdict:
        """Tell what would become of a call as far as this process knows: no statement is made."""
        known = self._known((policy.name, who)) if policy.shared else None
        return known or self._local.peek(policy, who)

    def prune(self) -> int:
        """Delete what says nothing any more, a batch at a time; give how many rows."""
        now, gone = datetime.fromtimestamp(self._clock(), UTC), 0
        try:
            with self._engine.connect() as connection:
                while batch := connection.execute(_PRUNE, {"now": now}).rowcount:
                    gone += batch
        except SQLAlchemyError as problem:
            log.warning("old counts stay until later: %s", str(problem).partition("\n")[0])
        return gone

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    def _count(self, policy: Policy, who: str) -> Any:
        now = self._clock()
        given = {
            "source": f"{policy.name}:{who}"[:120],
            "at": now / WINDOW,
            "limit": policy.limit,
            "until": datetime.fromtimestamp(now + 2 * WINDOW, UTC),
        }
        with self._engine.connect() as connection:
            return connection.execute(_TAKE, given).one()

    def _known(self, key: tuple[str, str]) -> Verdict | None:
        """Give the refusal of a caller who must still wait, with the time that is left."""
        refused = self._refused.get(key)
        if refused is None:
            return None
        until, verdict = refused
        left = until - self._clock()
        if left <= 0:
            self._refused.pop(key, None)
            return None
        return replace(verdict, seconds=left)

    def _remember(self, key: tuple[str, str], verdict: Verdict) -> None:
        if len(self._refused) >= MOST:
            self._refused = {}
        self._refused[key] = self._clock() + verdict.seconds, verdict
