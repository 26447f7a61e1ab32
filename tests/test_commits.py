"""The mark by which a cached page knows that nothing at all was committed."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from foi.archive.columns import Base
from foi.commits import CommitMark
from foi.site import Site
from tests.contract.crowd import scratch

WRITE = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=float(sys.argv[2]), isolation_level=None)
database.execute("BEGIN IMMEDIATE")
database.execute("INSERT INTO fact (name, value) VALUES (?, 'x')", (sys.argv[3],))
database.execute("COMMIT")
"""


def write_elsewhere(database: str, name: str, seconds: float = 5) -> bool:
    """Commit in another process; tells whether it could."""
    command = [sys.executable, "-c", WRITE, database, str(seconds), name]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_every_commit_of_any_process_changes_the_mark(site: Site) -> None:
    seen = [site.versions.mark()]
    assert seen[0] is not None
    assert site.versions.mark() == seen[0]
    database = str(site.engine.url.database)
    for number in range(3):
        assert write_elsewhere(database, f"other{number}")
        seen.append(site.versions.mark())
        with site.sessions.writing() as db:
            db.connection().exec_driver_sql(f"INSERT INTO fact VALUES ('own{number}', 'x')")
        seen.append(site.versions.mark())
    assert len(set(seen)) == len(seen)


def test_a_checkpoint_hides_no_later_commit(site: Site) -> None:
    with site.sessions.writing() as db:
        db.connection().exec_driver_sql("INSERT INTO fact VALUES ('first', 'x')")
    with site.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    before = site.versions.mark()
    assert write_elsewhere(str(site.engine.url.database), "second")
    assert site.versions.mark() != before


def test_reading_and_rolling_back_change_nothing(site: Site) -> None:
    before = site.versions.mark()
    session = site.sessions.make(writing=True)
    session.connection().exec_driver_sql("INSERT INTO fact VALUES ('never', 'x')")
    session.rollback()
    session.close()
    assert site.versions.read(("events",)) is not None
    assert site.versions.mark() == before


def test_closing_one_mark_leaves_the_locks_of_its_process(site: Site) -> None:
    database = str(site.engine.url.database)
    assert site.versions.mark()  # one that stays open
    session = site.sessions.make(writing=True)
    session.connection()  # takes SQLite's lock
    CommitMark(database).close()
    assert not write_elsewhere(database, "during", seconds=0.2)
    session.rollback()
    session.close()
    assert write_elsewhere(database, "after")


def test_a_site_that_closes_leaves_the_locks_of_who_still_writes(tmp_path: Path) -> None:
    site = scratch(tmp_path)
    Base.metadata.create_all(site.engine)
    database = str(site.engine.url.database)
    assert site.versions.mark()
    session = site.sessions.make(writing=True)
    session.connection()  # as a thread of the worker that is not done yet
    site.close()
    assert not write_elsewhere(database, "during", seconds=0.2)
    session.invalidate()
    assert write_elsewhere(database, "after")


def test_a_database_without_shared_memory_has_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "plain.sqlite"
    sqlite3.connect(path).close()
    with pytest.raises(OSError, match=r"plain\.sqlite-shm"):
        CommitMark(str(path))
