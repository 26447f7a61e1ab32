"""Paths of the site, each made in one place; all are percent-encoded and begin with a slash."""

import re
from urllib.parse import quote

from foi.archive.conversion import viewable as viewable

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def segment(text: str) -> str:
    """Encode one segment of a path."""
    return text if _PLAIN.fullmatch(text) else quote(text, safe="")


def request_path(url_title: str) -> str:
    """Give the page of a request."""
    return f"/request/{segment(url_title)}"


def body_path(url_name: str) -> str:
    """Give the page of an authority."""
    return f"/body/{segment(url_name)}"


def person_path(url_name: str) -> str:
    """Give the page of a person."""
    return f"/user/{segment(url_name)}"


def message_anchor(direction: str, message_id: int) -> str:
    """Give the anchor of a message on its request's page, as Alaveteli names it."""
    return f"#{'incoming' if direction == 'response' else 'outgoing'}-{message_id}"


def attachment_path(url_title: str, message_id: int, number: int, name: str) -> str:
    """Give where an attachment can be had."""
    return f"{request_path(url_title)}/response/{message_id}/attach/{number}/{segment(name)}"


def attachment_view_path(url_title: str, message_id: int, number: int, name: str) -> str:
    """Give where an attachment can be read as a page, as Alaveteli names it; for those that are
    `viewable` that page shows more than why it shows nothing.
    """
    place = f"{request_path(url_title)}/response/{message_id}/attach/html"
    return f"{place}/{number}/{segment(name)}.html"


def download_path(url_title: str) -> str:
    """Give where a request and its attachments can be had as one zip file."""
    return f"{request_path(url_title)}/download"


def tagged_path(tag: str) -> str:
    """Give the list of authorities with a tag."""
    return f"/body/list/{segment(tag)}"


def search_path(words: str, kind: str = "all") -> str:
    """Give the page of a search."""
    return f"/search/{quote(words, safe='')}/{kind}"
