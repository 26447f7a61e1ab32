"""Converters of files into safe HTML, one per kind of file, run by `conversion.py` in a process of
its own.

Word, OpenDocument and Rich Text are converted by pandoc, which this process starts; tables are
made of the rows that the readers of text find, so that hidden sheets stay hidden and dates are
dates. Whatever comes of it passes nh3, which lets through structure and links alone. Given up:
pictures, colours, and the layout of pages.

The process is given FILE KIND SECONDS MEGABYTES CHARACTERS PANDOC and answers as the readers do.
"""

import csv
import re
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from itertools import islice
from pathlib import Path
from statistics import median
from types import MappingProxyType

from foi.archive.extractors import answer, opened, whole, within_limits
from foi.archive.plaintext import Unreadable, decode, without_controls

ROWS = 1000
"""Rows of a table that are shown."""
COLUMNS = 60
"""Columns of a table that are shown."""

_PICTURE = re.compile(r"<img\b", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_TAGS = frozenset(
    (
        *("a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del"),
        *("dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4"),
        *("h5", "h6", "hr", "i", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp"),
        *("small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th"),
        *("thead", "tr", "u", "ul", "var"),
    )
)
_WITH_CONTENT = frozenset(
    (
        *("audio", "canvas", "datalist", "embed", "frameset", "head", "iframe", "math"),
        *("noembed", "noframes", "noscript", "object", "option", "script", "select"),
        *("style", "svg", "template", "title", "video"),
    )
)
_ATTRIBUTES = {
    "a": {"href"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}


class Page:
    """Collects HTML up to a number of characters, and what is to be said about it."""

    def __init__(self, characters: int) -> None:
        self.characters = characters
        self.notes: list[str] = []
        self.left = characters
        self._parts: list[str] = []

    def add(self, html: str) -> None:
        """Append HTML; what goes beyond the limit is cut off."""
        if len(html) > self.left and self.left >= 0:
            self.notes.append(f"cut at {self.characters:,} characters")
        self._parts.append(html[: max(self.left, 0)])
        self.left -= len(html)

    def html(self) -> str:
        """Give everything collected, made safe, its headings one level down."""
        import nh3

        safe = nh3.clean(
            "".join(self._parts),
            tags=set(_TAGS),
            clean_content_tags=set(_WITH_CONTENT),
            attributes=_ATTRIBUTES,
            attribute_filter=_small_numbers,
            url_schemes={"http", "https"},
            url_relative="deny",
            link_rel="nofollow ugc noopener noreferrer",
        )
        for level in range(5, 0, -1):
            safe = safe.replace(f"<h{level}>", f"<h{level + 1}>")
            safe = safe.replace(f"</h{level}>", f"</h{level + 1}>")
        return without_controls(safe)


def _small_numbers(_tag: str, attribute: str, value: str) -> str | None:
    """Keep a cell from spanning thousands, which would keep a browser busy."""
    if attribute in ("colspan", "rowspan", "start"):
        return value if value.isdigit() and len(value) <= 3 else None
    return value


class Tables:
    """Takes rows as tables; counts those that are not shown."""

    def __init__(self, page: Page) -> None:
        self._page, self.notes = page, page.notes
        self._name = ""
        self._rows = self._widest = self._shown = 0

    def sheet(self, name: str) -> None:
        """Begin a table under a heading."""
        self.end()
        self._name = name
        self._page.add(f"<h1>{escape(name)}</h1>")

    def row(self, cells: list[tuple[int, str]]) -> None:
        """Take a row: its cells with their columns."""
        self._rows += 1
        self._widest = max(self._widest, cells[-1][0] + 1 if cells else 0)
        if self._rows > ROWS or self._page.left <= 0:
            return
        self._shown += 1
        heads = self._rows == 1 and len(cells) > 1
        texts = [""] * min(self._widest, COLUMNS)
        for column, text in cells:
            if column < COLUMNS:
                texts[column] = escape(text)
        tag, scope = ("th", ' scope="col"') if heads else ("td", "")
        row = "".join(f"<{tag}{scope}>{text}</{tag}>" for text in texts)
        begin = "<table><thead>" if heads else "<table><tbody>" if self._rows == 1 else ""
        end = "</thead><tbody>" if heads else ""
        self._page.add(f"{begin}<tr>{row}</tr>{end}\n")

    def end(self) -> None:
        """End the table and note what of it is not shown."""
        of = f" of the sheet {self._name}" if self._name else ""
        if self._rows:
            self._page.add("</tbody></table>")
        if self._rows > self._shown:
            self.notes.append(f"the first {self._shown:,} of {self._rows:,} rows{of} are shown")
        if self._widest > COLUMNS:
            self.notes.append(f"the first {COLUMNS} of {self._widest:,} columns{of} are shown")
        self._name, self._rows, self._widest, self._shown = "", 0, 0, 0


def convert_table(path: Path, page: Page) -> None:
    """Show comma-, semicolon- or tab-separated values as a table."""
    lines = decode(whole(path, page.notes)).splitlines(keepends=True)
    csv.field_size_limit(page.characters)
    tables = Tables(page)
    try:
        for cells in csv.reader(lines, delimiter=_delimiter(lines)):
            if any(cell.strip() for cell in cells):
                tables.row(list(enumerate(cells)))
    except csv.Error as error:
        raise Unreadable("the table is damaged") from error
    finally:
        tables.end()


def _delimiter(lines: list[str]) -> str:
    """Return what parts the cells: whatever makes the most columns of a usual row."""

    def columns(delimiter: str) -> float:
        try:
            rows = list(islice(csv.reader(lines, delimiter=delimiter), 50))
        except csv.Error:
            return 0
        return median([len(row) for row in rows] or [0])

    return max(",;\t|", key=columns)


def convert_workbook(path: Path, page: Page) -> None:
    """Show the visible sheets of a workbook as tables."""
    from foi.archive.spreadsheets import read_xlsx

    tables = Tables(page)
    try:
        with opened(path) as parts:
            read_xlsx(parts, tables)
    finally:
        tables.end()


def convert_html(path: Path, page: Page) -> None:
    """Show a page of HTML without what its author had hidden from the reader."""
    from lxml import etree, html

    text = decode(whole(path, page.notes))
    if not text.strip():
        return
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    for element in list(root.iter(etree.Element)):
        hidden = _HIDDEN_STYLE.search(element.get("style", "")) or "hidden" in element.attrib
        if hidden and element.getparent() is not None:
            element.drop_tree()
    _add_noting_pictures(page, html.tostring(root, encoding="unicode"))


def convert_document(path: Path, page: Page, *, kind: str, pandoc: str, megabytes: int) -> None:
    """Convert a text document with pandoc, which may read nothing but the file."""
    if not pandoc:
        raise Unreadable("the program that converts it is not installed")
    command = [pandoc, "+RTS", f"-M{max(megabytes // 2, 64)}m", "-RTS", "--sandbox"]
    command += [f"--from={kind}", "--to=html5", "--wrap=none", "--email-obfuscation=none"]
    most = 4 * page.characters
    with subprocess.Popen(  # noqa: S603 - our own program; the file is only an argument
        [*command, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
    ) as process:
        try:
            data = process.stdout.read(most) if process.stdout else b""
            managed = len(data) == most or process.wait() == 0
        finally:
            process.kill()
    if process.returncode == 251:  # GHC's "heap exhausted"
        raise MemoryError
    if not managed:
        raise Unreadable("the file is damaged")
    _add_noting_pictures(page, data.decode("utf-8", "replace"))


def _add_noting_pictures(page: Page, html: str) -> None:
    pictures = len(_PICTURE.findall(html))
    if pictures:
        page.notes.append(f"{pictures} picture{'s' if pictures > 1 else ''} left out")
    page.add(html)


CONVERTERS: Mapping[str, Callable[[Path, Page], None]] = MappingProxyType(
    {"csv": convert_table, "html": convert_html, "xlsx": convert_workbook}
)
DOCUMENTS = frozenset(("docx", "odt", "rtf"))
"""What pandoc converts, each by pandoc's own name for it."""


def main(arguments: list[str]) -> None:
    """Convert one file within the limits and answer on standard output."""
    file, kind, seconds, megabytes, characters, pandoc = arguments
    page = Page(int(characters))
    convert = CONVERTERS.get(kind) or partial(
        convert_document, kind=kind, pandoc=pandoc, megabytes=int(megabytes)
    )
    made: list[str] = []
    fault = within_limits(
        lambda: _convert(convert, Path(file), page, made), float(seconds), int(megabytes)
    )
    html = "".join(made)
    if html and fault:
        page.notes.append(f"incomplete: {fault}")
    if not _TAG.sub("", html).strip():
        answer("failed" if fault else "empty", fault or "; ".join(page.notes), "")
    else:
        answer("html", "; ".join(page.notes), html)


def _convert(
    convert: Callable[[Path, Page], None], path: Path, page: Page, made: list[str]
) -> None:
    try:
        convert(path, page)
    finally:
        made.append(page.html())  # what was converted before a fault or the time limit stands
