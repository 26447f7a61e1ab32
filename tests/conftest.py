"""Fixtures: a fresh site on real SQLite, and the whole application over WebTest in a doomed
transaction.
"""

import fcntl
import functools
import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import transaction
import webtest
from jinja2.bccache import Bucket, BytecodeCache
from pyramid import urldispatch
from pyramid.config import Configurator
from sqlalchemy.orm import Session

from foi import configure, migrations, settings
from foi.archive import casework
from foi.archive.models import Body, InfoRequest, Person
from foi.demo import load
from foi.site import Site
from foi.work.worker import drain

# Each application is a hundred thousand objects that refer to each other: to look through all of
# them after every 700 new ones took a third of the time of the tests.
gc.set_threshold(50_000, 20, 100)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is `thorough` unless FOI_THOROUGH is set: `make test` is for every change."""
    if "FOI_THOROUGH" in os.environ:
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]


def examples(number: int) -> int:
    """How many examples hypothesis tries: a third of them unless FOI_THOROUGH is set, as it is for
    what is marked `deeper` in .ci/run.
    """
    return number if "FOI_THOROUGH" in os.environ else number // 3


def pytest_collection_finish() -> None:
    """Let the collector of garbage never again look through modules and tests: they stay."""
    gc.collect()
    gc.freeze()


LETTER = (
    "Dear Council,\n\nHow many lamp posts are there in Mill Lane?\n\nYours faithfully,\nAda Fenn"
)


def made_once(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """Give a folder that one of the test processes fills for all of them."""
    everyones = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None
    folder = (everyones or factory.getbasetemp()) / f"once-{name}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = Path(tempfile.mkdtemp(dir=folder.parent))
            fill(making)
            making.rename(folder)
    return folder


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of an empty database of the present schema, made by Alembic itself, once."""
    return (made_once(tmp_path_factory, "migrated", _migrate) / "foi.sqlite").read_bytes()


def _migrate(folder: Path) -> None:
    made = settings.load({"data": str(folder)}, {})
    config = configure(made)
    site: Site = config.registry["foi.site"]
    migrations.upgrade(site.engine, made)
    with site.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    site.close()


class _Compiled(BytecodeCache):
    """Templates compiled once for all applications of a test process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()
# The same two hundred patterns for each application.
urldispatch._compile_route = functools.cache(urldispatch._compile_route)


@dataclass
class Running:
    """A configured application and its site."""

    config: Configurator
    site: Site
    app: Any

    def close(self) -> None:
        """Let go of the index and the database."""
        self.site.close()


def start(folder: Path, migrated: bytes, **ini: str) -> Running:
    """Configure an application on a folder of its own."""
    folder.mkdir(exist_ok=True)
    database = folder / "foi.sqlite"
    if "database.url" not in ini and not database.exists():
        database.write_bytes(migrated)
    made = settings.load({"data": str(folder), "site.url": "http://foi.test", **ini}, {})
    config = configure(made, {"foi.compiled": _COMPILED})
    app = config.make_wsgi_app()
    return Running(config, config.registry["foi.site"], app)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Path:
    """The data of a site with the demo content, its files read and its index made, once; whoever
    uses it starts from a copy.
    """

    def fill(folder: Path) -> None:
        made = start(folder / "site", migrated)
        assert load(made.site) >= 40
        drain(made.site)
        made.close()

    return made_once(tmp_path_factory, "demo", fill) / "site"


@pytest.fixture
def ini() -> dict[str, str]:
    """The settings of `running`, for tests that need others."""
    return {}


@pytest.fixture
def running(tmp_path: Path, migrated: bytes, ini: dict[str, str]) -> Iterator[Running]:
    """The whole application on a fresh site whose writes are committed."""
    made = start(tmp_path / "site", migrated, **ini)
    yield made
    made.close()


@pytest.fixture
def site(running: Running) -> Site:
    """A fresh site with all consumers, on real SQLite."""
    return running.site


@pytest.fixture
def app(running: Running) -> webtest.TestApp:
    """The application over WebTest, committing as in real life."""
    return webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Running]:
    """One application for all tests that commit nothing."""
    made = start(tmp_path_factory.mktemp("shared"), migrated)
    yield made
    made.close()


@pytest.fixture
def db(shared: Running) -> Iterator[Session]:
    """A session whose transaction is doomed: the application under `web` shares it, nothing is
    committed.
    """
    session = shared.site.sessions.make(writing=True)
    yield session
    session.rollback()
    session.close()


@pytest.fixture
def web(shared: Running, db: Session) -> webtest.TestApp:
    """The application over WebTest, in the doomed transaction of `db`."""
    manager = transaction.TransactionManager(explicit=True)
    manager.begin()
    manager.doom()
    environ = {"HTTP_HOST": "foi.test", "foi.db": db, "tm.active": True, "tm.manager": manager}
    return webtest.TestApp(shared.app, extra_environ=environ)


def add_body(db: Session, name: str = "Fenby Town Council", **fields: Any) -> Body:
    """Add an authority and give it with its id."""
    body = casework.add_body(db, "import", name=name, **fields)
    db.flush()
    return body


def add_person(db: Session, name: str = "Ada Fenn") -> Person:
    """Register somebody."""
    person = casework.add_person(db, "import", name=name)
    db.flush()
    return person


def add_request(
    db: Session, body: Body | None = None, title: str = "Lamp posts in Mill Lane", **more: Any
) -> InfoRequest:
    """Open a request, to a new authority unless one is given."""
    given = {"text": LETTER, **more}
    body = body or add_body(db)
    request = casework.open_request(db, "import", body=body, title=title, **given)
    db.flush()
    return request


def key_for(site: Site, body: Body) -> str:
    """Give an authority's write key."""
    return site.keys.make(body.id, body.key_generation)
