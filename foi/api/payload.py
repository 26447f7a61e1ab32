"""What came in: form, multipart or JSON, read before any transaction begins, within limits.

Clients of Alaveteli differ: the object is called `json`, `request_json` or `correspondence_json`,
the state stands inside or beside it, files are called `attachments`, `attachments[]` or
`attachment_0`. All are taken. The body is read once, straight from the server's own file, and
files go from there into the blob store piece by piece: no size of file costs memory.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)
from pyramid.request import Request

from foi.api.uploads import Tray
from foi.problems import Problem
from foi.site import site_of

_FILE_FIELD = re.compile(r"attachments?(?:\[\d*\]|_\d+|\d+)?")
_FORM, _MULTIPART, _JSON = (
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/json",
)
_OBJECTS = ("json", "request_json", "correspondence_json")
_PIECE = 1 << 18
_DEPTH = 32
_MOST_FIELDS = 1000

Fields = dict[str, str]


@dataclass(frozen=True)
class Payload:
    """The plain fields of a write, or its JSON body; its files are in the tray."""

    fields: Fields
    json_body: Any = None

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


def leave_uncopied(request: Request) -> None:
    """Keep WebOb from copying a body that can be read twice as it is (`retry.activate_hook`).

    Waitress has written it to a file already; pyramid_retry would have it written to another one
    before every call that might be tried again. Gives None: as many attempts as usual.
    """
    seekable = getattr(request.environ["wsgi.input"], "seekable", None)
    if seekable is not None and seekable():
        request.environ["webob.is_body_seekable"] = True


def read(
    request: Request,
    tray: Tray | None = None,
    before_files: Callable[[Fields], None] = lambda _: None,
) -> Payload:
    """Read the body of a request, its files into `tray`; 400 when it is broken, 413 when it or a
    part is too large, 415 when of another type. `before_files` is called with the fields so far
    before the first file is taken; without a tray none is.
    """
    settings = site_of(request).settings
    kind = (request.content_type or "").strip().lower()
    if kind == _MULTIPART:
        most = settings.request_limit + settings.field_limit + (_MOST_FIELDS << 10)
        bounded = settings.request_limit and settings.field_limit
        if bounded and (request.content_length or 0) > most:
            raise Problem(413, f"The form is larger than {most:,} bytes.")
        return Payload(_Multipart(request, tray, before_files).read())
    if kind not in (_FORM, _JSON, ""):
        raise Problem(415, "Send a form, multipart/form-data or application/json.")
    limit, what = settings.field_limit, "JSON" if kind == _JSON else "form"
    if limit and (request.content_length or 0) > limit:
        raise Problem(413, f"The {what} is larger than {limit:,} bytes.")
    body = b"".join(iter(_reader(request), b""))
    if len(body) < (request.content_length or 0):
        raise Problem(400, "The body ends before its announced length.")
    if kind == _JSON:
        value = parse_json(_decoded(body), "The body")
        return Payload(_fields_of(value), value)
    return Payload(_form(body))


def _fields_of(value: Any) -> Fields:
    """Give what stands in a JSON body as in a form: the key, the state, the object itself under
    one of its names (frameworks such as Rails read forms and JSON alike).
    """
    given = value if isinstance(value, dict) else {}
    wrapped = any(name in given for name in _OBJECTS)
    return {
        name: each if isinstance(each, str) else json.dumps(each)
        for name in ("k", "state", *_OBJECTS)
        if (name == "k" or wrapped) and (each := given.get(name)) is not None
    }


def _reader(request: Request) -> Callable[[], bytes]:
    """Give what reads the body from its beginning, a piece at a time, and no further than its
    announced length.
    """
    stream = request.environ["wsgi.input"]
    if request.environ.get("webob.is_body_seekable"):
        stream.seek(0)  # an earlier attempt may have read it
    left = request.content_length or 0

    def more() -> bytes:
        nonlocal left
        try:
            piece: bytes = stream.read(min(_PIECE, left)) if left else b""
        except OSError:
            raise Problem(400, "The body ends before its announced length.") from None
        left -= len(piece)
        return piece

    return more


def _form(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except UnicodeError:
        raise Problem(400, "The form is not in UTF-8.") from None
    except ValueError as broken:
        raise Problem(400, f"The form cannot be read: {broken}.") from None
    fields: Fields = {}
    for name, value in pairs:
        _put(fields, name, value)
    return fields


@dataclass
class _Multipart:
    """A multipart form (RFC 7578) on its way in."""

    request: Request
    tray: Tray | None
    before_files: Callable[[Fields], None]
    fields: Fields = field(default_factory=dict)
    size: int = 0
    """Bytes of plain fields so far."""

    def read(self) -> Fields:
        """Read it and give its plain fields."""
        try:
            options = parse_options_header(self.request.headers["Content-Type"])[1]
            parser = PushMultipartParser(
                options.get("boundary", ""),
                self.request.content_length or -1,
                max_segment_count=_MOST_FIELDS,
            )
            events = self._events(parser)
            for part in events:
                self._take(part, events)
        except UnicodeError:
            raise Problem(400, "The form is not in UTF-8.") from None
        except ParserLimitReached:
            raise Problem(
                400, f"The form has more than {_MOST_FIELDS} parts, or odd ones."
            ) from None
        except MultipartError as broken:
            if isinstance(broken.__context__, UnicodeError):
                raise Problem(400, "The form is not in UTF-8.") from None
            raise Problem(400, f"The form cannot be read: {broken.args[0]}.") from None
        return self.fields

    def _events(self, parser: PushMultipartParser) -> Iterator[Any]:
        with parser:
            for piece in iter(_reader(self.request), b""):
                yield from parser.parse(piece)

    def _take(self, part: MultipartSegment, events: Iterator[Any]) -> None:
        """Take one part, a text or a file; an empty file field is none."""
        shown = (part.name or "")[:50]
        if not part.name:
            raise MultipartError("a part has no name")
        encoding = part.header("Content-Transfer-Encoding", "").lower()
        if encoding in ("base64", "quoted-printable"):
            raise MultipartError(f"“{shown}” has a transfer encoding")
        if (part.content_type or "").startswith(("multipart/", _FORM)):
            raise MultipartError(f"“{shown}” is a form itself")
        content = iter(lambda: next(events), None)
        filename, is_file = _filename(part), bool(_FILE_FIELD.fullmatch(part.name))
        if not filename and not is_file:
            self._take_text(part, shown, content)
            return
        first = next(content, b"") if not filename else b""
        if not filename and not first:
            return
        if not filename or not is_file:
            raise MultipartError(f"“{shown}” is not a file called “attachments” with a file name")
        if self.tray is None:
            raise Problem(400, "Files cannot be sent here.")
        if not self.tray.uploads:
            self.before_files(self.fields)
        self.tray.take(filename, content)

    def _take_text(self, part: MultipartSegment, shown: str, content: Iterator[bytes]) -> None:
        limit, pieces = site_of(self.request).settings.field_limit, []
        for piece in content:
            self.size += len(piece)
            if limit and self.size > limit:
                raise Problem(
                    413, f"“{shown}” and what stands before it are larger than {limit:,} bytes."
                )
            pieces.append(piece)
        if (part.charset or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
            raise MultipartError(f"“{shown}” is not in UTF-8")
        _put(self.fields, part.name or "", b"".join(pieces).decode())


def _filename(part: MultipartSegment) -> str:
    """Give the name of a file part, also in the form of RFC 2231 that older clients send."""
    if part.filename:
        return str(part.filename)
    header = Message()
    header["Content-Disposition"] = part["Content-Disposition"]
    return header.get_filename("")


def _put(fields: Fields, name: str, value: str) -> None:
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
