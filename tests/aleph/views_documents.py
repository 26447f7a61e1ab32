"""Writing: uploads and bulk entities; reading it all back: streams and archived files.

Gives up: partial downloads.
"""

import json
import re
from typing import Any

from webob import Request, Response

from tests.aleph.ask import Ask, answer, nothing
from tests.aleph.entities import caption, make_proxy
from tests.aleph.ingest import Upload, check_meta
from tests.aleph.refusals import BROKEN, Refused, not_found
from tests.aleph.schemata import SCHEMATA, descendants
from tests.aleph.store import Record
from tests.aleph.values import clean_id

BATCH = 1000


def ingest(ask: Ask) -> Response:
    """Take an upload; with several file parts the last one's bytes are the document's."""
    collection = ask.collection(write=True)
    text, data = _form(ask.request)
    meta = check_meta(text)
    upload = Upload(
        collection, ask.caller.id, meta, data, ask.job, ask.flag("sync"), ask.flag("index", True)
    )
    id_ = ask.server.ingest.accept(upload)
    if collection["category"] == "casefile":
        ask.server.notify("INGEST_DOCUMENT", collection["id"], ask.caller.id)
    return answer({"status": "ok", "id": id_}, 201)


def _form(request: Request) -> tuple[str | None, bytes | None]:
    """Give the field ``meta`` and the bytes of the last file part, from memory and not, as WebOb
    would, by way of temporary files.
    """
    if request.content_type == "application/x-www-form-urlencoded":
        return request.POST.get("meta"), None
    boundary = re.search(r'boundary="?([^";]+)', request.headers.get("Content-Type", ""))
    text, data = None, None
    if request.content_type != "multipart/form-data" or boundary is None:
        return text, data
    body, mark = request.body, b"--" + boundary[1].encode()
    begin = body.find(mark)
    while (end := body.find(mark, begin + len(mark))) >= 0:
        content = body.find(b"\r\n\r\n", begin, end)
        head = body[begin : max(begin, content)]
        if b"filename" in head:
            data = body[content + 4 : end - 2]
        elif re.search(rb'name="?meta"?(\s|;|$)', head):
            text = body[content + 4 : end - 2].decode()
        begin = end
    return text, data


def _no_id(item: Record, collection: Record, status: int) -> Refused:
    """Give the refusal of an entity without a valid id; its answer does not name the entity."""
    if status == 500:
        return Refused(500, BROKEN)
    shown = make_proxy({**item, "id": "x"}, collection["foreign_id"])
    return Refused(400, "No ID for entity", errors={**shown, "id": None})


def _safe(ask: Ask) -> bool:
    """Say whether checksums are to be dropped; Aleph 3 calls the switch ``unsafe``."""
    if ask.server.dialect.unsafe_parameter:
        return not ask.flag("unsafe")
    return ask.flag("safe", True)


def _read_item(ask: Ask, collection: Record, item: Any) -> Record:
    """Give the fragment of one entity sent; any bad one refuses the whole request."""
    if not isinstance(item, dict):
        raise Refused(500, BROKEN)
    if not isinstance(item.get("schema"), str) or item["schema"] not in SCHEMATA:
        raise Refused(400, "No schema for entity.", errors={})
    if clean_id(item.get("id")) is None:
        status = 400 if item.get("id") is None else ask.server.dialect.bad_bulk_id_status
        raise _no_id(item, collection, status)
    free = ask.caller.admin
    entity = make_proxy(
        item,
        collection["foreign_id"],
        safe=_safe(ask) or not free,
        clean_values=ask.flag("clean", True) or not free,
    )
    return {**entity, "role_id": ask.caller.id, "mutable": ask.flag("mutable")}


def bulk(ask: Ask) -> Response:
    """Take entities; each replaces the former bulk fragment of its id whole."""
    collection = ask.collection(write=True)
    body = ask.json()
    items = body if isinstance(body, list) else [body]
    chosen = ask.request.GET.get("entityset_id")
    entityset = ask.server.store.entitysets.get(chosen) if chosen else None
    if chosen and entityset is None:
        raise not_found()
    waiting: list[Record] = []
    ids: dict[str, None] = {}
    for item in items:
        waiting.append(_read_item(ask, collection, item))
        if len(waiting) == BATCH:
            _write(ask, collection, waiting)
        ids[clean_id(item["id"]) or ""] = None
    _write(ask, collection, waiting)
    signed = [
        make_proxy({"id": plain, "schema": "Thing"}, collection["foreign_id"])["id"]
        for plain in ids
    ]
    if entityset:
        entityset["items"] |= dict.fromkeys(signed, "positive")
        ask.server.store.entitysets.save(entityset["id"], entityset)
    ask.server.touch(collection)
    if signed:
        ask.server.pipeline.queue(collection["id"], "index", ask.job, entities=signed)
    return nothing()


def _write(ask: Ask, collection: Record, waiting: list[Record]) -> None:
    """Store a batch: what came in full batches before a bad entity stays, unindexed."""
    for entity in waiting:
        ask.server.entities.write(collection["id"], "bulk", entity)
    waiting.clear()


def stream(ask: Ask) -> Response:
    """Stream a collection's index without any cap; needs the right to write."""
    return _stream(ask, [ask.collection(write=True)])


def stream_all(ask: Ask) -> Response:
    """Stream all collections: admins only."""
    ask.admin()
    return _stream(ask, list(ask.server.live()))


def _stream(ask: Ask, collections: list[Record]) -> Response:
    wanted = ask.request.GET.getall("schema")
    if any(name not in SCHEMATA for name in wanted):
        raise Refused(400, "No schema for entity.", errors={})
    schemata = {name for root in wanted for name in descendants(root)} or set(SCHEMATA)
    include = ask.request.GET.getall("include")
    lines = [
        json.dumps(_line(ask, collection, row, include)) + "\n"
        for collection in collections
        for row in ask.server.entities.indexed(collection["id"])
        if row["schema"] in schemata
    ]
    return Response(
        "".join(lines).encode(),
        headerlist=[("Content-Type", "application/json+stream"), ("Cache-Control", "no-cache")],
    )


def _line(ask: Ask, collection: Record, row: Record, include: list[str]) -> Record:
    dialect = ask.server.dialect
    whole: Record = {
        "collection_id": int(collection["id"]),
        "created_at": row.get("created_at"),
        "mutable": bool(row.get("mutable")),
        "profile_id": None,
        "properties": dict(sorted(row["properties"].items())),
        "role_id": int(row["role_id"]) if row.get("role_id") else None,
        "schema": row["schema"],
        "updated_at": row.get("updated_at"),
    }
    if dialect.captions:
        del whole["profile_id"]
        whole |= {"caption": caption(row), "dataset": collection["foreign_id"]}
    if include:
        props = [
            name.removeprefix("properties.") for name in include if name.startswith("properties.")
        ]
        chosen = {name: whole["properties"][name] for name in props if name in whole["properties"]}
        whole = {name: value for name, value in whole.items() if name in include}
        if chosen and "properties" not in include:
            whole["properties"] = chosen
    whole["id"] = row["id"]
    return whole | ({"_sort": [row["_sort"]]} if dialect.captions else {})


def archive(ask: Ask) -> Response:
    """Give the file an archive link stands for; the token is all it takes."""
    claim = ask.server.presenter.read_token(ask.request.GET.get("token", ""))
    if claim is None or claim["h"] not in ask.server.store.files:
        return answer({"status": "error", "errors": "Access token is invalid."}, 401)
    mime = claim["m"] + ("; charset=utf-8" if claim["m"].startswith("text/") else "")
    name = "".join(c for c in claim["f"] if c.isascii() and c.isprintable() and c not in '";\\')
    return Response(
        ask.server.store.files[claim["h"]],
        headerlist=[
            ("Content-Type", mime),
            ("Content-Disposition", f"attachment; filename={name}"),
            ("Cache-Control", "no-cache"),
        ],
    )


def resolve(ask: Ask) -> Response:
    """OpenAleph: lead from an entity and property to a link with a token; needs a key."""
    prop = ask.request.GET.get("prop", "contentHash")
    ask.names["entity"] = ask.request.GET.get("entity", "")
    row = ask.entity()
    if not ask.server.dialect.resolve_links or prop not in ("contentHash", "pdfHash", "csvHash"):
        raise not_found()
    if not row["properties"].get(prop):
        raise not_found()
    link = ask.server.presenter.archive_link(row, prop)
    if not ask.flag("redirect", True):
        return answer({"url": link})
    out = nothing(302)
    out.headers["Location"] = link
    return out


ROUTES = [
    ("POST PUT", "/api/2/collections/{collection}/ingest", ingest),
    ("POST", "/api/2/collections/{collection}/_bulk", bulk),
    ("POST", "/api/2/collections/{collection}/bulk", bulk),
    ("GET", "/api/2/collections/{collection}/_stream", stream),
    ("GET", "/api/2/entities/_stream", stream_all),
    ("GET", "/api/2/archive", archive),
    ("GET", "/api/2/archive/resolve", resolve),
]
