"""The text of marked-up files (HTML, Office Open XML, OpenDocument) without building a tree.

A parser's target writes text as elements go by, so a hostile file costs time (which is limited)
but little memory, and reading stops when there is enough. Files with entities of their own are
refused and nothing is fetched. Runs in the readers' process. Given up: layout, formulas and
pictures.
"""

import re
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, NoReturn
from zipfile import ZipFile

from lxml import etree

from foi.archive.plaintext import Text, Unreadable

_CHUNK = 64 * 1024
_PART = 256 * 1024 * 1024  # unpacked bytes read of one part of an Office file


class Dialect(NamedTuple):
    """What the elements of a markup language mean for its text (names without namespaces)."""

    inside: frozenset[str] | None  # text counts only within these; None: everywhere
    skip: frozenset[str]  # left out with all they hold
    lines: frozenset[str]
    cells: frozenset[str]
    rows: frozenset[str]
    marks: dict[str, str]
    pre: frozenset[str] = frozenset()


def _names(*names: str) -> frozenset[str]:
    return frozenset(name for line in names for name in line.split())


_OFFICE_XML = Dialect(
    inside=_names("t"),
    skip=_names("pPr Fallback moveFrom"),
    lines=_names("p"),
    cells=_names("tc"),
    rows=_names("tr"),
    marks={"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"},
)
_DC = "{http://purl.org/dc/elements/1.1/}"
_OPEN_DOCUMENT = Dialect(
    inside=_names("p h"),
    skip=_names(f"tracked-changes script {_DC}creator {_DC}date"),
    lines=_names("p h"),
    cells=_names("table-cell covered-table-cell"),
    rows=_names("table-row"),
    marks={"tab": "\t", "line-break": "\n", "s": " "},
)
_HTML = Dialect(
    inside=None,
    skip=_names("script style noscript template iframe object svg math datalist"),
    lines=_names(
        "address article aside blockquote body caption dd details div dl dt fieldset figcaption",
        "figure footer form h1 h2 h3 h4 h5 h6 header hr legend li main nav ol option p pre",
        "section summary table tbody textarea tfoot thead title ul",
    ),
    cells=_names("td th"),
    rows=_names("tr"),
    marks={"br": "\n"},
    pre=_names("pre textarea"),
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


class Target:
    """A parser's target that writes the text of one Dialect."""

    def __init__(self, dialect: Dialect, out: Text) -> None:
        self._dialect, self._out = dialect, out
        self._skipping = self._inside = self._cell = self._pre = 0

    def doctype(self, *names: str | None) -> None:
        """Refuse a document type in XML: Office files have none, and entities need one."""
        if self._dialect is not _HTML:
            refuse_doctype(*names)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Note what begins."""
        name = tag.rpartition("}")[2]
        known = self._dialect
        if self._skipping or name in known.skip or tag in known.skip or _is_hidden(attributes):
            self._skipping += 1
            return
        self._inside += known.inside is None or name in known.inside
        self._cell += name in known.cells
        self._pre += name in known.pre
        if name in known.marks:
            self._out.add(known.marks[name])
        elif name in known.lines and not self._cell:
            self._out.end_line()

    def end(self, tag: str) -> None:
        """Note what ends, and write the blank, tab or line end that stands for it."""
        if self._skipping:
            self._skipping -= 1
            return
        name = tag.rpartition("}")[2]
        known = self._dialect
        self._inside -= known.inside is None or name in known.inside
        self._pre -= name in known.pre
        if name in known.cells:
            self._cell -= 1
            self._out.add("\t")
        elif name in known.rows:
            self._out.end_line()
        elif name in known.lines and self._cell:
            self._out.add(" ")
        elif name in known.lines:
            self._out.end_line()

    def data(self, text: str) -> None:
        """Write text, if it counts where it stands."""
        if not self._skipping and (self._inside or self._dialect.inside is None):
            self._out.add(text if self._pre else _SPACES.sub(" ", text))

    def close(self) -> None:
        """End the last line."""
        self._out.end_line()


def add_html(markup: str, out: Text) -> None:
    """Write the visible text of an HTML page or fragment."""
    data = markup.encode("utf-8", "replace")
    # Deep nesting (long chains of quoted mail) is no danger to a parser that builds no tree.
    parser = etree.HTMLParser(target=Target(_HTML, out), encoding="utf-8", huge_tree=True)
    if data.strip():
        _feed(parser, (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)))


def add_docx(parts: ZipFile, out: Text) -> None:
    """Write a Word file: headers, text with its tables, footnotes, endnotes, comments, footers."""
    for stem in ("header", "document", "footnotes", "endnotes", "comments", "footer"):
        _add_parts(parts, rf"word/{stem}\d*\.xml", _OFFICE_XML, out)


def add_pptx(parts: ZipFile, out: Text) -> None:
    """Write a PowerPoint file: the slides by their numbers, then the speaker's notes."""
    _add_parts(parts, r"ppt/slides/slide\d+\.xml", _OFFICE_XML, out)
    _add_parts(parts, r"ppt/notesSlides/notesSlide\d+\.xml", _OFFICE_XML, out)


def add_open_document(parts: ZipFile, out: Text) -> None:
    """Write an OpenDocument text, spreadsheet or presentation, with its headers and footers."""
    if "META-INF/manifest.xml" in parts.namelist():
        with parts.open("META-INF/manifest.xml") as manifest:
            if b"encryption-data" in manifest.read(_CHUNK):
                raise Unreadable("the file is protected by a password")
    _add_parts(parts, r"content\.xml", _OPEN_DOCUMENT, out)
    if "styles.xml" in parts.namelist():  # holds the headers and footers
        _add_parts(parts, r"styles\.xml", _OPEN_DOCUMENT, out)


def _add_parts(parts: ZipFile, pattern: str, dialect: Dialect, out: Text) -> None:
    names = [name for name in parts.namelist() if re.fullmatch(pattern, name)]
    for name in sorted(names, key=lambda name: (len(name), name)):
        feed_part(parts, name, Target(dialect, out))


def refuse_doctype(*_names: str | None) -> NoReturn:
    """Raise Unreadable: a parser's target cannot otherwise keep entities from being expanded."""
    raise Unreadable("the file defines XML entities, which Office files never do")


def feed_part(parts: ZipFile, name: str, target: Any) -> None:
    """Parse one XML part of an Office file into a parser's target."""
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True)
    try:
        with parts.open(name) as file:
            _feed(parser, _pieces(file))
    except etree.XMLSyntaxError as error:
        raise Unreadable("a part of the file is damaged") from error


def _feed(parser: Any, pieces: Iterator[bytes]) -> None:
    for piece in pieces:
        parser.feed(piece)
    parser.close()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    left = _PART
    while piece := file.read(_CHUNK):
        yield piece
        left -= len(piece)
        if left < 0:
            raise Unreadable("a part of the file unpacks to more than is read")


def _is_hidden(attributes: dict[str, str]) -> bool:
    return "hidden" in attributes or bool(_HIDDEN_STYLE.search(attributes.get("style", "")))
