"""Slugs: the part of an address that names a request, an authority or a person.

The rule is Alaveteli's (its `url_title` and `url_name`), so that addresses carry over from such a
site.
"""

import re
import unicodedata

_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ł": "l",
        "ı": "i",
        "ĸ": "k",
    }
)
RESERVED = {
    "list",
    "feed",
    "search",
    "search_ahead",
    "new",
    "body",
    "request",
    "user",
    "events",
    "api",
    "all_authorities",
}
"""Slugs that would shadow an address of the site."""


def slug(text: str, default: str, limit: int | None = None) -> str:
    """Give the slug of a text: lower case, ASCII letters and digits joined by `_`.

    `default` stands in when nothing is left or only digits are; `limit` cuts (requests: 32
    characters).
    """
    plain = (
        unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
        .encode("ascii", "ignore")
        .decode()
        .lower()  # again: some signs become capitals, as the numero sign does
    )
    joined = re.sub(r"_+", "_", re.sub(r"[^a-z0-9_]", "", re.sub(r"[\s\-]+", "_", plain))).strip(
        "_"
    )
    if limit is not None:
        joined = joined[:limit].strip("_")
    return default if not joined or joined.isdigit() else joined


def numbered(wanted: str, taken: set[str]) -> str:
    """Give `wanted`, or `wanted_2`, `wanted_3`, ... whichever is first neither taken nor
    reserved.
    """
    if wanted not in taken and wanted not in RESERVED:
        return wanted
    number = 2
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
