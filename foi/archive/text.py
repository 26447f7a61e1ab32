"""The text of a file, for search: read in a process of its own, because files come from strangers.

A document may be broken, enormous or built to do harm. The reader therefore runs in a fresh
interpreter with little memory, little time, no right to write, an empty environment and an empty
folder; whatever becomes of it, the caller gets an answer. Given up: OCR, and the formats of
`UNSUPPORTED`.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foi.archive.extractors import READERS, too_slow
from foi.archive.filetypes import kind

_CHUNK = 64 * 1024

# Stands in for `foi` and `foi.archive`, so that the reader starts without the web application.
_START = """
import sys, types
for name, place in zip(("foi", "foi.archive"), sys.argv[1:3]):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [place]
from foi.archive.extractors import main
main(sys.argv[3:])
"""

UNSUPPORTED = {
    "doc": "text is not read from the older Word format (.doc)",
    "xls": "text is not read from the older Excel format (.xls)",
    "ppt": "text is not read from the older PowerPoint format (.ppt)",
    "msg": "text is not read from Outlook messages (.msg)",
    "tnef": "text is not read from Outlook's winmail.dat",
    **dict.fromkeys(
        ("tif", "gif", "jpg", "png", "bmp", "svg", "webp"), "text is not read from pictures"
    ),
}


@dataclass(frozen=True)
class Extraction:
    """What came of reading a file.

    `state` is text, empty (read, and holds no text), unsupported or failed. `reason` says in plain
    words why there is no text, or what is missing from it ("cut at 1,000,000 characters").
    """

    state: Literal["text", "empty", "unsupported", "failed"]
    text: str
    reason: str | None


def extract(
    path: Path,
    media_type: str,
    *,
    seconds: float = 30,
    megabytes: int = 1024,
    characters: int = 1_000_000,
) -> Extraction:
    """Return the text of the file at `path`, of the sniffed `media_type`, within the limits.

    `seconds` bound the wall clock and the processor each, `megabytes` the reader's address space,
    `characters` the text. The text is NFC, without control characters and runs of blank lines.
    Raises FileNotFoundError for a missing file and nothing for a bad one.
    """
    size = path.stat().st_size
    of = kind(media_type)
    if size == 0:
        return Extraction("empty", "", None)
    if of not in READERS:
        reason = UNSUPPORTED.get(of, f"text is not read from files of the type {media_type}")
        return Extraction("unsupported", "", reason)
    arguments = [str(path.resolve()), of, str(seconds), str(megabytes), str(characters)]
    if of == "pdf" and (program := shutil.which("pdftotext")):
        arguments.append(program)
    answer, died_of = _run(arguments, seconds, most=4 * characters + _CHUNK)
    return _understood(answer) or Extraction("failed", "", _reason(died_of, seconds))


def _run(arguments: list[str], seconds: float, most: int) -> tuple[bytes, int]:
    """Run the reader; return what it wrote, and the signal that ended it (0: none)."""
    archive = Path(__file__).resolve().parent
    command = [sys.executable, "-I", "-B", "-c", _START, str(archive.parent), str(archive)]
    with (
        tempfile.TemporaryDirectory(prefix="foi-text-") as folder,
        subprocess.Popen(  # noqa: S603 - our own interpreter and code; the file is only an argument
            command + arguments,
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
            piece = os.read(process.stdout.fileno(), _CHUNK)
            if not piece:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=max(left, 0.1))
                break
            answer += piece
    return bytes(answer)


def _understood(answer: bytes) -> Extraction | None:
    """Return the reader's answer, or None if it did not get to the end of it."""
    head, _, text = answer.partition(b"\n")
    try:
        said = json.loads(head)
    except ValueError:
        return None
    if len(text) != said["bytes"]:
        return None
    return Extraction(said["state"], text.decode("utf-8"), said["reason"])


def _reason(died_of: int, seconds: float) -> str:
    if died_of in (signal.SIGKILL, signal.SIGXCPU):
        return too_slow(seconds)
    return "the reader broke down over it"
