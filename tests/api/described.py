"""Real answers held against the description of the site: strictly, so that a member that it does
not name is a failure.
"""

import copy
import re
from typing import Any
from urllib.parse import quote, urlencode

from jsonschema import Draft202012Validator

from foi.api.description.shapes import Schema

Operation = dict[str, Any]


def closed(schema: Any) -> Any:
    """Give a schema whose objects have no members but those that it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(each) for name, each in schema.items()}
    if "properties" in made and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


class Description:
    """A description, and what is asked of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._strict = closed(copy.deepcopy(document["components"]))
        # What is fixed comes before what varies (OpenAPI 3.1, "Path Templating"), the longer
        # ending before the shorter.
        paths = sorted(
            document["paths"], key=lambda p: ([part[:1] == "{" for part in p.split("/")], -len(p))
        )
        self._patterns = [(re.compile(self._pattern(path)), path) for path in paths]
        self._validators: dict[str, Draft202012Validator] = {}

    def _pattern(self, path: str) -> str:
        parts = re.split(r"(\{\w+\})", path)
        return "".join("[^/]+" if part[:1] == "{" else re.escape(part) for part in parts)

    def operations(self) -> list[tuple[str, str, Operation]]:
        """Give path, method and description of every operation."""
        return [
            (path, method, described)
            for path, item in self.document["paths"].items()
            for method, described in item.items()
        ]

    def path_of(self, address: str) -> str:
        """Give the path that describes an address; empty if none does."""
        plain = address.partition("?")[0]
        return next((path for pattern, path in self._patterns if pattern.fullmatch(plain)), "")

    def resolve(self, described: dict[str, Any]) -> dict[str, Any]:
        """Give what a reference points at."""
        if "$ref" not in described:
            return described
        found: Any = self.document
        for name in described["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return found  # type: ignore[no-any-return]

    def parameters(self, described: Operation) -> list[dict[str, Any]]:
        """Give the parameters of an operation."""
        return [self.resolve(each) for each in described["parameters"]]

    def faults(self, method: str, address: str, answered: Any) -> list[str]:
        """Say what is wrong with an answer: its status, its type, its headers, its members."""
        path = self.path_of(address)
        where = f"{method} {address} ({answered.status_int})"
        if not path:
            return [f"{where}: is not described"]
        described = self.document["paths"][path][method.lower()]["responses"]
        if str(answered.status_int) not in described:
            return [f"{where}: this status is not described"]
        said = self.resolve(described[str(answered.status_int)])
        missing = [
            f"{where}: has no {name}"
            for name, header in said.get("headers", {}).items()
            if header.get("required") and name not in answered.headers
        ]
        content = said.get("content", {})
        if not content:
            return missing + ([f"{where}: has a body"] if answered.body[:1] == b"{" else [])
        kind = next((k for k in (answered.content_type, "*/*") if k in content), None)
        if kind is None:
            return [*missing, f"{where}: {answered.content_type} is not described"]
        if not kind.endswith("json"):
            return missing
        return missing + [
            f"{where}: {'/'.join(map(str, fault.absolute_path))}: {fault.message[:200]}"
            for fault in self.validator(content[kind]["schema"]).iter_errors(answered.json)
        ]

    def validator(self, schema: Schema) -> Draft202012Validator:
        """Make what judges JSON by a schema, strictly."""
        known = repr(schema)
        if known not in self._validators:
            self._validators[known] = Draft202012Validator(
                {"components": self._strict, **closed(schema)},
                format_checker=Draft202012Validator.FORMAT_CHECKER,
            )
        return self._validators[known]


def example(described: dict[str, Any]) -> Any:
    """Give the example of a parameter; None if it has none."""
    if "example" in described:
        return described["example"]
    schema = described["schema"]
    return next(iter(schema.get("examples", ())), schema.get("default"))


def filled(description: Description, path: str, described: Operation) -> str:
    """Give an address with the examples of what varies in it and of its query."""
    query = []
    for each in description.parameters(described):
        value = example(each)
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", quote(str(value), safe=""))
        elif each["in"] == "query" and value is not None:
            query.append((each["name"], value))
    return path + (f"?{urlencode(query)}" if query else "")
