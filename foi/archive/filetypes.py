"""What a file is, by its content: names and declared types lie, by accident or on purpose.

The name only settles what content cannot: which kind of text it is, which old Office program wrote
it. The `filetype` library knows pictures, sound and archives; the documents an authority sends are
told apart here. Given up: kinds an answer to a request hardly ever holds, which are
`application/octet-stream`.
"""

import codecs
import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import filetype

from foi.archive.plaintext import decode

HEAD = 8192  # bytes that `sniff` wants to see
UNKNOWN = "application/octet-stream"
EMPTY = "application/x-empty"
OLE = "application/x-ole-storage"  # an old Office or Outlook file, it is not known which
_LONGEST_NAME = 240  # bytes in UTF-8; file systems take 255
_LONGEST_EXTENSION = 10


class _Kind(NamedTuple):
    media_type: str
    extensions: tuple[str, ...]
    also: tuple[str, ...] = ()  # other media types in use for the same


_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
# The names are those of Alaveteli's search filter `filetype:`, and more of the same sort.
_KINDS: dict[str, _Kind] = {
    "txt": _Kind("text/plain", ("txt", "text", "log", "md")),
    "csv": _Kind("text/csv", ("csv", "tsv"), ("application/csv", "text/comma-separated-values")),
    "html": _Kind("text/html", ("html", "htm", "xhtml"), ("application/xhtml+xml",)),
    "xml": _Kind("application/xml", ("xml",), ("text/xml",)),
    "json": _Kind("application/json", ("json",), ("text/json",)),
    "vcf": _Kind("text/vcard", ("vcf",), ("text/x-vcard",)),
    "ics": _Kind("text/calendar", ("ics",)),
    "eml": _Kind("message/rfc822", ("eml", "mht")),
    "pdf": _Kind("application/pdf", ("pdf",), ("application/x-pdf",)),
    "rtf": _Kind("application/rtf", ("rtf",), ("text/rtf",)),
    "doc": _Kind("application/msword", ("doc", "dot"), ("application/vnd.ms-word",)),
    "xls": _Kind("application/vnd.ms-excel", ("xls", "xlt")),
    "ppt": _Kind("application/vnd.ms-powerpoint", ("ppt", "pps", "pot")),
    "msg": _Kind("application/vnd.ms-outlook", ("msg", "oft")),
    "docx": _Kind(f"{_OOXML}wordprocessingml.document", ("docx", "docm", "dotx")),
    "xlsx": _Kind(f"{_OOXML}spreadsheetml.sheet", ("xlsx", "xlsm", "xltx")),
    "pptx": _Kind(f"{_OOXML}presentationml.presentation", ("pptx", "pptm", "ppsx", "potx")),
    "odt": _Kind(f"{_ODF}text", ("odt", "ott")),
    "ods": _Kind(f"{_ODF}spreadsheet", ("ods", "ots")),
    "odp": _Kind(f"{_ODF}presentation", ("odp", "otp")),
    "tnef": _Kind("application/vnd.ms-tnef", ("tnef", "dat"), ("application/ms-tnef",)),
    "zip": _Kind("application/zip", ("zip",), ("application/x-zip-compressed",)),
    "tif": _Kind("image/tiff", ("tif", "tiff")),
    "gif": _Kind("image/gif", ("gif",)),
    "jpg": _Kind("image/jpeg", ("jpg", "jpeg", "jpe", "jfif"), ("image/jpg", "image/pjpeg")),
    "png": _Kind("image/png", ("png",)),
    "bmp": _Kind("image/bmp", ("bmp",), ("image/x-ms-bmp",)),
    "webp": _Kind("image/webp", ("webp",)),
    "svg": _Kind("image/svg+xml", ("svg",)),
}

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {extension: of.media_type for of in _KINDS.values() for extension in of.extensions}
)
"""Extension without the dot -> media type."""

MEDIA_TYPES: Mapping[str, str] = MappingProxyType(
    {of.media_type: of.extensions[0] for of in _KINDS.values()}
)
"""Media type -> its usual extension without the dot."""

INLINE = frozenset(("application/pdf", "image/png", "image/jpeg", "image/gif", "text/plain"))
"""Types a browser may show among our pages: never HTML, SVG or XML, which hold scripts."""

_NAMES = {alias: name for name, of in _KINDS.items() for alias in (of.media_type, *of.also)}
_TEXT_KINDS = frozenset(EXTENSIONS[each] for each in ("txt", "csv", "html", "vcf", "ics", "eml"))
_OLE = frozenset(EXTENSIONS[each] for each in ("doc", "xls", "ppt", "msg"))
_WRAPPED = {  # what a lying or unknown extension may rightly stand on top of
    "text/plain": frozenset(EXTENSIONS[each] for each in ("csv", "vcf", "ics", "eml", "json")),
    OLE: _OLE,
}
# Extensions that some system runs or a browser renders; not kept on content nobody recognised.
_ACTIVE = frozenset(
    (
        *("html", "htm", "xhtml", "svg", "xml", "js", "mjs", "jar", "hta", "vbs", "ps1", "sh"),
        *("lnk", "exe", "com", "bat", "cmd", "scr", "pif", "msi", "app", "dll"),
    )
)


def kind(media_type: str) -> str:
    """Return the short name of a media type, as in a `filetype:` search; else "bin"."""
    return _NAMES.get(media_type.partition(";")[0].strip().lower(), "bin")


def sniff(head: bytes, name: str = "") -> str:
    """Return the media type of a file by its first `HEAD` bytes; `name` settles the rest."""
    return _sniff(head, name, frozenset())


def sniff_file(path: Path, name: str = "") -> str:
    """Return the media type of the file at `path`, looking into containers beyond its beginning.

    `name` is what the sender called it (the path of a stored file says nothing). Raises OSError if
    the file cannot be read.
    """
    inside: frozenset[str] = frozenset()
    with path.open("rb") as file:
        head = file.read(HEAD)
        if head.startswith(_OLE_MARK):
            file.seek(_directory_of_ole(head))
            inside = _stream_names(file.read(HEAD))
        elif head.startswith(_ZIP_MARK):
            # The list of entries is at the end; ZipFile would read all of it, be it millions.
            file.seek(max(0, file.seek(0, os.SEEK_END) - _ZIP_TAIL))
            inside = _entry_names(file.read())
    return _sniff(head, name, inside)


def clean_name(name: str, media_type: str) -> str:
    """Return a safe name to show and to save a file under, in the sender's words and alphabet.

    Only the last part of a path, without controls, invisible direction marks and leading dots, at
    most 240 bytes in UTF-8 with the extension kept. An extension that is missing or does not fit
    the content is not replaced but followed by the right one.
    """
    base = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    base = "".join(each for each in base if unicodedata.category(each) not in _NOT_IN_NAMES)
    base = re.sub(r'[<>:"|?*]+', "_", " ".join(base.split())).strip(". ")
    stem, dot, last = base.rpartition(".")
    extension = last if dot and stem and len(last) <= _LONGEST_EXTENSION else ""
    stem = stem if extension else base
    wanted = _extension(extension.lower(), media_type)
    if wanted != extension.lower():
        stem, extension = base, wanted
    tail = f".{extension}" if extension else ""
    room = _LONGEST_NAME - len(tail.encode())
    stem = stem.encode()[:room].decode(errors="ignore").rstrip(". ")
    return (stem or "file") + tail


_NOT_IN_NAMES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _extension(given: str, media_type: str) -> str:
    """Return the extension to use: the given one if it is honest, else the right one."""
    of = media_type.partition(";")[0].strip().lower()
    meant = EXTENSIONS.get(given)
    if meant is not None and (_NAMES[meant] == kind(of) or meant in _WRAPPED.get(of, ())):
        return given
    if kind(of) != "bin":
        return _KINDS[kind(of)].extensions[0]
    return "bin" if given in _ACTIVE or not given else given


_BYTE_ORDER_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_OTHER_MARKS = (
    (b"%PDF-", EXTENSIONS["pdf"]),
    (b"{\\rt", EXTENSIONS["rtf"]),
    (b"\x78\x9f\x3e\x22", EXTENSIONS["tnef"]),
)
_ZIP_MARK = b"PK\x03\x04"
_ZIP_TAIL = 256 * 1024
_ZIP_HEADER = re.compile(rb"PK\x03\x04|PK\x01\x02")
_ODF_MIMETYPE = re.compile(
    rb"mimetype.{0,64}?(application/vnd\.oasis\.opendocument\.[a-z-]+)", re.DOTALL
)
_OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "__properties_version1.0": "application/vnd.ms-outlook",
    "__nameid_version1.0": "application/vnd.ms-outlook",
}
_OOXML_FOLDERS = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
# Atomic and possessive, for these run in the web process on whatever a stranger sends.
_PROLOGUE = r"(?>\s+|<\?xml[^>]*>|<!--.*?-->|<!doctype\s+svg[^>]*>)*+"
_HTML_START = re.compile(
    _PROLOGUE
    + r"<(?:!doctype\s+html|html|head|body|title|script|style|iframe|table|div|font|meta|"
    r"link|base|h[1-6]|p|a|b|br|img|span|center|form|ul|ol)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
_SVG_START = re.compile(_PROLOGUE + r"<(?:\w+:)?svg[\s>]", re.IGNORECASE | re.DOTALL)
_XML_START = re.compile(r"<(?:\?xml[\s?]|!DOCTYPE\s|[a-z_][\w.:-]*\s+xmlns)", re.IGNORECASE)
_MAIL_START = re.compile(
    r"(?:From [^\n]*\n)?((?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*)+)"
)
_MAIL_HEADER = re.compile(
    r"^(received|return-path|delivered-to|from|to|cc|subject|date|message-id|mime-version|reply-to|"
    r"content-type|x-[\w-]+):",
    re.IGNORECASE | re.MULTILINE,
)


def _sniff(head: bytes, name: str, inside: frozenset[str]) -> str:
    by_name = EXTENSIONS.get(name.rpartition(".")[2].lower(), UNKNOWN)
    if not head:
        return by_name if by_name in _TEXT_KINDS else EMPTY
    if head.startswith(_OLE_MARK):
        return _ole(inside or _stream_names(head), by_name)
    if head.startswith(_ZIP_MARK):
        return _zip(head, inside | _entry_names(head), by_name)
    for mark, media_type in _OTHER_MARKS:
        if head.startswith(mark):
            return media_type
    text = _as_text(head)
    if text is not None:
        return _text(text, by_name)
    if b"%PDF-" in head[:1024]:  # where readers accept it (PDF 1.7, annex H, note 13)
        return EXTENSIONS["pdf"]
    return str(filetype.guess_mime(head) or UNKNOWN)


def _as_text(head: bytes) -> str | None:
    """Return the head as text, whatever its character set, or None if it is not text."""
    if head.startswith(_BYTE_ORDER_MARKS) or _looks_like_utf16(head):
        text = decode(head[: len(head) // 4 * 4]).removeprefix("\ufeff")
    else:
        text = head.removeprefix(codecs.BOM_UTF8).decode("latin-1")
    odd = sum(each < " " and each not in "\t\n\r\f\x1b" for each in text)
    return text if "\0" not in text and odd * 50 <= len(text) else None


def _looks_like_utf16(head: bytes) -> bool:
    nuls = sorted((head[::2].count(0), head[1::2].count(0)))
    return nuls[0] * 50 <= nuls[1] and nuls[1] * 3 > len(head)


def _text(text: str, by_name: str) -> str:
    """Return the kind of a text: what it says itself, then what its name says, then plain text."""
    start = text.lstrip()
    if _SVG_START.match(start):
        return EXTENSIONS["svg"]
    if _HTML_START.match(start):
        return by_name if by_name == EXTENSIONS["eml"] else EXTENSIONS["html"]
    if _XML_START.match(start):
        return EXTENSIONS["xml"]
    for mark, extension in (("BEGIN:VCARD", "vcf"), ("BEGIN:VCALENDAR", "ics")):
        if start[: len(mark)].upper() == mark:
            return EXTENSIONS[extension]
    if start[:1] in ("{", "[") and by_name == EXTENSIONS["json"]:
        return by_name
    headers = _MAIL_START.match(start.replace("\r\n", "\n"))
    named = {each.lower() for each in _MAIL_HEADER.findall(headers[1])} if headers else set()
    if len(named) > (0 if by_name == EXTENSIONS["eml"] else 2) and named - {"from", "to", "date"}:
        return EXTENSIONS["eml"]
    return by_name if by_name in _TEXT_KINDS else EXTENSIONS["txt"]


def _ole(streams: frozenset[str], by_name: str) -> str:
    found = {_OLE_STREAMS[stream] for stream in streams if stream in _OLE_STREAMS}
    if len(found) == 1:
        return found.pop()
    return by_name if by_name in (found or _OLE) and "EncryptedPackage" not in streams else OLE


def _zip(head: bytes, names: frozenset[str], by_name: str) -> str:
    if declared := _ODF_MIMETYPE.match(head, 30):
        media_type = declared[1].decode("ascii").removesuffix("-template")
        return media_type if media_type in MEDIA_TYPES else EXTENSIONS["zip"]
    if "[Content_Types].xml" not in names:
        return EXTENSIONS["zip"]
    for folder, extension in _OOXML_FOLDERS.items():
        if any(each.startswith(folder) for each in names):
            return EXTENSIONS[extension]
    # The folder may stand further on than we see.
    return by_name if by_name.startswith(_OOXML) else EXTENSIONS["zip"]


def _entry_names(data: bytes) -> frozenset[str]:
    """Return the names in those zip headers, local or central, that lie wholly in `data`."""
    names = set()
    for found in _ZIP_HEADER.finditer(data):
        length_at, name_at = (26, 30) if found[0] == _ZIP_MARK else (28, 46)
        at = found.start()
        length = int.from_bytes(data[at + length_at : at + length_at + 2], "little")
        names.add(data[at + name_at : at + name_at + length].decode("ascii", "replace"))
    return frozenset(names)


def _stream_names(directory: bytes) -> frozenset[str]:
    """Return the names in the directory entries of an OLE file ([MS-CFB] 2.6.1)."""
    names = set()
    for at in range(0, len(directory) - 127, 128):
        length = int.from_bytes(directory[at + 64 : at + 66], "little")
        if 2 < length <= 64:
            names.add(directory[at : at + length - 2].decode("utf-16-le", "replace"))
    return frozenset(names)


def _directory_of_ole(head: bytes) -> int:
    """Return where the directory of an OLE file begins ([MS-CFB] 2.2)."""
    shift = min(int.from_bytes(head[30:32], "little"), 12)
    return (int.from_bytes(head[48:52], "little") + 1) << shift
