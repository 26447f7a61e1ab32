"""Verbs on people."""

from datetime import datetime

from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.casework import names
from foi.archive.kinds import Kind
from foi.archive.models import Person


def add_person(
    db: Session,
    actor: str,
    *,
    name: str,
    about: str = "",
    url_name: str | None = None,
    at: datetime | None = None,
) -> Person:
    """Register somebody under a public name; the slug comes from `url_name` if given, else from
    the name.
    """
    moment = at or ledger.now()
    person = Person(
        name=name,
        about=about,
        url_name=url_name or names.free_slug(db, "person", name),
        created_at=moment,
        updated_at=moment,
    )
    db.add(person)
    ledger.record(db, ledger.happening(Kind.PERSON_ADDED, actor, at=at, person=person))
    return person


def edit_person(
    db: Session, person: Person, actor: str, *, name: str | None = None, about: str | None = None
) -> list[str]:
    """Change a person's public record and give the names of the fields that differ; a new name is
    a new slug.
    """
    ledger.hold(db, person)
    changed = []
    if name is not None and name != person.name:
        former, person.name = person.url_name, name
        person.url_name = names.free_slug(db, "person", name, person.id)
        if former != person.url_name:
            names.remember_former(db, "person", person.id, former, person.url_name)
        changed.append("name")
    if about is not None and about != person.about:
        person.about = about
        changed.append("about")
    if changed:
        person.updated_at = ledger.now()
        ledger.record(
            db, ledger.happening(Kind.PERSON_EDITED, actor, person=person, changed=changed)
        )
    return changed
