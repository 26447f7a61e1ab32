"""Which Alephs there are and which collections each holds: from the settings, and from a file.

The settings name one Aleph with one collection for the whole site. A TOML file (`bridge.file`) may
say more: collections for each authority, for each tag or for a query, and further Alephs. What it
gives up: keys in that file; it names the file or the variable that holds one.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge.schemata import country_of, language_of
from bridge.selection import Asked, Everything, NotDecidable, Selection
from bridge.wire import address
from foi.settings import BadSetting, Settings
from foi.site import Site

FREQUENCIES = ("unknown", "never", "daily", "weekly", "monthly", "annual")
KINDS = ("everything", "authority", "tag", "query")
_FIELDS = ("label", "summary", "publisher", "publisher_url", "info_url")
_SLUG = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


class Unusable(BadSetting):
    """The settings do not let the bridge work; the text says which and why."""


@dataclass(frozen=True)
class Plan:
    """One entry of the file: a collection, or one for each authority or tag."""

    name: str
    """Its foreign_id, or how those of its collections begin."""
    of: str = "everything"
    tags: tuple[str, ...] = ()
    """For each of these tags alone; empty: for each that a request bears."""
    selection: Selection = field(default_factory=Everything)
    said: Mapping[str, Any] = field(default_factory=dict)
    """What it says of itself, where that differs from what the site says."""

    def foreign_id(self, what: str = "") -> str:
        """Give the foreign_id of one of its collections: for an authority's number, or a tag."""
        if not what:
            return self.name
        slug = re.sub(r"[^a-z0-9]+", "_", what.lower()).strip("_")
        if slug != what:  # two tags must not meet in one collection
            mark = hashlib.sha256(what.encode()).hexdigest()[:8]
            slug = f"{slug}_{mark}" if slug else mark
        return f"{self.name}_{slug}"

    def fields(self, site: Site, **words: str) -> dict[str, Any]:
        """Describe a collection in Aleph's terms; `words` fill {authority}, {tag}, {site}."""
        settings = site.settings
        language = language_of(settings.site_locale)
        named = " · ".join(word for name, word in words.items() if name in ("authority", "tag"))
        given: dict[str, Any] = {
            "label": f"{{site}}: {named}" if named else "{site}",
            "summary": f"Requests for information and their answers, from {settings.site_url}",
            "publisher": settings.site_name,
            "publisher_url": settings.site_url,
            "info_url": settings.site_url,
            "countries": [country_of(settings.jurisdiction)],
            "languages": [language] if language else [],
            "frequency": "daily",
            "category": "library",
            **self.said,
        }
        fill = {"site": settings.site_name, "authority": "", "tag": "", **words}
        given |= {name: _filled(str(given[name]), fill) for name in _FIELDS}
        # Aleph takes labels of 2 to 500 characters.
        label = given["label"][:500]
        return given | {"label": label if len(label) > 1 else f"{label} ({self.name})"}


@dataclass(frozen=True)
class Remote:
    """One Aleph, and what it is to hold."""

    name: str
    """Empty for the one that the settings name."""
    host: str
    key: str = field(repr=False)
    plans: tuple[Plan, ...] = ()
    public: str = ""
    """Its address for the public, where that is another."""

    def page(self, entity_id: str) -> str:
        """Give where people see an entity."""
        return f"{self.public or self.host}/entities/{entity_id}"

    @property
    def consumer(self) -> str:
        """Give the name of its part of the worker."""
        return f"aleph-{self.name}" if self.name else "aleph"

    def plan(self, foreign_id: str) -> Plan | None:
        """Give the plan that a collection belongs to; None when it is none of these."""
        fitting = [
            plan
            for plan in self.plans
            if foreign_id == plan.name
            or (plan.of in ("authority", "tag") and foreign_id.startswith(f"{plan.name}_"))
        ]
        return max(fitting, key=lambda plan: len(plan.name), default=None)


def collection_name(settings: Settings) -> str:
    """Give the foreign_id of the collection: as set, else made from the site's host."""
    host = urlsplit(settings.site_url).hostname or ""
    return settings.aleph_collection or "foi_" + re.sub(r"[^a-z0-9]+", "_", host).strip("_")


def remotes(settings: Settings, environ: Mapping[str, str] | None = None) -> list[Remote]:
    """Give every Aleph that the settings and the file name; Unusable when the file is wrong."""
    environ = os.environ if environ is None else environ
    whole = Plan(collection_name(settings))
    found = _read(settings.bridge_file) if settings.bridge_file else {}
    try:
        unknown = sorted(found.keys() - {"collection", "target"})
        if unknown:
            raise ValueError(f"there is no [{unknown[0]}]")
        plans = [_plan(each) for each in _tables(found, "collection")] or [whole]
        _once("collection", [plan.name for plan in plans])
        _apart(plans)
        known = {plan.name: plan for plan in plans}
        targets = [_remote(each, known, environ) for each in _tables(found, "target")]
        _once("target", [remote.name for remote in targets])
    except (ValueError, OSError) as wrong:
        raise Unusable(f"setting bridge.file: {settings.bridge_file}: {wrong}") from None
    own = Remote(
        "", address(settings.aleph_host), settings.aleph_key, tuple(plans), settings.aleph_public
    )
    every = [own, *targets] if settings.aleph_host else targets
    if len({remote.host for remote in every}) < len(every):
        raise Unusable(
            f"setting bridge.file: {settings.bridge_file}: two targets have one address"
        )
    return every


def _read(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise Unusable(f"setting bridge.file: {path} cannot be read as TOML: {wrong}") from None


def _tables(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    tables = found.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise ValueError(f"write each {name} as [[{name}]]")
    return tables


def _plan(table: Mapping[str, Any]) -> Plan:
    name = table.get("foreign_id")
    if not isinstance(name, str) or not _SLUG.fullmatch(name):
        raise ValueError(f"a collection's foreign_id is a-z, 0-9 and single _, not {name!r}")
    allowed = {"foreign_id", "of", "query", "tags", "countries", "languages", "frequency"}
    unknown = sorted(table.keys() - allowed - {*_FIELDS, "category"})
    if unknown:
        raise ValueError(f"collection {name}: there is no {unknown[0]}")
    of = table.get("of", "query" if "query" in table else "everything")
    if of not in KINDS:
        raise ValueError(f"collection {name}: of is one of {', '.join(KINDS)}")
    if (of == "query") != ("query" in table) or ("tags" in table and of != "tag"):
        raise ValueError(f'collection {name}: query belongs to of = "query", tags to of = "tag"')
    try:
        selection = Asked(str(table["query"])) if of == "query" else Everything()
    except NotDecidable as wrong:
        raise ValueError(f"collection {name}: query: {wrong}") from None
    if table.get("frequency", "daily") not in FREQUENCIES:
        raise ValueError(f"collection {name}: frequency is one of {', '.join(FREQUENCIES)}")
    said = {key: each for key, each in table.items() if key not in {"foreign_id", "of", "query"}}
    tags = tuple(_strings(name, "tags", said.pop("tags", [])))
    for key in ("countries", "languages"):
        if key in said:
            said[key] = _strings(name, key, said[key])
    for key in (*_FIELDS, "category"):
        if not isinstance(said.get(key, ""), str):
            raise ValueError(f"collection {name}: {key} is a text")
    return Plan(name, of, tags, selection, said)


def _strings(name: str, key: str, given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"collection {name}: {key} is a list of texts")
    return given


def _remote(
    table: Mapping[str, Any], plans: Mapping[str, Plan], environ: Mapping[str, str]
) -> Remote:
    name, host = table.get("name"), table.get("host")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9]{1,16}", name):
        raise ValueError(f"a target's name is up to 16 of a-z and 0-9, not {name!r}")
    unknown = sorted(
        table.keys()
        - {"name", "host", "public_url", "api_key_file", "api_key_variable", "collections"}
    )
    if unknown:
        raise ValueError(f"target {name}: there is no {unknown[0]}")
    public = table.get("public_url", host)
    for key, given in (("host", host), ("public_url", public)):
        parts = urlsplit(given if isinstance(given, str) else "")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"target {name}: {key} is an http(s) address")
    wanted = _strings(name, "collections", table.get("collections", list(plans)))
    missing = [each for each in wanted if each not in plans]
    if missing:
        raise ValueError(f"target {name}: there is no collection {missing[0]}")
    key = environ.get(str(table.get("api_key_variable", "")), "")
    if "api_key_file" in table:
        key = Path(str(table["api_key_file"])).expanduser().read_text(encoding="utf-8")
    chosen = tuple(plans[each] for each in wanted)
    return Remote(name, address(str(host)), key.strip(), chosen, address(str(public)))


def _once(what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"there are two of {what} {name}")


def _apart(plans: list[Plan]) -> None:
    """Raise ValueError when a collection's foreign_id may be one of another plan's."""
    for many in plans:
        for each in plans:
            if many.of in ("authority", "tag") and each.name.startswith(f"{many.name}_"):
                raise ValueError(f"collection {each.name} may be one of those of {many.name}")


def _filled(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\{(site|authority|tag)\}", lambda found: words[found[1]], text)
