"""One upload as multipart/form-data (RFC 7578), read from disk while it is sent.

`requests` would hold a whole file in memory. What it gives up: more than one file, and names for
it, which Aleph does not look at.
"""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self


class Upload:
    """A body of two parts, the form field `meta` and a `file`; to be used as a context manager."""

    def __init__(self, meta: str, path: Path) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{meta}\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        self._file: BinaryIO = path.open("rb")
        size = os.fstat(self._file.fileno()).st_size
        self._before, self._after = head.encode(), f"\r\n--{boundary}--\r\n".encode()
        self._length = len(self._before) + size + len(self._after)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        """Give the next piece, at most `size` bytes (all that is left by default)."""
        if size < 0:
            rest = self._before + self._file.read() + self._after
            self._before = self._after = b""
            return rest
        if self._before:
            piece, self._before = self._before[:size], self._before[size:]
            return piece
        if piece := self._file.read(size):
            return piece
        piece, self._after = self._after[:size], self._after[size:]
        return piece
