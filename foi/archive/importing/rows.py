"""Rows of a CSV file (RFC 4180), each with the number of its first line.

A quote that is opened and never closed would swallow everything after it. So whenever a row of
several lines turns out not to be one, only its first line is given up, and reading goes on with
the next.
"""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from foi.archive.importing.lines import Line, read_lines

LONGEST_LINE = 1 << 20
"""Bytes of one line of the file."""
_LONGEST_ROW = 1 << 20  # characters, over however many lines
_MOST_LINES = 1_000  # that one row may run over


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its cells, or what is wrong with it."""

    line: int
    end: int
    cells: list[str]
    wrong: str = ""


@dataclass
class Rows:
    """Reads the rows of a file; if they are `even`, each must have as many cells as the first."""

    file: BinaryIO
    delimiter: str = ","
    even: bool = True
    width: int = 0
    _again: deque[Line] = field(default_factory=deque)

    def __iter__(self) -> Iterator[Row]:
        fresh = read_lines(self.file, LONGEST_LINE)
        while line := self._next(fresh):
            row = self._row(line, fresh)
            self.width = self.width or len(row.cells)
            if row.wrong or row.cells:
                yield row

    def _next(self, fresh: Iterator[Line]) -> Line | None:
        return self._again.popleft() if self._again else next(fresh, None)

    def _row(self, first: Line, fresh: Iterator[Line]) -> Row:
        used = [first]

        def texts() -> Iterator[str]:
            size, line = 0, first
            while line.data is not None and size <= _LONGEST_ROW and len(used) <= _MOST_LINES:
                text = line.data.decode("utf-8", "surrogateescape")
                size += len(text)
                yield text
                following = self._next(fresh)
                if following is None:
                    return
                line = following
                used.append(line)

        wrong, cells = "", []
        if first.data is None:
            return Row(
                first.number, first.end, [], f"the line is longer than {LONGEST_LINE:,} bytes"
            )
        try:
            cells = next(csv.reader(texts(), strict=True, delimiter=self.delimiter))
        except (csv.Error, StopIteration) as error:
            wrong = f"not a row of CSV: {error or 'it does not end'}"
        if self.even and cells and self.width and len(cells) != self.width:
            wrong = f"has {len(cells)} cells where the first row has {self.width}"
        if wrong:
            self._again.extendleft(reversed(used[1:]))
            used = [first]
        return Row(first.number, used[-1].end, cells, wrong)
