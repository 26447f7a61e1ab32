"""Attachments: bytes as they were released, served so that a hostile file can do no harm.

Only types that cannot run anything are shown in the browser; all others are downloads, and every
answer forbids scripts, frames and guessing of types. Nothing of an attachment that the public may
not see is served.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import quote

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from foi.archive import reading
from foi.archive.filetypes import INLINE
from foi.archive.models import Attachment, InfoRequest, Message
from foi.pages import links, members, requests
from foi.pages.cache import CACHE_CONTROL, unchanged
from foi.problems import Problem
from foi.site import site_of

_PIECE = 1 << 16
_MARKUP = {"text/html", "text/xml", "application/xml"}
"""What a browser would read as a page of this site, if it were given the name."""
_RANGE = re.compile(r"(?i:bytes)=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Found:
    """An attachment that the public may have, and where it belongs."""

    request: members.Listed
    message: reading.ReadMessage
    shown: reading.ReadAttachment
    sha256: str


def find(request: Request) -> Found:
    """Give the attachment that the address names by its numbers; 404 for none and for one that is
    not held here, 403 for a hidden one, 410 for an erased one.
    """
    found = requests.find(request)
    message_id, number = int(request.matchdict["message_id"]), int(request.matchdict["number"])
    row = request.db.scalar(
        select(Attachment)
        .join(Message)
        .where(
            Message.request_id == found.row.id,
            Attachment.message_id == message_id,
            Attachment.number == number,
            InfoRequest.id == Message.request_id,
        )
    )
    if row is None:
        raise HTTPNotFound("There is no such attachment.")
    message = reading.messages(request.db, Message.id == message_id)[0]
    shown = next((a for a in message.attachments if a.number == number), None)
    if message.withheld is not None or shown is None or shown.withheld is not None:
        reason = message.withheld or (shown and shown.withheld) or ""
        raise Problem(
            410 if row.erased_at else 403, f"This attachment is not shown. {reason}".strip()
        )
    if shown.sha256 is None:
        raise HTTPNotFound("This attachment is known, but this site does not hold its bytes.")
    return Found(found, message, shown, shown.sha256)


def attachment(request: Request) -> Response:
    """An attachment's bytes, whole or a range of them (RFC 9110 section 14)."""
    found = find(request)
    row, shown = found.request.row, found.shown
    if request.matchdict["name"] != shown.name:
        path = links.attachment_path(row.url_title, shown.message_id, shown.number, shown.name)
        raise HTTPMovedPermanently(site_of(request).url(path))
    return _serve(request, shown, row.prominence == "normal")


def _serve(request: Request, shown: reading.ReadAttachment, searchable: bool) -> Response:
    sha256 = shown.sha256
    assert sha256 is not None
    blobs = site_of(request).blobs
    return serve(
        request, shown.name, shown.media_type, sha256, lambda: blobs.open(sha256), searchable
    )


def serve(
    request: Request,
    name: str,
    media_type: str,
    digest: str,
    open_: Callable[[], BinaryIO],
    searchable: bool,
) -> Response:
    """Serve a file, or the range asked for, that a digest stands for; 503 when it is not there."""
    etag = f'"{digest}"'
    inline = media_type in INLINE
    response = Response(content_type="application/octet-stream")
    response.headers.update(
        {
            "Content-Type": _content_type(media_type, inline),
            "Content-Disposition": disposition("inline" if inline else "attachment", name),
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "Accept-Ranges": "bytes",
            "ETag": etag,
            "Cache-Control": CACHE_CONTROL,
        }
    )
    if not searchable:
        response.headers["X-Robots-Tag"] = "noindex"
    if settled(request, response):
        return response
    try:
        stream = open_()
    except FileNotFoundError:
        raise Problem(503, "The bytes of this file cannot be reached at the moment.") from None
    size = stream.seek(0, 2)
    asked = request.headers.get("Range", "")
    if asked and request.headers.get("If-Range", etag) != etag:
        asked = ""
    span = _span(asked, size)
    if span is None:
        stream.close()
        response.status_int = 416
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    start, stop = span
    if (start, stop) != (0, size):
        response.status_int = 206
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response.app_iter = Pieces(stream, start, stop)
    response.content_length = stop - start  # in this order: a new iterator forgets the length
    return response


def _content_type(media_type: str, inline: bool) -> str:
    if not inline:
        runs = media_type in _MARKUP or media_type.endswith("+xml")
        return "application/octet-stream" if runs else media_type
    return f"{media_type}; charset=UTF-8" if media_type.startswith("text/") else media_type


def settled(request: Request, response: Response) -> bool:
    """Make an answer 304, and say so, if the client has what its entity tag stands for (RFC 9110
    section 13.1.2).
    """
    if not unchanged(request, response.headers["ETag"]):
        return False
    response.status_int = 304
    del response.headers["Content-Type"], response.headers["Content-Length"]
    return True


def disposition(kind: str, name: str) -> str:
    """Name a file for every browser (RFC 6266): plain letters, and in full as UTF-8."""
    plain = "".join(
        c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in name
    )
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """Give the range asked for as start and end; all of it when none or several are; None when it
    is outside.
    """
    found = _RANGE.fullmatch(asked.strip())
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    if not first:
        return (max(size - int(last), 0), size) if int(last) and size else None
    start, stop = int(first), min(int(last) + 1, size) if last else size
    return (start, stop) if start < stop else None


class Pieces:
    """A part of a file as the server sends it; closes the file in the end."""

    def __init__(self, stream: BinaryIO, start: int, stop: int) -> None:
        self._stream, self._start, self._stop = stream, start, stop

    def __iter__(self) -> Iterator[bytes]:
        self._stream.seek(self._start)
        left = self._stop - self._start
        while left > 0 and (piece := self._stream.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()
