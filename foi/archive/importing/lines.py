"""The lines of a file, one at a time and never longer than a limit, whatever the file holds.

A line is bytes: whether it is text is for the reader of each format to say, line by line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from foi.archive.importing.report import UnusableFile

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number, from 1, and the bytes of the file up to its end; `data` is None if
    it is too long.
    """

    number: int
    data: bytes | None
    end: int


def open_lines(path: Path) -> tuple[BinaryIO, int]:
    """Open a file of lines and give it with its size in bytes; UnusableFile when it cannot be
    read.
    """
    if not path.is_file():
        raise UnusableFile(f"{path} is not a file")
    try:
        return path.open("rb"), path.stat().st_size
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror}") from None


def read_lines(file: BinaryIO, limit: int) -> Iterator[Line]:
    """Give each line with its line end, but no byte order mark; `limit` is in bytes."""
    number = end = 0
    while data := file.readline(limit + 1):
        number += 1
        end += len(data)
        whole, piece = len(data) <= limit, data
        while not piece.endswith(b"\n") and (piece := file.readline(limit + 1)):
            end += len(piece)
            whole = False
        if number == 1:
            data = data.removeprefix(_MARK)
        yield Line(number, data if whole else None, end)
