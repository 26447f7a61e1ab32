"""One upload as multipart/form-data (RFC 7578): a small one in one piece, a large one read from
disk while it is sent.

`requests` would hold a whole file in memory. What it gives up: more than one file, and names for
it, which Aleph does not look at.
"""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self


class _Form:
    """The words before and after the file, or around `meta` alone."""

    def __init__(self, meta: str, *, file: bool) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{meta}'
        if file:
            head += (
                f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="file"; '
                'filename="file"\r\nContent-Type: application/octet-stream\r\n\r\n'
            )
        self.before, self.after = head.encode(), f"\r\n--{boundary}--\r\n".encode()


def packed(meta: str, content: bytes | None = None) -> tuple[str, bytes]:
    """Give the content type and the body of a form field `meta` and, if given, a `file`."""
    form = _Form(meta, file=content is not None)
    return form.content_type, b"".join((form.before, content or b"", form.after))


class Upload:
    """A body of two parts, the form field `meta` and a `file`; to be used as a context manager."""

    def __init__(self, meta: str, path: Path) -> None:
        form = _Form(meta, file=True)
        self.content_type = form.content_type
        self._before, self._after = form.before, form.after
        self._file: BinaryIO = path.open("rb")
        size = os.fstat(self._file.fileno()).st_size
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
