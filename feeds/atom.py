"""Pages as Atom feeds (RFC 4287, archive links of RFC 5005), made with feedgen.

feedgen drops `rel`, `type`, `length` and `title` of an entry's links in Atom, so links are written
by an extension of our own; it refuses control characters, so texts are cleaned first; and
`updated` is always given, for it would otherwise be the present and no two answers would be equal.
"""

import re
from typing import Any

from feedgen.ext.base import BaseEntryExtension
from feedgen.feed import FeedGenerator
from lxml import etree
from markupsafe import Markup
from pyramid.request import Request

from feeds.identity import fixed_on, tag_authority
from foi.pages.page import Entry, Page
from foi.pages.variants import Variant, address, alternates
from foi.site import Site, site_of

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class LinksExtension(BaseEntryExtension):  # type: ignore[misc]
    """Writes an entry's links with all their attributes."""

    def __init__(self) -> None:
        self.links: list[dict[str, str]] = []

    def extend_atom(self, entry: Any) -> Any:
        """Add the links to the entry's element."""
        for attributes in self.links:
            # feedgen names its elements without a namespace and declares Atom's on the root.
            etree.SubElement(entry, "link", attributes)
        return entry


def clean(text: str) -> str:
    """Take out the characters that XML 1.0 forbids."""
    return _FORBIDDEN.sub("", text)


def render_atom(request: Request, page: Page) -> bytes:
    """Give a page as an Atom feed."""
    site = site_of(request)
    authority = tag_authority(request)
    feed = FeedGenerator()
    variant: Variant = request.foi_variant
    feed.id(f"tag:{authority}:{page.key or page.path.lstrip('/') or 'site'}")
    feed.title(clean(f"{page.title} – {site.settings.site_name}"))
    feed.language(site.settings.site_locale)
    feed.updated(max((entry.updated for entry in page.entries), default=fixed_on(authority)))
    feed.generator("foi-tracker", uri=None)
    feed.author(name=clean(site.settings.site_name), uri=site.settings.site_url)
    feed.link(
        href=site.url(address(variant, page, page.query)), rel="self", type=variant.media_type
    )
    feed.link(href=site.url(page.path), rel="alternate", type="text/html")
    for other in alternates(request, page):
        if other["name"] == "feed.json":
            feed.link(href=site.url(other["href"]), rel="alternate", type=other["type"])
    if page.next_query:
        feed.link(
            href=site.url(address(variant, page, page.next_query)),
            rel="next",
            type=variant.media_type,
        )
    if page.query:
        feed.link(href=site.url(address(variant, page)), rel="first", type=variant.media_type)
    for entry in page.entries:
        _add(feed, site, authority, entry)
    return feed.atom_str()  # type: ignore[no-any-return]


def _add(feed: FeedGenerator, site: Site, authority: str, entry: Entry) -> None:
    made = feed.add_entry(order="append")
    made.register_extension("foi_links", LinksExtension, atom=True, rss=False)
    made.id(f"tag:{authority}:{entry.key}")
    made.title(clean(entry.title))
    made.updated(entry.updated)
    made.published(entry.published)
    made.author(
        {
            "name": clean(entry.author),
            **({"uri": site.url(entry.author_path)} if entry.author_path else {}),
        }
    )
    # An event without a text of its own is told by its title.
    made.content(clean(entry.html or str(Markup("<p>{}</p>").format(entry.title))), type="html")
    for term, label in entry.categories:
        made.category(term=clean(term), label=clean(label))
    made.foi_links.links.append(
        {"href": site.url(entry.path), "rel": "alternate", "type": "text/html"}
    )
    for file in entry.enclosures:
        length = {"length": str(file.size)} if file.size is not None else {}
        made.foi_links.links.append(
            {
                "href": file.url,
                "rel": "enclosure",
                "type": file.media_type,
                "title": clean(file.title),
                **length,
            }
        )
