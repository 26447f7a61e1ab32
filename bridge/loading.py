"""`foi bridge mappings`: entities from the tables of a collection, by a FollowTheMoney mapping.

What it loads belongs to Aleph and not to the archive: `foi bridge verify` only counts it.
What it gives up: changing a mapping; remove it and add it anew.
"""

import sys
import time
from pathlib import Path
from typing import Any

import click

from bridge import mapping
from bridge.choosing import one
from bridge.cli import bridge, which, within
from bridge.config import Unusable
from bridge.target import Target
from bridge.telling import Context, as_json, opened, show
from bridge.wire import AlephError, Json
from bridge.workspace import Workspace, caption

_ENDED = ("successful", "success", "failed")
_waiting = click.option(
    "--wait", default=600.0, show_default=True, help="Seconds to wait for Aleph, at most."
)


@bridge.group("mappings")
def mappings() -> None:
    """Make entities of the rows of a table in Aleph."""


@mappings.command("list")
@within
@which
@as_json
@click.pass_obj
def list_command(
    context: Context, collection: str | None, target: str | None, as_json: bool
) -> None:
    """List the mappings of a collection, and the tables that one could be made for."""
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        found = [_members(each) for each in space.mappings(meant.collection_id)]
        tables = [
            {"id": str(each.get("id")), "name": caption(each)}
            for each in space.tables(meant.collection_id)
        ]
        show(
            {"collection": meant.collection, "mappings": found, "tables": tables}
            if as_json
            else None,
            *(_line(each) for each in found),
            "" if found else "There are no mappings.",
            *(f"table {each['id']}  {each['name']}" for each in tables),
        )


@mappings.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--table", required=True, help="The table: its id in Aleph, or its file name.")
@click.option("--run", is_flag=True, help="Load it at once.")
@within
@which
@_waiting
@as_json
@click.pass_obj
def add_command(
    context: Context,
    file: Path,
    table: str,
    run: bool,
    collection: str | None,
    target: str | None,
    wait: float,
    as_json: bool,
) -> None:
    """Add the mapping in FILE (YAML or JSON) for a table of a collection."""
    try:
        query = mapping.read(file)
    except Unusable as wrong:
        raise click.UsageError(str(wrong)) from None
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        if wrong_with := mapping.problems(meant.aleph.model, query):
            raise Unusable(f"{file} does not do for this Aleph: {'; '.join(wrong_with)}")
        found = _table(space, meant, table)
        heads = space.heads(meant.aleph.entity(str(found["id"])) or found)
        if heads and (unknown := sorted(mapping.columns(query) - set(heads))):
            raise Unusable(
                f"{caption(found)} has no column {', '.join(unknown)}; it has {', '.join(heads)}"
            )
        made = space.add_mapping(meant.collection_id, str(found["id"]), query)
        good = _run(space, meant, made, wait, as_json) if run else True
        if not run:
            members = _members(made)
            show(
                members if as_json else None,
                _line(members),
                f"Load it with: foi bridge mappings run {made.get('id')}",
            )
    if not good:
        sys.exit(1)


@mappings.command("run")
@click.argument("number")
@within
@which
@_waiting
@as_json
@click.pass_obj
def run_command(
    context: Context,
    number: str,
    collection: str | None,
    target: str | None,
    wait: float,
    as_json: bool,
) -> None:
    """Load what a mapping makes of its table, and wait until Aleph has."""
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        good = _run(space, meant, _mapping(space, meant, number), wait, as_json)
    if not good:
        sys.exit(1)


@mappings.command("remove")
@click.argument("number")
@within
@which
@as_json
@click.pass_obj
def remove_command(
    context: Context, number: str, collection: str | None, target: str | None, as_json: bool
) -> None:
    """Remove a mapping and what it has loaded."""
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        members = _members(_mapping(space, meant, number))
        space.remove_mapping(meant.collection_id, number)
        show(
            members | {"removed": True} if as_json else None,
            f"Mapping {number} and what it loaded from {members['table']['name']} removed",
        )


def _mapping(space: Workspace, meant: Target, number: str) -> Json:
    try:
        if number.isascii() and number.isdigit():
            return space.mapping(meant.collection_id, number)
    except AlephError as error:
        if error.status != 404:
            raise
    raise Unusable(f"there is no mapping {number!r} in {meant.collection}")


def _table(space: Workspace, meant: Target, name: str) -> Json:
    """Find a table by id or file name; Unusable when there is none, or more than one."""
    plain = name.replace(".", "").replace("-", "").isalnum() and name.isascii()
    found = meant.aleph.entity(name) if plain else None
    if found is not None:
        place = found.get("collection") or {}
        if str(place.get("id") or found.get("collection_id")) != meant.collection_id:
            raise Unusable(f"{name} is not in {meant.collection}")
        described = meant.aleph.model.schema(str(found.get("schema"))) or {}
        if "Table" not in (found.get("schema"), *(described.get("schemata") or ())):
            raise Unusable(
                f"{caption(found)} is a {found.get('schema')} in Aleph and no Table: only tables "
                "that Aleph has processed can be mapped"
            )
        return found
    tables = space.tables(meant.collection_id, name)
    if len(tables) == 1:
        return tables[0]
    if tables:
        ids = ", ".join(str(each.get("id")) for each in tables[:10])
        raise Unusable(f"{len(tables)} tables are called {name!r}: give the id, one of {ids}")
    raise Unusable(
        f"there is no table {name!r} in {meant.collection} that Aleph has processed; "
        "`foi bridge mappings list` names those that there are"
    )


def _run(space: Workspace, meant: Target, made: Json, wait: float, as_json: bool) -> bool:
    """Load a mapping, tell what came of it, and say whether it went well."""
    number, table = str(made.get("id")), str(made.get("table_id"))
    space.start_mapping(meant.collection_id, number)
    end, state, idle = time.monotonic() + wait, "", 0
    while idle < 2 and time.monotonic() < end:
        time.sleep(meant.aleph.patience.refresh)
        state = str(space.mapping(meant.collection_id, number).get("last_run_status") or "")
        # Aleph 3 tells no state: there the empty queue has to do.
        ended = state in _ENDED or not state
        idle = idle + 1 if ended and not meant.aleph.queued(meant.collection_id) else 0
    done = idle >= 2
    schemata = sorted({str(each.get("schema")) for each in _query(made).values()})
    loaded = {each: space.loaded(meant.collection_id, each, table) for each in schemata}
    members = _members(made) | {"state": state, "done": done, "loaded": loaded}
    counts = ", ".join(f"{number} {schema}" for schema, number in loaded.items())
    show(
        members if as_json else None,
        _line(members),
        f"From this table there are: {counts}" if done else "Aleph has not finished yet",
    )
    return done and state != "failed"


def _query(row: Json) -> dict[str, Json]:
    found = row.get("query") or {}
    return {name: each for name, each in found.items() if isinstance(each, dict)}


def _members(row: Json) -> dict[str, Any]:
    table = row.get("table") or {}
    return {
        "id": str(row.get("id")),
        "table": {"id": str(row.get("table_id")), "name": caption(table)},
        "schemata": sorted({str(each.get("schema")) for each in _query(row).values()}),
        "state": str(row.get("last_run_status") or ""),
    }


def _line(members: dict[str, Any]) -> str:
    made = ", ".join(members["schemata"])
    state = members["state"] or "no state told"
    name = members["table"]["name"] or members["table"]["id"]
    return f"mapping {members['id']}: {made} from {name} ({state})"
