"""A throw-away PostgreSQL: started once per test process, one database for each test that asks.

Debian's binaries are used, as the user `postgres` when the tests run as root, on a free port, in a
folder of its own, with fsync off. The databases sort by a language's rules (ICU) and not by bytes,
as most in real use do. Where there is no PostgreSQL its tests are skipped, unless FOI_REQUIRE
holds the word `postgres`: then they fail.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "120",
    "deadlock_timeout": "200ms",
    "timezone": "Pacific/Auckland",
}
"""The server's own zone is far from UTC on purpose: nothing of the archive may depend on it."""


class Postgres:
    """A running server and the number of databases that it has given out."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._numbers = itertools.count(1)

    def url(self, database: str) -> str:
        """Give the SQLAlchemy address of a database."""
        return f"postgresql+psycopg://foi@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> Any:
        """Connect past SQLAlchemy, each statement its own transaction."""
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="foi", dbname=database, autocommit=True
        )

    def make(self, template: str = "template1") -> str:
        """Make a database from a template and give its name."""
        name = f"foi_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _binaries() -> Path | None:
    """Give the folder of the newest installed server."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3])
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def _user() -> dict[str, Any]:
    """Give what makes a child run as somebody other than root, whom PostgreSQL refuses."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _initialise(binaries: Path, folder: Path, user: dict[str, Any]) -> None:
    made: list[str | Path] = [
        binaries / "initdb",
        "-D",
        folder / "data",
        "-U",
        "foi",
        "-A",
        "trust",
    ]
    made += ["-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
    icu = ["--locale-provider=icu", "--icu-locale=en-GB"]  # versions before 15 know no ICU
    for sorting in (icu, []):
        done = subprocess.run([*made, *sorting], cwd="/", capture_output=True, text=True, **user)
        if done.returncode == 0:
            break
    else:
        raise RuntimeError(f"initdb failed: {done.stderr}")
    with (folder / "data" / "postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())


def _started(server: Postgres, process: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg

    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            server.connect("postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test process's own."""
    binaries = _binaries()
    if binaries is None:
        said = "PostgreSQL is not installed: the suite ran on SQLite only"
        if "postgres" in os.environ.get("FOI_REQUIRE", "").split():
            pytest.fail(said)
        pytest.skip(said)
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="foi-postgres-"))
    if user:
        os.chown(folder, user["user"], user["group"])
    try:
        _initialise(binaries, folder, user)
        server, log = Postgres(_free_port()), folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", "-p", str(server.port)],
                cwd="/",
                stdout=out,
                stderr=out,
                **user,
            )
        try:
            _started(server, process, log)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
