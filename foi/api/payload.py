"""What came in: form, multipart or JSON, read before any transaction begins, within limits.

Clients of Alaveteli differ: the object is called `json`, `request_json` or `correspondence_json`,
the state stands inside or beside it, files are called `attachments`, `attachments[]` or
`attachment_0`. All are taken.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from pyramid.request import Request
from webob.compat import cgi_FieldStorage

from foi.archive.blobs import TooLarge
from foi.archive.casework import File
from foi.archive.filetypes import clean_name, sniff_file
from foi.problems import Problem
from foi.site import Site

_FILE_FIELD = re.compile(r"attachments?(?:\[\d*\]|_\d+|\d+)?")
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
    return _form(request)


def _form(request: Request) -> Payload:
    multipart = request.content_type.strip().lower() == "multipart/form-data"
    try:
        parts = _multipart(request) if multipart else _urlencoded(request)
    except UnicodeError:
        raise Problem(400, "The form is not in UTF-8.") from None
    except (ValueError, LookupError, TypeError, AttributeError) as broken:
        raise Problem(400, f"The form cannot be read: {broken}.") from None
    fields: dict[str, str] = {}
    files = []
    for name, value in parts:
        if isinstance(value, str):
            if fields.setdefault(name, value) != value:
                raise Problem(400, f"“{name[:50]}” is given twice.")
        elif isinstance(value, Upload):
            files.append(value)
            request.add_finished_callback(lambda _, file=value.file: file.close())
    if len(files) > _MOST_FILES:
        raise Problem(413, f"There are more than {_MOST_FILES} files.")
    return Payload(fields, None, files)


def _urlencoded(request: Request) -> list[tuple[str, Any]]:
    pairs = parse_qsl(
        request.body.decode(),
        keep_blank_values=True,
        errors="strict",
        max_num_fields=_MOST_FIELDS,
    )
    return list(pairs)


class _Multipart(cgi_FieldStorage):  # type: ignore[misc]
    """A multipart form, every part of which is kept as bytes.

    Left to itself it decodes texts in pieces of 64 kB, which spoils the characters at the seams,
    and takes forms within forms.
    """

    _binary_file = property(lambda _: True, lambda _, given: None)

    def read_multi(self, *given: Any) -> None:
        """Read the parts of the form itself, as many as are allowed."""
        self._refuse_inner()
        self.FieldStorageClass = self._part
        self._number = 0
        super().read_multi(*given)

    def _part(self, *given: Any) -> "_Multipart":
        self._number += 1
        if self._number > _MOST_FIELDS:
            raise ValueError(f"it has more than {_MOST_FIELDS} parts")
        return _Multipart(*given)

    def read_urlencoded(self) -> None:
        """Read no form within a form."""
        self._refuse_inner()
        super().read_urlencoded()

    def _refuse_inner(self) -> None:
        if self.outerboundary:
            raise ValueError("a part of it is a form itself")


def _multipart(request: Request) -> list[tuple[str, Any]]:
    stream = request.body_file_seekable
    stream.seek(0)
    form = _Multipart(
        fp=stream,
        environ={
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": request.headers["Content-Type"],
            "CONTENT_LENGTH": str(request.content_length or 0),
        },
        encoding="utf-8",
        errors="strict",
    )
    parts = form.list or []
    if parts and parts[-1].done != 1:
        raise ValueError("its end is missing")
    return [(part.name, _value(part, request)) for part in parts]


def _value(part: Any, request: Request) -> Any:
    """Give a part's text, or its upload if it is a file; None for an empty file field."""
    if not part.name:
        raise ValueError("a part has no name")
    if part.headers.get("Content-Transfer-Encoding", "").lower() in ("base64", "quoted-printable"):
        raise ValueError(f"“{part.name[:50]}” has a transfer encoding")
    filename = _filename(part)
    if filename or _FILE_FIELD.fullmatch(part.name):
        if not filename and not part.value:
            return None
        if not filename or not _FILE_FIELD.fullmatch(part.name):
            raise ValueError(
                f"“{part.name[:50]}” is not a file called “attachments” with a file name"
            )
        file, part.file = part.file, None  # a part that goes closes what it still has
        return Upload(filename, file)
    with part.file as content:
        limit = request.registry["foi.site"].settings.field_limit
        value: bytes = content.read(limit + 1)
    if len(value) > limit:
        raise Problem(413, f"“{part.name[:50]}” is larger than {limit:,} bytes.")
    if part.type_options.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ValueError(f"“{part.name[:50]}” is not in UTF-8")
    return value.decode()


def _filename(part: Any) -> str:
    """Give the name of a file part, also in the form of RFC 2231 that older clients send."""
    extended = part.disposition_options.get("filename*", "")
    if extended.count("'") >= 2:
        return unquote(extended.split("'", 2)[2], errors="strict")
    return part.filename or ""


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
