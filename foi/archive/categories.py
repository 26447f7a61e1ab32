"""Titled groups of tags, by which the public finds authorities: `Local government` holds the tags
`council` and `police`, each in words (Alaveteli's categories under their headings).

All of them are one short text, written as they are shown, so that their order, titles and tags are
edited in one go. What it gives up: two people who edit at once overrule each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foi.archive.columns import Base

MOST = 100
LONGEST_TEXT = 50_000


class TagCategory(Base):
    """A titled group of tags of authorities."""

    __tablename__ = "tag_category"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Its place among the others."""
    title: Mapped[str] = mapped_column(unique=True)
    tags: Mapped[list[list[str]]] = mapped_column(JSON)
    """Pairs of a tag and the words for it, in order."""


@dataclass(frozen=True, slots=True)
class Category:
    """A titled group of tags, each with the words that stand for it."""

    title: str
    tags: tuple[tuple[str, str], ...]


def all_categories(db: Session) -> list[Category]:
    """Give every category in its order."""
    rows = db.execute(select(TagCategory.title, TagCategory.tags).order_by(TagCategory.id))
    return [Category(title, tuple((tag, words) for tag, words in tags)) for title, tags in rows]


def format_categories(categories: Iterable[Category]) -> str:
    """Write categories: a line for each title and, below it, one for each tag: `- council
    Councils`.
    """
    lines: list[str] = []
    for category in categories:
        lines += ["", category.title]
        lines += [
            f"- {tag}" if words == tag else f"- {tag} {words}" for tag, words in category.tags
        ]
    return "\n".join(lines[1:])


def rows_of(categories: Iterable[Category]) -> list[dict[str, Any]]:
    """Give categories as rows."""
    return [
        {"id": place, "title": category.title, "tags": [list(pair) for pair in category.tags]}
        for place, category in enumerate(categories, start=1)
    ]
