"""What became of one subject, told to whoever asked for it to be looked at.

It gives up the objects themselves: their foreign_ids stand for them.
"""

from dataclasses import dataclass, field


@dataclass
class Report:
    """What became of one subject."""

    subject: str
    sent: set[str] = field(default_factory=set)
    """foreign_ids of what was uploaded or written."""
    unchanged: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """foreign_id, and name if it has one -> reason."""
    waiting: str = ""
    """Why there is more to do once Aleph has got on; empty: there is not."""
    also: set[str] = field(default_factory=set)
    """Subjects at which somebody must look because of this."""
