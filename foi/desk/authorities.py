"""Authorities at the desk: finding, adding, editing, versions, tags and keys."""

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import ColumnElement, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.casework import format_tag, parse_tag, tags_of
from foi.archive.casework.bodies import as_it_is
from foi.archive.casework.names import is_taken
from foi.archive.categories import Category, all_categories, format_categories
from foi.archive.deadlines import JURISDICTIONS
from foi.archive.history import BodyVersion
from foi.archive.importing.authorities import FIELDS as COLUMNS
from foi.archive.importing.categories import read_categories
from foi.archive.importing.values import check_slug
from foi.archive.models import Body, FormerName, InfoRequest, Tag
from foi.desk import frame, use
from foi.desk.forms import Form, tags, values, whole
from foi.pages import cursors
from foi.site import site_of

FIELDS = dict(COLUMNS.values())
"""The fields of an authority by name, each with its reader: those of an import."""
_MOST_TAGS = 2000


def index(request: Request) -> Response:
    """Authorities by name, found by words of it, by address or by tag."""
    words, tag = request.GET.get("q", "").strip(), request.GET.get("tag", "").strip()
    conditions = _matching(words) + _tagged(tag)
    if "after" in request.GET:
        after = cursors.read(request.GET["after"], str, int)
        conditions.append(tuple_(Body.sort_name, Body.id) > after)
    rows = request.db.execute(
        select(Body.id, Body.name, Body.url_name, Body.request_email, Body.sort_name)
        .where(*conditions)
        .order_by(Body.sort_name, Body.id)
        .limit(frame.SHOWN + 1)
    ).all()
    shown, last = frame.cut(rows)
    return frame.show(
        request,
        "bodies",
        "Authorities",
        rows=shown,
        words=words,
        tag=tag,
        after=cursors.write(last.sort_name, last.id) if last else "",
    )


def _matching(words: str) -> list[ColumnElement[bool]]:
    wanted = words.casefold()
    if not wanted:
        return []
    return [
        or_(
            *(
                func.lower(column).contains(wanted, autoescape=True)
                for column in (Body.name, Body.short_name, Body.url_name, Body.request_email)
            )
        )
    ]


def _tagged(tag: str) -> list[ColumnElement[bool]]:
    name, value = parse_tag(tag)
    if not name:
        return []
    wanted = [Tag.subject_kind == "body", Tag.subject_id == Body.id, Tag.name == name]
    if value:
        wanted.append(Tag.value == value)
    return [exists().where(*wanted)]


def all_tags(request: Request) -> Response:
    """Every tag of authorities, which is what they are sorted by, with how many have it and how
    many values it has; and the categories that hold them.
    """
    return _tags(request, format_categories(all_categories(request.db)))


def _tags(request: Request, given: str, errors: dict[str, str] | None = None) -> Response:
    rows = request.db.execute(
        select(
            Tag.name,
            func.count(Tag.subject_id.distinct()),
            func.count(func.nullif(Tag.value, "").distinct()),
        )
        .where(Tag.subject_kind == "body")
        .group_by(Tag.name)
        .order_by(Tag.name)
        .limit(_MOST_TAGS)
    )
    return frame.show(
        request,
        "tags",
        "Tags of authorities",
        status=422 if errors else 200,
        rows=rows.all(),
        given=given,
        errors=errors or {},
    )


def save_categories(request: Request) -> Response:
    """Make other categories of tags, all in one go."""
    form, none = Form({"categories": "", **request.sent.fields}), list[Category]()
    categories = form.read("categories", read_categories, none)
    if form.errors:
        return _tags(request, form.given["categories"], form.errors)
    changed = casework.set_categories(request.db, request.identity.actor, categories)
    return frame.onward("/desk/tags", "saved" if changed else "same")


def ask_new(request: Request) -> Response:
    """An empty form."""
    return _form(request, None, dict.fromkeys((*FIELDS, "url_name", "tags"), ""))


def add(request: Request) -> Response:
    """Add an authority."""
    form = Form(request.sent.fields)
    fields, tag_texts, url_name = _read(request.db, form, None)
    if form.errors:
        return _form(request, None, dict(form.given), form.errors)
    db, actor = request.db, request.identity.actor
    body = casework.add_body(
        db, actor, url_name=url_name or None, tag_texts=tag_texts or (), **fields
    )
    db.flush()
    casework.note(db, actor, "body_added", body=body)
    return frame.onward(f"/desk/body/{body.id}", "added")


def page(request: Request) -> Response:
    """One authority: its record as a form, key, use of the write API, versions."""
    body = frame.found(request, Body, "authority")
    return _form(request, body, _record(request.db, body))


def _record(db: Session, body: Body) -> dict[str, str]:
    shown = values(body, (*FIELDS, "url_name"))
    shown["tags"] = " ".join(format_tag(*pair) for pair in tags_of(db, "body", body.id))
    return shown | {"version": str(body.version)}


def save(request: Request) -> Response:
    """Change an authority's record, unless somebody else has done so meanwhile."""
    body = frame.found(request, Body, "authority")
    form, db, actor = Form(request.sent.fields), request.db, request.identity.actor
    fields, tag_texts, url_name = _read(db, form, body)
    if form.read("version", whole, body.version) != body.version:
        form.wrong(
            "name",
            "Somebody else has changed this authority meanwhile. "
            "Its present record is behind “Versions”; saving once more replaces it.",
        )
    if form.errors:
        return _form(request, body, dict(form.given) | {"version": str(body.version)}, form.errors)
    with casework.act(db, actor, "body_edited", body=body):
        changed = casework.edit_body(
            db, body, actor, url_name=url_name or None, tag_texts=tag_texts, **fields
        )
    return frame.onward(f"/desk/body/{body.id}", "saved" if changed else "same")


def _read(db: Session, form: Form, body: Body | None) -> tuple[Any, list[str] | None, str]:
    """Read what was filled in; what is wrong is in the form. What stands there already need not
    be to today's rules.
    """
    fields = {
        name: form.read(name, reader, "")
        for name, reader in FIELDS.items()
        if name in form.given and (body is None or form.given[name] != getattr(body, name))
    }
    if not fields.get("name", body.name if body is not None else ""):
        form.wrong("name", "An authority needs a name.")
    none: list[str] = []
    tag_texts = form.read("tags", tags, none) if "tags" in form.given else None
    url_name = form.read("url_name", lambda text: check_slug(text) if text else "", "")
    if url_name and is_taken(db, "body", url_name, body.id if body is not None else None):
        form.wrong("url_name", "Another authority has this address, or used to have it.")
    return fields, tag_texts, url_name


def _form(
    request: Request,
    body: Body | None,
    given: dict[str, str],
    errors: dict[str, str] | None = None,
    **shown: Any,
) -> Response:
    db = request.db
    if body is not None:
        shown["months"] = use.of_body(db, body.id, site_of(request).calendar.today())
        shown["count"] = db.scalar(
            select(func.count()).select_from(InfoRequest).where(InfoRequest.body_id == body.id)
        )
    return frame.show(
        request,
        "body",
        body.name if body is not None else "A new authority",
        status=422 if errors else 200,
        body=body,
        given=given,
        errors=errors or {},
        jurisdictions=[("", "The site’s own"), *((code, code) for code in sorted(JURISDICTIONS))],
        **shown,
    )


def show_key(request: Request) -> Response:
    """Show an authority's key on this one page; that it was shown is recorded."""
    body = frame.found(request, Body, "authority")
    casework.show_key(request.db, body, request.identity.actor)
    key = site_of(request).keys.make(body.id, body.key_generation)
    return _form(request, body, _record(request.db, body), key=key)


def rotate_key(request: Request) -> Response:
    """Make every former key of an authority invalid; the new one is not shown by this."""
    body = frame.found(request, Body, "authority")
    db, actor = request.db, request.identity.actor
    if request.sent.fields.get("sure") != "yes":
        errors = {"sure": "Tick the box: whatever software holds the present key will stop."}
        return _form(request, body, _record(db, body), errors)
    casework.rotate_key(db, body, actor)
    return frame.onward(f"/desk/body/{body.id}", "rotated", "#key")


def versions(request: Request) -> Response:
    """Every record that an authority has had, the present one first, and what each changed."""
    body = frame.found(request, Body, "authority")
    db = request.db
    former = db.scalars(
        select(BodyVersion)
        .where(BodyVersion.body_id == body.id)
        .order_by(BodyVersion.version.desc())
        .limit(200)
    ).all()
    records = [as_it_is(db, body), *former]
    lines = [
        (one, _changes(one, records[place + 1] if place + 1 < len(records) else None))
        for place, one in enumerate(records)
    ]
    addresses = db.scalars(
        select(FormerName.slug)
        .where(FormerName.subject_kind == "body", FormerName.subject_id == body.id)
        .order_by(FormerName.slug)
    )
    return frame.show(
        request,
        "versions",
        f"Versions of {body.name}",
        body=body,
        lines=lines,
        former_names=list(addresses),
    )


def _changes(one: BodyVersion, before: BodyVersion | None) -> list[tuple[str, str, str]]:
    """Give each field that a version says otherwise than the one before: name, before, after."""
    former = before.record if before is not None else {}
    return [
        (name.replace("_", " "), _text(former.get(name)), _text(value))
        for name, value in one.record.items()
        if _text(value) != _text(former.get(name))
    ]


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else value or ""
