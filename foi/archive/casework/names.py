"""Who has which slug: free ones for new rows, former ones that go on redirecting."""

from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.models import Body, FormerName, InfoRequest, Person
from foi.archive.slugs import numbered, slug

_COLUMN: dict[str, Any] = {
    "body": Body.url_name,
    "person": Person.url_name,
    "request": InfoRequest.url_title,
}
_RULE: dict[str, tuple[str, int | None]] = {
    "body": ("body", None),
    "person": ("user", None),
    "request": ("request", 32),
}


def free_slug(db: Session, kind: str, text: str, own_id: int | None = None) -> str:
    """Give a slug made from `text` that no other row of the kind has or had; what row `own_id` has
    or had counts as free.
    """
    if not ledger.is_gathering(db):
        ledger.lock(db)  # two who choose at once would choose the same one
    default, limit = _RULE[kind]
    wanted = slug(text, default, limit)
    # A slug that a longer one begins with is near at hand in the index: wanted <= slug < wanted +
    # the next letter.
    column = _COLUMN[kind]
    taken = set(
        db.scalars(
            select(column).where(
                column >= wanted, column < wanted + "`", column.class_.id.is_distinct_from(own_id)
            )
        )
    )
    taken |= set(
        db.scalars(
            select(FormerName.slug).where(
                FormerName.subject_kind == kind,
                FormerName.slug >= wanted,
                FormerName.slug < wanted + "`",
                FormerName.subject_id.is_distinct_from(own_id),
            )
        )
    )
    return numbered(wanted, taken)


def is_taken(db: Session, kind: str, wanted: str, own_id: int | None = None) -> bool:
    """Tell whether a row of the kind, other than `own_id`, has or had this slug."""
    column = _COLUMN[kind]
    others = exists().where(column == wanted, column.class_.id.is_distinct_from(own_id))
    former = exists().where(
        FormerName.subject_kind == kind,
        FormerName.slug == wanted,
        FormerName.subject_id.is_distinct_from(own_id),
    )
    return bool(db.scalar(select(others | former)))


def remember_former(db: Session, kind: str, subject_id: int, former: str, present: str) -> None:
    """Let the former slug redirect to the subject, and stop the present one from redirecting
    anywhere.
    """
    insert = ledger.upserting(db, FormerName)
    db.execute(
        insert.values(subject_kind=kind, slug=former, subject_id=subject_id).on_conflict_do_update(
            index_elements=["subject_kind", "slug"], set_={"subject_id": subject_id}
        )
    )
    row = db.get(FormerName, (kind, present))
    if row is not None:
        db.delete(row)


def resolve_former(db: Session, kind: str, former: str) -> str | None:
    """Give the present slug of what used to have this one; None when nothing had it."""
    column = _COLUMN[kind]
    return db.scalar(
        select(column)
        .join(FormerName, FormerName.subject_id == column.class_.id)
        .where(FormerName.subject_kind == kind, FormerName.slug == former)
    )
