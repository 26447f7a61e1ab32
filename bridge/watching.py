"""`foi bridge alerts`: being told by Aleph of what is new, for a search or a whole collection.

An alert belongs to whoever holds the key, and Aleph checks it once a day. A collection is watched
by a search for its number. What it gives up: mail, which is Aleph's own to send.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from bridge.aleph import Aleph
from bridge.cli import bridge, chosen_remotes, which
from bridge.config import Unusable
from bridge.telling import Context, as_json, opened, refuse, show
from bridge.wire import PATIENT, AlephError, Json
from bridge.workspace import Workspace, caption, moment

SHORTEST, LONGEST = 3, 100
"""Characters of a query that Aleph takes for an alert."""

of_whom = click.option(
    "--key-variable",
    "variable",
    default=None,
    metavar="NAME",
    help="Variable of the environment with the API key of whoever is to be told; without it, "
    "alerts are those of whoever gave the bridge its key.",
)


@bridge.group("alerts")
def alerts() -> None:
    """Be told by Aleph, once a day, of what is new."""


@contextmanager
def _working(
    context: Context, target: str | None, variable: str | None
) -> Iterator[tuple[Aleph, Workspace]]:
    """Connect to the one Aleph that is meant as whoever is meant."""
    with opened(context) as site:
        try:
            found = chosen_remotes(site, target)
            if len(found) > 1:
                names = ", ".join(remote.name or "(of the settings)" for remote in found)
                raise Unusable(f"name the Aleph with --target: there are {names}")
            key = found[0].key if variable is None else os.environ.get(variable, "").strip()
            if not key:
                where = f"variable {variable}" if variable else "setting aleph.api_key"
                raise Unusable(f"{where} is empty: make a key under Settings in Aleph")
            aleph = Aleph(found[0].host, key, PATIENT)
            try:
                aleph.check()
                yield aleph, Workspace(aleph)
            finally:
                aleph.close()
        except (AlephError, Unusable) as error:
            refuse(str(error))


@alerts.command("add")
@click.argument("text", required=False)
@click.option("--collection", default=None, help="All of this collection, or TEXT only within it.")
@which
@of_whom
@as_json
@click.pass_obj
def add_command(
    context: Context,
    text: str | None,
    collection: str | None,
    target: str | None,
    variable: str | None,
    as_json: bool,
) -> None:
    """Be told of what is new and found by TEXT, a search as in Aleph's search box."""
    with _working(context, target, variable) as (aleph, space):
        query = _query(aleph, text, collection)
        total = _tried(space, query)
        known = [each for each in space.alerts() if each.get("query") == query]
        made = known[0] if known else space.add_alert(query)
        show(
            _members(made) | {"finds": total, "made": not known} if as_json else None,
            f"Alert {made.get('id')} {'was there already' if known else 'made'}: {query}",
            f"It finds {_many(total)} now; Aleph tells once a day what is new.",
        )


@alerts.command("list")
@which
@of_whom
@as_json
@click.pass_obj
def list_command(
    context: Context, target: str | None, variable: str | None, as_json: bool
) -> None:
    """List the alerts."""
    with _working(context, target, variable) as (_, space):
        found = space.alerts()
        show(
            {"alerts": [_members(each) for each in found]} if as_json else None,
            *(f"{each.get('id'):>6}  {each.get('query')}" for each in found),
            "" if found else "There are no alerts.",
        )


@alerts.command("show")
@click.argument("number")
@which
@of_whom
@as_json
@click.pass_obj
def show_command(
    context: Context, number: str, target: str | None, variable: str | None, as_json: bool
) -> None:
    """Show an alert, when it was checked last, and what it will tell of at the next check."""
    with _working(context, target, variable) as (_, space):
        alert = _alert(space, number)
        query = str(alert.get("query"))
        checked = moment(alert.get("notified_at"))
        total = _tried(space, query)
        fresh, first = space.hits(query, checked)
        show(
            _members(alert)
            | {"finds": total, "new": fresh, "tells": [_hit(each) for each in first]}
            if as_json
            else None,
            f"Alert {alert.get('id')}: {query}",
            f"Checked: {checked:%Y-%m-%d %H:%M} UTC" if checked else "Not checked yet",
            f"Finds: {_many(total)}",
            f"New or changed since, to be told at the next check: {_many(fresh)}",
            *(f"  {_said(_hit(each))}" for each in first),
        )


@alerts.command("remove")
@click.argument("number")
@which
@of_whom
@as_json
@click.pass_obj
def remove_command(
    context: Context, number: str, target: str | None, variable: str | None, as_json: bool
) -> None:
    """Remove an alert."""
    with _working(context, target, variable) as (_, space):
        alert = _alert(space, number)
        space.remove_alert(number)
        show(
            _members(alert) | {"removed": True} if as_json else None,
            f"Alert {number} removed: {alert.get('query')}",
        )


def _alert(space: Workspace, number: str) -> Json:
    found = space.alert(number) if number.isascii() and number.isdigit() else None
    if found is None:
        raise Unusable(f"there is no alert {number!r} of whoever holds the key")
    return found


def _query(aleph: Aleph, text: str | None, collection: str | None) -> str:
    """Give the query that an alert is; Unusable when Aleph would not take it."""
    parts = []
    if collection is not None:
        found = aleph.find_collection(collection)
        if found is None:
            raise Unusable(f"there is no collection {collection!r} in Aleph that the key may read")
        parts.append(f"collection_id:{found['id']}")
    words = " ".join((text or "").split())
    if words:
        parts.insert(0, f"({words})" if parts else words)
    query = " AND ".join(parts)
    if not query:
        raise Unusable("say what to look for: a text, --collection, or both")
    if not SHORTEST <= len(query) <= LONGEST:
        raise Unusable(
            f"Aleph takes {SHORTEST} to {LONGEST} characters for an alert; {query!r} has "
            f"{len(query)}"
        )
    return query


def _tried(space: Workspace, query: str) -> int:
    """Give what a query finds now; Unusable when Aleph cannot read it.

    It would take an alert of it all the same, and drop it without a word at the first check.
    """
    try:
        return space.hits(query)[0]
    except AlephError as error:
        if error.status not in (400, 500):
            raise
        raise Unusable(
            f"Aleph cannot read the search {query!r}, and would drop the alert: {error.message}"
        ) from None


def _many(number: int) -> str:
    return "10,000 or more" if number >= 10_000 else f"{number:,}"


def _members(alert: Json) -> dict[str, Any]:
    names = {"id": "id", "query": "query", "created_at": "created_at", "notified_at": "checked_at"}
    return {ours: alert.get(theirs) for theirs, ours in names.items()}


def _hit(entity: Json) -> dict[str, str]:
    place = entity.get("collection") or {}
    return {
        "id": str(entity.get("id", "")),
        "schema": str(entity.get("schema", "")),
        "name": caption(entity),
        "collection": str(place.get("label", "")),
        "updated_at": str(entity.get("updated_at", "")),
    }


def _said(hit: dict[str, str]) -> str:
    return f"{hit['updated_at'][:16]}  {hit['schema']} {hit['name']} in {hit['collection']}"
