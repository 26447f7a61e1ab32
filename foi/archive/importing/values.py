"""The checks on single values that both formats share; each gives the value to keep or says why
there is none.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from foi.archive.casework import BodyFields, parse_tag
from foi.archive.deadlines import JURISDICTIONS
from foi.archive.slugs import RESERVED, numbered, slug

LONGEST_NAME = 500
LONGEST_ADDRESS = 2_000
LONGEST_TAG = 200
MOST_TAGS = 200

_UNFIT = re.compile("[\x00\ud800-\udfff]")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,199}", re.ASCII)
_SLIP = re.compile(r"h{0,2}t{1,3}p{0,2}(s?):/{1,3}", re.ASCII | re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:(?!\d)", re.ASCII | re.IGNORECASE)


def check_text(text: str, limit: int) -> str:
    """Give a text as it is; ValueError for one that is too long or that no database can keep."""
    if _UNFIT.search(text):
        raise ValueError(
            "holds what is no text: a NUL, half of a surrogate pair or bytes that are not UTF-8"
        )
    if len(text) > limit:
        raise ValueError(f"is longer than {limit:,} characters")
    return text


def one_line(text: str, limit: int = LONGEST_NAME) -> str:
    """Give a text as one line, runs of white space collapsed."""
    return " ".join(check_text(text, limit).split())


def check_slug(text: str) -> str:
    """Give the part of an address that names something; ValueError for what can be none."""
    if not _SLUG.fullmatch(text):
        raise ValueError(f"{text!r} is not made of a-z, 0-9, _ and - (at most 200)")
    if text in RESERVED or text.isdigit():
        raise ValueError(f"{text!r} cannot be the name of an address here")
    return text


def web_address(text: str) -> str:
    """Give an http(s) address, "" for a blank one.

    A scheme that was left out is added and a mistyped one (`ttps://`, `http:/`) put right: lists
    of authorities hold such. Any other scheme is refused, since pages link to these addresses.
    """
    text = check_text(text.strip(), LONGEST_ADDRESS)
    if not text:
        return ""
    if slip := _SLIP.match(text):
        text = f"http{slip[1].lower()}://{text[slip.end() :]}"
    elif _SCHEME.match(text):
        raise ValueError(f"{text!r} is not an http or https address")
    else:
        text = "http://" + text.lstrip("/")
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    if not host or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"{text!r} is not a web address")
    return text


def check_tags(tags: Iterable[str]) -> list[str]:
    """Give tags `name` and `name:value`, each once; ValueError for what is neither."""
    kept: dict[tuple[str, str], str] = {}
    for tag in tags:
        if not tag or tag.startswith(":") or any(c.isspace() for c in tag):
            raise ValueError(f"{tag!r} is not a tag: name or name:value, without spaces")
        check_text(tag, LONGEST_TAG)
        kept.setdefault(parse_tag(tag), tag)
    if len(kept) > MOST_TAGS:
        raise ValueError(f"holds more than {MOST_TAGS} tags")
    return list(kept.values())


def check_jurisdiction(code: str) -> str:
    """Give a jurisdiction's code, "" for the site's own; ValueError for one whose deadlines are
    not known.
    """
    if code and code not in JURISDICTIONS:
        known = ", ".join(sorted(JURISDICTIONS))
        raise ValueError(f"{code!r} is not a jurisdiction whose deadlines are known ({known})")
    return code


def body_slug(fields: BodyFields) -> str:
    """Give the slug of an authority that is given none: from its short name, else its name."""
    return numbered(slug(fields.get("short_name") or fields["name"], "body"), set())


def person_slug(name: str, url_name: str | None) -> str:
    """Give the slug by which somebody is known: the one given, else that of the name."""
    return url_name or numbered(slug(name, "user"), set())
