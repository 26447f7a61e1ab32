"""What the public may read of a file: its text and its view as HTML, masked like everything else.

The view was made safe when it was converted; here its text is masked piece by piece, so that what
an address or number loses on the page of a request it loses here as well, even where tags run
through it.
"""

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

from markupsafe import Markup, escape
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import ExtractedText, FileView
from foi.archive.reading import mask, mask_pieces

# Sanitised HTML is regular: every attribute is in double quotes, every `<` of a text escaped.
_TAG = re.compile(r"(<[^<>\"]*(?:\"[^\"]*\"[^<>\"]*)*>)")
_NAME = re.compile(r"</?([a-z0-9]+)")
_INLINE = frozenset(
    (
        *("a", "abbr", "b", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "q", "s"),
        *("samp", "small", "span", "strong", "sub", "sup", "u", "var"),
    )
)


@dataclass(frozen=True, slots=True)
class Content:
    """What was found in a file.

    `text_state` is None until the file was read, then as in `text.Extraction`; `view_state` is
    None until it was converted, or if files of its type are not, then as in
    `conversion.Converted`. The reasons are empty, or say why there is nothing or what is missing.
    """

    text_state: str | None
    text: str
    text_reason: str
    view_state: str | None
    view: Markup
    view_reason: str


def content_of(db: Session, sha256: str) -> Content:
    """Read what was found in the file with a SHA-256, whether or not anybody may see it: only of
    an attachment that `reading` gives.
    """
    row = db.execute(
        select(
            ExtractedText.state,
            ExtractedText.text,
            ExtractedText.reason,
            FileView.state.label("view_state"),
            FileView.html,
            FileView.reason.label("view_reason"),
        )
        .outerjoin(FileView, FileView.sha256 == ExtractedText.sha256)
        .where(ExtractedText.sha256 == sha256)
    ).one_or_none()
    if row is None:
        return Content(None, "", "", None, Markup(), "")
    return Content(
        row.state,
        mask(row.text),
        mask(row.reason),
        row.view_state,
        mask_html(row.html or ""),
        mask(row.view_reason or ""),
    )


def mask_html(html: str) -> Markup:
    """Give sanitised HTML with addresses and numbers taken out of its text; a link that holds one
    leads nowhere.
    """
    parts = _TAG.split(html)  # text and tags by turns
    pieces: list[str] = []
    for part in parts:
        tag = part.startswith("<")
        # Between blocks a line ends, between cells there is a tab, as in the text of the file.
        pieces.append(_gap(part) if tag else unescape(part))
    masked = mask_pieces(pieces)
    safe = (
        _without_address(part) if part.startswith("<") else escape(text)
        for part, text in zip(parts, masked, strict=True)
    )
    return Markup("".join(safe))  # noqa: S704 - sanitised tags, and text that is escaped


def _gap(tag: str) -> str:
    name = _NAME.match(tag)
    if name is None or name[1] in _INLINE:
        return ""
    return "\t" if name[1] in ("td", "th") else "\n"


def _without_address(tag: str) -> str:
    if tag.startswith("<a "):
        address = unquote(unescape(tag))
        if mask(address) != address:
            return "<a>"
    return tag
