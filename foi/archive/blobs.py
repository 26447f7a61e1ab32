"""Files by content: each is kept once, under its SHA-256, written and fsynced before any row names
it.

An orphan is harmless and swept after a day; a row without its file cannot be. What it gives up:
nothing can be changed in place, and a rewrite of a file is a new file. Object stores are added
here when an issue asks for them.
"""

import contextlib
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SPARED = 86_400
"""Seconds for which the sweep leaves a file alone that no row names: its row may be about to be
written.
"""

_PIECE = 1 << 20
_ADDRESS = re.compile(r"[0-9a-f]{64}")


class TooLarge(ValueError):
    """A file is larger than allowed; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the file is larger than {limit:,} bytes")
        self.limit = limit


@dataclass(frozen=True)
class Blob:
    """A kept file: SHA-256 in hexadecimal and size in bytes."""

    sha256: str
    size: int


class Staged:
    """A file on its way into the store: hashed while it is written, kept only when `keep` is
    called; `discard` leaves nothing of it.
    """

    def __init__(self, store: "BlobStore", limit: int | None) -> None:
        self._store, self._limit, self._digest = store, limit, hashlib.sha256()
        descriptor, name = tempfile.mkstemp(dir=store.folder, prefix=".new-")
        self._out, self._temporary = os.fdopen(descriptor, "wb"), Path(name)
        self.size = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes; TooLarge when there are more than allowed."""
        self.size += len(piece)
        if self._limit and self.size > self._limit:
            raise TooLarge(self._limit)
        self._digest.update(piece)
        self._out.write(piece)

    @property
    def blob(self) -> Blob:
        """What was written so far."""
        return Blob(self._digest.hexdigest(), self.size)

    def seal(self) -> Path:
        """Take no more and give where the bytes can be read until they are kept."""
        self._out.close()
        return self._temporary

    def keep(self) -> Blob:
        """Put the file under its address; returns once its bytes are safe on disk."""
        _fsync(self.seal())
        self._store.settle(self._temporary, self._store.path(self.blob.sha256))
        self._temporary.unlink(missing_ok=True)
        return self.blob

    def discard(self) -> None:
        """Leave nothing behind, unless it is kept already; harmless to repeat."""
        self._out.close()
        self._temporary.unlink(missing_ok=True)


class BlobStore:
    """A folder of files by content: `ab/cd/abcd...`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, stream: BinaryIO, limit: int | None = None) -> Blob:
        """Keep what the stream holds; TooLarge beyond `limit` bytes. Returns once the bytes are
        safe on disk.
        """
        staged = self.stage(limit)
        try:
            while piece := stream.read(_PIECE):
                staged.write(piece)
            return staged.keep()
        finally:
            staged.discard()

    def stage(self, limit: int | None = None) -> Staged:
        """Begin a file that arrives piece by piece, of at most `limit` bytes (0: of any size)."""
        return Staged(self, limit)

    def settle(self, temporary: Path, target: Path) -> None:
        """Move a file that is on disk to its address, unless its content is there already."""
        try:
            os.utime(
                target
            )  # there already: touched, so that the sweep spares it until its row is written
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.chmod(0o640)
            temporary.replace(target)
            for folder in (target.parent, target.parent.parent, self.folder):
                _fsync(folder)

    def path(self, sha256: str) -> Path:
        """Give where the file with this SHA-256 is (or would be)."""
        if not _ADDRESS.fullmatch(sha256):
            raise ValueError("not a SHA-256 in lower-case hexadecimal")
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def open(self, sha256: str) -> BinaryIO:
        """Open the file for reading; FileNotFoundError when it is not kept."""
        return self.path(sha256).open("rb")

    def holds(self, sha256: str) -> bool:
        """Tell whether the file is kept."""
        return self.path(sha256).is_file()

    def each(self) -> Iterator[str]:
        """Give the SHA-256 of every kept file."""
        for path in sorted(self.folder.glob("??/??/*")):
            if _ADDRESS.fullmatch(path.name):
                yield path.name

    def damaged(self, sha256: str) -> bool:
        """Tell whether the kept file no longer has the content that its name promises."""
        with self.path(sha256).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() != sha256

    def aged(self) -> Iterator[str]:
        """Give the SHA-256 of every file that was neither written nor touched within the last
        day.
        """
        return (sha256 for sha256 in self.each() if _untouched(self.path(sha256)) > SPARED)

    def drop(self, sha256: str, aged: float = SPARED) -> int:
        """Delete a file if nobody has written or touched it for `aged` seconds; give 1 if so.

        It is moved aside first and then judged, so that whoever keeps the same content meanwhile
        either is seen to have touched it or writes it anew.
        """
        path, aside = self.path(sha256), self.folder / f".new-{sha256}-{os.getpid()}"
        try:
            path.rename(aside)
        except FileNotFoundError:
            return 0
        if _untouched(aside) <= aged:
            aside.replace(path)
            return 0
        aside.unlink()
        return 1

    def drop_leftovers(self) -> None:
        """Delete what writers that were killed have left half written."""
        for leftover in self.folder.glob(".new-*"):
            if _untouched(leftover) > SPARED:
                leftover.unlink(missing_ok=True)

    def copy_to(self, target: "BlobStore") -> int:
        """Copy every file that `target` lacks into it; give their number."""
        copied = 0
        for sha256 in self.each():
            # One that is dropped meanwhile was named by nothing.
            if not target.holds(sha256):
                with contextlib.suppress(FileNotFoundError), self.open(sha256) as stream:
                    target.put(stream)
                    copied += 1
        return copied


def _untouched(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return -1.0


def _fsync(path: Path) -> None:
    """Bring a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
