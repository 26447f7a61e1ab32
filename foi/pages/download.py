"""A whole request as one zip file: the correspondence to read, its JSON, every attachment that is
shown, and a list of them with their SHA-256.

It is sent while it is made, of files that are read piece by piece, with its length told in
advance and the same bytes each time, so that it can be kept and compared. Files are stored, not
packed: most are packed already. Given up: parts of it (ranges).
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import PurePosixPath

from pyramid.request import Request
from pyramid.response import Response
from zipstream import ZipStream

from foi.archive import reading
from foi.archive.blobs import BlobStore
from foi.archive.filetypes import clean_name
from foi.pages import files, links, machine, requests, table
from foi.pages.cache import CACHE_CONTROL
from foi.pages.html import day_words, human_size
from foi.pages.page import Page
from foi.site import Site, site_of

_PIECE = 1 << 16
_LONGEST = 200
"""Bytes of a file name: file systems take 255."""
_RESERVED = frozenset(
    (
        *("con", "prn", "aux", "nul", "conin$", "conout$"),
        *(f"{device}{n}" for device in ("com", "lpt") for n in "0123456789\u00b9\u00b2\u00b3"),
    )
)
_COLUMNS = ("path", "message", "direction", "date", "attachment", "name", "media_type", "size",
            "sha256", "status", "reason", "url", "original_url")  # fmt: skip
_DID = {
    "initial": "asked",
    "followup": "wrote again",
    "clarification": "explained the request",
    "internal_review": "asked for an internal review",
    "response": "answered",
}


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment in the zip file, or why it is not there."""

    message: int
    """Place of its message in the correspondence, from 1."""
    shown: reading.ReadAttachment
    path: str
    size: int | None
    status: str
    """included, withheld, not available (kept here, but out of reach) or not held."""
    date: datetime


class Archive:
    """A zip file in the making; its length is known before its bytes are."""

    def __init__(self) -> None:
        self._stream = ZipStream(sized=True)
        self._stamps: list[bytes] = []
        self._told = hashlib.sha256()

    def add(self, path: str, date: datetime, data: bytes) -> None:
        """Add bytes under a path, dated by the wall clock of their `date`."""
        self._note(path, date, hashlib.sha256(data).hexdigest())
        self._stream.add(data, path)

    def add_blob(self, path: str, date: datetime, blobs: BlobStore, sha256: str) -> None:
        """Add a kept file, which is opened when its turn comes; FileNotFoundError if it is not
        kept.
        """
        size = blobs.path(sha256).stat().st_size
        self._note(path, date, f"{sha256} {size}")
        self._stream.add(_pieces(blobs, sha256), path, size=size)

    def _note(self, path: str, date: datetime, content: str) -> None:
        self._stamps.append(_dos(date))
        self._told.update(repr((path, self._stamps[-1], content)).encode())

    def __len__(self) -> int:
        return len(self._stream)

    @property
    def etag(self) -> str:
        """An entity tag that stands for the very bytes."""
        return f'"{self._told.hexdigest()[:32]}"'

    def __iter__(self) -> Iterator[bytes]:
        """Give the bytes, once. The library dates all that is no file on disk by the clock;
        its first piece of each member is the local header, its last ones are the central
        directory (APPNOTE 4.3.7, 4.3.12), where the stamps are put in.
        """
        for stamp in self._stamps:
            pieces = self._stream.file()
            yield _stamped(next(pieces), 10, stamp)
            yield from pieces
        stamps = iter(self._stamps)
        for piece in self._stream.footer():
            stamp = next(stamps, b"")
            yield _stamped(piece, 12, stamp)


def _stamped(header: bytes, at: int, stamp: bytes) -> bytes:
    return header[:at] + stamp + header[at + len(stamp) :]


def _dos(date: datetime) -> bytes:
    """Give a time and day as zip files have them: two seconds exact, from 1980 to 2107."""
    year = min(max(date.year, 1980), 2107) - 1980
    time = date.hour << 11 | date.minute << 5 | date.second // 2
    return struct.pack("<HH", time, year << 9 | date.month << 5 | date.day)


def _pieces(blobs: BlobStore, sha256: str) -> Iterator[bytes]:
    with blobs.open(sha256) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def download(request: Request) -> Response:
    """The zip file of a request that the public may read."""
    site, page = site_of(request), requests.page(request)
    row = page.shows["request"].row
    archive = _archive(request, site, page)
    response = Response(content_type="application/zip")
    response.headers.update(
        {
            "Content-Disposition": files.disposition("attachment", f"{row.url_title}.zip"),
            "X-Robots-Tag": "noindex",
            "Accept-Ranges": "none",
            "ETag": archive.etag,
            "Cache-Control": CACHE_CONTROL,
        }
    )
    if files.settled(request, response):
        return response
    response.app_iter = iter(archive)
    response.content_length = len(archive)  # in this order: a new iterator forgets the length
    return response


def _archive(request: Request, site: Site, page: Page) -> Archive:
    items, row = page.shows["items"], page.shows["request"].row
    messages = [item.message for item in items if item.message is not None]
    parts = list(_parts(site, messages))
    archive, date = Archive(), _local(site, row.updated_at)
    archive.add("correspondence.txt", date, _correspondence(site, page, parts).encode())
    archive.add("request.json", date, _json(request, page))
    archive.add("manifest.csv", date, _manifest(site, row.url_title, parts, messages))
    for part in parts:
        if part.status == "included" and part.shown.sha256 is not None:
            archive.add_blob(part.path, part.date, site.blobs, part.shown.sha256)
    return archive


def _local(site: Site, moment: datetime) -> datetime:
    return moment.astimezone(site.settings.site_zone)


def _parts(site: Site, messages: list[reading.ReadMessage]) -> Iterator[Part]:
    """Give every attachment its path; what is not shown, held or at hand has none."""
    for number, message in enumerate(messages, 1):
        day = site.calendar.day(message.sent_at).isoformat() if message.sent_at else "undated"
        folder, taken = f"attachments/{number:02}-{day}", set[str]()
        date = _local(site, message.sent_at or message.created_at)
        for shown in message.attachments:
            size, status = shown.size, "included"
            if shown.withheld is not None:
                status = "withheld"
            elif shown.sha256 is None:
                status = "not held"
            else:
                try:
                    size = site.blobs.path(shown.sha256).stat().st_size
                except FileNotFoundError:
                    status = "not available"
            path = f"{folder}/{safe_name(shown, taken)}" if status == "included" else ""
            yield Part(number, shown, path, size, status, date)


def safe_name(shown: reading.ReadAttachment, taken: set[str]) -> str:
    """Give a name that every file system takes and that nothing else in its folder has, be it in
    other letters; `taken` gets to know it.
    """
    name = PurePosixPath(clean_name(shown.name, shown.media_type))
    stem, tail = name.stem, name.suffix
    while len(f"{stem}{tail}".encode()) > _LONGEST:
        stem = stem[:-1]
    if name.name.partition(".")[0].rstrip().casefold() in _RESERVED:
        stem = f"_{stem}"
    for turn in count(1):
        unique = f"{stem} ({turn}){tail}" if turn > 1 else f"{stem}{tail}"
        if unique.casefold() not in taken:
            break
    taken.add(unique.casefold())
    return unique


def _json(request: Request, page: Page) -> bytes:
    """Give the JSON of the request's page, as its own address does."""
    registered = request.registry
    request.foi_resource = next(r for r in registered["foi.resources"] if r.name == "request")
    request.foi_variant = next(v for v in registered["foi.variants"] if v.name == "json")
    return machine.render_page(request, page)


def _manifest(
    site: Site, slug: str, parts: list[Part], messages: list[reading.ReadMessage]
) -> bytes:
    """List every attachment with what it can be checked by (RFC 4180)."""
    rows: list[Sequence[object]] = [_COLUMNS]
    for part in parts:
        shown, message = part.shown, messages[part.message - 1]
        sent = message.sent_at and _local(site, message.sent_at).isoformat(timespec="seconds")
        known = shown.withheld is None
        path = links.attachment_path(slug, message.id, shown.number, shown.name)
        cells = (part.path, part.message, message.direction, sent, shown.number, shown.name,
                 shown.media_type, part.size, shown.sha256, part.status, shown.withheld,
                 site.url(path) if known and shown.held else "", shown.link)  # fmt: skip
        rows.append([table.harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return table.written(rows)


def _correspondence(site: Site, page: Page, parts: list[Part]) -> str:
    """Write the correspondence as a plain text, in order, with what is withheld in its place."""
    found, row = page.shows["request"], page.shows["request"].row
    lines = [found.title, "=" * min(len(found.title), 72), ""]
    lines += [f"To: {row.body_name}", f"By: {found.requester}", f"At: {site.url(found.path)}"]
    lines += [f"State: {found.state.label}", ""]
    number = 0
    for item in page.shows["items"]:
        if item.message is not None:
            number += 1
            who = row.body_name if item.message.direction == "response" else found.requester
            attached = [part for part in parts if part.message == number]
            lines += _letter(site, number, who, item.message, attached)
        else:
            note = item.annotation
            lines += _heading(f"Note by {note.name}, {day_words(note.created_at, site)}")
            lines += [note.text.strip(), ""]
    return "\n".join(lines)


def _letter(
    site: Site, number: int, who: str, message: reading.ReadMessage, attached: list[Part]
) -> list[str]:
    did = _DID.get(message.purpose, "wrote")
    lines = _heading(f"{number}. {who} {did}, {day_words(message.sent_at, site)}")
    if message.withheld is not None:
        return [*lines, f"[{message.withheld}]", ""]
    text = message.text
    lines.append("[The text of this message is not known.]" if text is None else text.strip())
    lines.append("")
    if attached:
        lines += ["Attachments:", *(_attached(part) for part in attached), ""]
    return lines


def _attached(part: Part) -> str:
    shown = part.shown
    if shown.withheld is not None:
        return f"- [{shown.withheld}]"
    told = f"{shown.name}, {human_size(part.size)}"
    if part.status == "included":
        return f"- {told}: {part.path}"
    original = f", original at {shown.link}" if shown.link else ""
    return f"- {told} ({part.status}{original})"


def _heading(text: str) -> list[str]:
    return ["-" * 72, text, "-" * 72, ""]
