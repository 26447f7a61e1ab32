"""Backup, restore and check, all of which may run while the site serves and is written to.

A backup takes the database first and the files after it: a row is never committed before its
file is on disk, so every file that the copy names can still be had. The search index is left
out; it is made anew from the rows.
"""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.engine import make_url

from foi import __version__, migrations
from foi.archive.blobs import BlobStore
from foi.archive.ledger import newest
from foi.archive.models import Attachment, Delivery, Event, InfoRequest, Message, Version
from foi.db import make_engine
from foi.settings import Settings
from foi.site import Site

MANIFEST = "backup.json"
_NAMED = {"sqlite": "database.sqlite", "postgresql": "database.dump"}


class Impossible(Exception):
    """What was asked cannot be done; the text says why and what would help."""


def backup(site: Site, target: Path) -> dict[str, Any]:
    """Copy the site into a folder and give what the copy holds; into the same folder again
    costs only what is new.
    """
    target.mkdir(parents=True, exist_ok=True)
    kind = site.engine.dialect.name
    fresh = target / f".{_NAMED[kind]}.new"
    fresh.unlink(missing_ok=True)
    (_copy_sqlite if kind == "sqlite" else _dump_postgres)(site, fresh)
    fresh.replace(target / _NAMED[kind])
    copied = site.blobs.copy_to(BlobStore(target / "files"))
    _copy_secret(site.settings.key_secret_file, target / "key_secret")
    with site.sessions.reading() as db:
        held = {
            "database": _NAMED[kind],
            "version": __version__,
            "schema": migrations.current(site.engine),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "newest_event": newest(db),
            "files_copied": copied,
        }
    (target / MANIFEST).write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")
    return held


def _copy_sqlite(site: Site, fresh: Path) -> None:
    """Copy page by page through SQLite's own backup, which writers do not disturb."""
    source = sqlite3.connect(f"file:{_sqlite_path(site.settings)}?mode=ro", uri=True)
    copy = sqlite3.connect(fresh)
    try:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
        source.close()


def _dump_postgres(site: Site, fresh: Path) -> None:
    _run_postgres(site.settings, "pg_dump", "--format=custom", f"--file={fresh}")


def _run_postgres(settings: Settings, program: str, *arguments: str) -> None:
    """Run a PostgreSQL program on the site's database; the password goes by the environment,
    never by argument.
    """
    url = make_url(settings.database_url)
    named = {"--host": url.host, "--port": url.port, "--username": url.username}
    options = [f"{option}={value}" for option, value in named.items() if value]
    for (
        option,
        value,
    ) in url.query.items():  # psycopg takes these in the query of an address as well
        if option in ("host", "port"):
            options.append(f"--{option}={value}")
    environment = {**os.environ, **({"PGPASSWORD": url.password} if url.password else {})}
    if shutil.which(program) is None:
        raise Impossible(
            f"{program} is not installed; it comes with PostgreSQL's client programs."
        )
    command = [program, *options, f"--dbname={url.database}", "--no-password", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Impossible(f"{program} failed: {done.stderr.strip()[-1000:]}")


def _copy_secret(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(source.read_bytes())


def _sqlite_path(settings: Settings) -> Path:
    database = make_url(settings.database_url).database
    if not database or database == ":memory:":
        raise Impossible("A database in memory cannot be copied.")
    return Path(database)


def restore(settings: Settings, source: Path) -> dict[str, Any]:
    """Make the site that the settings describe out of a backup; only where there is none yet.

    Raises Impossible for a folder that is no backup, or a place that already holds a site.
    """
    try:
        held: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
        copy = source / held["database"]
    except (OSError, ValueError, KeyError):
        raise Impossible(f"{source} holds no backup that `foi backup` has finished.") from None
    engine_name = make_url(settings.database_url).get_backend_name()
    if copy.name != _NAMED.get(engine_name):
        raise Impossible(f"The backup is a {copy.name}; database.url names another kind.")
    if engine_name == "sqlite":
        place = _sqlite_path(settings)
        if place.exists():
            raise Impossible(f"There is a database at {place} already.")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy, place)
    else:
        engine = make_engine(settings)
        occupied = migrations.current(engine) is not None
        engine.dispose()
        if occupied:
            raise Impossible("The database already holds a site.")
        _run_postgres(settings, "pg_restore", "--no-owner", "--single-transaction", str(copy))
    BlobStore(source / "files").copy_to(BlobStore(settings.files_folder))
    settings.key_secret_file.parent.mkdir(parents=True, exist_ok=True)
    _copy_secret(source / "key_secret", settings.key_secret_file)
    return held


def problems(site: Site, *, hashes: bool = False) -> Iterator[str]:
    """Look for what should not be, a sentence each: database, rows, events, files (`hashes`:
    every byte of them).
    """
    state = migrations.current(site.engine)
    if state != migrations.head():
        yield f"The schema is {state}, this release needs {migrations.head()}: `foi upgrade`."
        return
    yield from _database_problems(site.engine)
    with site.sessions.reading() as db:
        for what, statement in _ROWS.items():
            for (number,) in db.execute(statement.limit(20)):
                yield f"{what} {number}"
        parked = (
            db.scalar(select(text("count(*)")).select_from(Delivery).where(Delivery.parked)) or 0
        )
        if parked:
            yield f"{parked} deliveries were given up: see `foi work --parked`."
        yield from _file_problems(site, db, hashes)
    mode = site.settings.key_secret_file.stat().st_mode & 0o777
    if mode & 0o077:
        yield f"The key secret can be read by others (mode {mode:o}): make it 600."


def _database_problems(engine: Engine) -> Iterator[str]:
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        for (found,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if found != "ok":
                yield f"SQLite: {found}"
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"SQLite: row {row[1]} of {row[0]} points at nothing in {row[2]}"


_ROWS = {
    "No event tells of request": select(InfoRequest.id).where(
        ~select(Event.id).where(Event.request_id == InfoRequest.id).exists()
    ),
    "No event tells of message": select(Message.id).where(
        ~select(Event.id).where(Event.message_id == Message.id).exists()
    ),
    "A version is behind its events, of request": select(Event.request_id)
    .outerjoin(Version, Version.scope == text("'request:' || event.request_id"))
    .where(Event.request_id.is_not(None), Event.audience != "desk")
    .group_by(Event.request_id, Version.position)
    .having(text("coalesce(version.position, 0) < max(event.id)")),
}


def _file_problems(site: Site, db: Any, hashes: bool) -> Iterator[str]:
    rows = db.execute(
        select(Attachment.sha256, Attachment.id, Attachment.size)
        .where(Attachment.sha256.is_not(None))
        .order_by(Attachment.sha256)
        .execution_options(yield_per=1000)
    )
    seen = ""
    for sha256, number, size in rows:
        if sha256 == seen:
            continue
        seen = sha256
        if not site.blobs.holds(sha256):
            yield f"The bytes of attachment {number} are missing: {sha256}"
        elif site.blobs.path(sha256).stat().st_size != size or (
            hashes and site.blobs.damaged(sha256)
        ):
            yield f"The bytes of attachment {number} are damaged: {sha256}"
