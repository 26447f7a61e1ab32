"""Entity sets, mappings, cross-reference and exports, as far as a bridge may meet them.

Gives up: diagrams, profiles, judgements that merge entities, and spreadsheets: an export is a
zip of JSON Lines.
"""

import uuid
from datetime import UTC, datetime, timedelta

from webob import Response

from tests.aleph.ask import Ask, answer, nothing
from tests.aleph.entities import field_values
from tests.aleph.refusals import Refused, invalid, not_found
from tests.aleph.schemata import SCHEMATA
from tests.aleph.search import WINDOW, Window
from tests.aleph.store import Record, now
from tests.aleph.views_entities import folded, readable, run_search

_EXPORTED = ("id", "schema", "properties")
_KINDS = ("list", "diagram", "timeline", "profile")


def _entityset(ask: Ask, *, write: bool = False) -> Record:
    row = ask.server.store.entitysets.get(ask.names["entityset"])
    if row is None:
        raise not_found()
    ask.collection(write=write, id_=row["collection_id"])
    return row


def _show_set(ask: Ask, row: Record) -> Record:
    collection = ask.server.store.collections[row["collection_id"]]
    return {
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "type": row["type"],
        "label": row["label"],
        "role_id": row["role_id"],
        "id": row["id"],
        "writeable": ask.server.people.can_write(collection["id"], ask.caller),
        "shallow": True,
        "collection": ask.server.presenter.collection(collection, ask.caller),
        "role": ask.server.presenter.role(ask.server.store.roles[row["role_id"]], ask.caller),
    }


def create_set(ask: Ask) -> Response:
    """Make an entity set in a collection."""
    data = ask.fields()
    errors = {}
    for name in ("label", "type"):
        if not data.get(name):
            errors[""] = f"{name!r} is a required property"
    if data.get("type") and data["type"] not in _KINDS:
        errors["type"] = f"{data['type']!r} is not one of {list(_KINDS)}"
    if errors:
        raise invalid(errors)
    collection = ask.collection(write=True, id_=str(data.get("collection_id")))
    row = {
        "id": uuid.uuid4().hex,
        "collection_id": collection["id"],
        "label": data["label"],
        "type": data["type"],
        "role_id": ask.caller.id,
        "created_at": now(),
        "updated_at": now(),
        "items": {},
    }
    for entity in data.get("entities") or []:
        entity_id = entity.get("id") if isinstance(entity, dict) else entity
        row["items"][str(entity_id)] = "positive"
    ask.server.notify("CREATE_ENTITYSET", collection["id"], ask.caller.id)
    return answer(_show_set(ask, ask.server.store.entitysets.save(str(row["id"]), row)))


def sets(ask: Ask) -> Response:
    """List the entity sets of the collections the caller may read."""
    ids = {row["id"] for row in ask.server.readable(ask.caller)}
    rows = [row for row in ask.server.store.entitysets.values() if row["collection_id"] in ids]
    search = ask.search(lambda row, name: [str(row.get(name, ""))], lambda row: "")
    return answer(search.run(rows, lambda row: _show_set(ask, row)))


def view_set(ask: Ask) -> Response:
    """Show an entity set."""
    return answer(_show_set(ask, _entityset(ask)))


def delete_set(ask: Ask) -> Response:
    """Delete an entity set; its entities stay."""
    ask.server.store.entitysets.drop(_entityset(ask, write=True)["id"])
    return nothing()


def set_entities(ask: Ask) -> Response:
    """Search among the entities of a set."""
    found = map(ask.server.entities.find, _entityset(ask)["items"])
    out = run_search(ask, [row for row in found if row is not None])
    return answer({name: value for name, value in out.items() if name != "links"})


def _item(ask: Ask, row: Record, entity_id: str) -> Record:
    out = {
        "added_by_id": int(row["role_id"]),
        "judgement": row["items"][entity_id],
        "entityset_collection_id": int(row["collection_id"]),
        "entityset_id": row["id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "id": f"{row['id']}${entity_id}",
        "writeable": True,
    }
    found = ask.server.entities.find(entity_id)
    if found is not None:
        out["entity"] = ask.server.presenter.entity(found, ask.caller)
    collection = ask.server.store.collections[row["collection_id"]]
    out["collection"] = ask.server.presenter.collection(collection, ask.caller)
    return out


def set_items(ask: Ask) -> Response:
    """List the items of a set with their judgements."""
    row = _entityset(ask)
    rows = [{"id": entity_id} for entity_id in row["items"]]
    return answer(ask.page(rows, lambda item: _item(ask, row, item["id"])))


def add_item(ask: Ask) -> Response:
    """Add an entity to a set, or change its judgement."""
    row, data = _entityset(ask, write=True), ask.fields()
    entity_id = str(data.get("entity_id") or "")
    if ask.server.entities.find(entity_id) is None:
        raise not_found()
    row["items"][entity_id] = data.get("judgement") or "positive"
    ask.server.store.entitysets.save(row["id"], row)
    return answer(_item(ask, row, entity_id))


def _mapping(ask: Ask) -> Record:
    collection = ask.collection(write=True)
    row = ask.server.store.mappings.get(ask.names["mapping"])
    if row is None or row["collection_id"] != collection["id"]:
        raise not_found()
    return row


def _show_mapping(ask: Ask, row: Record) -> Record:
    table = ask.server.entities.find(row["table_id"])
    shown = {
        key: row[key]
        for key in (
            "created_at",
            "updated_at",
            "query",
            "role_id",
            "collection_id",
            "table_id",
            "last_run_status",
            "id",
        )
    }
    return {
        **shown,
        "writeable": False,
        "table": ask.server.presenter.entity(table, ask.caller) if table else None,
    }


def create_mapping(ask: Ask) -> Response:
    """Make a mapping from a table; loading starts only with ``trigger``."""
    collection, data = ask.collection(write=True), ask.fields()
    query = data.get("mapping_query")
    if not isinstance(query, dict):
        raise invalid({"": "'mapping_query' is a required property"})
    table = ask.server.entities.find(str(data.get("table_id")))
    if table is None or table["collection_id"] != collection["id"]:
        raise not_found()
    for part in query.values():
        if not isinstance(part, dict) or part.get("schema") not in SCHEMATA:
            wrong = part.get("schema") if isinstance(part, dict) else part
            raise Refused(400, f"Invalid schema: {wrong}")
        # followthemoney.mapping takes any of these.
        named = any(part.get(name) for name in ("keys", "key", "id_column"))
        if not isinstance(part.get("properties"), dict) or not named:
            raise Refused(400, "No key criteria defined")
    row = {
        "id": str(ask.server.store.number("mapping")),
        "collection_id": collection["id"],
        "table_id": table["id"],
        "query": query,
        "role_id": ask.caller.id,
        "last_run_status": "pending",
        "made": [],
        "created_at": now(),
        "updated_at": now(),
    }
    return answer(_show_mapping(ask, ask.server.store.mappings.save(row["id"], row)))


def mappings(ask: Ask) -> Response:
    """List the mappings of a collection."""
    rows = list(ask.server.store.of(ask.server.store.mappings, ask.collection(write=True)["id"]))
    return answer(ask.page(rows, lambda row: _show_mapping(ask, row)))


def view_mapping(ask: Ask) -> Response:
    """Show a mapping and how its last run ended."""
    return answer(_show_mapping(ask, _mapping(ask)))


def delete_mapping(ask: Ask) -> Response:
    """Delete a mapping and what it loaded."""
    row = _mapping(ask)
    ask.server.pipeline.workers["flushmapping"](
        {"collection_id": row["collection_id"], "payload": {"mapping": row["id"]}}
    )
    ask.server.store.mappings.drop(row["id"])
    return nothing()


def trigger(ask: Ask) -> Response:
    """Start loading a mapping."""
    row = {**_mapping(ask), "last_run_status": "pending", "updated_at": now()}
    ask.server.store.mappings.save(row["id"], row)
    ask.server.pipeline.queue(row["collection_id"], "loadmapping", ask.job, mapping=row["id"])
    return answer(_show_mapping(ask, row), 202)


def flush(ask: Ask) -> Response:
    """Take out what a mapping loaded."""
    row = _mapping(ask)
    ask.server.pipeline.queue(row["collection_id"], "flushmapping", ask.job, mapping=row["id"])
    return nothing(202)


def start_xref(ask: Ask) -> Response:
    """Start comparing a collection with all others."""
    row = ask.collection(write=True)
    ask.server.pipeline.queue(row["id"], "xref", ask.job)
    return answer({"status": "accepted"}, 202)


def xref(ask: Ask) -> Response:
    """List the matches of a collection."""
    row = ask.collection()

    def show(match: Record) -> Record:
        out = {
            key: match[key]
            for key in ("created_at", "method", "random", "schema", "score", "judgement", "id")
        }
        ends = {end: ask.server.entities.find(match[end]) for end in ("entity", "match")}
        shown = {
            end: ask.server.presenter.entity(found, ask.caller)
            for end, found in ends.items()
            if found
        }
        return {"collection_id": int(match["collection_id"]), **out, "writeable": True, **shown}

    visible = {c["id"] for c in ask.server.readable(ask.caller)}
    rows = [
        match
        for match in ask.server.store.of(ask.server.store.xref, row["id"])
        if match["match_collection_id"] in visible
    ]
    search = ask.search(lambda r, name: [str(r.get(name, ""))], lambda r: "")
    return answer(search.run(rows, show))


_ZIP = ("export.zip", "application/zip")
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _queue_export(
    ask: Ask,
    stage: str,
    label: str,
    records: list[Record],
    file: tuple[str, str] = _ZIP,
    **more: object,
) -> Response:
    ends = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=30)
    row = {
        "id": str(ask.server.store.number("export")),
        "creator_id": ask.caller.id,
        "created_at": now(),
        "updated_at": now(),
        "label": label,
        "operation": stage,
        "expires_at": ends.isoformat(),
        "deleted": False,
        "status": "pending",
        "file_name": file[0],
        "mime_type": file[1],
        "content_hash": "",
        **more,
    }
    ask.server.store.exports.save(str(row["id"]), row)
    ask.server.pipeline.queue("", stage, ask.job, export=row["id"], records=records)
    return nothing(202)


def export_xref(ask: Ask) -> Response:
    """Export the matches of a collection; Aleph 3 had a GET for it (its xref_api.py)."""
    if ask.request.method != ask.server.dialect.xref_export:
        raise Refused(405, "The method is not allowed for the requested URL.")
    row = ask.collection()
    ask.login()
    matches = list(ask.server.store.of(ask.server.store.xref, row["id"]))
    file = (f"{row['label']} - Crossreference.xlsx", _SHEET)
    label = f"{row['label']} - Crossreference results"
    where = int(row["id"])
    return _queue_export(ask, "exportxref", label, matches, file, collection_id=where)


def export_search(ask: Ask) -> Response:
    """Export the hits of a search."""
    ask.login()
    search = ask.search(field_values, lambda row: folded(ask, row))
    search.window = Window(WINDOW, 0)
    found = search.run(readable(ask), lambda row: {key: row[key] for key in _EXPORTED})
    label = f"Search: {found['query_text']}"
    return _queue_export(ask, "exportsearch", label, found["results"])


def exports(ask: Ask) -> Response:
    """List one's exports with a link to each that is ready."""
    ask.login()

    def show(row: Record) -> Record:
        link = ""
        if row["content_hash"]:
            link = ask.server.presenter.archive_link(
                {
                    "properties": {
                        "contentHash": [row["content_hash"]],
                        "fileName": [row["file_name"]],
                        "mimeType": [row["mime_type"]],
                    }
                },
                "contentHash",
            )
        return {**row, "writeable": False, "links": {"download": link} if link else {}}

    mine = [row for row in ask.server.store.exports.values() if row["creator_id"] == ask.caller.id]
    return answer(ask.page(mine[::-1], show))


_SET = "/api/2/entitysets/{entityset}"
_MAP = "/api/2/collections/{collection}/mappings"
ROUTES = [
    ("GET", "/api/2/entitysets", sets),
    ("POST PUT", "/api/2/entitysets", create_set),
    ("GET", _SET, view_set),
    ("DELETE", _SET, delete_set),
    ("GET", _SET + "/entities", set_entities),
    ("GET", _SET + "/items", set_items),
    ("POST PUT", _SET + "/items", add_item),
    ("GET", _MAP, mappings),
    ("POST PUT", _MAP, create_mapping),
    ("GET", _MAP + "/{mapping}", view_mapping),
    ("DELETE", _MAP + "/{mapping}", delete_mapping),
    ("POST PUT", _MAP + "/{mapping}/trigger", trigger),
    ("POST PUT", _MAP + "/{mapping}/flush", flush),
    ("GET", "/api/2/collections/{collection}/xref", xref),
    ("POST", "/api/2/collections/{collection}/xref", start_xref),
    ("GET POST", "/api/2/collections/{collection}/xref.xlsx", export_xref),
    ("POST", "/api/2/search/export", export_search),
    ("GET", "/api/2/exports", exports),
]
