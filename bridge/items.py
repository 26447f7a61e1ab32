"""What an object of a manifest is, and how its values are written for FollowTheMoney.

Values that Aleph would drop without a word are never written: empty ones, control characters,
addresses that are none. What it gives up: a copy of FollowTheMoney's model to check against.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from foi.archive.reading import mask
from foi.site import Site

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Properties = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Source:
    """What a manifest is made for: the site, the collection's foreign_id, and the day."""

    site: Site
    collection: str
    today: date

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


@dataclass(frozen=True)
class Collection:
    """A collection as it describes itself."""

    foreign_id: str
    fields: Mapping[str, Any]


def publisher(source: Source) -> dict[str, list[str]]:
    """Give the properties that say who publishes an object: the site."""
    settings = source.site.settings
    return {"publisher": [settings.site_name], "publisherUrl": [source.site.url("/")]}


def clean(common: Mapping[str, Sequence[str]], **properties: Sequence[str]) -> Properties:
    """Give properties without empty ones and control characters, which Aleph would not keep."""
    cleaned = {
        name: tuple(
            dict.fromkeys(v for value in values if (v := _CONTROLS.sub("", value).strip()))
        )
        for name, values in {**common, **properties}.items()
    }
    return {name: values for name, values in sorted(cleaned.items()) if values}


def line(text: str) -> str:
    """Give a text on one line."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def moment(moment: datetime | None) -> str:
    """Write a moment in UTC without a zone; with a Z, Aleph loses the entity (aleph#3609)."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def web_address(text: str) -> str:
    """Give an http(s) address; nothing for what is none, or names a user or an e-mail address."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    known = parts.scheme in ("http", "https") and parts.netloc and "@" not in text
    return text.strip() if known and " " not in text.strip() and mask(text) == text else ""
