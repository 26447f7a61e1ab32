"""An attachment as a page: converted, as its text, or as a picture, so that nobody needs a program
for it.

Files are read and converted by the worker (`foi.work.texts`), never while somebody waits; a page
that is asked for before says so, and its version moves when the view is there. Given up: PDF
inside the page, which a strict Content-Security-Policy and telephones both rule out; the PDF is
one link away, its text is here.
"""

from typing import Any

from markupsafe import Markup
from pyramid.httpexceptions import HTTPMovedPermanently
from pyramid.request import Request

from foi.archive.contents import Content, content_of
from foi.archive.conversion import PICTURES, converts
from foi.archive.filetypes import INLINE, kind
from foi.pages import files, links, members, prose, requests
from foi.pages.page import Page
from foi.pages.variants import address
from foi.site import site_of


def page(request: Request) -> Page:
    """What a file holds, what was left out of it, and where the file itself is."""
    site, found = site_of(request), files.find(request)
    row, shown = found.request.row, found.shown
    place = (row.url_title, shown.message_id, shown.number, shown.name)
    content = content_of(request.db, found.sha256)
    preparing = _preparing(content, shown.media_type)
    made = Page(
        title=shown.name,
        path=links.attachment_view_path(*place),
        # The view and the text come later than the file; both move the scope of texts.
        scopes=(*requests.scopes(found.request, []), f"texts:{row.id}"),
        template="attachment.jinja2",
        data=lambda: members.attachment_members(site, row.url_title, shown) | _members(content),
        shows={
            "found": found,
            "file": links.attachment_path(*place),
            "of": kind(shown.media_type),
            "opens": shown.media_type in INLINE,
            "picture": kind(shown.media_type) in PICTURES,
            "preparing": preparing,
            "notes": _notes(content),
            "missing": _missing(content),
            "html": _html(content),
        },
        searchable=row.prominence == "normal" and not preparing,
    )
    if request.matchdict["name"] != shown.name:
        raise HTTPMovedPermanently(site.url(address(request.foi_variant, made)))
    return made


def _preparing(content: Content, media_type: str) -> bool:
    unconverted = converts(media_type) and content.view_state is None
    return kind(media_type) not in PICTURES and (content.text_state is None or unconverted)


def _html(content: Content) -> Markup:
    if content.view_state == "html":
        return content.view
    return prose.folded(content.text)


def _notes(content: Content) -> str:
    """Say what is missing from what is shown."""
    if content.view_state == "html":
        return content.view_reason
    if content.text_state != "text":
        return ""
    why = f"its text alone is shown, since {content.view_reason}" if content.view_reason else ""
    return "; ".join(note for note in (why, content.text_reason) if note)


def _missing(content: Content) -> str:
    """Say why nothing is shown of a file that was read; empty if something is."""
    if content.view_state == "html" or content.text_state in ("text", None):
        return ""
    reason = content.view_reason or content.text_reason
    return reason or "there is no text in it"


def _members(content: Content) -> dict[str, Any]:
    """What the JSON of an attachment tells of its content."""
    return {
        "text_state": content.text_state,
        "text_reason": content.text_reason or None,
        "text": content.text or None,
        "view_state": content.view_state,
        "view_reason": content.view_reason or None,
        "view": str(content.view) or None,
    }
