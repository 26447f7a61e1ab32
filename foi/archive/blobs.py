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


class BlobStore:
    """A folder of files by content: `ab/cd/abcd...`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, stream: BinaryIO, limit: int | None = None) -> Blob:
        """Keep what the stream holds; TooLarge beyond `limit` bytes. Returns once the bytes are
        safe on disk.
        """
        digest, size = hashlib.sha256(), 0
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".new-")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as out:
                while piece := stream.read(_PIECE):
                    size += len(piece)
                    if limit is not None and size > limit:
                        raise TooLarge(limit)
                    digest.update(piece)
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            blob = Blob(digest.hexdigest(), size)
            self._settle(temporary, self.path(blob.sha256))
        finally:
            temporary.unlink(missing_ok=True)
        return blob

    def _settle(self, temporary: Path, target: Path) -> None:
        try:
            os.utime(
                target
            )  # there already: touched, so that the sweep spares it until its row is written
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.chmod(0o640)
            temporary.replace(target)
            for folder in (target.parent, target.parent.parent, self.folder):
                _fsync_folder(folder)

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

    def untouched(self, sha256: str) -> float:
        """Give the seconds since the file was last written or touched; -1 for one that is not
        kept.
        """
        return _untouched(self.path(sha256))

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


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
