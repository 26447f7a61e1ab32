"""What an object of a manifest is, and how its values are written for FollowTheMoney.

Values that Aleph would drop without a word are never written: empty ones, control characters,
addresses that are none. What it gives up: a copy of FollowTheMoney's model to check against.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from bridge.selection import Everything, Selection
from foi.archive.reading import mask
from foi.site import Site

SMALL = 1 << 20
"""Bytes of a file that is held in memory while it is uploaded."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Properties = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Source:
    """What a manifest is made for: the site, the collection's foreign_id, the day, and which
    requests belong.
    """

    site: Site
    collection: str
    today: date
    selection: Selection = field(default_factory=Everything)

    def digest(self, name: str) -> str:
        """Give the id of an entity that is not uploaded: hexadecimal, as Aleph's bulk writes need.

        It is made from the collection's foreign_id and not the site's address, which may change.
        """
        return hashlib.sha1(
            f"{self.collection}/{name}".encode(), usedforsecurity=False
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of an attachment, in the site's blob store."""

    sha256: str
    media_type: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """One object that a collection ought to hold.

    A document (`document`) is uploaded under its foreign_id with `parent`, `file_name` and perhaps
    a `file`, none of which ever changes; all that may change is in `properties`, which are written
    in bulk. Other objects are only written in bulk, and their foreign_id is their plain id.
    """

    kind: str
    """body, person, request, message, attachment or link."""
    foreign_id: str
    schema: str
    properties: Properties
    created_at: datetime
    references: Properties = field(default_factory=dict)
    """Property -> foreign_ids of the objects that it points at."""
    document: bool = False
    parent: str = ""
    """foreign_id of the document above it; empty at the root."""
    file_name: str = ""
    file: File | None = None
    indexed: bool = True
    """Whether the upload itself becomes searchable; a message's does not, it becomes an Email."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The objects made from one subject, parents first; none when it is not public."""

    subject: str
    items: tuple[Item, ...] = ()
    needs: tuple[str, ...] = ()
    """Subjects whose objects these point at."""


def folder_id(request_id: int) -> str:
    """Give the foreign_id of a request's folder."""
    return f"request-{request_id}"


def file_id(request_id: int, message_id: int, number: int) -> str:
    """Give the foreign_id of a file of a letter; `number` is its place there, from 1."""
    return f"{folder_id(request_id)}-att-{message_id}-{number}"


def publisher(source: Source) -> Properties:
    """Give the properties that say who publishes an object: the site."""
    settings = source.site.settings
    return clean({}, publisher=[settings.site_name], publisherUrl=[source.site.url("/")])


def clean(common: Properties, **properties: Sequence[str]) -> Properties:
    """Give properties without empty ones and control characters, which Aleph would not keep.

    Those in common have been through here before.
    """
    cleaned = dict(common)
    for name, values in properties.items():
        if len(values) == 1:  # nearly always
            kept: tuple[str, ...] = (_clean(values[0]),)
        else:
            kept = tuple(dict.fromkeys(v for value in values if (v := _clean(value))))
        if kept and kept[0]:
            cleaned[name] = kept
    return cleaned


def _clean(value: str) -> str:
    return value.strip() if value.isprintable() else _CONTROLS.sub("", value).strip()


def line(text: str) -> str:
    """Give a text on one line."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def moment(moment: datetime | None) -> str:
    """Write a moment in UTC without a zone; with a Z, Aleph loses the entity (aleph#3609)."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def sha1_of(path: Path) -> str:
    """Give the SHA-1 of a file, by which Aleph knows its bytes; FileNotFoundError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()


def with_sha1(path: Path) -> tuple[Path | bytes, str]:
    """Give a file to upload, a small one as its bytes so that it is read only once, and its SHA-1;
    FileNotFoundError.
    """
    if path.stat().st_size > SMALL:
        return path, sha1_of(path)
    content = path.read_bytes()
    return content, hashlib.sha1(content, usedforsecurity=False).hexdigest()


def web_address(text: str) -> str:
    """Give an http(s) address; nothing for what is none, or names a user or an e-mail address."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    known = parts.scheme in ("http", "https") and parts.netloc and "@" not in text
    return text.strip() if known and " " not in text.strip() and mask(text) == text else ""
