"""The rows of an Excel workbook (.xlsx), as tab-separated text or for whoever takes them, read as
a stream.

Numbers that a style shows as dates become ISO dates, since the bare serial number would be found
by nobody. Hidden sheets are left out and counted in a note: authorities have published personal
data in them by mistake, and a search engine should not be the one to find it. Given up: charts,
formulas (their stored results are read) and number formats other than dates.
"""

import re
from datetime import datetime, timedelta
from typing import Any, Protocol
from zipfile import ZipFile

from lxml import etree

from foi.archive.markup import feed_part, refuse_doctype
from foi.archive.plaintext import Text, Unreadable

_SMALL_PART = 8 * 1024 * 1024  # unpacked bytes of a part that is read into a tree
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_BUILT_IN_DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_NOT_A_DATE_PART = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_COLUMN = re.compile("[A-Z]{1,3}")
_COLUMNS = 16384
"""A sheet has no more (ECMA-376; `XFD` is the last)."""


class Taker(Protocol):
    """What takes the rows of a workbook."""

    notes: list[str]

    def sheet(self, name: str) -> None:
        """Begin a sheet."""

    def row(self, cells: list[tuple[int, str]]) -> None:
        """Take a row: the cells that hold something, each with its column from 0."""


class _Lines:
    """Takes rows as lines of text."""

    def __init__(self, out: Text) -> None:
        self._out, self.notes = out, out.notes

    def sheet(self, name: str) -> None:
        self._out.end_line()
        self._out.add(f"\n{name}\n")

    def row(self, cells: list[tuple[int, str]]) -> None:
        self._out.add("\t".join(text for _, text in cells) + "\n")


def add_xlsx(parts: ZipFile, out: Text) -> None:
    """Write every visible sheet: its name, then a line a row, a tab between cells."""
    read_xlsx(parts, _Lines(out))


def read_xlsx(parts: ZipFile, taker: Taker) -> None:
    """Give every visible sheet to a taker, row by row."""
    workbook = _tree(parts, "xl/workbook.xml")
    targets = {
        link.get("Id"): link.get("Target", "")
        for link in _tree(parts, "xl/_rels/workbook.xml.rels")
    }
    strings = _Strings()
    if "xl/sharedStrings.xml" in parts.namelist():
        feed_part(parts, "xl/sharedStrings.xml", strings)
    styles = _date_styles(parts)
    since = _first_day(workbook)
    hidden = 0
    for sheet in workbook.iterfind(".//{*}sheets/{*}sheet"):
        target = targets.get(sheet.get(_RELATION) or sheet.get(_STRICT_RELATION), "")
        part = target[1:] if target.startswith("/") else f"xl/{target}"
        if part not in parts.namelist():
            continue
        if sheet.get("state", "visible") != "visible":
            hidden += 1
            continue
        taker.sheet(sheet.get("name", ""))
        feed_part(parts, part, _Sheet(strings.values, styles, since, taker))
    if hidden:
        taker.notes.append(f"{hidden} hidden sheet{'s' if hidden > 1 else ''} left out")


def _tree(parts: ZipFile, name: str) -> Any:
    with parts.open(name) as file:
        data = file.read(_SMALL_PART + 1)
    if len(data) > _SMALL_PART:
        raise Unreadable("a part of the file unpacks to more than is read")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.fromstring(data, parser)


def _first_day(workbook: Any) -> datetime:
    """Return the day that a serial number counts from (ECMA-376 part 1, 18.17.4.1)."""
    properties = workbook.find("{*}workbookPr")
    in_1904 = properties is not None and properties.get("date1904") in ("1", "true")
    return datetime(1904, 1, 1) if in_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - no zone


def _date_styles(parts: ZipFile) -> frozenset[str]:
    """Return the cell styles (indexes, as text) that show a number as a date or a time."""
    if "xl/styles.xml" not in parts.namelist():
        return frozenset()
    styles = _tree(parts, "xl/styles.xml")
    own = {
        number.get("numFmtId"): _NOT_A_DATE_PART.sub("", number.get("formatCode", "")).lower()
        for number in styles.iterfind(".//{*}numFmts/{*}numFmt")
    }
    return frozenset(
        str(index)
        for index, style in enumerate(styles.iterfind(".//{*}cellXfs/{*}xf"))
        if _shows_a_date(style.get("numFmtId", "0"), own)
    )


def _shows_a_date(number_format: str, own: dict[str, str]) -> bool:
    if number_format in own:
        return own[number_format] != "general" and bool(re.search("[ymdhs]", own[number_format]))
    return number_format.isdigit() and int(number_format) in _BUILT_IN_DATES


class _Strings:
    """A parser's target that collects the shared strings, without their phonetic readings."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self._text: list[str] = []
        self._in_text = self._phonetic = False

    doctype = staticmethod(refuse_doctype)

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self._in_text = name == "t" and not self._phonetic
        self._phonetic = self._phonetic or name == "rPh"

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        self._in_text = False
        if name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.values.append("".join(self._text))
            self._text.clear()

    def data(self, text: str) -> None:
        if self._in_text:
            self._text.append(text)

    def close(self) -> None:
        self._text.clear()


class _Sheet:
    """A parser's target that gives the rows of one sheet to a taker."""

    def __init__(
        self, strings: list[str], date_styles: frozenset[str], since: datetime, taker: Taker
    ) -> None:
        self._strings, self._date_styles, self._since = strings, date_styles, since
        self._taker = taker
        self._cells: list[tuple[int, str]] = []
        self._column = -1
        self._value: list[str] = []
        self._kind = self._style = ""
        self._in_value = False

    doctype = staticmethod(refuse_doctype)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        self._in_value = name in ("v", "t")
        if name == "c":
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
            self._column = _column(attributes.get("r", ""), self._column + 1)

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        self._in_value = False
        if name == "c":
            # A cell is one line, whatever line breaks it holds.
            shown = " ".join(self._shown("".join(self._value)).split())
            self._value.clear()
            if shown and self._column < _COLUMNS:
                self._cells.append((self._column, shown))
        elif name == "row":
            self._end_row()

    def data(self, text: str) -> None:
        if self._in_value:
            self._value.append(text)

    def close(self) -> None:
        self._end_row()

    def _end_row(self) -> None:
        if self._cells:
            self._taker.row(self._cells)
        self._cells, self._column = [], -1

    def _shown(self, value: str) -> str:
        try:
            if self._kind == "s":
                return self._strings[int(value)]
            if self._kind == "b":
                return "TRUE" if value == "1" else "FALSE"
            if self._kind != "n" or not value:
                return value
            if self._style in self._date_styles:
                return _as_date(float(value), self._since)
            return f"{float(value):.15g}" if "." in value else value
        except (ValueError, IndexError, OverflowError):
            return value


def _column(reference: str, following: int) -> int:
    """Return the column, from 0, of a cell's reference (`C5` is in 2); the following one if it
    has none.
    """
    letters = _COLUMN.match(reference)
    if letters is None:
        return following
    number = 0
    for letter in letters[0]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _as_date(serial: float, since: datetime) -> str:
    moment = since + timedelta(seconds=round(serial * 86400))
    if abs(serial) < 1:
        return f"{moment:%H:%M:%S}"
    if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M}"
