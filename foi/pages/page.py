"""What a loader returns: a page, independent of the format in which it is asked for.

A loader never touches the response; a renderer turns a page into bytes and never queries.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that belongs to an entry."""

    url: str
    media_type: str
    size: int | None
    title: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a feed."""

    key: str
    """The specific part of its tag: id, such as `event/12`; never changes."""
    title: str
    path: str
    """Where to read it on the site, with its anchor."""
    published: datetime
    """When it happened."""
    updated: datetime
    """When it was recorded here."""
    author: str
    author_path: str | None
    html: str
    """Its text as safe HTML."""
    categories: tuple[tuple[str, str], ...] = ()
    """Pairs of term and label."""
    enclosures: tuple[Enclosure, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    """Its members in the JSON of the feed."""


@dataclass(slots=True)
class Page:
    """A page: what it is called, where it is, what it shows, and what its version is made of."""

    title: str
    path: str
    """Its canonical path, percent-encoded, without prefix and suffix."""
    scopes: tuple[str, ...]
    """The scopes whose versions make the page's own; no page shows what none of them covers."""
    feed_path: str = ""
    """Where its feed is, if not at its own path."""
    feedless: bool = False
    """Whether this page, though its kind has feeds, has none."""
    template: str = ""
    data: Any = None
    """The JSON of the page, or a function without arguments that makes it of rows already read;
    None when it has none.
    """
    shows: dict[str, Any] = field(default_factory=dict)
    """What the template shows."""
    entries: list[Entry] = field(default_factory=list)
    """Newest first."""
    key: str = ""
    """The specific part of the feed's tag: id; empty: the path."""
    next_query: str = ""
    """Query string of the following (older) page; empty when this is the last."""
    query: str = ""
    """Query string of this page."""
    searchable: bool = True
    """Whether search engines may index it."""
