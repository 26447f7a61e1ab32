"""What a search engine is: documents in, hits out; and the data that passes.

An engine is disposable: it holds copies of what is public, made by `documents` and kept up to date
by `consumer`, and can be built again at any time. Whatever implements `SearchEngine` must pass
tests/contract/search.py. Given up: nothing is found that is not yet indexed, which takes some
tenths of a second.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from markupsafe import Markup

from foi.search.query import UNCLASSIFIED, Node

NAME = "search"
"""The name of the index's consumer, and of the scope whose position every change of the index
raises: pages that show hits are of it.
"""


class Kind(StrEnum):
    """What a search is for."""

    ALL = "all"
    REQUESTS = "requests"
    """Correspondence and annotations: events of requests."""
    USERS = "users"
    BODIES = "bodies"


class Sort(StrEnum):
    """The order of hits (Alaveteli's names)."""

    RELEVANT = "relevant"
    NEWEST = "newest"
    """By when it happened."""
    DESCRIBED = "described"
    """By when the state that it led to was described; else as `newest`."""


class SearchUnavailable(Exception):
    """The index cannot be read or written at present; the text says why, for people."""


class Busy(SearchUnavailable):
    """Somebody else is writing to the index, and did not finish in time."""


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment of an event: its position in the message (from 1), name and text, if any."""

    number: int
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """One thing that can be found: an event of a request, an authority or a person.

    `owner` is the subject whose change makes it stale: the request of an event, else itself.
    """

    key: str
    """`event:12`, `body:3` or `person:5`."""
    owner: str
    """`request:7`, `body:3` or `person:5`."""
    variety: str
    """sent, followup_sent, response, comment; authority; user (Alaveteli's names)."""
    happened_at: datetime
    day: date
    """The site-local day of `happened_at`, by which date ranges go."""
    described_at: datetime | None = None
    title: str = ""
    """The request's title, or the name of the authority or person."""
    names: str = ""
    """Other names that find it: the authority's of an event, the short one of an authority."""
    text: str = ""
    attachments: tuple[Attached, ...] = ()
    request: str = ""
    """The request's slug (url_title)."""
    body: str = ""
    """The authority's slug (url_name)."""
    requester: str = ""
    """The requester's slug."""
    commenter: str = ""
    """The slug of whoever annotated."""
    state: str = ""
    """The state that this event led to, as described."""
    latest_state: str = ""
    """The state of the request now, as described; `waiting_classification` while nobody has."""
    due_on: date | None = None
    """The last day on which the authority's answer is in time."""
    very_due_on: date | None = None
    """The last day before it is long overdue."""
    filetypes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Tags of the request, the authority or the person, each `name` or `name:value`."""
    body_tags: tuple[str, ...] = ()
    """Tags of the request's authority."""

    @property
    def number(self) -> int:
        """The id in `key`."""
        return int(self.key.partition(":")[2])

    @property
    def kind(self) -> Kind:
        """Of which search it is a result."""
        return {"authority": Kind.BODIES, "user": Kind.USERS}.get(self.variety, Kind.REQUESTS)

    @property
    def size(self) -> int:
        """How many characters its texts have."""
        return len(self.text) + sum(len(each.text) for each in self.attachments)

    def filters(self) -> dict[str, tuple[str, ...]]:
        """Give the values of each prefix (`query.PREFIXES`) under which the document is found."""
        values = {
            "status": (self.state,),
            "latest_status": (self.latest_state,),
            "waiting_classification": self._classification(),
            "variety": (self.variety,),
            "requested_from": (self.body,) if self.kind == Kind.REQUESTS else (),
            "requested_by": (self.requester,),
            "commented_by": (self.commenter,),
            "request": (self.request,),
            "filetype": self.filetypes,
            "tag": _with_bare_names(self.tags),
            "request_public_body_tag": _with_bare_names(self.body_tags),
        }
        return {
            prefix: found
            for prefix, all in values.items()
            if (found := tuple(v for v in all if v))
        }

    def _classification(self) -> tuple[str, ...]:
        if self.kind != Kind.REQUESTS:
            return ()
        return ("yes" if self.latest_state == UNCLASSIFIED else "no",)


def _with_bare_names(tags: Sequence[str]) -> tuple[str, ...]:
    """A machine tag is found by `name:value` and by its name alone."""
    return tuple(dict.fromkeys((*tags, *(tag.partition(":")[0] for tag in tags))))


Cursor = tuple[int, int, int]
"""Where a hit stands in an order by date: moment, number and kind; opaque to all but engines."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found."""

    key: str
    owner: str
    score: float
    snippet: Markup
    """About 200 characters around the words, which are marked with <mark>; the rest is escaped."""
    attachment: int | None
    """The number of the attachment that the snippet is from; None: from the text itself."""
    cursor: Cursor
    """Where to go on behind it, in an order by date."""


Facets = dict[str, list[tuple[str, int]]]
"""By `state`, `authority`, `year` and `filetype`: values, and how many hits each would leave; the
most frequent first, years newest first.
"""


@dataclass(frozen=True, slots=True)
class Hits:
    """A page of what was found."""

    list: tuple[Hit, ...]
    total: int
    """How many there are in all; when not `exact`, how many were counted until time was up."""
    exact: bool
    before: int = 0
    """How many stand before this page."""
    notes: tuple[str, ...] = ()
    """Sentences for the person: what was cut short, and why."""
    facets: Facets | None = None
    """None: not asked for, or there was no time for them, which a note says."""
    better: tuple[tuple[str, str], ...] = ()
    """Words of the query that are in no document, each with the one that may be meant; only given
    when the query so corrected finds something.
    """


class SearchEngine(Protocol):
    """Keeps documents and finds them. Safe to use from many threads; only the worker writes."""

    def exists(self) -> bool:
        """Tell whether there is an index that this release can read; else one must be built."""

    def replace(self, owners: Iterable[str], documents: Iterable[Document]) -> None:
        """Drop everything of these owners and put the documents, all at once.

        Busy when another process writes for too long.
        """

    def find(
        self,
        query: Node | None,
        *,
        kind: Kind | str = Kind.ALL,
        sort: Sort | str = Sort.RELEVANT,
        limit: int = 25,
        offset: int = 0,
        behind: Cursor | None = None,
        ahead: Cursor | None = None,
        collapse: bool = False,
        facets: date | None = None,
        bare: bool = False,
    ) -> Hits:
        """Find documents; `collapse` keeps the first of each owner. No query finds nothing.

        `behind` gives the `limit` hits after a place, `ahead` those just before it, both for
        orders by date only, where they reach the last of any number of hits. `facets`, the
        site-local day, asks for facets. `bare` hits have no snippets, so that thousands of them
        cost little. Whatever takes too long is cut and said.

        Raises SearchUnavailable, never anything that a query could bring about.
        """

    def telling_words(self, text: str, count: int) -> tuple[str, ...]:
        """Give the words of a text that set it apart from other documents, the best first."""

    def count(self) -> int:
        """Give the number of documents."""

    def rebuild(
        self, documents: Iterable[Document], before_swap: Callable[[], None] = lambda: None
    ) -> int:
        """Build a new index beside the present one and put it in its place; give how many
        documents it has.

        Readers and `replace` go on with the old one meanwhile. `before_swap` is called when all
        documents are written and nobody else can write: what is owed in it is dealt with in the
        new index. Busy when a rebuild is under way already.
        """

    def close(self) -> None:
        """Let go of files."""
