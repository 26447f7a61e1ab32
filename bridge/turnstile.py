"""Keeps `foi bridge push` and the worker from pushing at the same time.

Two uploads of one document at one moment could become two documents. Workers pass one after the
other's heels, a push waits for those within and shuts the gate behind itself. What it gives up:
machines other than this one (the lock is a file in the data folder).
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class Shut(Exception):
    """Somebody else is pushing by hand."""


@contextmanager
def passing(folder: Path) -> Iterator[None]:
    """Let a worker in beside others; Shut while a push is under way or waits."""
    with _opened(folder, "bridge.inside") as inside:
        with _opened(folder, "bridge.gate") as gate:
            _take(gate, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(inside, fcntl.LOCK_SH)
        yield


@contextmanager
def alone(folder: Path, really: bool = True) -> Iterator[None]:
    """Let a push in once the workers are out; Shut when another push is under way. Not `really`:
    whoever only looks passes freely.
    """
    if not really:
        yield
        return
    with _opened(folder, "bridge.gate") as gate, _opened(folder, "bridge.inside") as inside:
        _take(gate, fcntl.LOCK_EX | fcntl.LOCK_NB, seconds=1.0)  # a worker may be just passing
        fcntl.flock(inside, fcntl.LOCK_EX)
        yield


def _opened(folder: Path, name: str) -> IO[bytes]:
    return (folder / name).open("ab")


def _take(lock: IO[bytes], how: int, seconds: float = 0.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(lock, how)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise Shut("a push to Aleph is under way") from None
        time.sleep(0.02)
