"""How fast searches are answered, and whether anything that can be typed takes too long.

    python -m benchmarks.search [--sizes 7000,10000] [--seconds 4] [--strange 300]

Whole pages are made, results, facets and snippets included, by the application in this process and
past its cache; so the figures are those of one thread, without a web server. The words of the
made-up archive (benchmarks/load.py) are few and in almost every letter, which is the hard case.
7,000 requests have about 20,000 messages. Figures have no aim but one: no search takes over a
second, whatever is typed; when one does, or fails, the exit code is 1.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pyramid.request import Request

from benchmarks import load
from foi import configure, settings
from foi.search.query import LENGTH
from foi.search.rebuild import rebuild

LIMIT = 1.0
"""Seconds that no search may take."""

ROWS = {
    "three words": ["theatre harbour ferry", "pool quiet hall"],
    "one word": ["road", "water", "flood"],
    "two words": ["road water", "council library", "street lamp"],
    "phrase": ['"the road"', '"street lamp"', '"last year"'],
    "either": ["road OR water OR flood OR lamp"],
    "filters": ["latest_status:successful variety:response", "status:overdue", "filetype:pdf"],
    "words and filters": ["road latest_status:successful 2024..", "water -flood due:last_year"],
    "newest first": ["road/requests/newest", "water flood/requests/newest"],
    "latest described": ["road/requests/described"],
    "feed": ["feed:road", "feed:latest_status:successful"],
    "beginning": ["riv*", "sta*"],
    "no such word": ["recycledd", "allotmemt rodd"],
}

_PIECES = (
    "road", "water", "the", "AND", "OR", "NOT", "(", ")", '"', "-", "+", "*", ":", "..", "tag:",
    "status:overdue", "due:today", "2024..", "1/2/2024", "street", "sta*", "é", "ß", "\u0301",
    "漢字", "😀", "\u202e", "\x00", "\\", "%", "'", "’", "a", "x" * 70, "latest_status:successful",
)  # fmt: skip
Found = tuple[int, float]
"""Status and seconds."""


class Bench:
    """An archive with its index, and the application over it."""

    def __init__(self, size: int, folder: Path) -> None:
        shutil.copytree(load.prepare(size), folder, dirs_exist_ok=True)
        self.config = configure(settings.load({"data": str(folder), "cache.megabytes": "0"}, {}))
        self.site = self.config.registry["foi.site"]
        self.engine = self.config.registry["foi.search"]
        self.app: Any = self.config.make_wsgi_app()
        start = time.monotonic()
        count = rebuild(self.site.sessions, self.engine)
        took = time.monotonic() - start
        held = sum(path.stat().st_size for path in (folder / "search").rglob("*"))
        print(
            f"\n{size:,} requests: {count:,} documents indexed in {took:.0f} s "
            f"({count / took:.0f} a second), {held / 1e6:.0f} MB"
        )

    def ask(self, path: str) -> Found:
        """Ask for a page and give how it went."""
        start = time.perf_counter()
        answered = Request.blank(path).get_response(self.app)
        return answered.status_code, time.perf_counter() - start

    def close(self) -> None:
        """Let go of files."""
        self.site.close()


def _path(query: str) -> str:
    if query.startswith("feed:"):
        return f"/feed/search/{quote(query[5:], safe='')}"
    words, _, rest = query.partition("/requests/")
    return f"/search/{quote(words, safe='')}/requests{'/' + rest if rest else ''}"


def _for(seconds: float, paths: list[str], ask: Callable[[str], Found]) -> list[Found]:
    found = []
    for path in paths:
        ask(path)  # what is kept of a segment is worked out once
    until = time.monotonic() + seconds
    while not found or time.monotonic() < until:
        found += [ask(path) for path in paths]
    return found


def strange(count: int, rng: random.Random) -> Iterator[str]:
    """Give queries that nobody means: the same few, then any."""
    yield "(" * 10_000
    yield '"' + "the road of the water " * 500
    yield "-" * 9_999 + "a"
    yield " OR ".join(["road", "water", "street", "the"] * 8) * 20
    yield " ".join(f'"the {word}"' for word in ("road", "water", "of", "to", "street") * 3)
    yield " OR ".join(f"{letters}*" for letters in ("roa", "sta", "wat", "str", "pla", "con") * 5)
    yield '"' + " ".join(["the", "of", "to", "road"] * 8) + '"'
    yield "status:overdue " * 600
    yield "e\u0301" * 5_000
    yield "x" * 10_000
    for _ in range(count):
        length = rng.choice((10, 100, LENGTH, 10_000))
        between = rng.choice(("", " ", "  "))
        text = ""
        while len(text) < length:
            odd = chr(rng.choice((rng.randrange(32, 0x250), rng.randrange(0x10FFFF))))
            usable = odd if not 0xD800 <= ord(odd) < 0xE000 else "?"
            text += rng.choice((*_PIECES, usable)) + between
        yield text[:length]


def measure(bench: Bench, seconds: float) -> bool:
    """Print a line for each kind of search; tell whether all were in time."""
    print(f"{'':20}{'p50 ms':>8}{'p99 ms':>8}{'worst':>8}")
    good = True
    for name, queries in ROWS.items():
        found = _for(seconds, [_path(query) for query in queries], bench.ask)
        took = sorted(each for _, each in found)
        cut = statistics.quantiles(took, n=100, method="inclusive")[-1] if took[1:] else took[0]
        print(f"{name:20}{_ms(statistics.median(took))}{_ms(cut)}{_ms(took[-1])}")
        good &= took[-1] < LIMIT and all(status == 200 for status, _ in found)
    return good


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:8.1f}"


def fuzz(bench: Bench, count: int) -> bool:
    """Type strange things; tell whether each was answered, and in time."""
    worst, wrong = 0.0, []
    for text in strange(count, random.Random(count)):
        for path in (f"/search?query={quote(text)}", f"/search.json?query={quote(text)}"):
            status, took = bench.ask(path)
            worst = max(worst, took)
            if status >= 500 or took >= LIMIT:
                wrong.append((status, round(took, 2), text[:60]))
    print(f"{'strange queries':20}{'':16}{_ms(worst)}   {len(wrong)} failed or took too long")
    for each in wrong[:10]:
        print("   ", *each)
    return not wrong


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="7000,10000")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--strange", type=int, default=300)
    given = parser.parse_args()
    good = True
    for size in map(int, given.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(size, Path(folder) / "site")
            try:
                good &= measure(bench, given.seconds)
                good &= fuzz(bench, given.strange)
            finally:
                bench.close()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
