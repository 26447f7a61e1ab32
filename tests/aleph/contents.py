"""What Aleph makes of a file: its type, text, children and whether processing it failed.

Types are told by declared type, signature and name; e-mails and archives yield children. Gives
up: OCR, conversion of office files (their text is read straight from the file), language and name
detection. Where ``office`` is false, office files fail as on a server without LibreOffice.
"""

import csv
import email
import email.policy
import html
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import pypdf

# Damaged files are the business of this module, not news.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

MAX_CHILDREN = 200
MAX_CHILD_BYTES = 50_000_000
MAX_TEXT = 200_000
_LOCKED = (
    "The document might be protected with a password. Try removing the password protection and "
    "re-uploading the documents."
)
_OOXML = "application/vnd.openxmlformats-officedocument."
_OFFICE = {
    "docx": _OOXML + "wordprocessingml.document",
    "xlsx": _OOXML + "spreadsheetml.sheet",
    "pptx": _OOXML + "presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "rtf": "application/rtf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
}
_SHEETS = {_OFFICE["xlsx"], _OFFICE["ods"], _OFFICE["xls"]}
_IMAGES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
}


@dataclass
class Child:
    """A file or (with ``data`` None) a folder found inside another file."""

    path: str
    data: bytes | None


@dataclass
class Content:
    """What was made of a file: its schema, properties, children, people, pages and any error."""

    schema: str
    mime: str
    properties: dict[str, list[str]] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    people: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    error: str = ""


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _zip_names(data: bytes) -> list[str] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError):
        return None


def _zip_type(data: bytes, name: str) -> str:
    head = data[:4000]
    for kind, mark in (("docx", b"word/"), ("xlsx", b"xl/"), ("pptx", b"ppt/")):
        inside = any(n.encode().startswith(mark) for n in _zip_names(data) or [])
        if inside or mark in head or _suffix(name) == kind:
            return _OFFICE[kind]
    for kind in ("odt", "ods"):
        if _OFFICE[kind].encode() in head:
            return _OFFICE[kind]
    return "application/zip"


def detect(data: bytes, name: str, declared: str | None) -> str:
    """Give the media type: a declared one is believed unless it says nothing."""
    if not data:
        return "inode/x-empty"
    if declared and declared != "application/octet-stream":
        return declared
    if data.startswith(b"%PDF"):
        return "application/pdf"
    if data.startswith(b"PK\x03\x04"):
        return _zip_type(data, name)
    for mark, mime in _IMAGES.items():
        if data.startswith(mark):
            return mime
    if data.startswith(b"{\\rtf"):
        return _OFFICE["rtf"]
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return _OFFICE["xls" if _suffix(name) == "xls" else "doc"]
    return _text_type(data, name)


def _text_type(data: bytes, name: str) -> str:
    head = data[:2000].lstrip().lower()
    if b"\x00" in head:
        return "application/octet-stream"
    if _suffix(name) == "eml" or re.match(rb"(from|received|return-path|message-id): ", head):
        return "message/rfc822"
    if head.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    return "text/csv" if _suffix(name) in ("csv", "tsv") else "text/plain"


def read_content(data: bytes, name: str, declared: str | None, *, office: bool = True) -> Content:
    """Process one file as an ingest worker would."""
    mime = detect(data, name, declared)
    if not data:
        return Content("Document", mime)
    if mime == "application/pdf":
        return _read_pdf(data, mime)
    if mime == "application/zip":
        return _read_zip(data, mime)
    if mime in _OFFICE.values():
        return _read_office(data, mime, office)
    if mime == "message/rfc822":
        return _read_mail(data, mime)
    if mime.startswith("image/"):
        return Content("Image", mime)
    if mime == "text/html":
        text = _decode(data)
        body = re.sub(r"<[^>]*>", " ", re.sub(r"(?is)<(script|style).*?</\1>", " ", text))
        return Content("HyperText", mime, {"bodyHtml": [text], "bodyText": [body]})
    if mime == "text/csv":
        return _read_table(data, mime)
    if mime.startswith("text/"):
        return Content("PlainText", mime, {"bodyText": [_decode(data)], "encoding": ["utf-8"]})
    return Content("Document", mime, error=f"Format not supported: {mime}")


def _decode(data: bytes) -> str:
    try:
        return data.decode()[:MAX_TEXT]
    except UnicodeDecodeError:
        return data.decode("latin-1")[:MAX_TEXT]


def _read_table(data: bytes, mime: str) -> Content:
    """Read CSV; the first row is not taken for a header and the count is one too many."""
    rows = list(csv.reader(io.StringIO(_decode(data))))
    columns = [f"Column {i + 1}" for i in range(len(rows[0]) if rows else 0)]
    return Content(
        "Table", mime, {"columns": [json.dumps(columns)], "rowCount": [str(len(rows) + 1)]}
    )


def _read_pdf(data: bytes, mime: str) -> Content:
    if not data.startswith(b"%PDF"):
        return Content(
            "Document",
            mime,
            error="Could not extract PDF file: FileDataError('cannot open broken document')",
        )
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            return Content("Document", mime, error=_LOCKED)
        pages = [page.extract_text()[:MAX_TEXT] for page in reader.pages[:50]]
    except Exception:  # a damaged file may break the reader anywhere
        pages = []
    return Content("Pages", mime, pages=pages or [""])


def _read_office(data: bytes, mime: str, office: bool) -> Content:
    names = _zip_names(data) if data.startswith(b"PK") else []
    schema = "Workbook" if mime in _SHEETS else "Pages"
    if names is None or (schema == "Pages" and not office):
        return Content(schema, mime, error="Could not be converted to PDF")
    texts = []
    if names:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for part in ("word/document.xml", "content.xml", "xl/sharedStrings.xml"):
                if part in names:
                    with archive.open(part) as handle:
                        texts.append(re.sub(r"<[^>]*>", " ", _decode(handle.read(MAX_TEXT))))
    if schema == "Pages":
        return Content(schema, mime, pages=texts or [""])
    return Content(schema, mime)


def _read_zip(data: bytes, mime: str) -> Content:
    try:
        children = list(_unzip(data))
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
        return Content("Package", mime, error=f"Could not extract archive: {error}")
    return Content("Package", mime, children=children)


def _unzip(data: bytes) -> Iterator[Child]:
    left = MAX_CHILD_BYTES
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist()[:MAX_CHILDREN]:
            path = "/".join(p for p in entry.filename.split("/") if p not in ("", ".", ".."))
            if not path:
                continue
            if entry.is_dir():
                yield Child(path, None)
                continue
            with archive.open(entry) as handle:
                content = handle.read(left + 1)
            left -= len(content)
            if left < 0:
                raise ValueError("contents too large")
            yield Child(path, content)


def _read_mail(data: bytes, mime: str) -> Content:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    props: dict[str, list[str]] = {}
    people: dict[str, list[tuple[str, str]]] = {"emitters": [], "recipients": []}
    for header, prop, kind in (
        ("from", "from", "emitters"),
        ("to", "to", "recipients"),
        ("cc", "cc", "recipients"),
        ("bcc", "bcc", "recipients"),
    ):
        values = [str(value) for value in message.get_all(header, [])]
        if values:
            props[prop] = values
            people[kind] += [(n, a.lower()) for n, a in getaddresses(values) if "@" in a]
    for header, prop in (
        ("subject", "subject"),
        ("message-id", "messageId"),
        ("in-reply-to", "inReplyTo"),
    ):
        if message.get(header):
            props[prop] = [str(message[header]).strip().strip("<>")]
    sent = message["date"].datetime if message["date"] else None
    if sent is not None:
        moment = sent.astimezone(UTC) if sent.tzinfo else sent
        props["date"] = [moment.strftime("%Y-%m-%dT%H:%M:%S")]
    for subtype, prop in (("plain", "bodyText"), ("html", "bodyHtml")):
        part = message.get_body(preferencelist=(subtype,))
        if part is not None:
            props[prop] = [_decode(_payload(part))]
    if "bodyText" in props:
        props.setdefault("bodyHtml", [html.escape(props["bodyText"][0])])
    return Content("Email", mime, props, list(_attachments(message)), people)


def _attachments(message: EmailMessage) -> Iterator[Child]:
    for number, part in enumerate(message.iter_attachments()):
        if number == MAX_CHILDREN:
            return
        inner = part.get_content_type() == "message/rfc822"
        name = part.get_filename() or (f"message-{number + 1}.eml" if inner else f"part-{number}")
        payload = part.get_content().as_bytes() if inner else _payload(part)
        yield Child(str(name).replace("/", "_"), payload)


def _payload(part: Any) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""
