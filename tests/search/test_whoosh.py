"""The embedded engine: the contract, and what only an index in a folder can go wrong with."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.contract.search")

from foi.search import whoosh_format  # noqa: E402
from foi.search.engine import Busy, SearchUnavailable  # noqa: E402
from foi.search.whoosh_engine import WhooshEngine  # noqa: E402
from tests.contract.search import Opener, SearchEngineContract  # noqa: E402
from tests.contract.searching import event, find, keys, put  # noqa: E402


class TestWhoosh(SearchEngineContract):
    """The embedded engine keeps the contract."""

    @pytest.fixture
    def open_engine(self, tmp_path: Path) -> Iterator[Opener]:
        opened: list[WhooshEngine] = []

        def open_it() -> WhooshEngine:
            opened.append(WhooshEngine(tmp_path / "search", seconds=30, look_every=0.0))
            return opened[-1]

        yield open_it
        for engine in opened:
            engine.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "search"


@pytest.fixture
def engine(folder: Path) -> Iterator[WhooshEngine]:
    made = WhooshEngine(folder, seconds=30, look_every=0.0)
    yield made
    made.close()


def test_a_search_without_an_index_says_so_unless_none_is_due(
    engine: WhooshEngine, folder: Path
) -> None:
    assert not engine.exists()
    with pytest.raises(SearchUnavailable, match="foi rebuild search"):
        find(engine, "heron")
    fresh = WhooshEngine(folder, fresh_site=lambda: True)
    assert not fresh.exists()
    assert find(fresh, "heron").total == 0


def test_a_search_says_that_the_first_index_is_being_built(
    engine: WhooshEngine, folder: Path
) -> None:
    def documents() -> Iterator[object]:
        with pytest.raises(SearchUnavailable, match="is being built"):
            find(WhooshEngine(folder), "heron")
        yield event(1, text="heron")

    assert engine.rebuild(documents()) == 1  # type: ignore[arg-type]
    assert keys(engine, "heron") == ["event:1"]


def test_a_damaged_index_is_told_and_healed_by_a_rebuild(
    engine: WhooshEngine, folder: Path
) -> None:
    put(engine, event(1, text="heron"))
    for path in folder.glob("index-*/*"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    damaged = WhooshEngine(folder)
    assert not damaged.exists()
    with pytest.raises(SearchUnavailable):
        find(damaged, "heron")
    damaged.rebuild([event(1, text="heron")])
    assert keys(damaged, "heron") == ["event:1"]


def test_an_index_of_another_release_is_not_read(
    engine: WhooshEngine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(engine, event(1, text="heron"))
    monkeypatch.setattr("foi.search.whoosh_engine._PREFIX", f"index-{whoosh_format.FORMAT + 1}-")
    later = WhooshEngine(folder)
    assert not later.exists()
    later.rebuild([event(1, text="heron")])
    assert keys(later, "heron") == ["event:1"]
    assert len(list(folder.glob("index-*"))) == 1


def test_a_second_rebuild_at_the_same_time_is_refused(engine: WhooshEngine, folder: Path) -> None:
    second = WhooshEngine(folder)

    def documents() -> Iterator[object]:
        with pytest.raises(Busy):
            second.rebuild([])
        yield event(1, text="heron")

    assert engine.rebuild(documents()) == 1  # type: ignore[arg-type]


def test_a_writer_waits_for_another_but_not_for_ever(engine: WhooshEngine, folder: Path) -> None:
    put(engine, event(1, text="heron"))
    hasty = WhooshEngine(folder, patience=0.1)
    with engine._alone("writing.lock", 1.0), pytest.raises(Busy, match="writing"):
        put(hasty, event(2, 2, text="heron"))
    put(hasty, event(2, 2, text="heron"))
    assert sorted(keys(engine, "heron")) == ["event:1", "event:2"]


def test_a_query_that_takes_too_long_gives_what_it_has(folder: Path) -> None:
    engine = WhooshEngine(folder, seconds=-1)
    put(engine, event(1, text="heron"))
    hits = find(engine, "heron")
    assert (hits.total, hits.exact) == (0, False)


def test_segments_are_merged_and_deletions_forgotten(engine: WhooshEngine, folder: Path) -> None:
    for turn in range(80):
        put(engine, event(turn + 1, turn % 10, text=f"heron turn{turn}"))
    assert engine.count() == 10
    assert len(engine._snapshot) <= 2 * whoosh_format.TIER
    assert sum(segment.size for segment, _ in engine._snapshot) < 30
    assert sum(1 for _ in folder.rglob("*")) < 60


def test_files_are_let_go_of(engine: WhooshEngine) -> None:
    put(engine, *(event(n, n, text="heron") for n in range(1, 30)))
    find(engine, "heron")
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    for turn in range(30):
        put(engine, event(1, 1, text=f"heron {turn}"))
        find(engine, "heron")
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) < before + 40


_WRITER = """
import sys, pathlib
from foi.search.whoosh_engine import WhooshEngine
from tests.contract.searching import event, put
engine = WhooshEngine(pathlib.Path(sys.argv[1]))
first = int(sys.argv[2])
print("ready", flush=True)
for turn in range(int(sys.argv[3])):
    put(engine, *(event(first + n, first + n, text=f"heron {turn}") for n in range(5)))
"""


def _start(folder: Path, first: int, turns: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _WRITER, str(folder), str(first), str(turns)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_write_one_after_the_other(engine: WhooshEngine, folder: Path) -> None:
    processes = [_start(folder, first, 8) for first in (100, 200)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert engine.count() == 10
    assert find(engine, "heron 7").total == 10


def test_a_killed_writer_leaves_a_whole_index_and_no_lock(
    engine: WhooshEngine, folder: Path
) -> None:
    put(engine, event(1, text="heron"))
    for turn in range(3):
        process = _start(folder, 100, 10_000)
        time.sleep(0.05 + 0.07 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert engine.count() in (1, 6)
        put(engine, event(1, text=f"heron again{turn}"))
        assert keys(engine, f"again{turn}") == ["event:1"]


def test_a_rebuild_can_be_killed(engine: WhooshEngine, folder: Path) -> None:
    put(engine, event(1, text="heron"))
    reached = threading.Event()

    def documents() -> Iterator[object]:
        yield event(2, 2, text="heron")
        reached.set()
        raise SystemExit

    with pytest.raises(SystemExit):
        engine.rebuild(documents())  # type: ignore[arg-type]
    assert reached.is_set()
    assert keys(engine, "heron") == ["event:1"]
    engine.rebuild([event(3, 3, text="heron")])
    assert len(list(folder.glob("index-*"))) == 1
