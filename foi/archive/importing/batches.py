"""Many lines in one transaction, and no good line lost to a bad one.

A batch is first tried as a whole, with one record of its events; only when the database objects is
it done again line by line, each in a savepoint of its own. What a line must be refused for is
found before it changes anything.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, StatementError
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.importing.archive import Archive
from foi.archive.importing.report import Refused, Report

LINES = 200
"""Lines that share a transaction; writers of the site wait no longer than one takes."""
BYTES = 16 << 20
"""Bytes of the file after which a batch is full, whatever the number of its lines."""

_NOT_OF_THE_LINE = (OperationalError, InterfaceError, InternalError)

T = TypeVar("T")


class Outcome(StrEnum):
    """What a line did to the archive."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A line that has been read and found sound; `identity` names what it is about, `what` says so
    in words.
    """

    line: int
    size: int
    identity: tuple[str, ...]
    what: str
    content: T


Take = Callable[[Session, Sequence[T]], Callable[[T], Outcome]]
"""Given a session and what a batch holds, fetch what is known of it and give the function that
takes one over.
"""


@dataclass
class Batches(Generic[T]):
    """Takes entries over into the archive and reports what came of each."""

    site: Archive
    take: Take[T]
    report: Report
    _seen: dict[bytes, int] = field(default_factory=dict)

    def run(self, entries: Iterable[Entry[T]]) -> None:
        """Take everything over, batch by batch."""
        for batch in _batched(entries):
            try:
                outcomes = self._together(batch)
            except (ValueError, StatementError) as error:
                _raise_if_not_of_the_line(error)
                outcomes = self._one_by_one(batch)
            for entry, outcome in zip(batch, outcomes, strict=True):
                self._count(entry, outcome)

    def _together(self, batch: Sequence[Entry[T]]) -> list[Outcome | Refused]:
        taken: dict[bytes, int] = {}
        with self.site.sessions.writing() as db, ledger.gathering(db):
            take = self.take(db, [entry.content for entry in batch])
            outcomes = [self._try(take, entry, taken) for entry in batch]
        self._seen |= taken
        return outcomes

    def _one_by_one(self, batch: Sequence[Entry[T]]) -> list[Outcome | Refused]:
        taken: dict[bytes, int] = {}
        outcomes: list[Outcome | Refused] = []
        with self.site.sessions.writing() as db:
            for entry in batch:
                try:
                    with db.begin_nested(), ledger.gathering(db):
                        outcome = self._try(self.take(db, [entry.content]), entry, taken)
                except (ValueError, StatementError) as error:
                    _raise_if_not_of_the_line(error)
                    taken.pop(_key(entry), None)
                    reason = error.orig if isinstance(error, StatementError) else error
                    outcome = Refused(f"the archive cannot take it: {reason}")
                outcomes.append(outcome)
        self._seen |= taken
        return outcomes

    def _try(
        self, take: Callable[[T], Outcome], entry: Entry[T], taken: dict[bytes, int]
    ) -> Outcome | Refused:
        """Take one entry over, unless an earlier line of the file was about the same."""
        key = _key(entry)
        before = self._seen.get(key) or taken.get(key)
        if before is not None:
            return Refused(f"line {before} holds the same {entry.what}")
        try:
            outcome = take(entry.content)
        except Refused as refused:
            return refused
        taken[key] = entry.line
        return outcome

    def _count(self, entry: Entry[T], outcome: Outcome | Refused) -> None:
        if isinstance(outcome, Refused):
            self.report.refuse(entry.line, outcome.reasons)
        else:
            setattr(self.report, outcome, getattr(self.report, outcome) + 1)


def _key(entry: Entry[T]) -> bytes:
    return hashlib.blake2b(repr(entry.identity).encode(), digest_size=16).digest()


def _raise_if_not_of_the_line(error: Exception) -> None:
    """Let a full disk or a lost connection end the import: that is no fault of any line."""
    if isinstance(error, _NOT_OF_THE_LINE):
        raise error


def _batched(entries: Iterable[Entry[T]]) -> Iterator[list[Entry[T]]]:
    batch: list[Entry[T]] = []
    size = 0
    for entry in entries:
        if batch and size + entry.size > BYTES:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
        if len(batch) >= LINES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
