"""Strict colander types: a number is no text, an unknown member is an error, and every error is
found at once.

Colander's own are made for forms and turn what they are given into what they want; a file should
say what it means. `null` and a missing member mean the same everywhere: not known.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import colander

from foi.archive.calendar import Calendar
from foi.archive.importing.dates import When, read_date
from foi.archive.importing.files import find_file
from foi.archive.importing.values import check_text


class Type(colander.SchemaType):  # type: ignore[misc]
    """A type whose `read` gives the value, or says by ValueError why there is none."""

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null or cstruct is None:
            return colander.null
        try:
            return self.read(cstruct)
        except ValueError as error:
            raise colander.Invalid(node, str(error)) from None

    def read(self, value: Any) -> Any:
        raise ValueError("cannot be read")


class Text(Type):
    """A text of at most `limit` characters, made what `reader` makes of it."""

    def __init__(self, limit: int, reader: Callable[[str], str] | None = None) -> None:
        self.limit, self.reader = limit, reader

    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("is not a text")
        text = check_text(value, self.limit)
        return self.reader(text) if self.reader else text


class Word(Type):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, value: Any) -> str:
        if value not in self.words:
            raise ValueError(f"{str(value)[:60]!r} is not one of {', '.join(self.words)}")
        return str(value)


class Flag(Type):
    """True or false."""

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError("is neither true nor false")
        return value


class Bytes(Type):
    """A number of bytes."""

    def read(self, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
            raise ValueError("is not a whole number of bytes")
        return value


class Date(Type):
    """A date, as exactly as it is known."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar

    def read(self, value: Any) -> When:
        if not isinstance(value, str):
            raise ValueError("is not a date in a text")
        return read_date(check_text(value, 60), self.calendar)


class HeldFile(Type):
    """The path of a file in or below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, value: Any) -> Path:
        if not isinstance(value, str):
            raise ValueError("is not a path in a text")
        return find_file(self.folder, value)


class Many(colander.Sequence):  # type: ignore[misc]
    """A list of at most `most`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def deserialize(self, node: colander.SchemaNode, cstruct: Any, **more: Any) -> Any:
        if cstruct is colander.null or cstruct is None:
            return colander.null
        if not isinstance(cstruct, list):
            raise colander.Invalid(node, "is not a list")
        if len(cstruct) > self.most:
            raise colander.Invalid(node, f"holds more than {self.most:,}")
        return super().deserialize(node, cstruct, **more)


class Record(colander.Mapping):  # type: ignore[misc]
    """An object with known members only; if `short` is given, a text stands for an object with
    that member.
    """

    def __init__(self, short: str = "") -> None:
        super().__init__()
        self.short = short

    def deserialize(self, node: colander.SchemaNode, cstruct: Any) -> Any:
        if cstruct is colander.null or cstruct is None:
            return colander.null
        if self.short and isinstance(cstruct, str):
            cstruct = {self.short: cstruct}
        if not isinstance(cstruct, dict):
            raise colander.Invalid(node, "is not an object")
        known = {child.name for child in node.children}
        error: colander.Invalid | None = None
        result = None
        try:
            result = super().deserialize(node, {k: v for k, v in cstruct.items() if k in known})
        except colander.Invalid as invalid:
            error = invalid
        for name in cstruct.keys() - known:
            error = error or colander.Invalid(node)
            stray = colander.SchemaNode(Type(), name=name[:60])
            error.add(colander.Invalid(stray, "is no member of the format"))
        if error is not None:
            raise error
        return result
