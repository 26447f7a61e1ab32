"""What a file is by its content, and the name it is shown under."""

import io
import struct
import unicodedata
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foi.archive.filetypes import (
    EMPTY,
    EXTENSIONS,
    INLINE,
    MEDIA_TYPES,
    OLE,
    UNKNOWN,
    clean_name,
    kind,
    sniff,
    sniff_file,
)

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
MAIL = b"From: foi@authority.example\r\nTo: a@b.example\r\nSubject: Your request\r\n\r\nDear Sir"


def zipped(*names: str, first: bytes = b"") -> bytes:
    """Return a zip with these entries; `first` is the content of the first."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, first if name == names[0] else b"<x/>")
    return data.getvalue()


def ole(*streams: str, directory_sector: int = 0) -> bytes:
    """Return the header and directory of a compound file with these streams."""
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    header[30:32] = struct.pack("<H", 9)
    header[48:52] = struct.pack("<I", directory_sector)
    entries = b""
    for name in ("Root Entry", *streams):
        encoded = (name + "\0").encode("utf-16-le")
        entries += encoded.ljust(64, b"\0") + struct.pack("<H", len(encoded)) + b"\1" * 62
    return bytes(header) + b"\xff" * 512 * directory_sector + entries


@pytest.mark.parametrize(
    ("head", "name", "found"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "answer.doc", "pdf"),
        (b"\0\1junk" * 9 + b"%PDF-1.4\n\0", "", "pdf"),
        (PNG, "x.jpg", "png"),
        (JPEG, "", "jpg"),
        (b"GIF89a\x01\x00\x01\x00\x80\0\0", "", "gif"),
        (b"II*\0\x08\0\0\0\0\0\0\0", "", "tif"),
        (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", "", "bmp"),
        (b"{\\rtf1\\ansi Hello}", "letter.doc", "rtf"),
        (b"\x78\x9f\x3e\x22\0\0\1", "winmail.dat", "tnef"),
        (b"<!DOCTYPE html><p>Hello", "page.txt", "html"),
        (b"\xef\xbb\xbf  <!-- made --> <HTML>", "", "html"),
        (b"<table><tr><td>1</td></tr></table>", "export.xls", "html"),
        ("<html><body>".encode("utf-16"), "", "html"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">', "a.txt", "svg"),
        (b"<svg onload=alert(1)>", "photo.png", "svg"),
        (b'<?xml version="1.0"?><!DOCTYPE note SYSTEM "x"><note/>', "a.html", "xml"),
        (b'{"a": 1}', "data.json", "json"),
        (b'{"a": 1}', "data.txt", "txt"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "", "vcf"),
        (b"BEGIN:VCALENDAR\r\n", "meeting.txt", "ics"),
        (MAIL, "", "eml"),
        (b"From a@b.example Thu Jan  1 00:00:00 2026\n" + MAIL, "", "eml"),
        (b"Subject: one header\n\ntext", "message.eml", "eml"),
        (b"From: the minister\nTo: all\nDate: today\n\nA memo", "", "txt"),
        (b"name,sum\nroads,1\n", "roads.csv", "csv"),
        (b"name,sum\nroads,1\n", "roads", "txt"),
        ("Prévisions é".encode("cp1252"), "note.txt", "txt"),
        ("Прошу".encode("utf-16"), "note.txt", "txt"),
        ("plain text".encode("utf-16-le"), "note.txt", "txt"),
        (zipped("a.txt", "b.txt"), "answer.docx", "zip"),
        (zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"), "", "docx"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "sheet.zip", "xlsx"),
        (zipped("[Content_Types].xml", "ppt/presentation.xml"), "", "pptx"),
        (zipped("mimetype", first=EXTENSIONS["odt"].encode()), "", "odt"),
        (zipped("mimetype", first=EXTENSIONS["ods"].encode() + b"-template"), "", "ods"),
        (zipped("mimetype", first=EXTENSIONS["odp"].encode()), "x.zip", "odp"),
        (ole("WordDocument"), "", "doc"),
        (ole("Workbook"), "letter.doc", "xls"),
        (ole("PowerPoint Document"), "", "ppt"),
        (ole("__properties_version1.0"), "", "msg"),
        (ole("SomethingElse"), "old.xls", "xls"),
    ],
)
def test_a_file_is_what_its_content_says(
    head: bytes, name: str, found: str, tmp_path: Path
) -> None:
    assert kind(sniff(head, name)) == found
    path = tmp_path / "stored-by-hash"
    path.write_bytes(head)
    assert kind(sniff_file(path, name)) == found


def test_what_nobody_knows_is_a_stream_of_bytes() -> None:
    assert sniff(b"\0\1\2\3" * 100, "letter.docx") == UNKNOWN
    assert sniff(ole("SomethingElse"), "letter.pdf") == OLE
    assert sniff(ole("EncryptedPackage"), "letter.doc") == OLE


def test_an_empty_file_is_only_text_if_it_is_called_so() -> None:
    assert sniff(b"", "notes.txt") == "text/plain"
    assert sniff(b"", "report.pdf") == EMPTY


def test_a_file_that_begins_like_text_but_is_cut_in_a_character_is_text() -> None:
    assert sniff(("é" * 5000).encode()[:8191], "") == "text/plain"


def test_containers_are_looked_into_beyond_their_beginning(tmp_path: Path) -> None:
    path = tmp_path / "sheet"
    padding = [f"docProps/{number:05}.xml" for number in range(200)]
    path.write_bytes(zipped(*padding, "[Content_Types].xml", "xl/workbook.xml"))
    assert kind(sniff(path.read_bytes()[:8192])) == "zip"
    assert kind(sniff_file(path)) == "xlsx"
    path.write_bytes(ole("WordDocument", directory_sector=40))
    assert sniff(path.read_bytes()[:8192]) == OLE
    assert kind(sniff_file(path)) == "doc"


def test_half_an_office_file_is_still_recognised(tmp_path: Path) -> None:
    data = zipped("[Content_Types].xml", "word/document.xml", "word/styles.xml")
    path = tmp_path / "half"
    path.write_bytes(data[: len(data) // 2])
    assert kind(sniff_file(path)) == "docx"


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "piece", [b"<!--a-->", b"<!--a--><!--", b" ", b"<a", b"a:", b"\n ", b"a.b"]
)
def test_no_beginning_takes_long(piece: bytes) -> None:
    assert sniff(piece * 4000, "x.eml").partition("/")[0] in ("text", "message")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sniff_file(tmp_path / "nothing")


def test_every_kind_has_an_extension_and_the_way_back() -> None:
    for extension, media_type in EXTENSIONS.items():
        assert kind(media_type) in EXTENSIONS
        assert EXTENSIONS[MEDIA_TYPES[media_type]] == media_type
        assert clean_name(f"a.{extension}", media_type) == f"a.{extension}"


def test_the_kinds_of_the_field_are_known() -> None:
    wanted = "csv txt pdf rtf doc docx xls xlsx ppt pptx msg tnef tif gif jpg png bmp html vcf zip"
    for name in [*wanted.split(), "odt", "ods", "odp", "svg", "xml", "json", "eml", "ics"]:
        assert kind(EXTENSIONS[name]) == name


@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("Text/HTML; charset=utf-8", "html"),
        ("application/vnd.ms-word", "doc"),
        ("text/rtf", "rtf"),
        ("image/jpg", "jpg"),
        ("application/x-nonsense", "bin"),
    ],
)
def test_other_spellings_of_a_media_type(media_type: str, name: str) -> None:
    assert kind(media_type) == name


def test_nothing_that_can_hold_a_script_is_shown_inline() -> None:
    assert {kind(each) for each in INLINE} == {"pdf", "png", "jpg", "gif", "txt"}


@pytest.mark.parametrize(
    ("name", "of", "shown"),
    [
        ("Réponse № 5 – élèves.pdf", "pdf", "Réponse № 5 – élèves.pdf"),
        ("../../etc/passwd.pdf", "pdf", "passwd.pdf"),
        ("C:\\Users\\me\\answer.DOC", "doc", "answer.DOC"),
        ("answer.doc", "pdf", "answer.doc.pdf"),
        ("answer", "pdf", "answer.pdf"),
        ("Report v1.2", "pdf", "Report v1.2.pdf"),
        ("evil\u202efdp.exe", "pdf", "evilfdp.exe.pdf"),
        ("two\r\nlines\0.txt", "txt", "twolines.txt"),
        (".htaccess", "txt", "htaccess.txt"),
        ("...", "pdf", "file.pdf"),
        ("", "png", "file.png"),
        ("a/", "png", "file.png"),
        ('what: "this"?.pdf', "pdf", "what_ _this_.pdf"),
        ("photo.jpeg", "jpg", "photo.jpeg"),
        ("list.csv", "txt", "list.csv"),
        ("page.html", "txt", "page.html.txt"),
        ("macro.docm", "docx", "macro.docm"),
        ("template.oft", "msg", "template.oft"),
        ("cafe\u0301.txt", "txt", "café.txt"),
    ],
)
def test_names_are_safe_and_stay_the_senders(name: str, of: str, shown: str) -> None:
    assert clean_name(name, EXTENSIONS[of]) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("model.stl", "model.stl"),
        ("letter.docx", "letter.docx"),
        ("run.exe", "run.exe.bin"),
        ("page.svg", "page.svg.bin"),
        ("noname", "noname.bin"),
    ],
)
def test_unknown_content_keeps_its_name_unless_it_could_run(name: str, shown: str) -> None:
    assert clean_name(name, UNKNOWN) == shown


def test_a_long_name_is_cut_before_its_extension() -> None:
    shown = clean_name("é" * 300 + ".xlsx", EXTENSIONS["xlsx"])
    assert 230 < len(shown.encode()) <= 240
    assert shown.endswith("é.xlsx")


@given(st.text(max_size=300), st.sampled_from([*MEDIA_TYPES, UNKNOWN, EMPTY, OLE]))
def test_no_name_is_unsafe(name: str, media_type: str) -> None:
    shown = clean_name(name, media_type)
    assert 0 < len(shown.encode()) <= 240
    assert not set(shown) & set('/\\<>:"|?*\0\r\n')
    assert not shown.startswith(".")
    assert shown == shown.strip()
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in shown)
    assert clean_name(shown, media_type) == shown


@given(st.binary(max_size=300), st.text(max_size=20))
def test_any_bytes_have_a_type(data: bytes, name: str) -> None:
    assert "/" in sniff(data, name)
