"""The types of settings: each reads the text of one and gives its value, or raises ValueError with
the rest of a sentence that begins with the setting's name.
"""

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from foi.archive.deadlines import JURISDICTIONS


def text(value: str) -> str:
    """Take it as it is, without blanks around it."""
    return value.strip()


def words(value: str) -> tuple[str, ...]:
    """Split it at blanks."""
    return tuple(value.split())


def flag(value: str) -> bool:
    """Read true or false, yes or no, on or off, 1 or 0."""
    known = {
        "true": True,
        "yes": True,
        "on": True,
        "1": True,
        "false": False,
        "no": False,
        "off": False,
        "0": False,
    }
    try:
        return known[value.strip().lower()]
    except KeyError:
        raise ValueError("is neither true nor false") from None


def count(value: str) -> int:
    """Read a whole number that is not negative."""
    number = int(value)
    if number < 0:
        raise ValueError("is below zero")
    return number


def some(value: str) -> int:
    """Read a whole number above zero."""
    if not (number := count(value)):
        raise ValueError("is not above zero")
    return number


def port(value: str) -> int:
    """Read a TCP port; 0 means any."""
    if (number := count(value)) > 65535:
        raise ValueError("is not a port: these end at 65535")
    return number


def seconds(value: str) -> float:
    """Read a time in seconds."""
    number = float(value)
    if not 0 <= number < 1e9:
        raise ValueError("is not a number of seconds")
    return number


def web_address(value: str) -> str:
    """Read an http(s) address; it ends without a slash."""
    parts = urlsplit(value.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query + parts.fragment:
        raise ValueError("is not an http(s) address without query")
    if parts.port == 0 or re.search(r"\s", value.strip()):  # port raises ValueError beyond 65535
        raise ValueError("has port 0 or a blank in it")
    return value.strip().rstrip("/")


def optional_address(value: str) -> str:
    """Read an http(s) address, or nothing."""
    return web_address(value) if value.strip() else ""


def contact(value: str) -> str:
    """Read an e-mail address, an http(s) address, or nothing."""
    value = value.strip()
    if not value or "://" in value:
        return optional_address(value)
    from email_validator import EmailNotValidError, validate_email  # takes long, and few need it

    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("is neither an e-mail address nor an http(s) address") from None


def zone(value: str) -> zoneinfo.ZoneInfo:
    """Read an IANA time zone."""
    try:
        return zoneinfo.ZoneInfo(value.strip())
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError("is not a time zone such as Europe/London") from None


def jurisdiction(value: str) -> str:
    """Read a code of `deadlines.JURISDICTIONS`."""
    if value.strip() not in JURISDICTIONS:
        raise ValueError(f"is not one of {', '.join(sorted(JURISDICTIONS))}")
    return value.strip()


def networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Read IP addresses and networks, split at blanks."""
    try:
        return tuple(ipaddress.ip_network(word) for word in value.split())
    except ValueError:
        raise ValueError("holds what is no address or network such as 10.0.0.0/8") from None


def choice(*allowed: str, later: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """Accept one of `allowed`; `later` holds values that are planned, with the sentence to refuse
    them with.
    """

    def read(value: str) -> str:
        value = value.strip()
        if value in allowed:
            return value
        raise ValueError((later or {}).get(value) or f"is not one of {', '.join(allowed)}")

    return read


def folder_address(value: str) -> str:
    """Read a folder; an object store is refused."""
    value = value.strip()
    if "://" in value:
        raise ValueError("names an object store; this version keeps files in a folder only")
    return value


def database(value: str) -> str:
    """Read an SQLAlchemy address of SQLite or PostgreSQL, or nothing."""
    value = value.strip()
    if not value:
        return value
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError("is not a SQLAlchemy address of a database") from None
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("starts with neither sqlite:/// nor postgresql+psycopg://")
    if url.drivername == "sqlite" and (url.database or ":memory:") == ":memory:":
        raise ValueError("names no file: a database in memory cannot be shared by threads")
    return value


def collection(value: str) -> str:
    """Read a foreign_id as OpenAleph takes it, or nothing."""
    if not re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", value.strip()):
        raise ValueError("is not made of a-z and 0-9, joined by single underscores")
    return value.strip()
