"""Every setting of the site in one frozen dataclass, read from the ini file and then the
environment.

A setting `part.name` of the ini file is overridden by the variable FOI_PART_NAME (`foi.extensions`
by FOI_EXTENSIONS); a few have a second, customary variable. A wrong value names its setting and
stops the start. Fields carry their own documentation: `foi settings` and docs/operators.md show
it.
"""

import ipaddress
import os
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from foi import setting_types as types


class BadSetting(ValueError):
    """A setting has a value that cannot be used; the text names the setting and says why."""


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
        types.text,
        "Folder of everything the site keeps: database, files, index, secret.",
    )
    extensions: tuple[str, ...] = _setting(
        "foi.extensions",
        "feeds bridge",
        types.words,
        "Packages that add to the site: `join` adds consumers and duties, `includeme` pages.",
    )
    site_url: str = _setting(
        "site.url",
        "",
        types.optional_address,
        "Public address; every absolute link starts with it. Empty: this machine, at the port.",
    )
    site_name: str = _setting(
        "site.name", "Open Answers", types.text, "The site's name, in titles and feeds."
    )
    site_contact: str = _setting(
        "site.contact",
        "",
        types.contact,
        "E-mail or web address at which the public reaches those who run the site; shown to all.",
    )
    site_locale: str = _setting(
        "site.locale", "en-GB", types.text, "Language of the site, as in HTML's `lang`."
    )
    site_zone: zoneinfo.ZoneInfo = _setting(
        "site.timezone",
        "Europe/London",
        types.zone,
        "Time zone of dates on pages and of deadlines.",
    )
    jurisdiction: str = _setting(
        "site.jurisdiction",
        "GB",
        types.jurisdiction,
        "Deadline rule of authorities that name none (docs/deadlines.md).",
    )
    host: str = _setting(
        "server.host", "127.0.0.1", types.text, "Address that `foi serve` listens on."
    )
    port: int = _setting(
        "server.port", "6543", types.port, "Port that `foi serve` listens on.", "PORT"
    )
    threads: int = _setting(
        "server.threads", "4", types.some, "Threads that answer requests in one process."
    )
    body_limit: int = _setting(
        "server.body_limit",
        "2164260864",
        types.count,
        "Largest request body in bytes; beyond it the answer is 413; 0: no limit.",
    )
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = _setting(
        "server.trusted_proxies",
        "",
        types.networks,
        "Addresses or networks of reverse proxies whose X-Forwarded-For is believed.",
    )
    database: str = _setting(
        "database.url",
        "",
        types.database,
        "SQLAlchemy address; empty: SQLite in the data folder; postgresql+psycopg://...",
    )
    files: str = _setting(
        "files.url",
        "",
        types.folder_address,
        "Folder of attachments; empty: `files` in the data folder.",
    )
    search_engine: str = _setting(
        "search.engine",
        "whoosh",
        types.choice(
            "whoosh", later={"postgres": "is planned; this version searches with whoosh only"}
        ),
        "Search engine.",
    )
    key_secret: str = _setting(
        "key.secret_file",
        "",
        types.text,
        "File with the secret that signs authorities' keys; empty: in the data folder.",
    )
    worker: bool = _setting(
        "worker.embedded",
        "true",
        types.flag,
        "Whether `foi serve` does the owed work in a thread.",
    )
    worker_poll: float = _setting(
        "worker.poll", "0.25", types.seconds, "Seconds between looks for owed work."
    )
    cache_megabytes: int = _setting(
        "cache.megabytes", "64", types.count, "Memory for finished pages; 0 turns it off."
    )
    attachment_limit: int = _setting(
        "limits.attachment",
        "1073741824",
        types.count,
        "Largest attachment in bytes; beyond it the answer is 413; 0: no limit.",
    )
    request_limit: int = _setting(
        "limits.request",
        "2147483648",
        types.count,
        "Largest sum of attachments in one call, in bytes; beyond it the answer is 413; "
        "0: no limit.",
    )
    authority_limit: int = _setting(
        "limits.authority",
        "107374182400",
        types.count,
        "Bytes that the attachments of one authority's requests may have together before "
        "uploads are answered with 413; 0: no limit.",
    )
    field_limit: int = _setting(
        "limits.field",
        "2097152",
        types.count,
        "Largest form, apart from its files, or JSON text in bytes; beyond it the answer is 413; "
        "0: no limit.",
    )
    key_writes: int = _setting(
        "limits.writes_per_key",
        "0",
        types.count,
        "Writes in a minute with one authority's key; beyond it the answer is 429; 0: no limit.",
    )
    address_writes: int = _setting(
        "limits.writes_per_address",
        "0",
        types.count,
        "Writes of any kind in a minute from one address; 0: no limit.",
    )
    address_pages: int = _setting(
        "limits.pages_per_address",
        "0",
        types.count,
        "Pages in a minute that are made for one address; what comes from memory is not counted; "
        "0: no limit.",
    )
    address_searches: int = _setting(
        "limits.searches_per_address",
        "0",
        types.count,
        "Searches, tables of everything and zips in a minute that are made for one address; "
        "0: no limit.",
    )
    address_feeds: int = _setting(
        "limits.feeds_per_address",
        "0",
        types.count,
        "Feeds in a minute that are made for one address; 0: no limit.",
    )
    address_bad_keys: int = _setting(
        "limits.bad_keys_per_address",
        "0",
        types.count,
        "Keys in a minute from one address that are none, after which it may try no further; "
        "0: no limit.",
    )
    account_sign_ins: int = _setting(
        "limits.sign_ins_per_account",
        "10",
        types.count,
        "Tries to sign in to one account within a quarter of an hour; 0: no limit.",
    )
    address_sign_ins: int = _setting(
        "limits.sign_ins_per_address",
        "50",
        types.count,
        "Tries to sign in from one address within a quarter of an hour; 0: no limit.",
    )
    webhooks_private: bool = _setting(
        "webhooks.allow_private",
        "false",
        types.flag,
        "Whether webhooks may be sent to private addresses and to this machine.",
    )
    text_seconds: float = _setting(
        "text.seconds", "30", types.seconds, "Seconds that reading the text of one file may take."
    )
    text_megabytes: int = _setting(
        "text.megabytes", "1024", types.count, "Memory that reading the text of one file may use."
    )
    aleph_host: str = _setting(
        "aleph.host",
        "",
        types.optional_address,
        "Address of Aleph; empty: the bridge is off.",
        "ALEPHCLIENT_HOST",
    )
    aleph_key: str = _setting(
        "aleph.api_key", "", types.text, "API key for Aleph.", "ALEPHCLIENT_API_KEY"
    )
    aleph_collection: str = _setting(
        "aleph.collection",
        "",
        types.collection,
        "foreign_id of the collection, [a-z0-9_]; empty: foi_ and the site's host.",
    )
    aleph_public: str = _setting(
        "aleph.public_url",
        "",
        types.optional_address,
        "Address of Aleph in links on pages; empty: that of `aleph.host`.",
    )
    aleph_search: bool = _setting(
        "aleph.search",
        "false",
        types.flag,
        "Whether the public may search, through this site, the texts that Aleph holds for it.",
    )
    bridge_file: str = _setting(
        "bridge.file",
        "",
        types.text,
        "TOML file with the collections that Aleph shall hold, and further Alephs "
        "(docs/reporters.md); empty: one collection for the site.",
    )
    bridge_parallel: int = _setting(
        "bridge.parallel", "8", types.some, "Requests that are sent to an Aleph at the same time."
    )
    bridge_publish: bool = _setting(
        "bridge.publish",
        "false",
        types.flag,
        "Whether the export is kept up in the data folder and served at `/data/`.",
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
    def export_folder(self) -> Path:
        return self.data_folder / "export"

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
