"""Pages as JSON Feed 1.1 (jsonfeed.org), for readers and scripts that would rather not have XML.

What the format has no member for is under `_foi`, as its section on extensions says.
"""

from typing import Any

from pyramid.request import Request

from feeds.about import About, about
from foi.pages.json import dump
from foi.pages.page import Enclosure, Entry, Page

VERSION = "https://jsonfeed.org/version/1.1"


def render_json_feed(request: Request, page: Page) -> bytes:
    """Give a page as a JSON Feed."""
    told = about(request, page)
    settings = told.site.settings
    feed: dict[str, Any] = {
        "version": VERSION,
        "title": told.title,
        "home_page_url": told.page,
        "feed_url": told.itself,
        "icon": told.icon,
        "favicon": told.icon,
        "authors": [{"name": settings.site_name, "url": settings.site_url}],
        "language": settings.site_locale,
    }
    if "next" in told.ways:
        feed["next_url"] = told.ways["next"]
    feed["_foi"] = {
        "id": told.id,
        "date_modified": told.updated.isoformat(),
        "erased": [
            {"id": told.tag(each.key), "date_modified": each.when.isoformat()}
            for each in page.erased
        ],
    }
    feed["items"] = [_item(told, entry) for entry in page.entries]
    return dump(feed)


def _item(told: About, entry: Entry) -> dict[str, Any]:
    url = told.site.url
    author = {"name": entry.author}
    if entry.author_path:
        author["url"] = url(entry.author_path)
    item = {
        "id": told.tag(entry.key),
        "url": url(entry.path),
        "title": entry.title,
        # An event without a text of its own is told by its title.
        **({"content_html": html} if (html := entry.html) else {"content_text": entry.title}),
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "authors": [author],
        "tags": [term for term, _ in entry.categories],
    }
    if entry.enclosures:
        item["attachments"] = [_attachment(file) for file in entry.enclosures]
    return item


def _attachment(file: Enclosure) -> dict[str, Any]:
    attachment: dict[str, Any] = {"url": file.url, "mime_type": file.media_type}
    if file.title:
        attachment["title"] = file.title
    if file.size is not None:
        attachment["size_in_bytes"] = file.size
    return attachment
