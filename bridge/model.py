"""What an Aleph's own model of things says of an entity, asked before it is sent.

One bad entity spoils a bulk write of a thousand, and a value that Aleph cannot read goes without a
word. Each instance describes its model, so the check fits its version. What it gives up: types
whose values this site never writes.
"""

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]*(\.[0-9a-f]{40})?")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d)?)?)?")
"""With a Z, or without seconds, Aleph loses the whole entity (aleph#3609)."""
_WRITTEN: Mapping[str, Callable[[str], object]] = {
    "date": _DATE.fullmatch,
    "entity": _ID.fullmatch,
    "url": re.compile(r"https?://[^/\s]\S*").fullmatch,
    "country": re.compile(r"[a-z]{2}(-[a-z0-9]+)?|[a-z]{3,6}").fullmatch,
    "language": re.compile(r"[a-z]{3}").fullmatch,
}


class Model:
    """The schemata of one instance with the types of their properties; empty: anything goes."""

    def __init__(self, described: Any = None) -> None:
        schemata = described.get("schemata") if isinstance(described, Mapping) else None
        self._raw: Mapping[str, Any] = schemata if isinstance(schemata, Mapping) else {}
        self._types: dict[str, dict[str, str]] = {}
        self._missed: set[str] = set()

    def _types_of(self, schema: str) -> dict[str, str]:
        """Give the type of each property of a schema, those of its ancestors included."""
        if schema not in self._types:
            found: dict[str, str] = {}
            ancestors: Iterable[str] = self._raw[schema].get("schemata") or [schema]
            for name in (*ancestors, schema):
                own = self._raw.get(name, {}).get("properties") or {}
                found |= {prop: str(each.get("type", "")) for prop, each in own.items()}
            self._types[schema] = found
        return self._types[schema]

    def schema(self, name: str) -> Mapping[str, Any] | None:
        """Give what the instance says of a schema; None when it does not know it."""
        found = self._raw.get(name)
        return found if isinstance(found, Mapping) else None

    def properties(self, name: str) -> dict[str, Mapping[str, Any]]:
        """Give what the instance says of each property of a schema, ancestors' included."""
        found: dict[str, Mapping[str, Any]] = {}
        for ancestor in (*(self._raw[name].get("schemata") or ()), name):
            found |= self._raw.get(ancestor, {}).get("properties") or {}
        return found

    def __bool__(self) -> bool:
        return bool(self._raw)

    def problem(self, entity: Mapping[str, Any]) -> str:
        """Say why Aleph would not take an entity, or would lose it; empty: it would."""
        if not _ID.fullmatch(str(entity.get("id"))):
            return "the id is not one that Aleph keeps apart from others"
        if not self._raw:
            return ""
        schema = str(entity.get("schema"))
        if schema not in self._raw:
            return f"this Aleph knows no schema {schema}"
        if self._raw[schema].get("abstract"):
            return f"Aleph never shows entities of the schema {schema}"
        types = self._types_of(schema)
        for name, values in (entity.get("properties") or {}).items():
            fits = _WRITTEN.get(types.get(name, ""))
            for value in values if fits else ():
                if fits is not None and not fits(value):
                    return f"property {name} would be lost: {value[:80]!r}"
        return ""

    def known(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        """Give an entity without the properties that this instance does not know."""
        if not self._raw:
            return dict(entity)
        types = self._types_of(str(entity["schema"]))
        properties = entity.get("properties") or {}
        unknown = properties.keys() - types.keys()
        for name in sorted(f"{entity['schema']}:{each}" for each in unknown):
            if name not in self._missed:
                self._missed.add(name)
                log.warning("This Aleph does not know the property %s; it is left out", name)
        if not unknown:
            return dict(entity)
        return {**entity, "properties": {n: v for n, v in properties.items() if n in types}}
