"""Collections: their rules of creation, their permissions, status and maintenance.

Gives up: profiles, sitemaps, reconciliation.
"""

import re
import uuid
from collections import Counter
from typing import Any

from webob import Response

from tests.aleph.ask import Ask, answer, nothing
from tests.aleph.ingest import check_list
from tests.aleph.people import GUEST, LOGGED_IN
from tests.aleph.places import clean_country, clean_language
from tests.aleph.query import fold
from tests.aleph.refusals import bad_request, invalid, not_found
from tests.aleph.status import full_status
from tests.aleph.store import Record, now
from tests.aleph.values import as_list, clean_url, unite

CATEGORIES = {
    "news": "News archives",
    "leak": "Leaks",
    "land": "Land registry",
    "gazette": "Gazettes",
    "court": "Court archives",
    "company": "Company registries",
    "sanctions": "Sanctions lists",
    "procurement": "Procurement",
    "finance": "Financial records",
    "grey": "Grey literature",
    "library": "Document libraries",
    "license": "Licenses and concessions",
    "regulatory": "Regulatory filings",
    "poi": "Persons of interest",
    "customs": "Customs declarations",
    "census": "Population census",
    "transport": "Air and maritime registers",
    "casefile": "Investigations",
    "other": "Other material",
}
FREQUENCIES = {
    "unknown": "not known",
    "never": "not updated",
    "daily": "daily",
    "weekly": "weekly",
    "monthly": "monthly",
    "annual": "annual",
}
_URLS = ("data_url", "info_url", "publisher_url")
_TEXTS = ("summary", "publisher", "foreign_id", *_URLS)


def _check(data: Record) -> None:
    """Refuse collection data that breaks the schema; unknown members are ignored."""
    errors: dict[str, str] = {}
    label = data.get("label")
    if label is None:
        errors[""] = "'label' is a required property"
    elif not isinstance(label, str):
        errors["label"] = f"{label!r} is not of type 'string'"
    elif not 2 <= len(label) <= 500:
        errors["label"] = f"{label!r} is too {'short' if len(label) < 2 else 'long'}"
    for name in _TEXTS:
        value = data.get(name)
        if value is not None and (
            not isinstance(value, str) or (name in _URLS and clean_url(value) is None)
        ):
            errors[name] = f"{value!r} is not valid under any of the given schemas"
    for name in ("countries", "languages"):
        if data.get(name) is not None:
            check_list(name, data[name], errors)
    for name, known in (("category", CATEGORIES), ("frequency", FREQUENCIES)):
        if data.get(name) is not None and data[name] not in known:
            errors[name] = f"{data[name]!r} is not a {name!r}"
    if errors:
        raise invalid(errors)


def _fill(row: Record, data: Record, *, admin: bool) -> Record:
    """Take the given members over; what is not given stays; category is the admins' alone."""
    for name in ("label", "summary", "publisher", *_URLS, "frequency", "restricted", "xref"):
        if name in data:
            row[name] = data[name]
    for name, cleaner in (("countries", clean_country), ("languages", clean_language)):
        if name in data:
            row[name] = unite([str(cleaner(value)) for value in data[name] or []])
    if admin and data.get("category"):
        row["category"] = data["category"]
    row["updated_at"] = now()
    return row


def create(ask: Ask) -> Response:
    """Create a collection, or revive a deleted one of the same creator."""
    ask.login(write=True)
    data = ask.fields()
    _check(data)
    foreign_id = data.get("foreign_id") or uuid.uuid4().hex
    if ask.server.dialect.slug_foreign_ids and not re.fullmatch(r"[a-z0-9_]+", foreign_id):
        raise bad_request()
    store = ask.server.store
    row = next((c for c in store.collections.values() if c["foreign_id"] == foreign_id), None)
    if row is not None:
        if not row.get("deleted_at") or row["creator_id"] != ask.caller.id:
            raise bad_request()
        row |= {"deleted_at": None, "contains_ai": None}
    else:
        row = {
            "id": str(store.number("collection")),
            "foreign_id": foreign_id,
            "created_at": now(),
            "creator_id": ask.caller.id,
            "category": "casefile",
            "frequency": "unknown",
            "restricted": False,
            "xref": False,
            "countries": [],
            "languages": [],
            "contains_ai": False,
            "deleted_at": None,
        }
    store.collections.save(row["id"], _fill(row, data, admin=ask.caller.admin))
    ask.server.people.grant(row["id"], ask.caller.id, read=True, write=True)
    ask.server.notify("CREATE_COLLECTION", row["id"], ask.caller.id)
    return answer(ask.server.presenter.collection(row, ask.caller, deep=True))


def update(ask: Ask) -> Response:
    """Change a collection; its foreign_id never changes."""
    row = ask.collection(write=True)
    data = ask.fields()
    _check(data)
    row = _fill(row, data, admin=ask.caller.admin) | {"contains_ai": None}
    if ask.caller.admin and str(data.get("creator_id")) in ask.server.store.roles:
        row["creator_id"] = str(data["creator_id"])
    ask.server.store.collections.save(row["id"], row)
    return answer(ask.server.presenter.collection(row, ask.caller))


def index(ask: Ask) -> Response:
    """List the collections the caller may read."""

    def values(row: Record, name: str) -> list[str]:
        known = {"collection_id": row["id"], "casefile": row["category"] == "casefile"}
        return [
            str(value).lower() if isinstance(value, bool) else str(value)
            for value in as_list(known.get(name, row.get(name)))
        ]

    def text(row: Record) -> str:
        parts = ("label", "foreign_id", "summary", "publisher")
        return fold(" ".join(str(row.get(part) or "") for part in parts))

    def show(row: Record) -> Record:
        return {**ask.server.presenter.collection(row, ask.caller), "score": 1.0}

    return answer(ask.search(values, text).run(ask.server.readable(ask.caller), show))


def view(ask: Ask) -> Response:
    """Show one collection; ``refresh`` recomputes its counts."""
    row = ask.collection()
    ask.server.presenter.statistics(row["id"], refresh=ask.flag("refresh"))
    return answer(ask.server.presenter.collection(row, ask.caller, deep=True))


def delete(ask: Ask) -> Response:
    """Delete a collection, or only empty it; without ``sync`` its index is purged soon after."""
    row = ask.collection(write=True)
    ask.server.purge(row["id"], sync=ask.flag("sync", default=True))
    if not ask.flag("keep_metadata"):
        ask.server.store.collections.save(row["id"], {**row, "deleted_at": now()})
        rights = ask.server.store.permissions
        ask.server.store.purge(rights, lambda right: right["collection_id"] == row["id"])
    return nothing()


def _permissions(ask: Ask, row: Record) -> Response:
    """Show who may do what; also one's groups, and to admins the public roles, without rights."""
    rows = list(ask.server.store.of(ask.server.store.permissions, row["id"]))
    shown = [
        {
            "created_at": right["created_at"],
            "updated_at": right["updated_at"],
            "read": right["read"],
            "write": right["write"],
            "id": right["id"],
            "writeable": True,
            "role": ask.server.presenter.role(
                ask.server.store.roles[right["role_id"]], ask.caller
            ),
        }
        for right in rows
    ]
    have = {right["role_id"] for right in rows}
    public = (GUEST, LOGGED_IN) if ask.caller.admin and row["category"] != "casefile" else ()
    groups = (
        role["id"]
        for role in ask.server.store.roles.values()
        if role["type"] == "group" and (ask.caller.admin or role["id"] in ask.caller.roles)
    )
    shown += [
        {
            "write": False,
            "read": False,
            "writeable": True,
            "role": ask.server.presenter.role(ask.server.store.roles[role], ask.caller),
        }
        for role in (*public, *groups)
        if role not in have
    ]
    return answer({"total": len(shown), "results": shown})


def permissions(ask: Ask) -> Response:
    """List permissions; needs the right to write."""
    return _permissions(ask, ask.collection(write=True))


def _may_join(ask: Ask, row: Record, role: Record, item: Record) -> bool:
    """Say whether Aleph takes a row: someone new only with their address beside the id."""
    known = f"{row['id']}/{role['id']}" in ask.server.store.permissions
    person = role["type"] == "user" and not ask.server.dialect.captions
    return known or not person or item.get("email") == role["email"]


def set_permissions(ask: Ask) -> Response:
    """Set permissions from a bare array; a casefile is never made public, without an error."""
    row = ask.collection(write=True)
    body = ask.json()
    if not isinstance(body, list):
        raise invalid({"": f"{body!r} is not of type 'array'"})
    errors = {
        f"{i}.role_id": f"{item.get('role_id')!r} is not of type 'string'"
        for i, item in enumerate(body)
        if isinstance(item, dict) and not isinstance(item.get("role_id"), str)
    }
    errors |= {
        str(i): f"{item!r} is not of type 'object'"
        for i, item in enumerate(body)
        if not isinstance(item, dict)
    }
    if errors:
        raise invalid(errors)
    for item in body:
        role = ask.server.store.roles.get(item["role_id"])
        if role is None or not _may_join(ask, row, role, item):
            continue
        public = role["type"] == "system"
        closed = public and row["category"] == "casefile"
        ask.server.people.grant(
            row["id"],
            role["id"],
            read=bool(item.get("read")) and not closed,
            write=bool(item.get("write")) and not public,
        )
    ask.server.store.collections.save(row["id"], {**row, "updated_at": now()})
    ask.server.notify("GRANT_COLLECTION", row["id"], ask.caller.id)
    return _permissions(ask, row)


def status(ask: Ask) -> Response:
    """Show the queue of a collection."""
    return answer(full_status(ask.server, ask.collection(), ask.caller))


def cancel(ask: Ask) -> Response:
    """Cancel the queue of a collection, other people's work included."""
    ask.server.pipeline.cancel(ask.collection(write=True)["id"])
    return nothing()


def all_status(ask: Ask) -> Response:
    """Show the queues that have work; needs a key and so proves one."""
    ask.login()
    active = ask.server.pipeline.active()
    rows = [row for row in ask.server.readable(ask.caller) if row["id"] in active]
    shown = []
    for row in rows:
        brief = ask.server.presenter.collection(row, ask.caller, people=False)
        shown.append({**full_status(ask.server, row, ask.caller), "collection": brief})
    return answer({"results": shown, "total": len(shown)})


def reindex(ask: Ask) -> Response:
    """Queue the making of the index from what is stored."""
    row = ask.collection(write=True)
    ask.server.pipeline.queue(row["id"], "reindex", ask.job, flush=ask.flag("flush"))
    return nothing(202)


def reingest(ask: Ask) -> Response:
    """Queue the processing of every document again."""
    row = ask.collection(write=True)
    ask.server.pipeline.queue(row["id"], "reingest", ask.job, index=ask.flag("index"))
    return nothing(202)


def touch(ask: Ask) -> Response:
    """Mark a collection as changed: admins only, and unknown to OpenAleph."""
    if not ask.server.dialect.touch:
        raise not_found()
    ask.admin()
    ask.server.touch(ask.collection(write=True))
    return nothing(202)


def statistics(ask: Ask) -> Response:
    """Count what everyone may read."""
    rows = [row for row in ask.server.live() if not ask.server.people.secret(row["id"])]
    things: Any = Counter(
        entity["schema"] for row in rows for entity in ask.server.entities.indexed(row["id"])
    )
    return answer(
        {
            "collections": len(rows),
            "schemata": dict(things),
            "countries": dict(Counter(c for row in rows for c in row["countries"])),
            "categories": dict(Counter(row["category"] for row in rows)),
            "things": sum(things.values()),
        }
    )


ROUTES = [
    ("GET", "/api/2/collections", index),
    ("POST PUT", "/api/2/collections", create),
    ("GET", "/api/2/collections/{collection}", view),
    ("POST PUT", "/api/2/collections/{collection}", update),
    ("DELETE", "/api/2/collections/{collection}", delete),
    ("GET", "/api/2/collections/{collection}/permissions", permissions),
    ("POST PUT", "/api/2/collections/{collection}/permissions", set_permissions),
    ("GET", "/api/2/collections/{collection}/status", status),
    ("DELETE", "/api/2/collections/{collection}/status", cancel),
    ("POST PUT", "/api/2/collections/{collection}/reindex", reindex),
    ("POST PUT", "/api/2/collections/{collection}/reingest", reingest),
    ("POST PUT", "/api/2/collections/{collection}/touch", touch),
    ("GET", "/api/2/status", all_status),
    ("GET", "/api/2/statistics", statistics),
]
