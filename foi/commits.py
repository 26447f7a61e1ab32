"""A mark that changes with every commit to an SQLite database in WAL mode, whoever makes it.

It is the header of the WAL-index, both copies, read from the shared memory in which every commit
writes it before it is confirmed ("WAL-mode File Format", section 2.1). Reading it takes no call
of the operating system and does not give up Python's lock, for which threads would then queue.

POSIX forgets a process's locks on a file as soon as any of its descriptors of it is closed ("How
To Corrupt An SQLite Database File", section 2.2), and SQLite's locks are on this very file. So
each file is opened once for all that want it and closed by the last of them, when its own
connections are closed already, or not at all (`Versions.close`).
"""

import mmap
import os
import threading
from dataclasses import dataclass, field

_HEADERS = 96  # bytes: the header and its copy


@dataclass
class _Mapped:
    descriptor: int
    memory: mmap.mmap
    wanted: int = 0


@dataclass
class _Open:
    lock: threading.Lock = field(default_factory=threading.Lock)
    files: dict[tuple[int, int], _Mapped] = field(default_factory=dict)


_OPEN = _Open()


class CommitMark:
    """The mark of one database; `close` it after the last connection of its owner."""

    def __init__(self, database: str) -> None:
        """Open it; OSError or ValueError where there is no such shared memory. A connection that
        has read from the database must be open, and stay so: it keeps the file in place.
        """
        path = f"{database}-shm"
        with _OPEN.lock:
            found = os.stat(path)
            self._key = found.st_dev, found.st_ino
            mapped = _OPEN.files.get(self._key)
            if mapped is None:
                # Both descriptors, this one and the mapping's own, live equally long.
                descriptor = os.open(path, os.O_RDONLY)
                memory = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
                mapped = _OPEN.files[self._key] = _Mapped(descriptor, memory)
            mapped.wanted += 1
            self._memory = mapped.memory

    def __call__(self) -> bytes:
        """Give the mark: bytes that differ after every commit."""
        return self._memory[:_HEADERS]

    def close(self) -> None:
        """Let go of the file."""
        with _OPEN.lock:
            mapped = _OPEN.files[self._key]
            mapped.wanted -= 1
            if not mapped.wanted:
                del _OPEN.files[self._key]
                mapped.memory.close()
                os.close(mapped.descriptor)
