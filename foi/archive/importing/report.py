"""What came of an import: how many lines did what, and why each refused one was refused.

Reasons quote the file, so they are made fit to print: no control characters, not endless.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

LONGEST_REASON = 500
"""Characters that are kept of a reason."""


class UnusableFile(ValueError):
    """The file as a whole cannot be read as what it should be; nothing of it was imported."""


class Refused(Exception):
    """A line cannot be imported, for these reasons; nothing of it was changed."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons: Sequence[str] = reasons


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused line: its number in the file, from 1, and why."""

    line: int
    reason: str


@dataclass
class Report:
    """The outcome of an import, line by line."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def refuse(self, line: int, reasons: Sequence[str]) -> None:
        """Note that a line was refused."""
        self.refused.append(Refusal(line, printable("; ".join(reasons))))

    def summary(self) -> str:
        """Give the outcome in one line."""
        return (
            f"{self.created:,} created, {self.updated:,} updated, "
            f"{self.unchanged:,} unchanged, {len(self.refused):,} refused"
        )

    def as_json(self) -> dict[str, Any]:
        """Give the outcome as JSON members."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": [{"line": each.line, "reason": each.reason} for each in self.refused],
        }


class Progress(Protocol):
    """Is told, again and again, how far an import has come."""

    def __call__(self, done: int, total: int, report: Report) -> None:
        """`done` of `total` bytes of the file have been read."""


def printable(text: str) -> str:
    """Give a text that a terminal can show: controls and what is no character escaped, cut to
    LONGEST_REASON.
    """
    text = text[: LONGEST_REASON + 1]
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= LONGEST_REASON else shown[: LONGEST_REASON - 1] + "…"
