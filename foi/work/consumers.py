"""What a consumer is: something that makes a far side agree with the rows, one subject at a time.

A delivery says "look at request:7"; the consumer reads the rows as they are now. Twice is
harmless, out of order is harmless, a crash anywhere is harmless.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from foi.archive.ledger import Owed


class Later(Exception):
    """The subject cannot be dealt with yet, through no fault of its own: try again after
    `seconds`, uncounted.
    """

    def __init__(self, seconds: float, why: str) -> None:
        super().__init__(why)
        self.seconds = seconds


Outcome = Mapping[str, Exception | None]
"""For each subject None (done), or why not; a subject that is missing counts as done."""


class Consumer(Protocol):
    """A taker of deliveries."""

    name: str
    """At most 24 letters; the `consumer` of its deliveries."""
    batch: int
    """How many subjects it takes at once."""

    @property
    def subjects(self) -> frozenset[str]:
        """Kinds of subject that are owed to it whenever they change; others only when owed by
        name.
        """

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Make the far side agree with the rows of these subjects; runs outside any
        transaction.
        """


@runtime_checkable
class Prepared(Protocol):
    """A consumer that has something to see to before the first delivery."""

    def prepare(self) -> None:
        """Make ready; harmless to repeat."""


@dataclass
class Consumers:
    """The consumers of a site, in the order of their registration."""

    all: list[Consumer] = field(default_factory=list)

    def add(self, consumer: Consumer) -> None:
        """Register a consumer; two of one name are a mistake."""
        if any(known.name == consumer.name for known in self.all):
            raise ValueError(f"there is a consumer {consumer.name} already")
        self.all.append(consumer)

    def prepare(self) -> None:
        """Let those that need it make ready: when a site or its worker starts."""
        for consumer in self.all:
            if isinstance(consumer, Prepared):
                consumer.prepare()

    def owed(self) -> list[Owed]:
        """Say what the ledger must owe to whom."""
        return [Owed(consumer.name, consumer.subjects) for consumer in self.all]
