"""Entities: searching, reading, editing and deleting them one by one.

Gives up: profiles, tags between entities of different meaning, percolation.
"""

import hashlib
import uuid
from typing import Any
from urllib.parse import urlencode

from webob import Response

from tests.aleph.ask import Ask, answer, nothing
from tests.aleph.entities import field_values, make_proxy, references
from tests.aleph.query import fold
from tests.aleph.refusals import BROKEN, Refused, bad_request, not_found
from tests.aleph.schemata import SCHEMATA, Property
from tests.aleph.store import Record, now
from tests.aleph.values import as_list, clean, clean_id, sign

_TAGGED = ("emails", "phones", "names", "identifiers", "ibans")


def folded(ask: Ask, row: Record) -> str:
    """Give the searchable text of an entity, folded once per indexing."""
    cache = ask.server.folded
    if row["_sort"] not in cache:
        schema = SCHEMATA[row["schema"]]
        texts = [
            value
            for name, values in row["properties"].items()
            for value in values
            if name in schema.properties and schema.properties[name].type != "entity"
        ]
        cache[row["_sort"]] = " | ".join(fold(text) for text in texts)
    return cache[row["_sort"]]


def _check_schemata(ask: Ask) -> list[str]:
    """Give the schemata asked for; Aleph refuses to search without one."""
    wanted = [
        value
        for name, value in ask.request.GET.items()
        if name in ("filter:schema", "filter:schemata") and value
    ]
    dialect = ask.server.dialect
    if any(name not in SCHEMATA for name in wanted):
        if dialect.unknown_schema_status == 500:
            raise Refused(500, BROKEN)
        raise Refused(400, "No schema for entity.", errors={})
    if not wanted and dialect.schema_filter_required:
        raise Refused(400, "No schema is specified for the query.")
    return wanted


def run_search(ask: Ask, rows: list[Record]) -> Record:
    """Search among some indexed entities with the request's parameters."""
    if not _check_schemata(ask):
        rows = [row for row in rows if SCHEMATA[row["schema"]].is_a("Thing")]
    labels = {row["id"]: row["label"] for row in ask.server.live()}
    found = ask.search(
        field_values,
        lambda row: folded(ask, row),
        label=lambda name, value: labels.get(value) if name == "collection_id" else None,
    ).run(rows, lambda row: ask.server.presenter.entity(row, ask.caller))
    if ask.server.dialect.bucketed:
        found["query_text"] += ' (-schema:"Mention" AND -schema:"Page")'
    export = f"{ask.server.presenter.base}/api/2/search/export"
    return {**found, "links": {"export": f"{export}?{urlencode(list(ask.request.GET.items()))}"}}


def readable(ask: Ask) -> list[Record]:
    """Give all indexed entities the caller may read."""
    ids = {row["id"] for row in ask.server.readable(ask.caller)}
    return [row for row in ask.server.store.index.values() if row["collection_id"] in ids]


def search(ask: Ask) -> Response:
    """Search entities."""
    return answer(run_search(ask, readable(ask)))


def view(ask: Ask) -> Response:
    """Show an entity; its ETag never changes, so a conditional request gets 304 for ever."""
    row = ask.entity()
    shown = ask.server.presenter.entity(row, ask.caller, deep=True)
    etag = hashlib.sha1(f"{sorted(ask.request.GET.items())} {ask.caller.roles}".encode())
    out = answer(shown)
    out.headers["Cache-Control"] = "max-age=43200, private"
    out.etag = etag.hexdigest()
    if out.etag in ask.request.if_none_match and ask.request.headers.get("If-None-Match"):
        out = nothing(304)
        out.etag = etag.hexdigest()
    return out


def delete(ask: Ask) -> Response:
    """Delete an entity and, later, everything that mentions it."""
    row = ask.entity(write=True)
    ask.server.delete(row["collection_id"], row["id"], ask.job)
    return nothing()


def _validate(ask: Ask, data: Record, schema: str) -> None:
    errors: dict[str, str] = {}
    given = data.get("properties") if isinstance(data.get("properties"), dict) else {}
    for name, values in (given or {}).items():
        prop: Property | None = SCHEMATA[schema].properties.get(name)
        bad = [v for v in as_list(values) if prop is not None and clean(prop, v) is None]
        if bad:
            errors[name] = ask.server.dialect.value_errors.format(value=bad[0])
    missing = sorted(SCHEMATA[schema].required - set(given or {}))
    errors |= dict.fromkeys(missing, "Required")
    if errors:
        raise Refused(400, "Entity validation failed", errors={"properties": errors})


def _save(ask: Ask, entity_id: str, data: Any, old: Record | None) -> Response:
    if not isinstance(data, dict):
        raise bad_request()
    collection_id = str(data.get("collection_id") or (old or {}).get("collection_id") or "")
    collection = ask.collection(write=True, id_=collection_id)
    schema = data.get("schema") or (old or {}).get("schema")
    if not isinstance(schema, str) or schema not in SCHEMATA:
        raise Refused(400, "No schema for entity.", errors={})
    if ask.flag("validate"):
        _validate(ask, data, schema)
    proxy = make_proxy(
        {**data, "id": entity_id, "schema": schema, "created_at": None}, collection["foreign_id"]
    )
    proxy |= {"updated_at": now(), "mutable": True, "role_id": ask.caller.id}
    ask.server.entities.write(collection["id"], "model", proxy)
    merged = ask.server.entities.stored(collection["id"], proxy["id"])
    assert merged is not None
    ask.server.entities.index(collection["id"], merged, replace=True)
    ask.server.pipeline.queue(collection["id"], "updateentity", ask.job, entities=[proxy["id"]])
    shown = ask.server.entities.find(proxy["id"])
    if shown is None:
        raise not_found()
    return answer(ask.server.presenter.entity(shown, ask.caller))


def create(ask: Ask) -> Response:
    """Create one entity under a random id; an id in the body is dropped."""
    ask.login(write=True)
    return _save(ask, uuid.uuid4().hex, ask.json(), None)


def update(ask: Ask) -> Response:
    """Change an entity, or create it under one's own id; what bulk made is not editable."""
    ask.login(write=True)
    plain, data = ask.names["entity"], ask.json()
    old = ask.server.entities.find(plain)
    if old is None and isinstance(data, dict):
        owner = ask.server.store.collections.get(str(data.get("collection_id")))
        old = ask.server.entities.find(sign(plain, owner["foreign_id"])) if owner else None
    if old is not None and not old.get("mutable") and not ask.caller.admin:
        raise ask.forbidden()
    if clean_id(plain) is None:
        raise Refused(400, "No ID for entity", errors={"id": None})
    return _save(ask, plain, data, old)


def _raw(row: Record) -> Record:
    return {
        "collection_id": int(row["collection_id"]),
        "created_at": row.get("created_at"),
        "mutable": bool(row.get("mutable")),
        "profile_id": None,
        "role_id": int(row["role_id"]) if row.get("role_id") else None,
        "updated_at": row.get("updated_at"),
        "id": row["id"],
        "schema": row["schema"],
        "properties": row["properties"],
    }


def expand(ask: Ask) -> Response:
    """Show the neighbours of an entity, by the property that leads to them."""
    row = ask.entity()
    found: dict[str, dict[str, Record]] = {}
    schema = SCHEMATA[row["schema"]]
    for name, values in row["properties"].items():
        if name in schema.properties and schema.properties[name].type == "entity":
            targets = filter(None, map(ask.server.entities.find, values))
            found[name] = {target["id"]: target for target in targets}
    for other in readable(ask):
        props = SCHEMATA[other["schema"]].properties
        for name, values in other["properties"].items():
            if row["id"] in values and name in props and props[name].reverse:
                found.setdefault(props[name].reverse, {})[other["id"]] = other
    results = [
        {"property": name, "count": len(rows), "entities": list(map(_raw, rows.values()))}
        for name, rows in found.items()
        if rows
    ]
    return answer(
        {"status": "ok", "total": sum(len(rows) for rows in found.values()), "results": results}
    )


def tags(ask: Ask) -> Response:
    """Show which of an entity's names and addresses occur elsewhere."""
    row = ask.entity()
    others = [other for other in readable(ask) if other["id"] != row["id"]]
    results = []
    for name in _TAGGED:
        for value in field_values(row, name):
            count = sum(value in field_values(other, name) for other in others)
            if count:
                results.append({"id": value, "value": value, "field": name, "count": count})
    return answer({"status": "ok", "total": len(results), "results": results})


def _same_name(ask: Ask, names: list[str], but: str = "") -> list[Record]:
    wanted = {fold(name) for name in names}
    return [
        row
        for row in readable(ask)
        if row["id"] != but
        and SCHEMATA[row["schema"]].is_a("LegalEntity")
        and wanted & {fold(name) for name in field_values(row, "names")}
    ]


def similar(ask: Ask) -> Response:
    """Show entities of the same name."""
    row = ask.entity()
    found = _same_name(ask, field_values(row, "names"), row["id"])
    return answer(
        ask.search(field_values, lambda r: folded(ask, r)).run(
            found,
            lambda other: {
                "score": 0.9,
                "judgement": "no_judgement",
                "entity": ask.server.presenter.entity(other, ask.caller),
            },
        )
    )


def match(ask: Ask) -> Response:
    """Show entities that match the one in the body, in the collections asked for."""
    data = ask.json()
    if not isinstance(data, dict) or data.get("schema") not in SCHEMATA:
        raise Refused(400, "No schema for entity.", errors={})
    proxy = make_proxy({**data, "id": "sample"}, "sample")
    within = ask.request.GET.getall("collection_ids")
    rows = [
        row
        for row in _same_name(ask, field_values(proxy, "names"))
        if not within or row["collection_id"] in within
    ]
    return answer(
        ask.search(field_values, lambda r: folded(ask, r)).run(
            rows, lambda row: ask.server.presenter.entity(row, ask.caller)
        )
    )


def thread(ask: Ask) -> Response:
    """OpenAleph: show the exchange a message is part of, by message ids and reply links."""
    if not ask.server.dialect.entity_ingest:
        raise not_found()
    row = ask.entity()
    mails = [
        r
        for r in ask.server.entities.indexed(row["collection_id"])
        if SCHEMATA[r["schema"]].is_a("Email") or SCHEMATA[r["schema"]].is_a("Message")
    ]

    def keys(mail: Record) -> set[str]:
        props = mail["properties"]
        named = props.get("messageId", []) + props.get("inReplyTo", [])
        return {mail["id"], *named, *props.get("inReplyToEmail", [])}

    found, known, grown = {row["id"]: row}, keys(row), True
    while grown:
        new = [mail for mail in mails if mail["id"] not in found and known & keys(mail)]
        found |= {mail["id"]: mail for mail in new}
        known |= {key for mail in new for key in keys(mail)}
        grown = bool(new)
    rows = sorted(found.values(), key=lambda mail: mail["properties"].get("date", [""]))
    return answer(ask.page(rows, lambda mail: ask.server.presenter.entity(mail, ask.caller)))


def process(ask: Ask) -> Response:
    """OpenAleph: process one document again."""
    if not ask.server.dialect.entity_ingest:
        raise not_found()
    row = ask.entity(write=True)
    document = ask.server.store.documents.get(row["id"].partition(".")[0])
    if ask.names["step"] == "ingest" and document is not None:
        ask.server.pipeline.queue(
            row["collection_id"], "ingest", ask.job, document=document["id"], index=True
        )
    else:
        ask.server.pipeline.queue(row["collection_id"], "analyze", ask.job)
    return nothing(202)


def mentioned_in(ask: Ask) -> Response:
    """Show what refers to an entity."""
    row = ask.entity()
    rows = [other for other in readable(ask) if row["id"] in references(other)]
    return answer(ask.page(rows, lambda r: ask.server.presenter.entity(r, ask.caller)))


_ONE = "/api/2/entities/{entity}"
ROUTES = [
    ("GET", "/api/2/entities", search),
    ("POST PUT", "/api/2/entities", create),
    ("GET POST PUT", "/api/2/search", search),
    ("GET", _ONE, view),
    ("GET", "/api/2/documents/{entity}", view),
    ("POST PUT", _ONE, update),
    ("DELETE", _ONE, delete),
    ("GET", _ONE + "/expand", expand),
    ("GET", _ONE + "/tags", tags),
    ("GET", _ONE + "/similar", similar),
    ("GET", _ONE + "/thread", thread),
    ("GET", _ONE + "/mentions", mentioned_in),
    ("POST", _ONE + "/{step:ingest|analyze|transcribe|translate}", process),
    ("POST", "/api/2/match", match),
]
