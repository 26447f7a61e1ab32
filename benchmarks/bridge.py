"""How fast the bridge is: a second push of an unchanged archive, and files a second beside
alephclient.

Both run as their users run them, as processes against a stand-in in a process of its own, on one
machine. What it gives up: a real Aleph, whose own work would hide ours.

    python -m benchmarks.bridge unchanged [--requests 10000]
    ALEPHCLIENT=/path/to/alephclient python -m benchmarks.bridge throughput
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from benchmarks import load
from foi import migrations, settings
from foi.archive import casework
from foi.archive.casework import File
from foi.site import open_site

KEY = "a-key-for-the-bench"
FILES, SIZE, EACH = 2000, 100_000, 10
"""How many files of how many bytes, and how many of them in one answer."""
PARALLEL = (5, 20)
"""The settings of alephclient that are tried."""
MOST_SECONDS, MOST_MEGABYTES, LEAST_RATIO = 10.0, 150, 3.0


@dataclass(frozen=True)
class Run:
    """One process from beginning to end."""

    seconds: float
    megabytes: float
    said: str
    status: int


def run(command: list[str], environ: Mapping[str, str]) -> Run:
    """Run a command and measure it, its largest memory included."""
    with tempfile.TemporaryFile() as out:
        begin = time.monotonic()
        process = subprocess.Popen(
            command, env={**os.environ, **environ}, stdout=out, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode()
    return Run(seconds, usage.ru_maxrss / 1024, said, process.returncode)


@contextmanager
def standin(latency: int) -> Iterator[dict[str, str]]:
    """Run a stand-in that works at once; give the variables that lead a client there."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.aleph", "--port", "0", "--delay", "0"),
            *("--latency", str(latency), "--user-key", KEY),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        host = process.stdout.readline().strip().partition("=")[2]
        yield {"ALEPHCLIENT_HOST": host, "ALEPHCLIENT_API_KEY": KEY}
    finally:
        process.kill()
        process.communicate()


def push(folder: Path, environ: Mapping[str, str], collection: str, *more: str) -> Run:
    """Run `foi bridge push` on an archive."""
    command = [sys.executable, "-c", "from foi.cli import main; main()", "bridge", "push"]
    own = {"FOI_DATA": str(folder), "FOI_ALEPH_COLLECTION": collection}
    return run([*command, "--json", *more], {**environ, **own})


def unchanged(requests: int) -> bool:
    """Measure the second push of an archive; tell whether it is as fast as it should be."""
    with tempfile.TemporaryDirectory() as scratch, standin(0) as environ:
        folder = Path(scratch) / "data"
        shutil.copytree(load.prepare(requests), folder)
        first, second = (push(folder, environ, "foi_unchanged") for _ in range(2))
    for name, each in (("first", first), ("second", second)):
        found = json.loads(each.said)
        print(
            f"{name} push of {requests:,} requests: {each.seconds:.1f} s, "
            f"{each.megabytes:.0f} MB, sent {found['sent']:,}, unchanged {found['unchanged']:,}"
        )
    again = json.loads(second.said)
    return second.status == 0 and again["sent"] == 0 and second.seconds < MOST_SECONDS


def throughput(alephclient: str) -> bool:
    """Measure files a second of both; tell whether ours are as many as they should be."""
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        plain, folder = Path(scratch) / "files", Path(scratch) / "data"
        _make(plain, folder)
        print("| latency | client | seconds | files/s | MB |\n| --- | --- | --- | --- | --- |")
        for latency in (0, 20):
            theirs = []
            for number in PARALLEL:
                with standin(latency) as environ:
                    command = [alephclient, "crawldir", "--parallel", str(number)]
                    each = run([*command, "--foreign-id", "theirs", str(plain)], environ)
                theirs.append(each)
                _row(latency, f"alephclient --parallel {number}", each)
            with standin(latency) as environ:
                copy = Path(scratch) / f"copy{latency}"
                shutil.copytree(folder, copy)
                ours = push(copy, environ, "ours")
            _row(latency, "foi bridge push", ours)
            ratio = min(each.seconds for each in theirs) / ours.seconds
            print(f"At {latency} ms: {ratio:.1f} times as fast as alephclient at its best")
            good = good and ours.status == 0
            good = good and ratio >= LEAST_RATIO and ours.megabytes < MOST_MEGABYTES
    return good


def _row(latency: int, client: str, each: Run) -> None:
    rate = FILES / each.seconds
    print(
        f"| {latency} ms | {client} | {each.seconds:.1f} | {rate:.0f} | {each.megabytes:.0f} |",
        flush=True,
    )


def _make(plain: Path, folder: Path) -> None:
    """Make the files, and an archive that holds the same ones."""
    chance = random.Random(1)
    known = settings.load({"data": str(folder)}, {})
    site = open_site(known)
    migrations.upgrade(site.engine, known)
    with site.sessions.writing() as db:
        body = casework.add_body(db, "desk", name="Archive Office")
        person = casework.add_person(db, "desk", name="Ann Reader")
        for number in range(FILES // EACH):
            (plain / f"{number}").mkdir(parents=True)
            files = []
            for each in range(EACH):
                content = f"{number} {each} {chance.random()} words\n".encode().ljust(SIZE, b" ")
                name = f"file{each}.txt"
                (plain / f"{number}" / name).write_bytes(content)
                blob = site.blobs.put(BytesIO(content))
                files.append(File(name, "text/plain", blob.size, blob.sha256))
            request = casework.open_request(
                db, "desk", body=body, person=person, title=f"Papers {number}", text="Please."
            )
            casework.correspond(
                db, request, "desk", direction="response", text="Here.", files=files
            )
    site.close()


def main() -> int:
    """Measure what is asked for; exit status 1 when it is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("unchanged", "throughput"))
    parser.add_argument("--requests", type=int, default=10_000)
    given = parser.parse_args()
    if given.what == "unchanged":
        return 0 if unchanged(given.requests) else 1
    alephclient = os.environ.get("ALEPHCLIENT", "")
    if not alephclient:
        parser.error("ALEPHCLIENT names no alephclient")
    return 0 if throughput(alephclient) else 1


if __name__ == "__main__":
    sys.exit(main())
