"""A log file as rows of text with their line numbers, whatever it was saved as.

Its kind is told by its content, never by its name. A file of text is decoded by its own signs
(byte order mark, UTF-8, else a guess that favours Windows-1252) and its separator is the one that
gives the most even rows.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from foi.archive import confinement
from foi.archive.disclosure.sheets import LONGEST_CELL, MOST_COLUMNS, MOST_ROWS
from foi.archive.importing.lines import open_lines
from foi.archive.importing.report import UnusableFile
from foi.archive.importing.rows import Row, Rows
from foi.archive.plaintext import charset

LARGEST = 64 << 20
"""Bytes of a file."""
SECONDS = 60
MEGABYTES = 2048
"""What the reader of a spreadsheet may take."""
_MOST_ANSWERED = 256 << 20

_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_SAMPLE = 1 << 18  # characters by which the separator is found


@dataclass
class Table:
    """The rows of a file in order, blank ones left out, each with the line or row number that a
    person sees; `said` tells how they were read.
    """

    rows: list[Row]
    said: list[str] = field(default_factory=list)


def read_table(path: Path, sheet: str = "") -> Table:
    """Read a file of comma, semicolon, tab or bar separated text, or a spreadsheet; UnusableFile
    when it is neither or larger than is read.

    `sheet` names the sheet; without it the one with most rows is read.
    """
    file, size = open_lines(path)
    with file:
        if size > LARGEST:
            raise UnusableFile(f"{path} is larger than {LARGEST >> 20:,} MB")
        start = file.read(8)
        if start.startswith(_SPREADSHEETS):
            table = _spreadsheet(path, sheet)
        else:
            table = _text(start + file.read(), path)
    table.rows = [row for row in table.rows if row.wrong or any(row.cells)]
    if not table.rows:
        raise UnusableFile(f"{path} is empty")
    if len(table.rows) > MOST_ROWS:
        raise UnusableFile(f"{path} has more than {MOST_ROWS:,} rows")
    return table


def _spreadsheet(path: Path, sheet: str) -> Table:
    if "\0" in sheet:
        raise UnusableFile("the name of the sheet is none")
    state, text, reason = confinement.ask(
        "foi.archive.disclosure.sheets", path, sheet, SECONDS, MEGABYTES, most=_MOST_ANSWERED
    )
    if state != "text":
        raise UnusableFile(f"{path} cannot be read as a spreadsheet: {reason}")
    head, *lines = (json.loads(line) for line in text.split("\n"))
    notes = [f"The sheet “{head['sheet']}” was read."]
    if head["others"]:
        notes.append(f"Not read: the sheets {', '.join(head['others'])}.")
    if head["hidden"]:
        notes.append(f"Not looked at: hidden sheets, {head['hidden']} of them.")
    rows = [_row(number, number, line) for number, line in enumerate(lines, start=1)]
    return Table(rows, notes)


def _text(data: bytes, path: Path) -> Table:
    codec = charset(data)
    text = data.decode(codec, "replace").removeprefix("\ufeff")
    if len(_CONTROLS.findall(text)) > len(text) // 100:
        raise UnusableFile(f"{path} is neither text nor a spreadsheet that can be read here")
    if text.lstrip().startswith("<"):
        raise UnusableFile(
            f"{path} is a web page or XML, whatever it is called; open it as a spreadsheet and "
            "save it as CSV or XLSX"
        )
    separator = _separator(text[:_SAMPLE])
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    rows = Rows(io.BytesIO(text.encode("utf-8", "replace")), delimiter=separator, even=False)
    name = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(codec, codec)
    said = [f"Read as {name} text with {_SEPARATORS[separator]} between the cells."]
    filled = (row for row in rows if row.wrong or any(map(str.strip, row.cells)))
    return Table([_of_text(row) for row in islice(filled, MOST_ROWS + 1)], said)


def _of_text(row: Row) -> Row:
    return row if row.wrong else _row(row.line, row.end, [cell.strip() for cell in row.cells])


def _row(line: int, end: int, cells: list[str]) -> Row:
    while cells and not cells[-1]:
        cells.pop()
    wrong = ""
    if len(cells) > MOST_COLUMNS:
        wrong = f"has more than {MOST_COLUMNS} cells"
    elif any(len(cell) > LONGEST_CELL for cell in cells):
        wrong = f"has a cell of more than {LONGEST_CELL:,} characters"
    return Row(line, end, [] if wrong else cells, wrong)


def _separator(sample: str) -> str:
    """Give the separator by which most rows have the same number of cells, the more cells the
    better.
    """

    def evenness(separator: str) -> float:
        widths = Counter(_widths(sample, separator))
        width, rows = widths.most_common(1)[0] if widths else (1, 0)
        return rows / max(1, widths.total()) * min(width - 1, 10) if width > 1 else 0.0

    return max(_SEPARATORS, key=evenness)


def _widths(sample: str, separator: str) -> Iterator[int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        for number, row in enumerate(reader):
            if number == 200:
                return
            while row and not row[-1].strip():
                row.pop()
            if row:
                yield len(row)
    except csv.Error:
        return
