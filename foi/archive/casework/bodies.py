"""Verbs on public bodies."""

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.casework import names, tags
from foi.archive.deadlines import JURISDICTIONS, UnknownJurisdiction
from foi.archive.history import BodyVersion
from foi.archive.kinds import Kind
from foi.archive.models import Body, CarriedKey


class BodyFields(TypedDict, total=False):
    """What can be said of an authority; all texts, empty for "nothing known"."""

    name: str
    short_name: str
    notes: str
    home_page: str
    publication_scheme: str
    disclosure_log: str
    request_email: str
    jurisdiction: str


FIELDS = (*BodyFields.__annotations__, "url_name")
"""The columns of an authority's record that its versions keep, beside its tags."""


def sort_name(name: str) -> str:
    """Fold a name for the A-Z list: no case, no accents, digits and marks as they are."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)).strip()


def add_body(
    db: Session,
    actor: str,
    *,
    url_name: str | None = None,
    tag_texts: Iterable[str] = (),
    at: datetime | None = None,
    **fields: Unpack[BodyFields],
) -> Body:
    """Add an authority; its slug comes from `url_name` if given, else from its short or full
    name.
    """
    _check_jurisdiction(fields)
    moment = ledger.now()
    body = Body(
        **fields,
        sort_name=sort_name(fields["name"]),
        url_name=url_name
        or names.free_slug(db, "body", fields.get("short_name") or fields["name"]),
        created_at=at or moment,
        updated_at=at or moment,
    )
    db.add(body)
    event = ledger.happening(Kind.BODY_ADDED, actor, at=at, body=body)
    tag_list = list(tag_texts)
    if tag_list:
        db.flush()
        tags.add_tags(db, "body", body.id, tag_list)
    ledger.record(db, event)
    return body


def edit_body(
    db: Session,
    body: Body,
    actor: str,
    *,
    url_name: str | None = None,
    tag_texts: Iterable[str] | None = None,
    **fields: Unpack[BodyFields],
) -> list[str]:
    """Change an authority's record and give the names of the fields that differ; no difference, no
    event.

    A new `url_name` leaves the former one redirecting; the record as it was is kept as a version.
    """
    _check_jurisdiction(fields)
    ledger.hold(db, body)
    former = as_it_is(db, body)
    changed = [name for name, value in fields.items() if getattr(body, name) != value]
    for name in changed:
        setattr(body, name, fields[name])  # type: ignore[literal-required]
    if url_name is not None and url_name != body.url_name:
        names.remember_former(db, "body", body.id, body.url_name, url_name)
        body.url_name = url_name
        changed.append("url_name")
    if tag_texts is not None and tags.replace_tags(db, "body", body.id, tag_texts):
        changed.append("tags")
    if changed:
        db.add(former)
        body.sort_name = sort_name(body.name)
        body.version += 1
        body.updated_at = ledger.now()
        ledger.record(db, ledger.happening(Kind.BODY_EDITED, actor, body=body, changed=changed))
    return changed


def as_it_is(db: Session, body: Body) -> BodyVersion:
    """Give an authority's record as it is at present, not kept yet."""
    record: dict[str, Any] = {name: getattr(body, name) for name in FIELDS}
    record["tags"] = [tags.format_tag(*pair) for pair in tags.tags_of(db, "body", body.id)]
    return BodyVersion(body_id=body.id, version=body.version, record=record, until=ledger.now())


def _check_jurisdiction(fields: BodyFields) -> None:
    code = fields.get("jurisdiction")
    if code and code not in JURISDICTIONS:
        raise UnknownJurisdiction(code)


def rotate_key(db: Session, body: Body, actor: str) -> None:
    """Make every key of the authority invalid but the one that is made from now on."""
    ledger.hold(db, body)
    body.key_generation += 1
    db.query(CarriedKey).filter_by(body_id=body.id).delete()
    ledger.record(db, ledger.happening(Kind.KEY_ROTATED, actor, body=body))


def show_key(db: Session, body: Body, actor: str) -> None:
    """Note that the authority's key is shown to somebody; the key itself is made by `Keys`."""
    ledger.record(db, ledger.happening(Kind.KEY_SHOWN, actor, body=body))


def carry_key(db: Session, body: Body, key: str, actor: str) -> None:
    """Let a key of the authority's former (Alaveteli) site work here as well; only its SHA-256 is
    kept.
    """
    digest = hashlib.sha256(key.encode()).hexdigest()
    if db.get(CarriedKey, digest) is None:
        db.add(CarriedKey(sha256=digest, body_id=body.id))
        ledger.record(db, ledger.happening(Kind.KEY_CARRIED, actor, body=body))
