"""Every setting of the site in one frozen dataclass, read from the ini file and then the
environment.

A setting `part.name` of the ini file is overridden by the variable FOI_PART_NAME (`foi.extensions`
by FOI_EXTENSIONS); a few have a second, customary variable. A wrong value names its setting and
stops the start. Fields carry their own documentation: `foi settings` and docs/operators.md show
it.
"""

import ipaddress
import os
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from foi.archive.deadlines import JURISDICTIONS


class BadSetting(ValueError):
    """A setting has a value that cannot be used; the text names the setting and says why."""


def _text(value: str) -> str:
    return value.strip()


def _words(value: str) -> tuple[str, ...]:
    return tuple(value.split())


def _flag(value: str) -> bool:
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


def _count(value: str) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("is below zero")
    return number


def _some(value: str) -> int:
    if not (number := _count(value)):
        raise ValueError("is not above zero")
    return number


def _port(value: str) -> int:
    if (number := _count(value)) > 65535:
        raise ValueError("is not a port: these end at 65535")
    return number


def _seconds(value: str) -> float:
    number = float(value)
    if not 0 <= number < 1e9:
        raise ValueError("is not a number of seconds")
    return number


def _web_address(value: str) -> str:
    parts = urlsplit(value.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query + parts.fragment:
        raise ValueError("is not an http(s) address without query")
    if parts.port == 0 or re.search(r"\s", value.strip()):  # port raises ValueError beyond 65535
        raise ValueError("has port 0 or a blank in it")
    return value.strip().rstrip("/")


def _optional_address(value: str) -> str:
    return _web_address(value) if value.strip() else ""


def _contact(value: str) -> str:
    value = value.strip()
    if not value or "://" in value:
        return _optional_address(value)
    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("is neither an e-mail address nor an http(s) address") from None


def _zone(value: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(value.strip())
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise ValueError("is not a time zone such as Europe/London") from None


def _jurisdiction(value: str) -> str:
    if value.strip() not in JURISDICTIONS:
        raise ValueError(f"is not one of {', '.join(sorted(JURISDICTIONS))}")
    return value.strip()


def _networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    try:
        return tuple(ipaddress.ip_network(word) for word in value.split())
    except ValueError:
        raise ValueError("holds what is no address or network such as 10.0.0.0/8") from None


def _choice(*allowed: str, later: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """Accept one of `allowed`; `later` holds values that are planned, with the sentence to refuse
    them with.
    """

    def read(value: str) -> str:
        value = value.strip()
        if value in allowed:
            return value
        raise ValueError((later or {}).get(value) or f"is not one of {', '.join(allowed)}")

    return read


def _folder_address(value: str) -> str:
    value = value.strip()
    if "://" in value:
        raise ValueError("names an object store; this version keeps files in a folder only")
    return value


def _database(value: str) -> str:
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


def _collection(value: str) -> str:
    if not re.fullmatch(r"([a-z0-9]+(_[a-z0-9]+)*)?", value.strip()):
        raise ValueError("is not made of a-z and 0-9, joined by single underscores")
    return value.strip()


SECRET = {"aleph.api_key", "database.url"}
"""Settings whose value is never printed."""


def _setting(name: str, default: str, read: Callable[[str], Any], doc: str, *also: str) -> Any:
    return field(
        repr=name not in SECRET,
        metadata={"name": name, "default": default, "read": read, "doc": doc, "also": also},
    )


@dataclass(frozen=True)
class Settings:
    """The site's settings, parsed; made by `load`."""

    data: str = _setting(
        "data",
        "var",
        _text,
        "Folder of everything the site keeps: database, files, index, secret.",
    )
    extensions: tuple[str, ...] = _setting(
        "foi.extensions",
        "feeds bridge",
        _words,
        "Packages that add to the site: each one's `includeme` is called.",
    )
    site_url: str = _setting(
        "site.url",
        "",
        _optional_address,
        "Public address; every absolute link starts with it. Empty: this machine, at the port.",
    )
    site_name: str = _setting(
        "site.name", "Open Answers", _text, "The site's name, in titles and feeds."
    )
    site_contact: str = _setting(
        "site.contact",
        "",
        _contact,
        "E-mail or web address at which the public reaches those who run the site; shown to all.",
    )
    site_locale: str = _setting(
        "site.locale", "en-GB", _text, "Language of the site, as in HTML's `lang`."
    )
    site_zone: zoneinfo.ZoneInfo = _setting(
        "site.timezone", "Europe/London", _zone, "Time zone of dates on pages and of deadlines."
    )
    jurisdiction: str = _setting(
        "site.jurisdiction",
        "GB",
        _jurisdiction,
        "Deadline rule of authorities that name none (docs/deadlines.md).",
    )
    host: str = _setting("server.host", "127.0.0.1", _text, "Address that `foi serve` listens on.")
    port: int = _setting("server.port", "6543", _port, "Port that `foi serve` listens on.", "PORT")
    threads: int = _setting(
        "server.threads", "4", _some, "Threads that answer requests in one process."
    )
    body_limit: int = _setting(
        "server.body_limit",
        "2164260864",
        _count,
        "Largest request body in bytes; beyond it the answer is 413; 0: no limit.",
    )
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = _setting(
        "server.trusted_proxies",
        "",
        _networks,
        "Addresses or networks of reverse proxies whose X-Forwarded-For is believed.",
    )
    database: str = _setting(
        "database.url",
        "",
        _database,
        "SQLAlchemy address; empty: SQLite in the data folder; postgresql+psycopg://...",
    )
    files: str = _setting(
        "files.url",
        "",
        _folder_address,
        "Folder of attachments; empty: `files` in the data folder.",
    )
    search_engine: str = _setting(
        "search.engine",
        "whoosh",
        _choice(
            "whoosh", later={"postgres": "is planned; this version searches with whoosh only"}
        ),
        "Search engine.",
    )
    key_secret: str = _setting(
        "key.secret_file",
        "",
        _text,
        "File with the secret that signs authorities' keys; empty: in the data folder.",
    )
    worker: bool = _setting(
        "worker.embedded", "true", _flag, "Whether `foi serve` does the owed work in a thread."
    )
    worker_poll: float = _setting(
        "worker.poll", "0.25", _seconds, "Seconds between looks for owed work."
    )
    cache_megabytes: int = _setting(
        "cache.megabytes", "64", _count, "Memory for finished pages; 0 turns it off."
    )
    attachment_limit: int = _setting(
        "limits.attachment",
        "1073741824",
        _count,
        "Largest attachment in bytes; beyond it the answer is 413; 0: no limit.",
    )
    request_limit: int = _setting(
        "limits.request",
        "2147483648",
        _count,
        "Largest sum of attachments in one call, in bytes; beyond it the answer is 413; "
        "0: no limit.",
    )
    authority_limit: int = _setting(
        "limits.authority",
        "107374182400",
        _count,
        "Bytes that the attachments of one authority's requests may have together before "
        "uploads are answered with 413; 0: no limit.",
    )
    field_limit: int = _setting(
        "limits.field",
        "2097152",
        _count,
        "Largest form, apart from its files, or JSON text in bytes; beyond it the answer is 413; "
        "0: no limit.",
    )
    key_writes: int = _setting(
        "limits.writes_per_key",
        "0",
        _count,
        "Writes in a minute with one authority's key; beyond it the answer is 429; 0: no limit.",
    )
    address_writes: int = _setting(
        "limits.writes_per_address",
        "0",
        _count,
        "Writes of any kind in a minute from one address; 0: no limit.",
    )
    address_pages: int = _setting(
        "limits.pages_per_address",
        "0",
        _count,
        "Pages in a minute that are made for one address; what comes from memory is not counted; "
        "0: no limit.",
    )
    address_searches: int = _setting(
        "limits.searches_per_address",
        "0",
        _count,
        "Searches, tables of everything and zips in a minute that are made for one address; "
        "0: no limit.",
    )
    address_feeds: int = _setting(
        "limits.feeds_per_address",
        "0",
        _count,
        "Feeds in a minute that are made for one address; 0: no limit.",
    )
    address_bad_keys: int = _setting(
        "limits.bad_keys_per_address",
        "0",
        _count,
        "Keys in a minute from one address that are none, after which it may try no further; "
        "0: no limit.",
    )
    account_sign_ins: int = _setting(
        "limits.sign_ins_per_account",
        "10",
        _count,
        "Tries to sign in to one account within a quarter of an hour; 0: no limit.",
    )
    address_sign_ins: int = _setting(
        "limits.sign_ins_per_address",
        "50",
        _count,
        "Tries to sign in from one address within a quarter of an hour; 0: no limit.",
    )
    webhooks_private: bool = _setting(
        "webhooks.allow_private",
        "false",
        _flag,
        "Whether webhooks may be sent to private addresses and to this machine.",
    )
    text_seconds: float = _setting(
        "text.seconds", "30", _seconds, "Seconds that reading the text of one file may take."
    )
    text_megabytes: int = _setting(
        "text.megabytes", "1024", _count, "Memory that reading the text of one file may use."
    )
    aleph_host: str = _setting(
        "aleph.host",
        "",
        _optional_address,
        "Address of Aleph; empty: the bridge is off.",
        "ALEPHCLIENT_HOST",
    )
    aleph_key: str = _setting(
        "aleph.api_key", "", _text, "API key for Aleph.", "ALEPHCLIENT_API_KEY"
    )
    aleph_collection: str = _setting(
        "aleph.collection",
        "",
        _collection,
        "foreign_id of the collection, [a-z0-9_]; empty: foi_ and the site's host.",
    )
    bridge_file: str = _setting(
        "bridge.file",
        "",
        _text,
        "TOML file with the collections that Aleph shall hold, and further Alephs "
        "(docs/reporters.md); empty: one collection for the site.",
    )
    bridge_parallel: int = _setting(
        "bridge.parallel", "8", _some, "Requests that are sent to an Aleph at the same time."
    )

    @property
    def any_limit(self) -> bool:
        """Whether anybody is limited in how often they may call."""
        return any(
            (
                self.key_writes,
                self.address_writes,
                self.address_pages,
                self.address_searches,
                self.address_feeds,
                self.address_bad_keys,
            )
        )

    @property
    def data_folder(self) -> Path:
        return Path(self.data).expanduser().resolve()

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data_folder / 'foi.sqlite'}"

    @property
    def files_folder(self) -> Path:
        return (
            Path(self.files).expanduser().resolve() if self.files else self.data_folder / "files"
        )

    @property
    def search_folder(self) -> Path:
        return self.data_folder / "search"

    @property
    def key_secret_file(self) -> Path:
        return (
            Path(self.key_secret).expanduser()
            if self.key_secret
            else self.data_folder / "key_secret"
        )


def variables(setting_name: str, also: tuple[str, ...]) -> tuple[str, ...]:
    """Give the environment variables of a setting, the one that wins first."""
    return ("FOI_" + setting_name.removeprefix("foi.").upper().replace(".", "_"), *also)


def load(
    ini: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Read every setting from `ini`, then the environment; raise BadSetting naming the first that
    is wrong.
    """
    ini = ini or {}
    environ = os.environ if environ is None else environ
    values = {}
    for each in fields(Settings):
        name, also = each.metadata["name"], each.metadata["also"]
        raw = next((environ[v] for v in variables(name, also) if environ.get(v)), ini.get(name))
        source = each.metadata["default"] if raw is None else raw
        try:
            values[each.name] = each.metadata["read"](source)
        except ValueError as wrong:
            shown = "its value" if name in SECRET else repr(source)
            raise BadSetting(f"setting {name}: {shown} {wrong}") from None
    known = {each.metadata["name"] for each in fields(Settings)}
    parts = {name.split(".")[0] for name in known if "." in name}
    unknown = sorted(
        key for key in ini if "." in key and key.split(".")[0] in parts and key not in known
    )
    if unknown:
        raise BadSetting(f"setting {unknown[0]}: there is no such setting")
    values["site_url"] = values["site_url"] or local_address(values["port"])
    return Settings(**values)


def local_address(port: int) -> str:
    """Give the address of a site that nobody but this machine sees."""
    return f"http://localhost:{port}"
