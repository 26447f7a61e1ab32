"""The text of files, from every format that is read, and from files that are broken or hostile."""

import io
import os
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from foi.archive.filetypes import EXTENSIONS, sniff_file
from foi.archive.plaintext import charset, decode, tidy
from foi.archive.text import UNSUPPORTED, Extraction, extract

Keep = Callable[[bytes], Path]
WORD = '<w:document xmlns:w="urn:w"><w:body>{}</w:body></w:document>'
SHEET = '<worksheet xmlns="urn:s"><sheetData>{}</sheetData></worksheet>'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Store bytes in a file whose name says nothing."""

    def store(data: bytes) -> Path:
        path = tmp_path / "stored"
        path.write_bytes(data)
        return path

    return store


@pytest.fixture(autouse=True)
def _without_pdftotext(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have every machine read PDF with the library."""
    monkeypatch.setenv("PATH", str(tmp_path))


def zipped(parts: dict[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            # OpenDocument wants its type readable at the very beginning.
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, content, how)
    return data.getvalue()


def docx(body: str, **parts: str) -> bytes:
    more = {f"word/{name}.xml": content for name, content in parts.items()}
    return zipped({"[Content_Types].xml": "<x/>", "word/document.xml": WORD.format(body), **more})


def paragraph(text: str) -> str:
    return f"<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf(*pages: str) -> bytes:
    """Return a PDF of one line a page, written by hand."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {5 + 2 * number} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>"
        )
        objects.append(f"<</Length {len(content)}>>stream\n{content}\nendstream")
    data, offsets = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj{each}endobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    tail = f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {size}\n0000000000 65535 f \n{table}{tail}".encode()


def read(path: Path, name: str = "", **limits: int) -> Extraction:
    return extract(path, sniff_file(path, name), **limits)


def test_a_plain_text(keep: Keep) -> None:
    path = keep("Sehr geehrte Frau Müller,\r\n\r\n\r\n\r\nanbei \t die  Auskunft. \r\n".encode())
    assert read(path) == Extraction(
        "text", "Sehr geehrte Frau Müller,\n\nanbei\tdie Auskunft.", None
    )


def test_a_pdf(keep: Keep) -> None:
    assert read(keep(pdf("Dear requester", "Yours, the council"))) == Extraction(
        "text", "Dear requester\n\nYours, the council", None
    )


def test_a_scan_holds_no_text(keep: Keep) -> None:
    assert read(keep(pdf("", ""))) == Extraction("empty", "", None)


def encrypted(user: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("Not to be copied"))))
    writer.encrypt(user, "owner", algorithm="RC4-128")
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def test_a_pdf_that_opens_without_a_password_is_read_although_encrypted(keep: Keep) -> None:
    assert read(keep(encrypted(""))).text == "Not to be copied"


def test_a_pdf_with_a_password_says_so(keep: Keep) -> None:
    assert read(keep(encrypted("secret"))) == Extraction(
        "failed", "", "the file is protected by a password"
    )


def test_a_truncated_pdf_fails(keep: Keep) -> None:
    found = read(keep(pdf("Dear requester")[:150]))
    assert (found.state, found.text) == ("failed", "")


def test_a_broken_page_does_not_cost_the_others(keep: Keep) -> None:
    data = pdf("one", "two", "three").replace(b"/Contents 7 0 R", b"/Contents 1.5/R")
    found = read(keep(data))
    assert "one" in found.text
    assert "three" in found.text


@pytest.mark.parametrize(
    ("script", "text"),
    [("echo from the program", "from the program"), ("exit 1", "from the library")],
)
def test_pdftotext_is_used_where_it_is_installed_and_works(
    script: str, text: str, keep: Keep, tmp_path: Path
) -> None:
    program = tmp_path / "pdftotext"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert read(keep(pdf("from the library"))).text == text


def test_a_word_file_with_table_header_and_footnote(keep: Keep) -> None:
    cells = "".join(f"<w:tc>{paragraph(text)}</w:tc>" for text in ("Road", "Cost"))
    found = read(
        keep(
            docx(
                paragraph("The costs") + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
                "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>"
                "<w:del><w:r><w:delText>struck out</w:delText></w:r></w:del>"
                "<w:moveFrom><w:r><w:t>moved away</w:t></w:r></w:moveFrom></w:p>",
                header1=WORD.format(paragraph("The letterhead")),
                footnotes=WORD.format(paragraph("A note &amp; more")),
            )
        )
    )
    assert found.text == "The letterhead\nThe costs\nRoad\tCost\na\tb\nc\nA note & more"


def test_a_presentation_in_the_order_of_its_slides(keep: Keep) -> None:
    slide = '<p:sld xmlns:p="urn:p" xmlns:a="urn:a"><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sld>'
    parts = {f"ppt/slides/slide{n}.xml": slide.format(f"Slide {n}") for n in (10, 9, 1)}
    path = keep(zipped({"[Content_Types].xml": "<x/>", **parts}))
    assert read(path).text == "Slide 1\nSlide 9\nSlide 10"


def open_document(kind: str, content: str, manifest: str = "<m/>") -> bytes:
    namespaces = 'xmlns:text="urn:t" xmlns:table="urn:b" xmlns:o="urn:o"'
    styles = f"<o:styles {namespaces}><text:p>Letterhead</text:p></o:styles>"
    return zipped(
        {
            "mimetype": EXTENSIONS[kind],
            "content.xml": f"<o:doc {namespaces}>{content}</o:doc>",
            "styles.xml": styles,
            "META-INF/manifest.xml": manifest,
        }
    )


def test_an_open_document_text(keep: Keep) -> None:
    content = (
        "<text:tracked-changes><text:p>struck out</text:p></text:tracked-changes>"
        "<text:h>The answer</text:h><text:p>We<text:s/>hold <text:span>the</text:span> file"
        "<text:line-break/>here.</text:p>"
    )
    found = read(keep(open_document("odt", content)))
    assert found.text == "The answer\nWe hold the file\nhere.\nLetterhead"


def test_an_open_document_spreadsheet(keep: Keep) -> None:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    row = "<table:table-row>{}</table:table-row>"
    content = row.format(cell.format("Road") + cell.format("12")) + row.format(cell.format("End"))
    found = read(keep(open_document("ods", content)))
    assert found.text == "Road\t12\nEnd\nLetterhead"


def test_an_encrypted_open_document_says_so(keep: Keep) -> None:
    data = open_document("odt", "", manifest="<m><encryption-data/></m>")
    assert read(keep(data)).reason == "the file is protected by a password"


def workbook(rows: str, hidden: str = "", properties: str = "") -> bytes:
    sheets = '<sheet name="Costs" r:id="r1"/>'
    if hidden:
        sheets += '<sheet name="Names" state="veryHidden" r:id="r2"/>'
    links = "".join(
        f'<Relationship Id="r{n}" Target="worksheets/sheet{n}.xml"/>' for n in (1, 2, 3)
    )
    return zipped(
        {
            "[Content_Types].xml": "<x/>",
            "xl/workbook.xml": f'<workbook xmlns="urn:s" xmlns:r="{RELATIONS}">{properties}'
            f'<sheets>{sheets}<sheet name="Gone" r:id="r3"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>",
            "xl/sharedStrings.xml": '<sst xmlns="urn:s"><si><t>Road</t></si>'
            "<si><r><t>Lay</t></r><r><t>-by</t></r><rPh><t>reading</t></rPh></si></sst>",
            "xl/styles.xml": '<styleSheet xmlns="urn:s"><numFmts>'
            '<numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
            '<numFmt numFmtId="165" formatCode="0.0&quot; days&quot;"/></numFmts><cellXfs>'
            '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
            "</cellXfs></styleSheet>",
            "xl/worksheets/sheet1.xml": SHEET.format(rows),
            "xl/worksheets/sheet2.xml": SHEET.format(hidden),
        }
    )


def test_a_workbook_with_strings_numbers_and_dates(keep: Keep) -> None:
    rows = (
        '<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="inlineStr"><is><t>own\nline</t></is>'
        '</c></row><row><c><v>0.1</v></c><c><v>12.300000000000001</v></c><c t="b"><v>1</v></c>'
        '<c s="1"><v>46112</v></c><c s="2"><v>46112.5</v></c><c s="3"><v>2.5</v></c></row>'
        '<row><c s="1"><v>0.25</v></c><c t="s"><v>99</v></c><c s="1"><v>1e300</v></c><c/></row>'
    )
    assert read(keep(workbook(rows))).text.splitlines() == [
        "Costs",
        "Road\tLay-by\town line",
        "0.1\t12.3\tTRUE\t2026-03-31\t2026-03-31 12:00\t2.5",
        "06:00:00\t99\t1e300",
    ]


def test_a_workbook_that_counts_from_1904(keep: Keep) -> None:
    rows = '<row><c s="1"><v>44650</v></c></row>'
    found = read(keep(workbook(rows, properties='<workbookPr date1904="1"/>')))
    assert found.text == "Costs\n2026-03-31"


def test_hidden_sheets_are_left_out_and_counted(keep: Keep) -> None:
    secret = '<row><c t="inlineStr"><is><t>Somebody</t></is></c></row>'
    found = read(keep(workbook('<row><c t="s"><v>0</v></c></row>', hidden=secret)))
    assert found == Extraction("text", "Costs\nRoad", "1 hidden sheet left out")


def test_rich_text(keep: Keep) -> None:
    data = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Caf\'e9 \u8364?5\par Yours\par}"
    assert read(keep(data)).text == "Café €5\nYours"


def test_a_web_page_as_a_reader_sees_it(keep: Keep) -> None:
    page = (
        "<!DOCTYPE html><html><head><title>Log</title><style>p{}</style></head><body>"
        "<script>alert(1)</script><p>Roads<br>and &amp; <b>bri</b>dges</p><!-- no -->"
        "<table><tr><th>A</th><td><p>1</p></td></tr><tr><td>B</td></tr></table>"
        '<div hidden>no</div><div style="display: none">no</div><pre>x\ny</pre><noscript>no'
        "</noscript></body></html>"
    )
    assert read(keep(page.encode())).text == "Log\nRoads\nand & bridges\nA\t1\nB\nx\ny"


def test_a_web_page_in_the_character_set_it_declares(keep: Keep) -> None:
    page = '<html><meta charset="windows-1251"><body><p>Ответ на запрос</p></body></html>'
    assert read(keep(page.encode("cp1251"))).text == "Ответ на запрос"


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "foi@authority.example"
    mail["Subject"] = "Réponse"
    mail.set_content("The plain text.")
    mail.add_alternative("<p>The web text.</p>", subtype="html")
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="café.pdf")
    return mail


def test_an_email_with_the_names_of_its_attachments(keep: Keep) -> None:
    found = read(keep(message().as_bytes()), "mail.eml")
    assert found.text == (
        "From: foi@authority.example\nSubject: Réponse\n\nThe plain text.\n\ncafé.pdf"
    )


def test_an_email_within_an_email(keep: Keep) -> None:
    outer = EmailMessage()
    outer["Subject"] = "Fwd"
    outer.set_content("See below.")
    outer.add_attachment(message())
    text = read(keep(outer.as_bytes()), "mail.eml").text
    assert text.startswith("Subject: Fwd\n\nSee below.\n\nFrom: foi@authority.example")
    assert text.endswith("The plain text.\n\ncafé.pdf")


def test_an_email_of_web_text_only_in_an_unknown_character_set(keep: Keep) -> None:
    data = (
        b"Subject: x\nMIME-Version: 1.0\nContent-Type: text/html; charset=no-such-set\n"
        b"Date: =?bad?q?x\nContent-Transfer-Encoding: 8bit\n\n<p>Gr\xc3\xbc\xc3\x9fe</p>"
    )
    assert "Grüße" in read(keep(data), "mail.eml").text


def test_an_archive_lists_its_files_and_is_not_unpacked(keep: Keep) -> None:
    data = bytearray(zipped({"a/one.txt": b"secret", "b/": b"", "r?sum?.txt": b""}))
    data = data.replace(b"r?sum?", b"r\x82sum\x82")  # code page 437
    assert read(keep(bytes(data))).text == "a/one.txt\nrésumé.txt"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "Road,Cost\nA1,5"),
        ("a.json", '{"road": "A1"}'),
        ("a.xml", "<?xml version='1.0'?><road/>"),
        ("a.vcf", "BEGIN:VCARD\nFN:FOI Team\nEND:VCARD"),
        ("a.ics", "BEGIN:VCALENDAR\nSUMMARY:Hearing\nEND:VCALENDAR"),
    ],
)
def test_other_texts_stand_as_they_are(name: str, content: str, keep: Keep) -> None:
    assert read(keep(content.encode()), name).text == content


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_what_is_not_read_says_why(name: str, keep: Keep) -> None:
    media_type = EXTENSIONS[name]
    found = extract(keep(b"anything"), media_type)
    assert found == Extraction("unsupported", "", UNSUPPORTED[name])
    assert found.reason
    assert found.reason.startswith("text is not read from")


def test_an_unknown_type_is_named(keep: Keep) -> None:
    found = extract(keep(b"\0\1"), "application/x-odd")
    assert found.reason == "text is not read from files of the type application/x-odd"


def test_an_empty_file_is_empty_whatever_it_is_called(keep: Keep) -> None:
    assert extract(keep(b""), EXTENSIONS["pdf"]) == Extraction("empty", "", None)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        extract(tmp_path / "nothing", "text/plain")


@pytest.mark.parametrize(
    "name", ["pdf", "docx", "xlsx", "pptx", "odt", "ods", "odp", "zip", "eml", "html", "rtf"]
)
def test_content_that_is_not_what_was_said_never_raises(name: str, keep: Keep) -> None:
    found = extract(keep(b"\0\xff\x80 no such file \x01" * 50), EXTENSIONS[name])
    assert found.state in ("failed", "text", "empty")
    assert found.state != "failed" or found.reason


def test_a_folder_fails(tmp_path: Path) -> None:
    assert extract(tmp_path, "text/plain").state == "failed"


def test_long_text_is_cut_and_says_so(keep: Keep) -> None:
    found = read(keep(b"road " * 10_000), characters=1_000)
    assert found.reason == "cut at 1,000 characters"
    assert found.text == ("road " * 200).rstrip()


def test_a_bomb_in_a_word_file_is_cut(keep: Keep) -> None:
    found = read(keep(docx(paragraph("road " * 200) * 20_000)), characters=5_000)
    assert found.reason == "cut at 5,000 characters"


def test_memory_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    assert extract(path, "text/plain", megabytes=150, characters=20_000_000) == Extraction(
        "failed", "", "it takes more than 150 MB of memory"
    )


def test_time_is_limited(keep: Keep) -> None:
    # Putting half a million accents into canonical order takes quadratic time.
    found = read(keep(("a" + "\u0301\u0316" * 300_000).encode()), seconds=2)
    assert found == Extraction("failed", "", "it takes longer than 2 seconds")


def test_what_was_read_before_the_time_was_up_is_kept(keep: Keep) -> None:
    body = paragraph("The beginning") + "<w:p><w:r>" + "<w:x/>" * 12_000_000 + "</w:r></w:p>"
    found = read(keep(docx(body)), seconds=2)
    assert found == Extraction(
        "text", "The beginning", "incomplete: it takes longer than 2 seconds"
    )


def test_entities_are_not_expanded(keep: Keep) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY a "lol"><!ENTITY b SYSTEM "file:///etc/passwd">]><a>&a;&b;</a>'
    for part in ("word/document.xml", "xl/workbook.xml"):
        found = read(keep(zipped({"[Content_Types].xml": "<x/>", part: bomb})))
        assert found.state == "failed"


def test_a_damaged_part_keeps_what_stood_before_it(keep: Keep) -> None:
    data = docx("", footnotes="<broken", header1=WORD.format(paragraph("Letterhead")))
    found = read(keep(data))
    assert found == Extraction("text", "Letterhead", "incomplete: a part of the file is damaged")


def test_an_odd_path_is_no_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (b"-x.txt", b"\xff \n.txt"):
        path = Path(os.fsdecode(name))
        path.write_text("text", encoding="utf-8")
        assert extract(path, "text/plain").text == "text"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Réponse aux élèves – 5 €", "utf-8-sig"),
        ("Réponse aux élèves – 5 €", "utf-16"),
        ("Réponse aux élèves, 5 livres", "utf-16-le"),
        ("Réponse aux élèves, 5 livres", "utf-16-be"),
        ("Réponse aux élèves – 5 €", "utf-32"),
        ("The cost was £500 – in all", "cp1252"),
        ("Größe der Straße, Gebühren über 5 €", "cp1252"),
        ("Запрос информации о работе министерства", "cp1251"),
        ("Zażółć gęślą jaźń i inne słowa po polsku", "cp1250"),
    ],
)
def test_character_sets_are_found(text: str, codec: str) -> None:
    assert decode((text + "\n").encode(codec) * 3).startswith(text)


def test_a_declared_character_set_counts_only_if_the_bytes_allow_it() -> None:
    assert decode("élève".encode(), "iso-8859-1") == "élève"
    assert decode("Ответ".encode("koi8-r"), "koi8-r") == "Ответ"
    assert decode("情報".encode("iso2022_jp"), "iso-2022-jp") == "情報"
    assert charset(b"caf\xe9", "rot13") == "cp1252"
    assert charset(b"caf\xe9", "utf-8") == "cp1252"


def test_one_stray_byte_does_not_spoil_utf8() -> None:
    assert decode("é".encode() * 20 + b"\xff") == "é" * 20 + "\ufffd"


def test_tidied_text_is_fit_for_xml_and_for_reading() -> None:
    assert tidy(" a\0\x1b\ud800\u202e\xadb \x0c\r\n \n\u2028\n  c\xa0 d\t \te\ufffe ") == (
        "ab\n\nc d\te"
    )
    assert tidy("e\u0301") == "é"
