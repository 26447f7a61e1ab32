"""What came in: form, multipart or JSON, read before any transaction begins, within limits.

Clients of Alaveteli differ: the object is called `json`, `request_json` or `correspondence_json`,
the state stands inside or beside it, files are called `attachments`, `attachments[]` or
`attachment_0`. All are taken.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from multipart import (
    MultipartError,
    MultipartParser,
    ParserLimitReached,
    parse_options_header,
)
from pyramid.request import Request

from foi.archive.blobs import TooLarge
from foi.archive.casework import File
from foi.archive.filetypes import clean_name, sniff_file
from foi.problems import Problem
from foi.site import Site

_FILE_FIELD = re.compile(r"attachments?(?:\[\d*\]|_\d+|\d+)?")
_FORMS = ("multipart/", "application/x-www-form-urlencoded")
_DEPTH = 32
_MOST_FIELDS = 1000
_MOST_FILES = 200


@dataclass(frozen=True)
class Upload:
    """A file part."""

    filename: str
    file: Any


@dataclass(frozen=True)
class Payload:
    """The parts of a write: plain fields and file parts."""

    fields: dict[str, str]
    json_body: Any
    files: list[Upload]

    def document(self, *names: str) -> Any:
        """Give the JSON object of the first of these fields that is there, or the JSON body; 400
        when there is none.
        """
        for name in names:
            if name in self.fields:
                return parse_json(self.fields[name], f"“{name}”")
        if self.json_body is not None:
            return self.json_body
        raise Problem(400, f"The form has no field “{names[0]}”.")


def read(request: Request) -> Payload:
    """Read the body of a request; 400 when it is broken, 413 when a part is too large, 415 when of
    another type.
    """
    limit = request.registry["foi.site"].settings.field_limit
    kind = (request.content_type or "").strip().lower()
    if kind == "application/json":
        if (request.content_length or 0) > limit:
            raise Problem(413, f"The JSON is larger than {limit:,} bytes.")
        body = request.body
        return Payload({}, parse_json(_decoded(body), "The body"), [])
    if kind in ("application/x-www-form-urlencoded", "") and (request.content_length or 0) > limit:
        raise Problem(413, f"The form is larger than {limit:,} bytes.")
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Problem(415, "Send a form, multipart/form-data or application/json.")
    return _form(request, limit)


def _form(request: Request, limit: int) -> Payload:
    if (request.content_type or "").strip().lower() == "multipart/form-data":
        return _multipart(request, limit)
    try:
        pairs = parse_qsl(
            request.body.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except UnicodeError:
        raise Problem(400, "The form is not in UTF-8.") from None
    except ValueError as broken:
        raise Problem(400, f"The form cannot be read: {broken}.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        _put(fields, name, value)
    return Payload(fields, None, [])


def _multipart(request: Request, limit: int) -> Payload:
    """Read a multipart form (RFC 7578); large parts are spooled to temporary files."""
    fields: dict[str, str] = {}
    files: list[Upload] = []
    try:
        options = parse_options_header(request.headers["Content-Type"])[1]
        stream = request.body_file_seekable
        stream.seek(0)
        parts = MultipartParser(
            stream,
            options.get("boundary", ""),
            request.content_length or -1,
            charset="utf-8",
            part_limit=_MOST_FIELDS,
        )
        for part in parts:
            request.add_finished_callback(lambda _, part=part: part.close())
            _take(part, fields, files, limit)
    except UnicodeError:
        raise Problem(400, "The form is not in UTF-8.") from None
    except ParserLimitReached:
        raise Problem(400, f"The form has more than {_MOST_FIELDS} parts, or odd ones.") from None
    except MultipartError as broken:
        if isinstance(broken.__context__, UnicodeError):
            raise Problem(400, "The form is not in UTF-8.") from None
        raise Problem(400, f"The form cannot be read: {broken}.") from None
    if len(files) > _MOST_FILES:
        raise Problem(413, f"There are more than {_MOST_FILES} files.")
    return Payload(fields, None, files)


def _take(part: Any, fields: dict[str, str], files: list[Upload], limit: int) -> None:
    """Take one part, a text or a file; an empty file field is none."""
    shown = (part.name or "")[:50]
    if not part.name:
        raise MultipartError("a part has no name")
    if part.headers.get("Content-Transfer-Encoding", "").lower() in ("base64", "quoted-printable"):
        raise MultipartError(f"“{shown}” has a transfer encoding")
    if part.content_type.startswith(_FORMS):
        raise MultipartError(f"“{shown}” is a form itself")
    filename = _filename(part)
    if filename or _FILE_FIELD.fullmatch(part.name):
        if not filename and not part.size:
            return
        if not filename or not _FILE_FIELD.fullmatch(part.name):
            raise MultipartError(f"“{shown}” is not a file called “attachments” with a file name")
        files.append(Upload(filename, part.file))
        return
    if part.size > limit:
        raise Problem(413, f"“{shown}” is larger than {limit:,} bytes.")
    if part.charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        raise MultipartError(f"“{shown}” is not in UTF-8")
    _put(fields, part.name, part.raw.decode())


def _filename(part: Any) -> str:
    """Give the name of a file part, also in the form of RFC 2231 that older clients send."""
    if part.filename:
        return str(part.filename)
    header = Message()
    header["Content-Disposition"] = part.headers["Content-Disposition"]
    return header.get_filename("")


def _put(fields: dict[str, str], name: str, value: str) -> None:
    if fields.setdefault(name, value) != value:
        raise Problem(400, f"“{name[:50]}” is given twice.")


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Problem(400, "The body is not in UTF-8.") from None


def parse_json(text: str, what: str) -> Any:
    """Parse JSON that is not nested beyond reason; 400 saying what is wrong."""
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_int=_whole)
    except RecursionError:
        raise Problem(400, f"{what} is nested too deeply.") from None
    except ValueError as wrong:
        raise Problem(400, f"{what} is not valid JSON: {wrong}.") from None
    if _depth(value) > _DEPTH:
        raise Problem(400, f"{what} is nested too deeply.")
    return value


def _whole(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) >= 2**63:
        raise ValueError("it holds a number beyond 64 bits")
    return int(digits)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level and depth <= _DEPTH:
        depth += 1
        level = [
            child
            for each in level
            for child in (
                each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
            )
        ]
    return depth


def keep(site: Site, files: list[Upload]) -> Iterator[File]:
    """Put uploaded files into the blob store, each by its own type; 413 for one that is too
    large.
    """
    for upload in files:
        try:
            blob = site.blobs.put(upload.file, site.settings.attachment_limit)
        except TooLarge as large:
            name = clean_name(upload.filename, "application/octet-stream")
            raise Problem(413, f"“{name}” is larger than {large.limit:,} bytes.") from None
        path = site.blobs.path(blob.sha256)
        media_type = sniff_file(path, upload.filename)
        yield File(clean_name(upload.filename, media_type), media_type, blob.size, blob.sha256)
