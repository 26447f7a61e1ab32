"""The engine, its transactions, and `request.db`.

A write transaction on SQLite begins IMMEDIATE: a deferred one that later writes fails at once with
"database is locked", whatever the busy timeout (docs/decisions/0001-ledger.md). Reads see one
snapshot on both databases, so that a page and the version it is served under belong together.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import zope.sqlalchemy
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid_retry import mark_error_retryable
from sqlalchemy import Connection, Engine, bindparam, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker
from zope.sqlalchemy import datamanager

from foi.archive.calendar import Calendar
from foi.archive.ledger import Owed
from foi.archive.models import Version
from foi.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# Two writers may choose the same free slug; the second attempt finds it taken and chooses another.
mark_error_retryable(IntegrityError)
# A deadlock or serialization failure on PostgreSQL, a lock that timed out on SQLite.
mark_error_retryable(OperationalError)


def make_engine(settings: Settings) -> Engine:
    """Make the engine of the site's database; SQLite in WAL mode with every commit on disk."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        settings.data_folder.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, pool_size=settings.threads + 4, max_overflow=16)
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
        "busy_timeout=15000",
        "cache_size=-16000",
        "temp_store=MEMORY",
        "mmap_size=268435456",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("foi_writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


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
        self._reading = sessionmaker(engine.execution_options(**snapshot), expire_on_commit=False)
        self._writing = sessionmaker(
            engine.execution_options(foi_writing=True), expire_on_commit=False
        )

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
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._own = threading.local()
        self._opened: list[Any] = []
        self._mark = "?" if engine.dialect.name == "sqlite" else "%s"

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
        """Close the connections of all threads."""
        while self._opened:
            self._opened.pop().close()
        self._own = threading.local()


_version = Version.__table__.c
_VERSIONS = select(_version.scope, _version.position, _version.changed_at).where(
    _version.scope.in_(bindparam("scopes", expanding=True))
)


def changed_at(db: Session, scopes: Iterable[str]) -> tuple[tuple[tuple[str, int], ...], datetime]:
    """Give the positions of scopes, as `Versions.read` does, and the moment of the newest change
    among them.
    """
    rows = db.execute(_VERSIONS, {"scopes": tuple(scopes)}).all()
    moment = max((row.changed_at for row in rows), default=datetime.fromtimestamp(0, UTC))
    return tuple(sorted((row.scope, row.position) for row in rows)), moment


def _request_db(request: Request) -> Session:
    """Give the request's session: from the WSGI environ in tests, else one joined to its
    transaction.
    """
    given: Session | None = request.environ.get("foi.db")
    if given is not None:
        return given
    writing = request.method not in SAFE_METHODS
    session: Session = request.registry["foi.site"].sessions.make(writing)
    state = datamanager.STATUS_CHANGED if writing else datamanager.STATUS_READONLY
    zope.sqlalchemy.register(session, initial_state=state, transaction_manager=request.tm)
    request.add_finished_callback(lambda _: session.close())
    return session


def includeme(config: Configurator) -> None:
    """Give every request its `db`."""
    config.add_request_method(_request_db, "db", reify=True)
