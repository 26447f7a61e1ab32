"""Pages as Atom feeds (RFC 4287) in parts (RFC 5005) with tombstones (RFC 6721), by feedgen.

feedgen drops `rel`, `type`, `length` and `title` of an entry's links and refuses control
characters, and setting an entry's members one by one costs more than all else; so an entry is an
entry of feedgen's that makes its own element, of cleaned texts.
"""

import re
from html import escape
from typing import Any

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree
from pyramid.request import Request

from feeds.about import About, about
from foi.pages.page import Entry, Page, Tombstone

TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"

# What XML 1.0 forbids or advises against, HTML calls an error, or a wrong decoding has left.
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff"
    + "".join(
        f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}"
        for plane in range(1 << 16, 17 << 16, 1 << 16)
    )
    + "]"
)
_MARKUP = re.compile(r"&#?\w|</\w+>")


def clean(text: str) -> str:
    """Take out the characters that readers stumble over."""
    # Python knows of most texts that nothing is wrong in a tenth of the time that looking takes.
    if "\ufffd" not in text and text.replace("\n", "").isprintable():
        return text
    return _UNFIT.sub(_instead, text)


def _instead(found: re.Match[str]) -> str:
    if found[0] == "\ufffd":
        return "?"
    return " " if found[0].isspace() else ""


def _like_markup(text: str) -> bool:
    """Tell whether a plain text might be taken for HTML; the W3C's validator takes any `&` before
    a letter, a figure or an underscore for the beginning of a reference.
    """
    return bool(_MARKUP.search(text))


def render_atom(request: Request, page: Page) -> bytes:
    """Give a page as an Atom feed."""
    told = about(request, page)
    settings = told.site.settings
    feed = FeedGenerator()
    feed.id(told.id)
    feed.title(clean(told.title))
    feed.language(settings.site_locale)
    feed.updated(told.updated)  # always given: it would otherwise be the present
    feed.generator("foi-tracker", uri=None)
    feed.author(name=clean(settings.site_name), uri=settings.site_url)
    feed.icon(told.icon)
    feed.link(href=told.itself, rel="self", type="application/atom+xml")
    feed.link(href=told.page, rel="alternate", type="text/html")
    for href, media_type in told.others:
        feed.link(href=href, rel="alternate", type=media_type)
    for name, href in told.ways.items():
        feed.link(href=href, rel=name, type="application/atom+xml")
    feed.register_extension("foi", _Beyond, atom=True, rss=False)
    feed.foi.told, feed.foi.erased = told, page.erased
    for entry in page.entries:
        feed.add_entry(_Told(told, entry), order="append")
    return feed.atom_str()  # type: ignore[no-any-return]


class _Beyond(BaseExtension):  # type: ignore[misc]
    """What feedgen has no word for: tombstones, and a title that looks like HTML and is not."""

    told: About
    erased: tuple[Tombstone, ...] = ()

    def extend_ns(self) -> dict[str, str]:
        """Declare the namespace of tombstones where there are any."""
        return {"at": TOMBSTONES} if self.erased else {}

    def extend_atom(self, feed: Any) -> Any:
        """Add to the element of the feed, before its entries."""
        title = feed.find("title")
        _say(title, title.text)
        for tombstone in self.erased:
            etree.SubElement(
                feed,
                f"{{{TOMBSTONES}}}deleted-entry",
                ref=self.told.tag(tombstone.key),
                when=tombstone.when.isoformat(),
            )
        return feed


class _Told(FeedEntry):  # type: ignore[misc]
    """An entry of a page as one of feedgen's."""

    def __init__(self, told: About, entry: Entry) -> None:
        self._about, self._entry = told, entry

    def register_extension(self, *_: object, **__: object) -> None:
        """Take no extension: all is in `atom_entry`."""

    def atom_entry(self, extensions: bool = True) -> Any:
        """Make the element. Names are without a namespace, for feedgen declares Atom's on the
        root.
        """
        told, entry, url = self._about, self._entry, self._about.site.url
        made = etree.Element("entry")
        _add(made, "id", told.tag(entry.key))
        title = clean(entry.title)
        _say(etree.SubElement(made, "title"), title)
        _add(made, "updated", entry.updated.isoformat())
        _add(made, "published", entry.published.isoformat())
        author = etree.SubElement(made, "author")
        _add(author, "name", clean(entry.author).strip() or told.site.settings.site_name)
        if entry.author_path:
            _add(author, "uri", url(entry.author_path))
        # An event without a text of its own is told by its title.
        content = etree.SubElement(made, "content", type="html")
        content.text = clean(entry.html) or f"<p>{escape(title, quote=False)}</p>"
        etree.SubElement(made, "link", href=url(entry.path), rel="alternate", type="text/html")
        for file in entry.enclosures:
            link = etree.SubElement(made, "link", href=file.url, rel="enclosure")
            link.set("type", file.media_type)
            _describe(link, "title", clean(file.title))
            if file.size is not None:
                link.set("length", str(file.size))
        for term, label in entry.categories:
            if name := clean(term).strip():
                _describe(etree.SubElement(made, "category", term=name), "label", clean(label))
        return made


def _add(parent: Any, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text


def _say(title: Any, text: str) -> None:
    """Write a title: as text; as HTML, escaped, where readers would otherwise guess wrongly."""
    if _like_markup(text):
        title.set("type", "html")
        text = escape(text, quote=False)
    title.text = text


def _describe(element: Any, name: str, text: str) -> None:
    """Write an attribute that is plain text by nature, unless it could be taken for HTML."""
    if text.strip() and not _like_markup(text):
        element.set(name, text)
