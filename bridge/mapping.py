"""A FollowTheMoney mapping, read from a file and held against an instance's own model.

A mapping says how the rows of a table become entities. Aleph names one fault at a time, and some
only when it loads; here all are named before anything is sent. The rules are those of
followthemoney.mapping. What it gives up: judging the values in the table.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bridge.config import Unusable
from bridge.model import Model

LARGEST = 1_000_000
"""Bytes of a file that is read; a mapping has some thousand."""
_SOURCES = ("column", "columns", "literal", "literals", "entity", "template")
_KNOWN = {*_SOURCES, "join", "split", "required", "format", "fuzzy"}
_TEMPLATE = re.compile(r"{{([^(}})]*)}}")


def read(path: Path) -> dict[str, Any]:
    """Read a mapping of one table from JSON or YAML, bare or as followthemoney's files have it
    (below `entities`, or in the only query of a dataset); Unusable when it is none.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1).decode("utf-8-sig")
        if len(text) > LARGEST:
            raise Unusable(f"{path} is too large to be a mapping")
        found = _parsed(path, text)
    except (OSError, ValueError, RecursionError) as wrong:
        if isinstance(wrong, Unusable):
            raise
        why = " ".join(str(wrong).split())
        raise Unusable(f"{path} cannot be read as JSON or YAML: {why}") from None
    return _entities(path, found)


def _parsed(path: Path, text: str) -> Any:
    if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
        return json.loads(text)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as wrong:
        raise ValueError(str(wrong)) from None


def _entities(path: Path, found: Any) -> dict[str, Any]:
    if isinstance(found, dict) and len(found) == 1:
        (only,) = found.values()
        if isinstance(only, dict) and only.keys() & {"queries", "query"}:
            found = only
    if isinstance(found, dict):
        queries = found.get("queries", [found["query"]] if "query" in found else None)
        if isinstance(queries, list) and len(queries) != 1:
            raise Unusable(
                f"{path} has {len(queries)} queries; a mapping in Aleph is of one table"
            )
        if isinstance(queries, list):
            (found,) = queries
    if isinstance(found, dict) and "entities" in found:
        found = found["entities"]
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise Unusable(f"{path} is no mapping: it names no entities")
    return found


def problems(model: Model, query: Mapping[str, Any]) -> list[str]:
    """Give all that is wrong with a mapping, each as a sentence that names the place."""
    if not query:
        return ["the mapping names no entities"]
    found = [wrong for name, each in query.items() for wrong in _entity(model, query, name, each)]
    if not found and (ring := _ring(query)):
        found.append(f"{', '.join(ring)} refer to one another in a ring")
    return found


def columns(query: Mapping[str, Any]) -> set[str]:
    """Give the columns of the table that a good mapping reads."""
    found: set[str] = set()
    for each in query.values():
        found |= {str(column) for column in (*_texts(each, "key"), *_texts(each, "keys"))}
        found |= {str(each["id_column"])} if each.get("id_column") else set()
        for source in (each.get("properties") or {}).values():
            found |= {*_texts(source, "column"), *_texts(source, "columns")}
            found |= set(_TEMPLATE.findall(str(source.get("template") or "")))
    return found


def _entity(model: Model, query: Mapping[str, Any], name: str, each: Any) -> Iterator[str]:
    if not isinstance(each, Mapping):
        yield f"{name}: is not an object with schema, keys and properties"
        return
    schema = each.get("schema")
    described = model.schema(schema) if isinstance(schema, str) else None
    keys = [*_texts(each, "key"), *_texts(each, "keys")]
    if bool(keys) == bool(each.get("id_column")):
        yield f"{name}: name either keys or id_column: the columns that tell one from another"
    if not isinstance(schema, str):
        yield f"{name}: has no schema"
    elif model and described is None:
        yield f"{name}: this Aleph knows no schema {schema}"
    elif described is not None and described.get("abstract"):
        yield f"{name}: Aleph never shows entities of the schema {schema}"
    properties = each.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        yield f"{name}: has no properties"
        return
    known = model.properties(str(schema)) if described is not None else None
    for prop, source in properties.items():
        for wrong in _property(model, query, source, known, str(prop)):
            yield f"{name}.{prop}: {wrong}"


def _property(
    model: Model,
    query: Mapping[str, Any],
    source: Any,
    known: Mapping[str, Mapping[str, Any]] | None,
    prop: str,
) -> Iterator[str]:
    if not isinstance(source, Mapping):
        yield f"is not an object with one of {', '.join(_SOURCES)}"
        return
    if unknown := sorted(str(key) for key in source.keys() - _KNOWN):
        yield f"there is no {', '.join(unknown)} in a mapping"
    if not any(source.get(name) for name in _SOURCES):
        yield f"says nothing of where its value comes from: one of {', '.join(_SOURCES)}"
    if known is None:
        return
    described = known.get(prop)
    if described is None:
        yield "the schema has no such property"
        return
    if described.get("stub"):
        yield "is the other side of a reference, which is set there"
    named = source.get("entity")
    if not named:
        return
    other = query.get(str(named))
    wanted = str(described.get("range") or "")
    if not wanted:
        yield f"is no reference, so it cannot be the entity {named}"
    elif not isinstance(other, Mapping):
        yield f"there is no entity {named} in the mapping"
    elif not _is_a(model, str(other.get("schema")), wanted):
        yield f"must be a {wanted}, and {named} is a {other.get('schema')}"


def _is_a(model: Model, schema: str, wanted: str) -> bool:
    described = model.schema(schema)
    return described is None or wanted in (schema, *(described.get("schemata") or ()))


def _ring(query: Mapping[str, Any]) -> list[str]:
    """Give the entities that cannot be made because each needs another of them first."""
    needs = {
        name: {
            str(source["entity"]) for source in each["properties"].values() if source.get("entity")
        }
        for name, each in query.items()
    }
    while ready := [name for name, wanted in needs.items() if not wanted & needs.keys()]:
        for name in ready:
            del needs[name]
    return sorted(needs)


def _texts(given: Mapping[str, Any], name: str) -> list[str]:
    found = given.get(name)
    return (
        [str(each) for each in found] if isinstance(found, list) else [str(found)] if found else []
    )
