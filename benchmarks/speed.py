"""How fast the site answers, beside a bare Pyramid view on Waitress that gives the same bytes.

    python -m benchmarks.speed [--sizes 10000,100000] [--rows page,json] [--seconds 6]

Every row is measured between two runs of the yardstick, one size after the other, because the
machine is rarely twice the same; what counts is the ratio. The site runs as `foi serve` in a
process of its own, on a copy of made-up data (benchmarks/load.py), without a worker.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select

from benchmarks import load
from benchmarks.bare import CONNECTIONS, Answer, Call, Figures, Server, bare_server, caller, fetch
from foi import settings
from foi.archive.models import Body, Event, InfoRequest, Message
from foi.pages import cursors, links
from foi.site import Site, open_site

HOT = 32  # addresses that the cached rows ask for
MANY = 3000  # addresses that the uncached rows ask for
CHECKED = 5  # answers that are looked at for names that have changed
SAMPLED = 100  # answers that the yardstick gives in turn
WORST = 1.3  # how much worse a figure may be at the largest size than at the smallest
CACHED, UNCACHED, WRITE = "cached", "uncached", "write"


@dataclass(frozen=True)
class Row:
    """Something to measure."""

    name: str
    mode: str
    label: str
    aim: float | None = None
    """The ratio to the yardstick that is wanted."""


ROWS = (
    Row("page", CACHED, "request page", 0.7),
    Row("json", CACHED, "request JSON", 0.7),
    Row("feed", CACHED, "request feed", 0.7),
    Row("304", CACHED, "request page, not modified"),
    Row("list", CACHED, "list page"),
    Row("list-feed", CACHED, "list feed"),
    Row("body", CACHED, "authority page"),
    Row("page", UNCACHED, "request page", 0.12),
    Row("json", UNCACHED, "request JSON", 0.12),
    Row("feed", UNCACHED, "request feed", 0.12),
    Row("list", UNCACHED, "list page"),
    Row("list-feed", UNCACHED, "list feed"),
    Row("list-deep", UNCACHED, "list page, anywhere down to the last"),
    Row("list-feed-deep", UNCACHED, "list feed, anywhere down to the last"),
    Row("body", UNCACHED, "authority page"),
    Row("body-large", UNCACHED, "page of the authority with most requests"),
    Row("create", WRITE, "keyed write: new request"),
    Row("respond", WRITE, "keyed write: answer to a request"),
)


@dataclass(frozen=True)
class Measured:
    """One row at one size."""

    row: str
    mode: str
    size: int
    bytes: int
    site: Figures
    bare: Figures

    @property
    def ratio(self) -> float:
        """What the site reaches of the yardstick's requests a second."""
        return self.site.rate / self.bare.rate


class Archive:
    """The data of one size: a copy that may be written to, and what to ask of it."""

    def __init__(self, size: int, folder: Path) -> None:
        self.size, self.folder = size, folder / str(size)
        shutil.copytree(load.prepare(size), self.folder)
        self.site: Site = open_site(settings.load({"data": str(self.folder)}, {}))
        self.rng = random.Random(size)
        with self.site.sessions.reading() as db:
            rows = db.execute(
                select(InfoRequest.id, InfoRequest.url_title, InfoRequest.body_id)
                .where(InfoRequest.via_api)
                .order_by(InfoRequest.id)
            ).all()
            self.requests = self.rng.sample(rows, min(MANY, len(rows)))
            self.hot = self.requests[:HOT]
            known = db.execute(select(Body.id, Body.url_name)).all()
            self.bodies: dict[int, str] = {row.id: row.url_name for row in known}
            largest = select(InfoRequest.body_id).group_by(InfoRequest.body_id)
            self.largest: int = db.scalars(largest.order_by(func.count().desc()).limit(1)).one()
            self.moments = db.execute(select(InfoRequest.created_at, InfoRequest.id)).all()
            self.newest: int = db.scalars(select(func.max(Event.id))).one()
            self.text: str = db.scalars(select(Message.body).limit(1)).one() or ""

    def serve(self, cached: bool) -> Server:
        """Give the site as a server, with or without its cache of finished pages."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("FOI_", "ALEPH"))}
        environ |= {"FOI_DATA": str(self.folder), "FOI_WORKER_EMBEDDED": "false"}
        environ |= {} if cached else {"FOI_CACHE_MEGABYTES": "0"}
        environ |= {"PYTHONWARNINGS": "ignore"}
        foi = str(Path(sys.executable).with_name("foi"))
        command = (foi, "serve", "--no-upgrade", "--host", "127.0.0.1", "--port", "0")
        return Server(command, environ, self.folder / "server.log")

    def calls(self, row: Row) -> list[Call]:
        """Give what to send for a row."""
        if row.mode == WRITE:
            make = self._creation if row.name == "create" else self._response
            return [make(request) for request in self.requests]
        chosen = self.hot if row.mode == CACHED else self.requests
        if row.name == "body-large":
            return [Call(links.body_path(self.bodies[self.largest]))]
        if row.name == "body":
            return [Call(links.body_path(self.bodies[request.body_id])) for request in chosen]
        if row.name.startswith("list"):
            if row.mode == CACHED:
                return [Call("/list" if row.name == "list" else "/feed/list")]
            return [self._part_of_list(row.name, n) for n in range(len(self.requests))]
        pattern = {"json": "{}.json", "feed": "/feed{}"}.get(row.name, "{}")
        return [Call(pattern.format(links.request_path(request.url_title))) for request in chosen]

    def _part_of_list(self, name: str, number: int) -> Call:
        """Give a list, now of one view and now of another, from its top or further down."""
        view = ("", "/successful", "/unsuccessful", "/awaiting", "/overdue")[number % 5]
        feed = name.startswith("list-feed")
        path = f"/feed/list{view}" if feed else f"/list{view}"
        if not name.endswith("-deep"):
            return Call(path)
        place = (self.rng.randint(1000, self.newest),) if feed else self.rng.choice(self.moments)
        return Call(f"{path}?before={cursors.write(*place)}")

    def _creation(self, request: Any) -> Call:
        title = f"{self.rng.choice(load.THINGS).capitalize()} in year {self.rng.randint(1, 9999)}"
        document = {"title": title, "body": self.text, "external_user_name": "Ada"}
        return self._post("/api/v2/request", request.body_id, "request_json", document)

    def _response(self, request: Any) -> Call:
        document = {"direction": "response", "body": self.text}
        path = f"/api/v2/request/{request.id}"
        return self._post(path, request.body_id, "correspondence_json", document)

    def _post(self, path: str, body_id: int, name: str, document: dict[str, str]) -> Call:
        query = urlencode({"k": self.site.keys.make(body_id, 1)})
        form = urlencode({name: json.dumps(document)})
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return Call(f"{path}?{query}", "POST", kind, form)

    def elsewhere(self) -> Call:
        """Give a write to a request of an authority that no cached page is of."""
        hot = {request.body_id for request in self.hot}
        far = [request for request in self.requests if request.body_id not in hot]
        return self._response(self.rng.choice(far))

    @contextlib.contextmanager
    def renamed(self) -> Iterator[None]:
        """Change the names of all authorities behind the site's back, for the time of the block:
        without a new version, so that only pages from the cache stay what they were.
        """
        database = sqlite3.connect(self.folder / "foi.sqlite", timeout=30)
        with database:
            database.execute("UPDATE body SET name = name || '*'")
        try:
            yield
        finally:
            with database:
                database.execute("UPDATE body SET name = substr(name, 1, length(name) - 1)")
            database.close()


def check(archive: Archive, server: Server, row: Row, calls: Sequence[Call]) -> None:
    """Make sure that a cached row is answered from the cache, and an uncached one is not: of some
    answers at least one follows the names, since a few events may name no authority.
    """
    before = [fetch(server, each).body for each in calls[:CHECKED]]
    with archive.renamed():
        after = [fetch(server, each).body for each in calls[:CHECKED]]
    if (before == after) != (row.mode == CACHED):
        raise RuntimeError(f"{row.label} ({row.mode}): the cache did not do what it should")


@contextlib.contextmanager
def writing(archive: Archive, server: Server) -> Iterator[None]:
    """Let one keyed write a second go on during the block."""
    stop, failed = threading.Event(), []

    def write() -> None:
        while not stop.wait(1):
            try:
                fetch(server, archive.elsewhere())
            except (OSError, RuntimeError) as error:
                failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]


def measure(
    archive: Archive,
    server: Server,
    row: Row,
    seconds: int,
    folder: Path,
    call: Callable[..., Figures],
    threads: int,
) -> Measured:
    """Measure a row at a size: yardstick, site, yardstick."""
    calls = archive.calls(row)
    if row.mode != WRITE:
        if row.mode == CACHED:
            for each in calls:
                fetch(server, each)
        check(archive, server, row, calls)
    if row.name == "304":
        calls = [c.with_header("If-None-Match", fetch(server, c).header("etag")) for c in calls]
    sampled: list[Answer] = [fetch(server, each) for each in calls[:SAMPLED]]
    half = len(calls) // 2
    brief = max(2, seconds // 2)
    with bare_server({"bare": sampled}, folder, threads) as bare:
        call(bare, "/bare", calls, 1)
        first = call(bare, "/bare", calls, brief, half)
        with writing(archive, server) if row.mode == CACHED else contextlib.nullcontext():
            call(server, "", calls, 2, SAMPLED)
            found = call(server, "", calls, seconds, half)
        second = call(bare, "/bare", calls, brief, half)
    return Measured(
        row.name,
        row.mode,
        archive.size,
        round(statistics.fmean(len(answer.body) for answer in sampled)),
        found,
        Figures(*map(statistics.fmean, zip(first, second, strict=True))),
    )


def measure_all(rows: Sequence[Row], sizes: Sequence[int], seconds: int) -> Iterator[Measured]:
    """Measure every row, each at all sizes in turn."""
    threads = settings.load({}, {}).threads
    load.CACHE.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix=".run-", dir=load.CACHE))
        folder = Path(name)
        call = caller(folder)
        archives = [Archive(size, folder) for size in sizes]
        servers = {
            (archive.size, cached): stack.enter_context(archive.serve(cached))
            for archive in archives
            for cached in sorted({row.mode != UNCACHED for row in rows})
        }
        for row in rows:
            for archive in archives:
                server = servers[archive.size, row.mode != UNCACHED]
                yield measure(archive, server, row, seconds, folder, call, threads)
        for archive in archives:
            archive.site.close()


def growth(measured: Sequence[Measured], one: Measured) -> tuple[float, float] | None:
    """Give how many times worse a row is at this size than at the smallest: requests a second
    (each beside its yardstick) and the slowest hundredth; None at the smallest itself.
    """
    same = [m for m in measured if (m.row, m.mode) == (one.row, one.mode)]
    small = min(same, key=lambda m: m.size)
    if small.size == one.size:
        return None
    return small.ratio / one.ratio, one.site.p99 / small.site.p99


def misses(measured: Sequence[Measured]) -> list[str]:
    """Say which aims are missed."""
    aims = {(row.name, row.mode): row.aim for row in ROWS}
    said = []
    for one in measured:
        what = f"{one.row} ({one.mode}) at {one.size:,}"
        aim = aims[one.row, one.mode]
        if aim is not None and one.ratio < aim:
            said.append(f"{what}: {one.ratio:.0%} of bare; the aim is {aim:.0%}")
        worse = growth(measured, one)
        if worse and max(worse) > WORST:
            said.append(f"{what}: {max(worse):.2f} times worse; the aim is {WORST}")
    return said


def machine(folder: Path) -> str:
    """Describe the machine at hand in one line."""
    cpu = Path("/proc/cpuinfo")
    names = cpu.read_text().splitlines() if cpu.exists() else []
    model = next((n.split(":")[1].strip() for n in names if n.startswith("model name")), "")
    folder.mkdir(parents=True, exist_ok=True)
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return (
        f"{os.cpu_count()} x {model or platform.machine()}, load {os.getloadavg()[0]:.1f}, "
        f"fsync of 4 kB {statistics.median(times) * 1000:.2f} ms; Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, {CONNECTIONS} connections"
    )


HEADING = (
    f"{'row':<15}{'mode':<10}{'size':>8}{'bytes':>8}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}"
    f"{'cpu us':>9}{'bare/s':>8}{'of bare':>9}{'by cpu':>8}{'x req/s':>9}{'x p99':>7}"
)


def line(measured: Sequence[Measured], one: Measured) -> str:
    """Give a row of the table."""
    worse = growth(measured, one)
    grown = f"{worse[0]:>9.2f}{worse[1]:>7.2f}" if worse else ""
    rate, p50, p99, cpu = one.site
    by_cpu = one.bare.cpu / cpu
    return (
        f"{one.row:<15}{one.mode:<10}{one.size:>8}{one.bytes:>8}{rate:>9.1f}{p50:>9.2f}"
        f"{p99:>9.2f}{cpu:>9.0f}{one.bare.rate:>8.0f}{one.ratio:>9.1%}{by_cpu:>8.1%}{grown}"
    )


def in_full(one: Measured) -> dict[str, Any]:
    """Give a row for the JSON file."""
    figures = {"site": one.site._asdict(), "bare": one.bare._asdict(), "ratio": one.ratio}
    return {"row": one.row, "mode": one.mode, "size": one.size, "bytes": one.bytes, **figures}


def main() -> int:
    """Measure what was asked for, print the table, and say which aims are missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="10000,100000", help="numbers of requests")
    parser.add_argument("--rows", default="", help="names of rows, such as page,json; all")
    parser.add_argument("--modes", default="", help="cached,uncached,write; all")
    parser.add_argument("--seconds", type=int, default=6, help="of each measurement")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--enforce", action="store_true", help="exit 1 when an aim is missed")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is missing: install it with `apt install wrk` or `brew install wrk`.")
        return 2
    # So that a run that is told to end takes its servers and its copy of the data along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = given.rows.split(",") if given.rows else ()
    modes = given.modes.split(",") if given.modes else ()
    rows = [r for r in ROWS if (not names or r.name in names) and (not modes or r.mode in modes)]
    print(machine(load.CACHE), HEADING, sep="\n", flush=True)
    measured: list[Measured] = []
    for one in measure_all(rows, sorted(map(int, given.sizes.split(","))), given.seconds):
        measured.append(one)
        print(line(measured, one), flush=True)
    missed = misses(measured)
    print("", *(missed or ["Every aim is met."]), sep="\n")
    if given.json:
        kept = {"machine": machine(load.CACHE), "rows": [in_full(m) for m in measured]}
        given.json.write_text(json.dumps(kept | {"missed": missed}, indent=1) + "\n")
    return 1 if missed and given.enforce else 0


if __name__ == "__main__":
    sys.exit(main())
