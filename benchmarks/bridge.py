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
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from statistics import median

from benchmarks import load
from foi import migrations, settings
from foi.archive import casework
from foi.archive.casework import File
from foi.site import open_site

KEY = "a-key-for-the-bench"
FILES, SIZE, EACH = 2000, 100_000, 10
"""How many files of how many bytes, and how many of them in one answer."""
OTHERS = 3 * FILES // EACH
"""Uploads of ours beside them: of each request its folder, the letter and the answer."""
PARALLEL, OURS, PREPARED = (2, 5, 12, 20), (8, 48), (4, 48)
"""How many calls at a time are tried: with alephclient, with ours (the fastest of each counts),
and with a client that only sends what was made beforehand.
"""
ROUNDS = 3
"""How often each is measured, by turns; the median counts."""
MOST_SECONDS, MOST_MEGABYTES, LEAST_RATIO = 10.0, 150, 3.0
PREPARING = [sys.executable, "-m", "benchmarks.prepared"]
PUSH = [sys.executable, "-c", "from foi.cli import main; main()", "bridge", "push", "--json"]


@dataclass(frozen=True)
class Run:
    """One process from beginning to end."""

    seconds: float
    processor: float
    """Seconds of processor time, user's and system's."""
    megabytes: float
    said: str
    status: int
    server: float = 0.0
    """Seconds of processor time that the stand-in took meanwhile."""


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
    processor = usage.ru_utime + usage.ru_stime
    return Run(seconds, processor, usage.ru_maxrss / 1024, said, process.returncode)


@contextmanager
def standin(latency: int, number: list[int] | None = None) -> Iterator[dict[str, str]]:
    """Run a stand-in that works at once; give the variables that lead a client there, and add the
    number of its process to `number`.
    """
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
        if number is not None:
            number.append(process.pid)
        process.stdout.readline()
        host = process.stdout.readline().strip().partition("=")[2]
        yield {"ALEPHCLIENT_HOST": host, "ALEPHCLIENT_API_KEY": KEY}
    finally:
        process.kill()
        process.communicate()


def push(folder: Path, environ: Mapping[str, str], collection: str, *more: str) -> Run:
    """Run `foi bridge push` on an archive."""
    own = {"FOI_DATA": str(folder), "FOI_ALEPH_COLLECTION": collection}
    return run([*PUSH, *more], {**environ, **own})


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


def throughput(alephclient: str, rounds: int) -> bool:
    """Measure files a second of both, by turns; tell whether ours are as many as they should be.

    Counted is the whole run of each process, from its start until the stand-in has taken the last
    file; ours has by then also written folders, letters, everybody's properties and its receipts.
    """
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        plain, folder = Path(scratch) / "files", Path(scratch) / "data"
        _make(plain, folder)
        print(
            "| latency | client | seconds | files/s | processor s | stand-in's | MB |\n"
            "| --- | --- | --- | --- | --- | --- | --- |"
        )
        for latency in (0, 20):
            found: dict[str, list[Run]] = {}
            for _ in range(rounds):
                for parallel in PARALLEL:
                    crawl = (alephclient, "crawldir", "--parallel", str(parallel))
                    each = _run_beside(latency, {}, [*crawl, "--foreign-id", "theirs", str(plain)])
                    found.setdefault(f"alephclient --parallel {parallel}", []).append(each)
                for parallel in OURS:
                    copy = Path(scratch) / "copy"
                    shutil.copytree(folder, copy)
                    own = {"FOI_DATA": str(copy), "FOI_ALEPH_COLLECTION": "ours"}
                    own["FOI_BRIDGE_PARALLEL"] = str(parallel)
                    each = _run_beside(latency, own, PUSH)
                    found.setdefault(f"foi bridge push, {parallel} at a time", []).append(each)
                    shutil.rmtree(copy)
                for parallel in PREPARED:
                    command = [*PREPARING, str(parallel), str(FILES), str(SIZE), str(OTHERS)]
                    each = _run_beside(latency, {}, command)
                    each = replace(each, seconds=float(each.said))
                    found.setdefault(f"prepared uploads, {parallel} at a time", []).append(each)
            good = _judge(latency, found) and good
    return good


def _run_beside(latency: int, environ: Mapping[str, str], command: list[str]) -> Run:
    """Run a client against a stand-in of its own."""
    number: list[int] = []
    with standin(latency, number) as leading:
        before = _processor(number[0])
        each = run(command, {**leading, **environ})
        return replace(each, server=_processor(number[0]) - before)


def _processor(number: int) -> float:
    """Give the seconds of processor time that a process has taken (Linux only)."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _judge(latency: int, found: Mapping[str, list[Run]]) -> bool:
    """Print the medians, and tell whether ours is as fast, and as small, as it should be."""
    seconds = {name: median(each.seconds for each in runs) for name, runs in found.items()}
    for name, runs in found.items():
        own, other = (median(getattr(r, n) for r in runs) for n in ("processor", "server"))
        largest = max(each.megabytes for each in runs)
        print(
            f"| {latency} ms | {name} | {seconds[name]:.1f} | {FILES / seconds[name]:.0f} "
            f"| {own:.1f} | {other:.1f} | {largest:.0f} |",
            flush=True,
        )
    theirs = min(s for name, s in seconds.items() if name.startswith("alephclient"))
    ours = {name: s for name, s in seconds.items() if name.startswith("foi")}
    best = min(ours, key=lambda name: ours[name])
    ratio = theirs / ours[best]
    least = min(s for name, s in seconds.items() if name.startswith("prepared"))
    print(
        f"\nAt {latency} ms: {ratio:.1f} times as fast as alephclient at its best "
        f"(only sending what was made beforehand: {theirs / least:.1f})\n",
        flush=True,
    )
    small = max(each.megabytes for each in found[best]) < MOST_MEGABYTES
    return small and ratio >= LEAST_RATIO and all(each.status == 0 for each in found[best])


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
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    if given.what == "unchanged":
        return 0 if unchanged(given.requests) else 1
    alephclient = os.environ.get("ALEPHCLIENT", "")
    if not alephclient:
        parser.error("ALEPHCLIENT names no alephclient")
    return 0 if throughput(alephclient, given.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
