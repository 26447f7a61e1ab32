"""The rows of a spreadsheet (XLSX, XLS, ODS), read with calamine in a process of its own.

Formulas are never worked out: the results that the file holds are read. Hidden sheets are left out
and counted, since authorities have left personal data in them by mistake. Given up: addresses that
hide behind a cell's text, and colours and strikings-out that mean something.

The process is given FILE SHEET SECONDS MEGABYTES; it answers as `extractors` does, its text being
JSON Lines: first an object with the sheet's name, then a row each.
"""

import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile, is_zipfile

from foi.archive.extractors import answer, within_limits
from foi.archive.plaintext import Unreadable

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

UNPACKED = 512 << 20
"""Bytes that a workbook may unpack to."""
MOST_ROWS = 100_000
MOST_COLUMNS = 200
LONGEST_CELL = 100_000
"""Characters of one cell."""

Table = list[list[str]]


def main(arguments: list[str]) -> None:
    """Read one workbook within the limits and answer on standard output."""
    file, wanted, seconds, megabytes = arguments
    lines: list[str] = []
    fault = within_limits(
        lambda: lines.extend(_read(Path(file), wanted)), float(seconds), int(megabytes)
    )
    answer("failed" if fault else "text", fault, "\n".join(lines))


def _read(path: Path, wanted: str) -> list[str]:
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    if is_zipfile(path):
        with ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > UNPACKED:
                raise Unreadable(f"it unpacks to more than {UNPACKED >> 20:,} MB")
    try:
        with path.open("rb") as file:
            book = CalamineWorkbook.from_filelike(file)
    except CalamineError as error:
        raise Unreadable("it is none, damaged, or protected by a password") from error
    shown = [
        sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible
    ]
    hidden = len(book.sheet_names) - len(shown)
    if wanted and wanted not in shown:
        raise Unreadable(f"it has no visible sheet {wanted!r}; there are: {', '.join(shown)}")
    rows, name = _fullest(book, [wanted] if wanted else shown)
    others = [each for each in shown if each != name]
    head = {"sheet": name, "others": others, "hidden": hidden}
    return [json.dumps(head), *(json.dumps(row) for row in rows)]


def _fullest(book: "CalamineWorkbook", names: list[str]) -> tuple[Table, str]:
    """Give the rows of the sheet that has most of them, and its name."""
    best: tuple[Table, str] = ([], names[0] if names else "")
    most = -1
    for name in names:
        rows = _rows(book.get_sheet_by_name(name))
        filled = sum(map(any, rows))
        if filled > most:
            best, most = (rows, name), filled
    return best


def _rows(sheet: "CalamineSheet") -> Table:
    if sheet.total_height > MOST_ROWS:
        raise Unreadable(f"a sheet has more than {MOST_ROWS:,} rows")
    rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        # A cell that spans rows holds for each of them; one that spans columns only for the first.
        for number in range(top + 1, min(bottom + 1, len(rows))):
            if left < len(rows[number]):
                rows[number][left] = rows[number][left] or rows[top][left]
    for row in rows:
        while row and not row[-1]:
            row.pop()
        if len(row) > MOST_COLUMNS:
            raise Unreadable(f"a row has more than {MOST_COLUMNS} columns")
    return rows


def _text(cell: Any) -> str:
    """Give a cell as text: dates as ISO 8601, whole numbers without a point."""
    if isinstance(cell, str):
        text = cell.strip()
    elif isinstance(cell, bool):
        text = "TRUE" if cell else "FALSE"
    elif isinstance(cell, float):
        text = f"{cell:.15g}"
    elif isinstance(cell, (datetime, date)):
        text = cell.isoformat()
    elif isinstance(cell, (time, timedelta)):
        text = str(cell)
    else:
        text = str(cell)
    # One character more than allowed tells that it was longer.
    return text[: LONGEST_CELL + 1]
