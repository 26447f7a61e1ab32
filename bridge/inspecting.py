"""`foi bridge diff`, `list` and `forget`: what a push would do, what an Aleph has made of the
documents of a collection, and letting go of receipts.

Exit status 0: nothing differs, nothing failed, done; 1: something does; 2: it could not be asked.
"""

import sys
from collections.abc import Iterator
from typing import Any

import click

from bridge import turnstile
from bridge.cli import (
    bridge,
    chosen_remotes,
    connected,
    find_request,
    jobs_of,
    some_of,
    which,
    within,
)
from bridge.comparing import SAME, Change, described, explained
from bridge.config import Unusable
from bridge.holdings import Memory, remembered
from bridge.listing import Asked, Listing, documents_of
from bridge.places import Place, places
from bridge.push import Job, changes
from bridge.target import Link, Target
from bridge.telling import Context, agreed, as_json, opened, progress, refuse, show
from bridge.wire import AlephError, Json
from foi.site import Site


@bridge.command("diff")
@click.option("--request", "name", help="Only this request: its URL title or number.")
@within
@which
@as_json
@click.pass_obj
def diff_command(
    context: Context, name: str | None, collection: str | None, target: str | None, as_json: bool
) -> None:
    """Say of every object what a push would do with it, and why; changes nothing."""
    told: list[dict[str, Any]] = []
    with opened(context) as site, connected(site, target, collection, change=False) as links:
        some = some_of(site, name, None)
        jobs: list[Job] = []
        for link, those in links:
            jobs += jobs_of(site, link, those, some, create=False)
        with progress() as tell:
            found = _sorted_out(jobs, tell)
        for place, (differing, unchanged) in found.items():
            if some is None and (own := described(place)) is not None:
                differing.insert(0, own)
            differing = explained(place, differing)
            told.append(
                {
                    "collection": place.collection,
                    "aleph": place.aleph.host,
                    "unchanged": unchanged,
                    "changes": [each.members() for each in differing],
                }
            )
            if not as_json:
                _say(place, differing, unchanged)
    if as_json:
        show({"collections": told})
    if any(each["changes"] for each in told):
        sys.exit(1)


def _sorted_out(jobs: list[Job], tell: Any) -> dict[Target, tuple[list[Change], int]]:
    """Give for each collection what differs in it, and how much does not."""
    differing: dict[Target, list[Change]] = {target: [] for target, _ in jobs}
    unchanged = dict.fromkeys(differing, 0)
    for target, change in changes(jobs, tell):
        if change.action == SAME:
            unchanged[target] += 1
        else:
            differing[target].append(change)
    return {target: (found, unchanged[target]) for target, found in differing.items()}


def _say(place: Target, differing: list[Change], unchanged: int) -> None:
    counts = dict.fromkeys(("send", "rewrite", "withdraw"), 0)
    for each in differing:
        counts[each.action] += 1
    show(
        None,
        f"Collection {place.collection} of {place.aleph.host}",
        *(f"  {each}" for each in differing),
        "  to "
        + ", to ".join(f"{action}: {number}" for action, number in counts.items())
        + f", unchanged: {unchanged}",
    )


@bridge.command("list")
@click.option(
    "--collection",
    help="foreign_id of any collection that the key may read; left out: those of this site.",
)
@which
@click.option(
    "--status",
    "states",
    multiple=True,
    type=click.Choice(["success", "failed", "pending", "none"]),
    help="Only documents of this status; may be given several times.",
)
@click.option("--schema", default="Document", show_default=True, help="Only this, and its kinds.")
@click.option("--json", "form", flag_value="json", help="Print one JSON object a line.")
@click.option("--csv", "form", flag_value="csv", help="Print a table of comma-separated values.")
@click.pass_obj
def list_command(
    context: Context,
    collection: str | None,
    target: str | None,
    states: tuple[str, ...],
    schema: str,
    form: str | None,
) -> None:
    """List the documents of a collection with file name and processing status, one a line."""
    listing = Listing(form or "text", frozenset(states))
    with opened(context) as site, connected(site, target, None, change=False) as links:
        found = _to_list(links, collection)
        try:
            for link, each in found:
                asked = Asked(each, schema)
                for document in documents_of(link, asked):
                    listing.add(document)
                listing.queued += link.aleph.queued(asked.number)
        except AlephError as error:
            if not listing.seen:
                raise
            listing.stopped = str(error)
    sys.stdout.flush()
    for warning in listing.warnings():
        click.echo(f"foi bridge: {warning}", err=True)
    if listing.stopped or listing.failed:
        sys.exit(1)


def _to_list(
    links: list[tuple[Link, list[Place]]], collection: str | None
) -> list[tuple[Link, Json]]:
    """Give the collections to list; Unusable when there is none that the key may read."""
    found = []
    for link, ours in links:
        for foreign_id in [collection] if collection else [place.foreign_id for place in ours]:
            each = link.aleph.find_collection(foreign_id)
            if each is not None:
                found.append((link, each))
    if not found:
        name = repr(collection) if collection else "of this site"
        raise Unusable(f"there is no collection {name} that the key may read")
    return found


@bridge.command("forget")
@click.option("--request", "name", help="Only this request: its URL title or number.")
@within
@which
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def forget_command(
    context: Context,
    name: str | None,
    collection: str | None,
    target: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Forget what was sent, and leave Aleph as it is; `reconcile` finds it again."""
    with opened(context) as site:
        try:
            subject = find_request(site, name) if name else None
            found = list(_forgettable(site, target, collection, subject))
            if any(each.names for each in found) and not yes:
                click.echo("\n".join(each.warning() for each in found if each.names), err=True)
                agreed("Forget them?", "say --yes")
            # Nobody had to stand back while the question was open; so it is looked at again.
            with turnstile.alone(site.settings.data_folder):
                found = list(_forgettable(site, target, collection, subject))
                for each in found:
                    each.forget()
        except (Unusable, turnstile.Shut) as error:
            refuse(str(error))
    told = [{"collection": each.collection, "forgotten": len(each.names)} for each in found]
    show(
        {"collections": told} if as_json else None,
        *(f"Forgotten in {each['collection']}: {each['forgotten']}" for each in told),
        "`foi bridge reconcile` finds them again." if any(e.names for e in found) else "",
    )


def _forgettable(
    site: Site, target: str | None, collection: str | None, subject: str | None
) -> Iterator[Memory]:
    """Give what is remembered of each collection that is meant; Aleph is not asked."""
    known = False
    for remote in chosen_remotes(site, target):
        with site.sessions.reading() as db:
            for place in places(db, site, remote):
                if collection in (None, place.foreign_id):
                    known = True
                    yield remembered(db, site, remote, place, subject)
    if not known:
        raise Unusable(f"there is no collection {collection!r}")
