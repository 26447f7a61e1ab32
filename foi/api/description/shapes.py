"""The small words in which JSON is described (JSON Schema 2020-12), so that a description reads as
what it says.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]


def record(said: str, members: Mapping[str, Schema], optional: Iterable[str] = ()) -> Schema:
    """Describe an object; all of its members are always there but the optional ones."""
    missing = set(optional)
    return {
        "type": "object",
        "description": said,
        "properties": dict(members),
        "required": [name for name in members if name not in missing],
    }


def ref(name: str, said: str = "") -> Schema:
    """Point at a component."""
    return {"$ref": f"#/components/schemas/{name}"} | ({"description": said} if said else {})


def many(items: Schema, said: str = "") -> Schema:
    """Describe a list."""
    return _said({"type": "array", "items": items}, said)


def text(said: str = "", **more: Any) -> Schema:
    """Describe a text."""
    return _said({"type": "string", **more}, said)


def number(said: str = "", **more: Any) -> Schema:
    """Describe a whole number, not below zero."""
    return _said({"type": "integer", "minimum": 0, **more}, said)


def truth(said: str) -> Schema:
    """Describe what is true or false."""
    return {"type": "boolean", "description": said}


def url(said: str) -> Schema:
    """Describe an absolute address."""
    return text(said, format="uri")


def moment(said: str) -> Schema:
    """Describe a moment, written as Alaveteli writes it."""
    return text(said, format="date-time")


def day(said: str) -> Schema:
    """Describe a day in the site's time zone."""
    return text(said, format="date")


def one_of(values: Iterable[str], said: str = "") -> Schema:
    """Describe a text that is one of these."""
    return text(said, enum=[str(value) for value in values])


def null_or(schema: Schema) -> Schema:
    """Let something also be null."""
    if "$ref" in schema:
        described = {"description": schema["description"]} if "description" in schema else {}
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], **described}
    widened = schema | {"type": [schema["type"], "null"]}
    if "enum" in widened:
        widened["enum"] = [*widened["enum"], None]
    return widened


def _said(schema: Schema, said: str) -> Schema:
    return schema | ({"description": said} if said else {})
