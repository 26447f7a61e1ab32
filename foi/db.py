"""The engine and its transactions.

A write transaction on SQLite begins IMMEDIATE: a deferred one that later writes fails at once with
"database is locked", whatever the busy timeout (docs/decisions/0001-ledger.md). Reads see one
snapshot on both databases, so that a page and the version it is served under belong together.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Engine, Select, bindparam, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker
from sqlalchemy.pool import QueuePool

from foi.archive.calendar import Calendar
from foi.archive.ledger import Owed
from foi.archive.models import Version
from foi.commits import CommitMark
from foi.prepared import prepared
from foi.settings import Settings

_BUSY_SECONDS = 15


def make_engine(settings: Settings) -> Engine:
    """Make the engine of the site's database; SQLite in WAL mode with every commit on disk."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        settings.data_folder.mkdir(parents=True, exist_ok=True)
        # The one used last first: what it has read is still in its memory.
        engine = create_engine(
            url, pool_size=settings.threads + 4, max_overflow=16, pool_use_lifo=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(url, pool_size=settings.threads + 4, max_overflow=16, pool_pre_ping=True)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_SECONDS * 1000}",
        "cache_size=-16000",
        "temp_store=MEMORY",
        # The most that SQLite maps. It costs addresses, not memory; what lies beyond is copied,
        # which took five times as long for an archive of 100,000 requests.
        "mmap_size=2147418112",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("foi_writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # past all that could be said of a failure, for it has nothing to wait for
        cast(sqlite3.Connection, connection.connection.dbapi_connection).execute("BEGIN")


def _queue(sessions: sessionmaker[Session]) -> None:
    """Let the writers of this process take turns before they ask SQLite for its lock.

    SQLite has waiters look again after ever longer sleeps, so that under eight writers some
    waited for seconds while newcomers passed; here they are woken in turn. It is a courtesy
    only: whoever has waited as long as SQLite would goes on and lets SQLite decide.
    """
    turn = threading.Lock()

    def begin(session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            session.info["turn"] = turn.acquire(timeout=_BUSY_SECONDS)

    def end(session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None and session.info.pop("turn", False):
            turn.release()

    event.listen(sessions, "after_transaction_create", begin)
    event.listen(sessions, "after_transaction_end", end)


class Snapshot(Session):
    """A session that only reads. A statement on plain tables goes straight to its connection,
    past what the mapper would do about it; one that is known already, straight to the driver.

    The connection is its own, not its transaction's, which costs as much as three statements and
    is begun, within the same snapshot, only for what is mapped.
    """

    _straight: Connection | None = None
    _engine: Any = None

    def execute(self, statement: Any, params: Any = None, **more: Any) -> Any:
        """Run a statement; of one on plain tables the rows are the connection's own."""
        if more or statement._propagate_attrs.get("compile_state_plugin") == "orm":
            return super().execute(statement, params, **more)
        connection = self._straight or self._connect()
        dialect = connection.dialect
        ready = prepared(statement, dialect, params or {}) if statement.is_select else None
        if ready is None:
            return connection.execute(statement, params)
        try:
            return ready.run(connection.connection.dbapi_connection, params or {})
        except dialect.loaded_dbapi.Error as error:
            kind = dialect.loaded_dbapi.Error
            raise DBAPIError.instance(ready.sql, params, error, kind, dialect=dialect) from error

    def scalar(self, statement: Any, params: Any = None, **more: Any) -> Any:
        """Run a statement and give the first column of its first row."""
        return self.execute(statement, params, **more).scalar()

    def scalars(self, statement: Any, params: Any = None, **more: Any) -> Any:
        """Run a statement and give the first column of its rows."""
        return self.execute(statement, params, **more).scalars()

    def _connect(self) -> Connection:
        if self.in_transaction():
            self._straight = self.connection()
        else:
            self._engine = self.bind
            self._straight = self.bind = self._engine.connect()
            self._straight.begin()
        return self._straight

    def _disconnect(self) -> None:
        if self._straight is not None and self._engine is not None:
            self._straight.close()
            self.bind, self._engine = self._engine, None
        self._straight = None

    def close(self) -> None:
        """End the snapshot; the next statement begins another."""
        try:
            super().close()
        finally:
            self._disconnect()

    def rollback(self) -> None:
        """End the snapshot, as `close` does."""
        try:
            super().rollback()
        finally:
            self._disconnect()


class Sessions:
    """Sessions on the archive: `reading()` and `writing()` are context managers around one
    transaction each.
    """

    def __init__(
        self, engine: Engine, calendar: Calendar, owed: Callable[[], Iterable[Owed]] = tuple
    ) -> None:
        self.engine = engine
        self._calendar, self._owed = calendar, owed
        snapshot = (
            {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        )
        self._reading = sessionmaker(
            engine.execution_options(**snapshot), class_=Snapshot, expire_on_commit=False
        )
        self._writing = sessionmaker(
            engine.execution_options(foi_writing=True), expire_on_commit=False
        )
        if engine.dialect.name == "sqlite":
            _queue(self._writing)

    def make(self, writing: bool) -> Session:
        """Make a session whose transaction the caller manages."""
        return (self._writing if writing else self._reading)(
            info={"calendar": self._calendar, "owed": tuple(self._owed())}
        )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Read in one snapshot."""
        session = self.make(writing=False)
        try:
            yield session
        finally:
            session.rollback()
            session.close()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Write in one transaction, committed at the end of the block."""
        session = self.make(writing=True)
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()


class Versions:
    """Reads the versions of scopes with one raw statement, past session and transaction.

    It is asked before anything else about a page is done, so it is kept as cheap as the driver
    allows: each thread has a connection of its own, outside the pool and without transactions.
    On SQLite even that is needed only after a commit: see `mark`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = threading.local()
        self._opened: list[Any] = []
        self._mark = "?" if engine.dialect.name == "sqlite" else "%s"
        self._commits: CommitMark | None = None
        self._opening = threading.Lock()
        self._unmarked = engine.dialect.name != "sqlite"

    def mark(self) -> bytes | None:
        """Give bytes that differ after every commit to the database; None where there are none,
        as on PostgreSQL.
        """
        commits = self._commits or (None if self._unmarked else self._open_mark())
        return commits() if commits is not None else None

    def _open_mark(self) -> CommitMark | None:
        with self._opening:
            if self._commits is None and not self._unmarked:
                try:
                    self.read(("events",))  # by a connection that stays open
                    self._commits = CommitMark(self._engine.url.database or "")
                except (OSError, ValueError):
                    self._unmarked = True  # not in WAL mode, or not such a system
            return self._commits

    def read(self, scopes: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
        """Give the position of each scope that has one, ordered by scope."""
        marks = ",".join([self._mark] * len(scopes))
        sql = f"SELECT scope, position FROM version WHERE scope IN ({marks})"  # noqa: S608
        try:
            return tuple(sorted(self._cursor().execute(sql, scopes).fetchall()))
        except self._engine.dialect.loaded_dbapi.Error:
            # The connection may have gone; a second failure is the caller's.
            self._own.__dict__.clear()
            return tuple(sorted(self._cursor().execute(sql, scopes).fetchall()))

    def _cursor(self) -> Any:
        cursor = getattr(self._own, "cursor", None)
        if cursor is None:
            pooled = self._engine.raw_connection()
            connection: Any = pooled.driver_connection
            pooled.detach()
            if self._engine.dialect.name != "sqlite":
                connection.autocommit = True
            self._opened.append(connection)
            cursor = self._own.cursor = connection.cursor()
        return cursor

    def close(self) -> None:
        """Close the connections of all threads, and the engine's that nobody has in hand.

        While one is in hand the mark stays open: to close it would undo that one's locks, and
        another process could write where it is writing.
        """
        pool = self._engine.pool
        in_hand = isinstance(pool, QueuePool) and pool.checkedout() > 0
        self._engine.dispose()
        while self._opened:
            self._opened.pop().close()
        if self._commits is not None:
            if not in_hand:
                self._commits.close()
            self._commits, self._unmarked = None, True
        self._own = threading.local()


@cache
def _versions(number: int) -> Select[Any]:
    """Look up so many scopes: to write the list into the statement anew for each page costs as
    much as running it.
    """
    version = Version.__table__.c
    named = version.scope.in_([bindparam(f"scope{i}") for i in range(number)])
    return select(version.scope, version.position, version.changed_at).where(named)


def changed_at(db: Session, scopes: Iterable[str]) -> tuple[tuple[tuple[str, int], ...], datetime]:
    """Give the positions of scopes, as `Versions.read` does, and the moment of the newest change
    among them.
    """
    named = {f"scope{i}": scope for i, scope in enumerate(scopes)}
    rows = db.execute(_versions(len(named)), named).all()
    moment = max((row.changed_at for row in rows), default=datetime.fromtimestamp(0, UTC))
    return tuple(sorted((row.scope, row.position) for row in rows)), moment
