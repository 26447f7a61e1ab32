"""The stand-in's own pages: which collections there are and what became of each document.

They show a newcomer what the bridge did. Gives up: searching, styling, and any access control, as
the server is for one machine.
"""

from collections import Counter
from html import escape

from webob import Response

from tests.aleph.ask import Ask
from tests.aleph.entities import caption
from tests.aleph.refusals import not_found
from tests.aleph.schemata import SCHEMATA
from tests.aleph.store import Record

_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0}"
    "small{color:#555}.failure{color:#b00020}.waiting{color:#8a5a00}"
)
SHOWN = 2000


def _page(title: str, body: str) -> Response:
    text = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n{body}\n</html>\n"
    )
    return Response(
        text.encode(),
        headerlist=[
            ("Content-Type", "text/html; charset=utf-8"),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
        ],
    )


def _work(ask: Ask, collection_id: str) -> str:
    states = Counter(task["state"] for task in ask.server.pipeline.tasks(collection_id))
    return ", ".join(f"{count} {state}" for state, count in states.items()) or "idle"


def overview(ask: Ask) -> Response:
    """List the collections with their numbers of documents and entities."""
    rows = []
    for row in ask.server.live():
        found = list(ask.server.entities.indexed(row["id"]))
        documents = sum(SCHEMATA[entity["schema"]].is_a("Document") for entity in found)
        rows.append(
            f'<tr><td><a href="/collection/{escape(row["id"])}">{escape(row["label"])}</a>'
            f"<td><code>{escape(row['foreign_id'])}</code><td>{documents}"
            f"<td>{len(found) - documents}<td>{escape(_work(ask, row['id']))}"
        )
    table = (
        "<table><tr><th>Collection<th>foreign_id<th>Documents<th>Other entities<th>Queue"
        f"{''.join(rows)}</table>"
        if rows
        else "<p>No collections yet.</p>"
    )
    intro = (
        f"<p>This imitates {escape(ask.server.dialect.flavour)} "
        f"{escape(ask.server.dialect.version)} for trying the bridge out. "
        "Reload to see what changed.</p>"
    )
    return _page(ask.server.dialect.title, intro + table)


def _item(ask: Ask, row: Record, indexed: set[str]) -> str:
    props = row["properties"]
    state = (props.get("processingStatus") or [""])[0]
    if row["id"] not in indexed:
        state = "not searchable"
    style = {"failure": "failure", "not searchable": "waiting"}.get(state, "")
    reason = (props.get("processingError") or [""])[0]
    extra = f" – {reason}" if reason else ""
    return (
        f"{escape(caption(row))} <small>{escape(row['schema'])}</small> "
        f'<small class="{style}">{escape(state + extra)}</small>'
    )


def _tree(ask: Ask, rows: dict[str, Record], indexed: set[str]) -> str:
    children: dict[str, list[str]] = {}
    for id_, row in rows.items():
        parent = (row["properties"].get("parent") or [""])[0]
        children.setdefault(parent if parent in rows and parent != id_ else "", []).append(id_)
    seen: set[str] = set()

    def branch(parent: str, depth: int) -> str:
        ids = [id_ for id_ in children.get(parent, []) if id_ not in seen]
        seen.update(ids)
        if not ids or depth > 20:
            return ""
        items = (f"<li>{_item(ask, rows[id_], indexed)}{branch(id_, depth + 1)}" for id_ in ids)
        return f"<ul>{''.join(items)}</ul>"

    return branch("", 0)


def collection(ask: Ask) -> Response:
    """Show the documents of a collection as a tree, then its other entities."""
    row = ask.server.store.collections.get(ask.names["collection"])
    if row is None or row.get("deleted_at"):
        raise not_found()
    indexed = {entity["id"] for entity in ask.server.entities.indexed(row["id"])}
    stored = [
        ask.server.entities.stored(row["id"], fragment["id"])
        for fragment in ask.server.store.of(ask.server.store.fragments, row["id"])
    ]
    proxies = [
        ask.server.ingest.proxy(document)
        for document in ask.server.store.of(ask.server.store.documents, row["id"])
    ]
    rows = {proxy["id"]: proxy for proxy in proxies}
    rows |= {entity["id"]: entity for entity in stored if entity is not None}
    rows = dict(list(rows.items())[:SHOWN])
    documents = {
        id_: entity for id_, entity in rows.items() if SCHEMATA[entity["schema"]].is_a("Document")
    }
    others = [entity for id_, entity in rows.items() if id_ not in documents]
    listed = "".join(f"<li>{_item(ask, entity, indexed)}" for entity in others)
    return _page(
        row["label"],
        (
            f'<p><a href="/">All collections</a> · <code>{escape(row["foreign_id"])}</code> · '
            f"queue: {escape(_work(ask, row['id']))}</p><h2>Documents</h2>"
            f"{_tree(ask, documents, indexed) or '<p>None.</p>'}"
            f"<h2>Other entities</h2><ul>{listed}</ul>"
        ),
    )
