"""Cleaning of property values as FollowTheMoney does it, and the signing of entity ids.

What does not survive cleaning is dropped in silence by a bulk load, so the exact rules decide
which data a bridge loses. Gives up: identifiers, phone numbers and topics are not checked.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.aleph.places import clean_country, clean_language
from tests.aleph.schemata import Property

_ID = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DATE = re.compile(
    r"(?P<year>[12]\d{3})(-(?P<month>\d{1,2})(-(?P<day>\d{1,2})"
    r"([T ](?P<hour>\d{1,2})(:(?P<minute>\d{1,2})(:(?P<second>\d{1,2})(\.\d+)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?)?)?)?)?"
)
# The formats Aleph's own index mapping takes (openaleph takes every prefix).
_INDEXABLE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2})?)?)?")


@lru_cache(1 << 16)
def sign(plain_or_signed: str, foreign_id: str) -> str:
    """Give ``plain.HMAC-SHA1(key foreign_id, plain)``; an older signature (or dot) goes first."""
    plain = plain_or_signed.rpartition(".")[0] or plain_or_signed
    digest = hmac.new(foreign_id.encode(), plain.encode(), hashlib.sha1).hexdigest()
    return f"{plain}.{digest}"


def clean_id(value: Any) -> str | None:
    """Give the id FollowTheMoney keeps of a value or of an object with an ``id``, or None."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return text if _ID.fullmatch(text) else None


def clean_date(text: str) -> str | None:
    """Give the longest valid prefix of a date; a ``Z`` costs the seconds (measured)."""
    match = _DATE.match(text.strip())
    if match is None or (match.end() < len(text.strip()) and text.strip()[match.end()] != " "):
        return None
    part = match.groupdict()
    out, zone = part["year"], part["zone"]
    limits = (("month", 1, 12, "-"), ("day", 1, 31, "-"), ("hour", 0, 23, "T"))
    for name, low, high, joint in (*limits, ("minute", 0, 59, ":"), ("second", 0, 59, ":")):
        if part[name] is None or not low <= int(part[name]) <= high:
            break
        if name == "second" and zone == "Z":
            break
        out += f"{joint}{int(part[name]):02d}"
    if len(out) == 19 and zone:
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
        moment = datetime.fromisoformat(out).replace(tzinfo=timezone(offset))
        out = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return out if len(out) != 13 else out[:10]


def indexable_date(text: str) -> bool:
    """Say whether Aleph's index takes the date; if not, the whole entity is lost to it."""
    return _INDEXABLE.fullmatch(text) is not None


def clean_url(text: str) -> str | None:
    """Give the web address with a scheme and a path, or None."""
    text = text.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if not parts.netloc:
        if "." in parts.path and " " not in text and not text.startswith("//"):
            return clean_url(f"//{text}")
        return None
    scheme = parts.scheme.lower() or "http"
    if scheme not in ("http", "https", "ftp") or " " in parts.netloc:
        return None
    return urlunsplit(parts._replace(scheme=scheme, path=parts.path or "/"))


def _clean_text(text: str) -> str | None:
    if not text.isprintable():
        text = "".join(char for char in text if char >= " " or char in "\n\t\r")
    return text if text.strip() else None


def _clean_name(text: str) -> str | None:
    return " ".join(text.split()) or None


def _clean_email(text: str) -> str | None:
    text = text.strip().removeprefix("mailto:")
    if not _EMAIL.fullmatch(text):
        return None
    user, _, host = text.rpartition("@")
    return f"{user}@{host.lower()}"


def _clean_checksum(text: str) -> str | None:
    return text.lower() if re.fullmatch(r"[0-9a-fA-F]{40}", text.strip()) else None


def _clean_mimetype(text: str) -> str | None:
    text = text.split(";")[0].strip().lower()
    return text if re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+*-]+", text) else None


def _clean_number(text: str) -> str | None:
    text = text.strip().replace(",", "")
    return text if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


_CLEANERS = {
    "name": _clean_name,
    "date": clean_date,
    "country": clean_country,
    "language": clean_language,
    "url": clean_url,
    "email": _clean_email,
    "checksum": _clean_checksum,
    "mimetype": _clean_mimetype,
    "number": _clean_number,
    "entity": clean_id,
}


def clean(prop: Property, value: Any) -> str | None:
    """Give the cleaned value of a property, or None when it is to be dropped."""
    if prop.type == "entity":
        return clean_id(value)
    if isinstance(value, bool | dict | list) or value is None:
        return None
    return _CLEANERS.get(prop.type, _clean_text)(str(value))


def as_list(values: Any) -> list[Any]:
    """Give a property's values as a list; a bare value is taken as one."""
    if values is None:
        return []
    return list(values) if isinstance(values, list | tuple) else [values]


def unite(*groups: Iterable[str]) -> list[str]:
    """Give the values of all groups once each, in order."""
    return list(dict.fromkeys(value for group in groups for value in group))
