"""The verb on categories of tags."""

from collections.abc import Sequence

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.casework.acts import note
from foi.archive.categories import Category, TagCategory, all_categories, rows_of


def set_categories(db: Session, actor: str, categories: Sequence[Category]) -> bool:
    """Make these the categories of the site, in this order; tell whether that changed anything.
    The desk is told; the public lists of authorities show them at once.
    """
    if list(categories) == all_categories(db):
        return False
    db.execute(delete(TagCategory))
    if categories:
        db.execute(insert(TagCategory), rows_of(categories))
    note(db, actor, "categories_set", titles=[category.title for category in categories])
    # One step further is still before the next event: the note takes an id.
    ledger.bump(db, "bodies")
    return True
