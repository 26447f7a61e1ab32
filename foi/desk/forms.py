"""A form that was filled in: its values, and what is wrong with each, all told at once."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from foi.archive.importing.values import check_tags, check_text

T = TypeVar("T")
LONGEST_REASON = 1000


class Form:
    """Reads fields and remembers what is wrong with them, by the name of the field."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        self.errors: dict[str, str] = {}

    def read(self, name: str, reader: Callable[[str], T], default: T) -> T:
        """Give what the reader makes of a field; the default where it is missing or wrong."""
        if name not in self.given:
            return default
        try:
            return reader(self.given[name])
        except ValueError as wrong:
            self.errors[name] = sentence(str(wrong))
            return default

    def wrong(self, name: str, why: str) -> None:
        """Note what is wrong with a field."""
        self.errors.setdefault(name, why)


def sentence(text: str) -> str:
    """Give what a check says as a sentence of its own."""
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}." if text[:1].islower() else f"{text}."


def tags(text: str) -> list[str]:
    """Read tags that are parted by blanks."""
    return check_tags(check_text(text, 50_000).split())


def reason(text: str) -> str:
    """Read the reason for an act."""
    return check_text(text.replace("\r\n", "\n").strip(), LONGEST_REASON)


def whole(text: str) -> int:
    """Read a number such as a row's."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError("is not a number")
    return int(text)


def values(row: Any, names: tuple[str, ...]) -> dict[str, str]:
    """Give the fields of a row as a form shows them."""
    return {name: getattr(row, name) or "" for name in names}
