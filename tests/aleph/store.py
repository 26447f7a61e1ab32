"""The stand-in's memory: tables of plain records, optionally journalled to one SQLite file.

Everything acknowledged must survive ``kill -9``, so each request's changes are committed to the
file in one transaction before its answer goes out. Gives up: any other reader of the file, and
data larger than memory.
"""

import hashlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]

_TABLES = (
    "settings",
    "roles",
    "sessions",
    "collections",
    "permissions",
    "documents",
    "fragments",
    "index",
    "unrefreshed",
    "tasks",
    "alerts",
    "entitysets",
    "mappings",
    "exports",
    "events",
    "xref",
)


def now() -> str:
    """Give the present moment as Aleph writes it: UTC without a zone, with microseconds."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


class Table(dict[str, Record]):
    """Records by key that remember which of them changed since the last commit."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.dirty: set[str] = set()
        self.version = 0

    def save(self, key: str, record: Record) -> Record:
        """Keep a record, new or changed."""
        self[key] = record
        self.dirty.add(key)
        self.version += 1
        return record

    def drop(self, key: str) -> None:
        """Forget a record if it is there."""
        if self.pop(key, None) is not None:
            self.dirty.add(key)
            self.version += 1


class Journal:
    """The SQLite file behind the tables: one row per record, one per file."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        for sql in (
            "CREATE TABLE IF NOT EXISTS record (kind, key, value, PRIMARY KEY (kind, key))",
            "CREATE TABLE IF NOT EXISTS file (sha1 PRIMARY KEY, data)",
        ):
            self._db.execute(sql)

    def load(self, tables: dict[str, Table], files: dict[str, bytes]) -> None:
        """Fill the tables and files from the file."""
        for kind, key, value in self._db.execute("SELECT kind, key, value FROM record"):
            tables[kind][key] = json.loads(value)
        files.update(self._db.execute("SELECT sha1, data FROM file"))

    def write(self, tables: dict[str, Table], files: dict[str, bytes]) -> None:
        """Write the changed records and the given new files in one transaction."""
        changes = [
            (table.name, key, table.get(key)) for table in tables.values() for key in table.dirty
        ]
        if not changes and not files:
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR REPLACE INTO file VALUES (?, ?)", files.items())
        for kind, key, record in changes:
            if record is None:
                self._db.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))
            else:
                row = (kind, key, json.dumps(record))
                self._db.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", row)
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class Store:
    """All tables, the archived files by SHA-1, and the one lock that guards them."""

    def __init__(self, path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.tables = {name: Table(name) for name in _TABLES}
        self.files: dict[str, bytes] = {}
        self._new_files: dict[str, bytes] = {}
        self._journal = Journal(path) if path else None
        if self._journal:
            self._journal.load(self.tables, self.files)
        self.settings = self.tables["settings"]
        self.roles = self.tables["roles"]
        self.sessions = self.tables["sessions"]
        self.collections = self.tables["collections"]
        self.permissions = self.tables["permissions"]
        self.documents = self.tables["documents"]
        self.fragments = self.tables["fragments"]
        self.index = self.tables["index"]
        self.unrefreshed = self.tables["unrefreshed"]
        self.tasks = self.tables["tasks"]
        self.alerts = self.tables["alerts"]
        self.entitysets = self.tables["entitysets"]
        self.mappings = self.tables["mappings"]
        self.exports = self.tables["exports"]
        self.events = self.tables["events"]
        self.xref = self.tables["xref"]

    def commit(self) -> None:
        """Make all changes durable; without a file, only forget that they were changes."""
        if self._journal:
            self._journal.write(self.tables, self._new_files)
        for table in self.tables.values():
            table.dirty.clear()
        self._new_files.clear()

    def close(self) -> None:
        """Commit and close the file."""
        self.commit()
        if self._journal:
            self._journal.close()

    def number(self, kind: str) -> int:
        """Give the next number of a kind; numbers are never used twice."""
        last: int = self.settings.get(f"last {kind}", {"value": 0})["value"]
        self.settings.save(f"last {kind}", {"value": last + 1})
        return last + 1

    def secret(self, name: str, given: str | None = None) -> str:
        """Give a key: the given one, else the one used before, else a new random one."""
        kept = self.settings.get(f"secret {name}", {}).get("value")
        value: str = given or kept or secrets.token_hex(20)
        self.settings.save(f"secret {name}", {"value": value})
        return value

    def keep_file(self, data: bytes) -> str:
        """Archive bytes and give their SHA-1."""
        sha1 = hashlib.sha1(data).hexdigest()
        if sha1 not in self.files:
            self.files[sha1] = self._new_files[sha1] = data
        return sha1

    def of(self, table: Table, collection_id: str) -> Iterator[Record]:
        """Give a table's records that belong to a collection, as a snapshot in order."""
        return iter([row for row in table.values() if row["collection_id"] == collection_id])

    def purge(self, table: Table, unwanted: Callable[[Record], bool]) -> None:
        """Drop every record of a table that matches."""
        for key in [key for key, record in table.items() if unwanted(record)]:
            table.drop(key)
