"""Files as safe HTML: what every converter makes, and what broken or hostile files come to."""

import io
import itertools
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from foi.archive.contents import mask_html
from foi.archive.conversion import Converted, convert, converts, viewable
from foi.archive.converters import COLUMNS, ROWS
from foi.archive.filetypes import EXTENSIONS, sniff_file
from foi.archive.reading import mask, mask_pieces
from tests.archive.test_text import RELATIONS, SHEET, docx, paragraph, zipped

ODF = "urn:oasis:names:tc:opendocument:xmlns"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def word(body: str, prologue: str = "") -> bytes:
    """Return a Word document that Word itself would open."""
    link = (
        f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="word/document.xml"/>'
    )
    return zipped(
        {
            "[Content_Types].xml": "<x/>",
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}">{link}</Relationships>',
            "word/document.xml": (
                f'{prologue}<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'
            ),
        }
    )


def made(folder: Path, data: bytes, name: str, **limits: int) -> Converted:
    path = folder / "stored"
    path.write_bytes(data)
    return convert(path, sniff_file(path, name), **limits)


def xlsx(*sheets: tuple[str, str, str]) -> bytes:
    """Return a workbook of sheets: name, state, rows as XML."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{state}" r:id="rId{n}"/>'
        for n, (name, state, _) in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<x/>",
        "xl/workbook.xml": (
            f'<workbook xmlns="urn:s" xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>",
        "xl/styles.xml": (
            '<styleSheet xmlns="urn:s"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>"
        ),
    }
    for n, (_, _, rows) in enumerate(sheets, 1):
        parts[f"xl/worksheets/sheet{n}.xml"] = SHEET.format(rows)
    return zipped(parts)


def test_what_is_converted_and_what_can_be_viewed() -> None:
    for name in ("csv", "tsv", "html", "docx", "odt", "rtf", "xlsx"):
        assert converts(EXTENSIONS[name])
    for name in ("txt", "eml", "pdf", "zip", "pptx", "ods", "png", "jpg", "gif", "webp"):
        assert not converts(EXTENSIONS[name])
        assert viewable(EXTENSIONS[name])
    for name in ("doc", "xls", "msg", "svg", "tif"):
        assert not viewable(EXTENSIONS[name])


def test_a_workbook_keeps_its_columns_and_dates_and_hides_what_it_hid(tmp_path: Path) -> None:
    rows = (
        '<row><c r="A1" t="inlineStr"><is><t>Day</t></is></c>'
        '<c r="C1" t="inlineStr"><is><t>Lamps &lt;b&gt;</t></is></c></row>'
        '<row><c r="A2" s="1"><v>46083</v></c><c r="C2"><v>12</v></c></row>'
        '<row><c r="D3"><v>7</v></c></row>'
    )
    found = made(tmp_path, xlsx(("Lit", "visible", rows), ("Staff", "hidden", rows)), "a.xlsx")
    assert found.state == "html"
    assert found.html.replace("\n", "") == (
        '<h2>Lit</h2><table><thead><tr><th scope="col">Day</th><th scope="col"></th>'
        '<th scope="col">Lamps &lt;b&gt;</th></tr></thead><tbody>'
        "<tr><td>2026-03-02</td><td></td><td>12</td></tr>"
        "<tr><td></td><td></td><td></td><td>7</td></tr></tbody></table>"
    )
    assert found.reason == "1 hidden sheet left out"


def test_an_open_document(tmp_path: Path) -> None:
    content = (
        f'<office:document-content xmlns:office="{ODF}:office:1.0" xmlns:text="{ODF}:text:1.0">'
        '<office:body><office:text><text:h text:outline-level="1">Lamps</text:h>'
        "<text:p>Twelve.</text:p></office:text></office:body></office:document-content>"
    )
    styles = (
        f'<office:document-styles xmlns:office="{ODF}:office:1.0"><office:styles/>'
        "<office:automatic-styles/><office:master-styles/></office:document-styles>"
    )
    data = zipped({"mimetype": EXTENSIONS["odt"], "content.xml": content, "styles.xml": styles})
    found = made(tmp_path, data, "a.odt")
    assert (found.state, found.reason) == ("html", None)
    assert "<h2>Lamps</h2>" in found.html
    assert "<p>Twelve.</p>" in found.html


def test_a_page_keeps_its_structure_and_nothing_that_acts(tmp_path: Path) -> None:
    page = (
        "<html><title>Top</title><style>p {}</style><h1 id=a>Lamps</h1><p onclick=x>Of"
        " <var>n</var>, <a href=javascript:x>a</a></p><video>Get a newer browser.</video></html>"
    )
    found = made(tmp_path, page.encode(), "a.html")
    link = '<a rel="nofollow ugc noopener noreferrer">a</a>'
    assert found.html.strip() == f"<h2>Lamps</h2><p>Of <var>n</var>, {link}</p>"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_cells_are_parted_by_whatever_parts_them(tmp_path: Path, delimiter: str) -> None:
    lines = (delimiter.join(row) for row in (("a", '"b, c; d"', "e"), ("1", "2,5", "3")))
    if delimiter == ",":
        lines = (line.replace("2,5", '"2,5"') for line in lines)
    found = made(tmp_path, "\r\n".join(lines).encode(), "a.csv")
    assert "<td>1</td><td>2,5</td><td>3</td>" in found.html
    assert ">b, c; d</th>" in found.html


def test_long_and_wide_tables_are_cut_and_say_so(tmp_path: Path) -> None:
    row = ",".join("x" for _ in range(COLUMNS + 5))
    found = made(tmp_path, "\n".join([row] * (ROWS + 7)).encode(), "a.csv")
    assert found.html.count("<tr>") == ROWS
    assert found.html.count("<td>") == (ROWS - 1) * COLUMNS
    assert found.reason == (
        f"the first {ROWS:,} of {ROWS + 7:,} rows are shown; "
        f"the first {COLUMNS} of {COLUMNS + 5} columns are shown"
    )


@pytest.mark.parametrize("name", ["a.html", "a.csv", "a.docx"])
def test_a_view_is_cut_at_its_size_and_stays_whole_html(tmp_path: Path, name: str) -> None:
    content = {
        "a.html": b"<html><p>" + b"<b>word</b> " * 5000,
        "a.csv": b"first,second\n" + b"word,other\n" * 900,
        "a.docx": word(paragraph("word ") * 5000),
    }[name]
    found = made(tmp_path, content, name, characters=5000)
    assert found.state == "html"
    assert "cut at 5,000 characters" in (found.reason or "")
    assert len(found.html) < 6000
    for tag in ("b", "p", "tr", "table"):
        assert found.html.count(f"<{tag}>") == found.html.count(f"</{tag}>")


class TestFaults:
    def test_an_empty_file_and_one_without_text(self, tmp_path: Path) -> None:
        assert made(tmp_path, b"", "a.csv") == Converted("empty", "", None)
        only_pictures = made(tmp_path, b"<html><img src=a><img src=b></html>", "a.html")
        assert only_pictures == Converted("empty", "", "2 pictures left out")

    @pytest.mark.parametrize("data", [b"PK\x03\x04 word/ and no more", docx("")[:-30]])
    def test_a_damaged_document(self, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "stored"
        path.write_bytes(data)
        assert convert(path, EXTENSIONS["docx"]) == Converted("failed", "", "the file is damaged")

    @pytest.mark.parametrize("extension", ["docx", "odt", "rtf", "xlsx", "csv", "html"])
    def test_any_bytes_under_any_type(self, tmp_path: Path, extension: str) -> None:
        path = tmp_path / "stored"
        for data in (os.urandom(3000), b"{\\rtf<" + b"{<\x00" * 2000):
            path.write_bytes(data)
            found = convert(path, EXTENSIONS[extension], seconds=20)
            assert found.state in ("html", "empty", "failed")
            assert found.state == "html" or found.html == ""

    def test_a_bomb_costs_no_more_than_the_limits(self, tmp_path: Path) -> None:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("[Content_Types].xml", "<x/>")
            with archive.open("word/document.xml", "w") as part:
                for _ in range(300):
                    part.write(b"<w:p>" * 200_000)
        found = made(tmp_path, data.getvalue(), "a.docx", seconds=5, megabytes=512)
        assert found.state == "failed"
        assert found.reason

    def test_too_little_time(self, tmp_path: Path) -> None:
        rows = '<row><c r="A1"><v>1</v></c></row>' * 2_000_000
        found = made(tmp_path, xlsx(("A", "visible", rows)), "a.xlsx", seconds=1)
        assert "it takes longer than 1 seconds" in (found.reason or "")
        assert found.state == "html"

    def test_a_missing_file_is_the_callers_mistake(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            convert(tmp_path / "none", EXTENSIONS["csv"])

    def test_nothing_of_this_machine_gets_in(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret.txt"
        secret.write_text("Secretword", encoding="utf-8")
        reference = f"<html><p>a</p><object data='file://{secret}'></object><img src='{secret}'>"
        assert "Secretword" not in made(tmp_path, reference.encode(), "a.html").html
        data = word(paragraph("&b;"), f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{secret}">]>')
        assert "Secretword" not in made(tmp_path, data, "a.docx").html


WORDS = st.lists(
    st.sampled_from(
        ["ada@fenby.test", "07700 900123", "Mobile: 0131 496 0123", "lamps", " ", "\n", "a@b", "&"]
    ),
    max_size=8,
).map("".join)


@given(WORDS, st.lists(st.integers(0, 200), max_size=6))
def test_pieces_are_masked_as_their_whole_is(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    assert "".join(mask_pieces(pieces)) == mask(text)
    assert len(mask_pieces(pieces)) == len(pieces)


@given(WORDS, st.lists(st.integers(0, 200), max_size=6))
def test_tags_do_not_save_an_address_and_are_kept(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    masked = mask_html("<p>" + "".join(f"<b>{escape(piece)}</b>" for piece in pieces) + "</p>")
    assert masked.count("<b>") == len(pieces)
    assert masked.striptags() == " ".join(mask(text).split())
