"""What an export remembers beside itself: the SHA-1 of each file by its SHA-256, what the present
export names, and at which event it was made.

A small SQLite file in the export's folder, so that no file is read twice and one can be found
among a hundred thousand. Losing it costs reading every file once more.
"""

import fcntl
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME, LOCK = ".index.sqlite", ".lock"
_TABLES = """
CREATE TABLE IF NOT EXISTS file (
    sha256 TEXT PRIMARY KEY, sha1 TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_sha1 ON file (sha1);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Busy(Exception):
    """Another export into this folder is under way."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of an export."""

    sha1: str
    size: int
    media_type: str
    sha256: str


class Index:
    """The index while an export is made; nobody sees what changes in it before `settle`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._former = {
            row[0]: (row[1], row[2])
            for row in connection.execute("SELECT sha256, sha1, size FROM file")
        }
        self.kept: dict[str, Kept] = {}
        """The files that this export names, by SHA-256."""

    def known(self, sha256: str) -> tuple[str, int] | None:
        """Give SHA-1 and size of a file, if one of the last export or of this one."""
        kept = self.kept.get(sha256)
        return (kept.sha1, kept.size) if kept is not None else self._former.get(sha256)

    def settle(self, about: Mapping[str, str]) -> None:
        """Let this export's files be the ones there are, and say about it what there is to say."""
        gone = self._former.keys() - self.kept.keys()
        rows = [(k.sha256, k.sha1, k.size, k.media_type) for k in self.kept.values()]
        with self._connection:
            self._connection.executemany("DELETE FROM file WHERE sha256 = ?", [(s,) for s in gone])
            self._connection.executemany(
                "INSERT INTO file VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET"
                " media_type = excluded.media_type WHERE media_type <> excluded.media_type",
                rows,
            )
            self._connection.executemany(
                "INSERT INTO about VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
                " WHERE value <> excluded.value",
                list(about.items()),
            )

    def withhold(self) -> None:
        """Say that there is no export, until it is settled."""
        with self._connection:
            self._connection.execute("DELETE FROM about")


@contextmanager
def making(folder: Path) -> Iterator[Index]:
    """Open the index to make an export; Busy while somebody else does."""
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"another export into {folder} is under way") from None
        with closing(_opened(folder / NAME)) as connection:
            yield Index(connection)


def _opened(path: Path) -> sqlite3.Connection:
    """Open the index, and make it anew when it is none or damaged."""
    connection = sqlite3.connect(path, timeout=10)
    try:
        connection.executescript(_TABLES)
    except sqlite3.DatabaseError:
        connection.close()
        path.unlink()
        connection = sqlite3.connect(path, timeout=10)
        connection.executescript(_TABLES)
    return connection


def find(folder: Path, sha1: str) -> list[Kept]:
    """Give the files of the present export with a SHA-1; there is hardly ever more than one."""
    statement = "SELECT sha1, size, media_type, sha256 FROM file WHERE sha1 = ?"
    return [Kept(*row) for row in _read(folder, statement, sha1)]


def about(folder: Path) -> dict[str, str]:
    """Give what the present export says of itself; nothing when there is none."""
    return dict(_read(folder, "SELECT name, value FROM about"))


def _read(folder: Path, statement: str, *values: str) -> list[Any]:
    path = folder / NAME
    if not path.is_file():
        return []
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute(statement, values).fetchall()
        except sqlite3.DatabaseError:
            return []  # begun and not finished, or damaged: the next export makes it anew
