"""Tags and machine tags: `name` or `name:value`, where the value may hold further colons
(Alaveteli's HasTagString).
"""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from foi.archive.models import Tag

Pair = tuple[str, str]


def parse_tag(text: str) -> Pair:
    """Split `name:value`; the value of a plain tag is empty."""
    name, _, value = text.strip().partition(":")
    return name, value


def format_tag(name: str, value: str) -> str:
    """Join what `parse_tag` splits."""
    return f"{name}:{value}" if value else name


def tags_of(db: Session, kind: str, subject_id: int) -> list[Pair]:
    """Give the tags of a subject in the order in which they were given."""
    rows = db.execute(
        select(Tag.name, Tag.value)
        .where(Tag.subject_kind == kind, Tag.subject_id == subject_id)
        .order_by(Tag.id)
    )
    return [(name, value) for name, value in rows]


def add_tags(db: Session, kind: str, subject_id: int, tags: Iterable[str]) -> None:
    """Write the tags of a subject that has none yet; repeated ones once."""
    pairs = dict.fromkeys(parse_tag(tag) for tag in tags if tag.strip(": "))
    rows = [
        {"subject_kind": kind, "subject_id": subject_id, "name": n, "value": v}
        for n, v in pairs
        if n
    ]
    if rows:  # one statement, and no objects to keep track of: an import adds tens of thousands
        db.execute(insert(Tag), rows)


def replace_tags(db: Session, kind: str, subject_id: int, tags: Iterable[str]) -> bool:
    """Make these the tags of a subject; tell whether that changed anything."""
    tags = list(tags)
    wanted = list(dict.fromkeys(pair for tag in tags if (pair := parse_tag(tag))[0]))
    if wanted == tags_of(db, kind, subject_id):
        return False
    db.execute(delete(Tag).where(Tag.subject_kind == kind, Tag.subject_id == subject_id))
    add_tags(db, kind, subject_id, tags)
    return True
