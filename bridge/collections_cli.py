"""`foi bridge collections`: the collections of an Aleph, and what is done to ours as a whole.

Exit status 0: done; 1: Aleph has not finished; 2: nothing was done.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from bridge.cli import bridge, connected, waiting, which, within
from bridge.config import Unusable
from bridge.holdings import brief, clear, describe, noted, readable, whole
from bridge.places import Place
from bridge.target import Link, Target
from bridge.telling import Context, as_json, opened, retyped, show
from bridge.wire import AlephDown
from foi.site import Site

named = click.argument("foreign_id")
confirmed = click.option("--yes", metavar="FOREIGN_ID", help="Its foreign_id again: do not ask.")


@bridge.group("collections")
def collections() -> None:
    """Look at the collections of an Aleph; describe, empty or delete those of this site."""


@collections.command("list")
@click.option("--all", "every", is_flag=True, help="All that the key may read.")
@which
@as_json
@click.pass_obj
def list_command(context: Context, every: bool, target: str | None, as_json: bool) -> None:
    """List this site's collections, or all that the key may read."""
    told: list[dict[str, Any]] = []
    with opened(context) as site, connected(site, target, None, change=False) as links:
        for link, places in links:
            ours = [place.foreign_id for place in places]
            if every:
                found = [
                    brief(each, "", ours=each.get("foreign_id") in ours)
                    for each in readable(link.aleph)
                ]
            else:
                find = link.aleph.find_collection
                found = [brief(find(name), name, ours=True) for name in ours]
            told.append({"aleph": link.aleph.host, "collections": found})
    show({"targets": told} if as_json else None, *_listed(told))


def _listed(told: list[dict[str, Any]]) -> Iterator[str]:
    for each in told:
        yield each["aleph"]
        for found in each["collections"]:
            marks = [
                "ours" if found["ours"] else "",
                "writeable" if found["writeable"] else "",
                "" if found["there"] else "not there",
            ]
            said = ", ".join(filter(None, marks))
            label = " ".join(found["label"].split())
            yield f"  {found['foreign_id']}  {found['count']:,}  {label}  ({said})"


@collections.command("show")
@named
@which
@as_json
@click.pass_obj
def show_command(context: Context, foreign_id: str, target: str | None, as_json: bool) -> None:
    """Show what a collection says of itself, what it holds, and what Aleph has still to do."""
    told: list[dict[str, Any]] = []
    missing: Unusable | None = None
    with opened(context) as site, connected(site, target, None, change=False) as links:
        for link, places in links:
            place = next((each for each in places if each.foreign_id == foreign_id), None)
            try:
                told.append({"aleph": link.aleph.host, **whole(link, foreign_id, place)})
            except Unusable as error:
                missing = error
        if missing is not None and not told:
            raise missing
    show({"collections": told} if as_json else None, *(x for each in told for x in _shown(each)))


def _shown(told: dict[str, Any]) -> Iterator[str]:
    for name, value in told.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key}: {number:,}" for key, number in sorted(value.items()))
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        yield f"{name}: {' '.join(str(value).split())}"


@collections.command("update")
@within
@which
@as_json
@click.pass_obj
def update_command(
    context: Context, collection: str | None, target: str | None, as_json: bool
) -> None:
    """Send label, summary and the like as the settings now have them."""
    told: list[dict[str, Any]] = []
    with opened(context) as site, connected(site, target, collection, change=True) as links:
        for link, places in links:
            for place in places:
                if not place.wanted and collection is None:
                    continue
                found = link.target(place, create=False)
                if not found.collection_id and collection is None:
                    continue
                told.append({"foreign_id": place.foreign_id, "not_taken": describe(found)})
        if not told:
            raise Unusable("none of the collections is in Aleph: `foi bridge push` makes them")
    show(
        {"collections": told} if as_json else None,
        *(
            line
            for each in told
            for line in (
                f"Described: {each['foreign_id']}",
                *(f"  Aleph has not taken over: {left}" for left in each["not_taken"]),
            )
        ),
    )


@collections.command("empty")
@named
@which
@confirmed
@waiting
@as_json
@click.pass_obj
def empty_command(
    context: Context,
    foreign_id: str,
    target: str | None,
    yes: str | None,
    wait: float,
    as_json: bool,
) -> None:
    """Delete all that a collection of this site holds, and keep the collection."""
    with opened(context) as site:
        _confirm(site, target, foreign_id, "emptied", yes)
        _clear(site, target, foreign_id, "emptied", keep=True, wait=wait, as_json=as_json)


@collections.command("delete")
@named
@which
@confirmed
@waiting
@as_json
@click.pass_obj
def delete_command(
    context: Context,
    foreign_id: str,
    target: str | None,
    yes: str | None,
    wait: float,
    as_json: bool,
) -> None:
    """Delete a collection of this site with all that it holds."""
    with opened(context) as site:
        _confirm(site, target, foreign_id, "deleted", yes)
        _clear(site, target, foreign_id, "deleted", keep=False, wait=wait, as_json=as_json)


@contextmanager
def _uncertain() -> Iterator[None]:
    """End with 1 when Aleph goes away after it was asked: it may have done it or not."""
    try:
        yield
    except AlephDown as error:
        click.echo(
            f"foi bridge: {error}; it may have been done or not: run it again, or `foi bridge "
            "push`, which sends what is missing",
            err=True,
        )
        sys.exit(1)


def _confirm(site: Site, target: str | None, foreign_id: str, what: str, yes: str | None) -> None:
    """Say what is to go and have the name typed; nobody has to stand back meanwhile."""
    with connected(site, target, foreign_id, change=False) as links:
        targets = _targets(links)
        there = [each for each in targets if each.collection_id]
        if not there and not any(map(noted, targets)):
            raise Unusable(f"{foreign_id} is not in Aleph, nor is anything noted about it")
        for each in there:
            click.echo(
                f"{foreign_id} at {each.aleph.host} holds {_count(each):,} objects by Aleph's "
                "count. All that is there is to be deleted, whoever has put it there, with lists, "
                "diagrams and mappings.",
                err=True,
            )
    retyped(foreign_id, f"Type {foreign_id} if it is to be {what}", yes)


def _targets(links: list[tuple[Link, list[Place]]]) -> list[Target]:
    return [link.target(place, create=False) for link, places in links for place in places]


def _clear(
    site: Site,
    target: str | None,
    foreign_id: str,
    what: str,
    *,
    keep: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Empty or delete a collection in each Aleph that is meant, and say so."""
    told: list[dict[str, Any]] = []
    with connected(site, target, foreign_id, change=True) as links:
        targets = _targets(links)
        for each in targets:
            with _uncertain():
                done = clear(each, keep=keep, seconds=wait)
            told.append({"aleph": each.aleph.host, "foreign_id": foreign_id, what: done})
    again = any(each.place.wanted for each in targets)
    show(
        {"collections": told} if as_json else None,
        *(
            f"{what.capitalize()}: {foreign_id} at {each['aleph']}"
            if each[what]
            else f"Being {what}: {foreign_id} at {each['aleph']} still shows some of it"
            for each in told
        ),
        "`foi bridge push` brings all of it back, and the worker what changes here." * again,
    )
    if not all(each[what] for each in told):
        sys.exit(1)


def _count(target: Target) -> int:
    """Give how many objects a collection holds, as Aleph counts them."""
    found = target.aleph.call("GET", f"collections/{target.collection_id}")
    return int(found.get("count") or 0)
