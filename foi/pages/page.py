"""What a loader returns: a page, independent of the format in which it is asked for.

A loader never touches the response; a renderer turns a page into bytes and never queries.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from markupsafe import Markup


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
    """When what it tells was last changed; no two entries of a feed have the same."""
    author: str
    author_path: str | None
    kind: str
    """Its kind of event."""
    tell: Callable[[], str]
    """Makes `html`."""
    describe: Callable[[], dict[str, Any]]
    """Makes `data`."""
    categories: tuple[tuple[str, str], ...] = ()
    """Pairs of term and label."""
    enclosures: tuple[Enclosure, ...] = ()

    # Both are much of the work of a feed, and each format needs one of them, once.
    @property
    def html(self) -> str:
        """Its text as safe HTML; empty when its title says all."""
        return self.tell()

    @property
    def data(self) -> dict[str, Any]:
        """Its members in the JSON of the feed."""
        return self.describe()


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That an entry is no longer to be shown, for readers that have it."""

    key: str
    """The specific part of the entry's tag: id."""
    when: datetime


@dataclass(frozen=True, slots=True)
class Table:
    """A list as columns and rows: all of it, not the part that the page shows."""

    columns: tuple[str, ...]
    rows: Iterable[Sequence[object]]
    """Made one by one while they are sent, so that no length is too long."""


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
    itself: str = ""
    """Path and query of a feed as it was asked for, where one feed goes by several addresses: its
    link to itself is to be the one by which a reader has it.
    """
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
    erased: Sequence[Tombstone] = ()
    """What was taken away among these entries or since."""
    key: str = ""
    """The specific part of the feed's tag: id; empty: the path."""
    next_query: str = ""
    """Query string of the following (older) page; empty when this is the last."""
    previous_query: str | None = None
    """Query string of the page before (newer); empty for the first page, None when this is it."""
    query: str = ""
    """Query string of this page: `filter_query`, and a cursor if it is not the first."""
    filter_query: str = ""
    """Query string of what the list is narrowed to; it goes along in every link."""
    table: Callable[[], Table] | None = None
    """The list as a table, for formats that hold all of it; None when the page is no list."""
    searchable: bool = True
    """Whether search engines may index it."""
    panels: dict[str, Callable[..., Markup]] = field(default_factory=dict)
    """What extensions show on it, by the names under which its template asks."""
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Absolute addresses of the same thing on other systems, by name, for `links` of its JSON."""

    def panel(self, name: str, *of: Any) -> Markup:
        """Give what an extension shows at a place of the page; nothing where none does."""
        made = self.panels.get(name)
        return made(*of) if made is not None else Markup()
