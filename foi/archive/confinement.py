"""A process of its own for files that come from strangers: little memory, little time, no right
to write, an empty environment and an empty folder.

Whatever becomes of the process, the caller gets an answer.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from foi.archive.extractors import too_large, too_slow

CHUNK = 64 * 1024
"""Bytes passed on at a time."""

# Stands in for `foi` and `foi.archive`, so that a reader starts without the web application.
_START = """
import importlib, sys, types
for name, place in zip(("foi", "foi.archive"), sys.argv[1:3]):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [place]
importlib.import_module(sys.argv[3]).main(sys.argv[4:])
"""


def ask(
    module: str, path: Path, of: str, seconds: float, megabytes: int, *more: str, most: int
) -> tuple[str, str, str | None]:
    """Run `main([PATH, OF, SECONDS, MEGABYTES, *more])` of a module of `foi.archive`; give the
    state, text and reason that it answers with (`extractors.answer`), of at most about `most`
    bytes. Of one that comes to no end the state is `failed`, and the reason says why.

    The module itself bounds its memory and processor time (`extractors.within_limits`); the wall
    clock is bounded here.
    """
    arguments = [str(path.resolve()), of, str(seconds), str(megabytes), *more]
    answer, died_of = _run(module, arguments, seconds, most)
    said = _understood(answer)
    return ("failed", "", _why_it_died(died_of, seconds, megabytes)) if said is None else said


def _run(module: str, arguments: Sequence[str], seconds: float, most: int) -> tuple[bytes, int]:
    """Give what the module wrote on standard output and the signal that ended it (0: none)."""
    archive = Path(__file__).resolve().parent
    command = [sys.executable, "-I", "-B", "-c", _START, str(archive.parent), str(archive), module]
    with (
        tempfile.TemporaryDirectory(prefix="foi-read-") as folder,
        subprocess.Popen(  # noqa: S603 - our own interpreter and code; the file is only an argument
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            start_new_session=True,
        ) as process,
    ):
        try:
            answer = _answer(process, time.monotonic() + seconds, most)
        finally:
            with suppress(ProcessLookupError):  # all of its group have ended
                os.killpg(process.pid, signal.SIGKILL)
    return answer, max(0, -process.returncode)


def _understood(answer: bytes) -> tuple[str, str, str | None] | None:
    """Give an answer's state, text and reason; None if the reader did not get to the end of it."""
    head, _, text = answer.partition(b"\n")
    try:
        said = json.loads(head)
    except ValueError:
        return None
    if len(text) != said["bytes"]:
        return None
    return said["state"], text.decode("utf-8"), said["reason"]


def _why_it_died(died_of: int, seconds: float, megabytes: int) -> str:
    """Give the reason for which a reader has given no answer, in plain words."""
    if died_of in (signal.SIGKILL, signal.SIGXCPU):
        return too_slow(seconds)
    if died_of == signal.SIGABRT:  # of a library that is not Python, when it gets no more memory
        return too_large(megabytes)
    return "the reader broke down over it"


def _answer(process: subprocess.Popen[bytes], deadline: float, most: int) -> bytes:
    """Collect what the reader writes until it ends, or until the deadline or `most` bytes."""
    if process.stdout is None:
        return b""
    answer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(answer) < most and (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                break
            piece = os.read(process.stdout.fileno(), CHUNK)
            if not piece:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=max(left, 0.1))
                break
            answer += piece
    return bytes(answer)
