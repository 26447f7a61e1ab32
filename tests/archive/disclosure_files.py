"""Small spreadsheets for tests, written by hand: no library of the project writes any."""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

Cell = str | int | float | None
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def name_of(column: int, row: int) -> str:
    """`B3` and the like, for up to 26 columns."""
    return f"{chr(65 + column)}{row}"


def _cell(column: int, row: int, value: Cell) -> str:
    place = name_of(column, row)
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith("="):
        return f'<c r="{place}" t="str"><f>{escape(value[1:])}</f><v>as it was kept</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f'<c r="{place}" s="1"><v>{value}</v></c>'


def _sheet(rows: Sequence[Sequence[Cell]], merged: Sequence[str]) -> str:
    lines = "".join(
        f'<row r="{number}">{"".join(_cell(c, number, v) for c, v in enumerate(row))}</row>'
        for number, row in enumerate(rows, start=1)
    )
    spans = "".join(f'<mergeCell ref="{each}"/>' for each in merged)
    spans = f"<mergeCells>{spans}</mergeCells>" if spans else ""
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData>{spans}</worksheet>'


def write_xlsx(
    path: Path,
    sheets: dict[str, Sequence[Sequence[Cell]]],
    merged: Sequence[str] = (),
    hidden: Sequence[str] = (),
    claimed: int = 0,
) -> Path:
    """Write a workbook; numbers are shown as dates, and a text that begins with `=` is a
    formula whose kept result is "as it was kept". The last sheet claims to unpack to `claimed`
    bytes more than it does.
    """
    entries, links = "", ""
    for number, name in enumerate(sheets, start=1):
        state = ' state="hidden"' if name in hidden else ""
        entries += f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"{state}/>'
        kind = f"{_OFFICE}/worksheet"
        links += (
            f'<Relationship Id="rId{number}" Type="{kind}" Target="worksheets/s{number}.xml"/>'
        )
    links += f'<Relationship Id="rId99" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    styles = (
        f'<styleSheet xmlns="{_MAIN}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
        "</styleSheet>"
    )
    book = f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>'
    with ZipFile(path, "w", ZIP_DEFLATED) as parts:
        parts.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>',
        )
        start = f'<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        parts.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}">{start}</Relationships>')
        parts.writestr("xl/workbook.xml", book)
        parts.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>',
        )
        parts.writestr("xl/styles.xml", styles)
        for number, rows in enumerate(sheets.values(), start=1):
            parts.writestr(f"xl/worksheets/s{number}.xml", _sheet(rows, merged))
        parts.filelist[-1].file_size += claimed
    return path


def write_ods(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write an OpenDocument spreadsheet of texts."""
    names = (
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    )
    lines = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string">'
            f"<text:p>{escape(cell)}</text:p></table:table-cell>"
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    with ZipFile(path, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        parts.writestr(
            "META-INF/manifest.xml",
            "<manifest:manifest "
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            '<manifest:file-entry manifest:full-path="content.xml" '
            'manifest:media-type="text/xml"/></manifest:manifest>',
        )
        parts.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="Log">{lines}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path
