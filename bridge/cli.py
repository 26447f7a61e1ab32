"""`foi bridge`: push, export and status from the command line; the commands that check stand in
`bridge.checking`.

Exit status 0: done; 1: a part failed or is not finished; 2: the settings do not allow it.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import or_, select

from bridge import turnstile
from bridge.config import Remote, Unusable, collection_name, remotes
from bridge.export import NotOurs, export
from bridge.export_index import Busy
from bridge.places import Place, places, route
from bridge.push import Job, Summary, plan, push, subjects_of_all
from bridge.receipts import Receipts
from bridge.target import Link
from bridge.telling import Context, as_json, opened, progress, refuse, show
from bridge.wire import PATIENT, AlephError
from foi.archive.casework.names import resolve_former
from foi.archive.models import InfoRequest
from foi.site import Site
from foi.work import outbox


@click.group()
def bridge() -> None:
    """Keep an Aleph in step with the archive, or write the same as files."""


commands: list[click.Command] = [bridge]

which = click.option(
    "--target", "target", default=None, help="Only this Aleph: its name in bridge.file."
)
within = click.option("--collection", default=None, help="Only this collection: its foreign_id.")
waiting = click.option(
    "--wait",
    default=600.0,
    show_default=True,
    help="Seconds to wait at the end for Aleph to process the files.",
)


@contextmanager
def connected(
    site: Site, target: str | None, collection: str | None, *, change: bool
) -> Iterator[list[tuple[Link, list[Place]]]]:
    """Connect to each Aleph that is meant, and give its collections; nobody else pushes meanwhile
    if it is to `change` anything. What the settings do not allow ends the command with status 2.
    """
    links: list[Link] = []
    try:
        chosen = chosen_remotes(site, target)
        with turnstile.alone(site.settings.data_folder, change):
            found = []
            for remote in chosen:
                with site.sessions.reading() as db:
                    every = places(db, site, remote)
                links.append(Link(site, remote, PATIENT))
                found.append((links[-1], _only(every, collection)))
            if collection and not any(those for _, those in found):
                raise Unusable(f"there is no collection {collection!r}")
            yield found
    except (AlephError, Unusable, turnstile.Shut) as error:
        refuse(str(error))
    finally:
        for link in links:
            link.close()


def chosen_remotes(site: Site, target: str | None) -> list[Remote]:
    """Give the Alephs that are meant: all, or the one of a name; Unusable when there is none."""
    every = remotes(site.settings)
    if not every:
        raise Unusable(
            "setting aleph.host is empty: name the address of Aleph to turn the bridge on"
        )
    found = [remote for remote in every if target is None or remote.name == target]
    if not found:
        names = ", ".join(remote.name or "(of the settings)" for remote in every)
        raise Unusable(f"there is no target {target!r}; there are {names}")
    return found


def _only(every: list[Place], collection: str | None) -> list[Place]:
    return [each for each in every if collection is None or each.foreign_id == collection]


@bridge.command("push")
@click.option("--request", "name", help="Only this request: its URL title or number.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only requests that have changed since this day or moment (UTC).",
)
@within
@which
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--thorough", is_flag=True, help="Look also at what has not changed since it was complete."
)
@waiting
@as_json
@click.pass_obj
def push_command(
    context: Context,
    name: str | None,
    since: datetime | None,
    collection: str | None,
    target: str | None,
    dry_run: bool,
    thorough: bool,
    wait: float,
    as_json: bool,
) -> None:
    """Make Aleph hold exactly what the archive shows."""
    with opened(context) as site, connected(site, target, collection, change=True) as links:
        some = some_of(site, name, since)
        jobs: list[Job] = []
        for link, those in links:
            jobs += jobs_of(site, link, those, some, create=not dry_run)
        with progress() as tell:
            if dry_run:
                summary = plan(jobs, tell)
            else:
                summary = push(jobs, tell, wait=wait, thorough=thorough or bool(name))
    _tell(summary, dry_run, as_json)


def some_of(site: Site, name: str | None, since: datetime | None) -> list[str] | None:
    """Give the requests that are meant; None: everything."""
    if name:
        return [find_request(site, name)]
    if since is None:
        return None
    with site.sessions.reading() as db:
        changed = InfoRequest.updated_at >= since.replace(tzinfo=UTC)
        return [
            f"request:{number}" for number in db.scalars(select(InfoRequest.id).where(changed))
        ]


def jobs_of(
    site: Site, link: Link, those: list[Place], some: list[str] | None, *, create: bool
) -> Iterator[Job]:
    if some is None:
        for place in those:
            target = link.target(place, create=create)
            yield target, subjects_of_all(target)
        return
    with site.sessions.reading() as db:
        meant = route(db, site, link.remote, some)
    for place, subjects in meant.items():
        if place in those:
            yield link.target(place, create=create), subjects


def _tell(summary: Summary, dry_run: bool, as_json: bool) -> None:
    show(
        summary.members() | {"dry_run": dry_run} if as_json else None,
        f"{'To send' if dry_run else 'Sent'}: {summary.sent}",
        f"Unchanged: {summary.unchanged}",
        f"{'To withdraw' if dry_run else 'Withdrawn'}: {summary.withdrawn}",
        f"Not finished by Aleph: {summary.waiting}" if summary.waiting else "",
        f"Failed: {len(summary.failed)}",
        *(f"  {what}: {why}" for what, why in summary.failed.items()),
        f"Sent, but Aleph could not read: {len(summary.unread)}" if summary.unread else "",
        *(f"  {what}: {why}" for what, why in summary.unread.items()),
        f"Stopped: {summary.stopped}" if summary.stopped else "",
    )
    if summary.unread or not summary.complete:
        sys.exit(1)


def find_request(site: Site, name: str) -> str:
    """Give the subject of a request by URL title, former URL title, or number."""
    with site.sessions.reading() as db:
        titled = InfoRequest.url_title == (resolve_former(db, "request", name) or name)
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else None
        found = db.scalar(select(InfoRequest.id).where(or_(titled, InfoRequest.id == number)))
    if found is None:
        raise Unusable(f"there is no request {name!r}")
    return f"request:{found}"


@bridge.command("export")
@click.argument(
    "folder",
    metavar="[DIR]",
    required=False,
    type=click.Path(file_okay=False, path_type=Path),
)
@as_json
@click.pass_obj
def export_command(context: Context, folder: Path | None, as_json: bool) -> None:
    """Write what Aleph would hold into DIR, as FollowTheMoney JSON Lines and files; without DIR
    into the folder that is published at /data/, if the setting bridge.publish says so.
    """
    if folder is None and not context.settings.bridge_publish:
        refuse("name a folder, or turn on the setting bridge.publish")
    with opened(context) as site:
        try:
            target = folder or site.settings.export_folder
            done = export(site, collection_name(site.settings), target)
        except (Busy, NotOurs) as error:
            refuse(str(error))
    show(
        done.members() if as_json else None,
        f"Entities: {done.entities}, {'written' if done.changed else 'as they were'}",
        f"Files: {done.files} ({done.written} written, {done.removed} removed)",
        *(f"Left out, its bytes are missing: {name}" for name in done.missing),
    )
    if done.missing:
        sys.exit(1)


@bridge.command("status")
@which
@click.option("--live", is_flag=True, help="Ask Aleph as well how much it has still to do.")
@as_json
@click.pass_obj
def status_command(context: Context, target: str | None, live: bool, as_json: bool) -> None:
    """Show what was sent, what is still owed, and what the last verification found."""
    with opened(context) as site:
        try:
            told = [_status(site, remote, live) for remote in chosen_remotes(site, target)]
        except (AlephError, Unusable) as error:
            refuse(str(error))
    show({"targets": told} if as_json else None, *(line for each in told for line in _said(each)))


def _status(site: Site, remote: Remote, live: bool) -> dict[str, Any]:
    """Give the members of one Aleph's status."""
    with site.sessions.reading() as db:
        owed = outbox.counts(db).get(remote.consumer, {"owed": 0, "parked": 0})
        found = places(db, site, remote)
        collections = []
        for place in found:
            receipts = Receipts(site, remote.host, place.foreign_id)
            collections.append(
                {
                    "foreign_id": place.foreign_id,
                    "wanted": place.wanted,
                    "held": receipts.counts(db),
                    "unfinished": receipts.unfinished(db),
                    "withdrawing": receipts.withdrawing(db),
                    "verified": receipts.states(db),
                }
            )
    if live:
        # Somebody sits there and wants to know how it stands: silence is an answer, too.
        with Link(site, remote, replace(PATIENT, attempts=2, answer=15.0)) as link:
            for place, each in zip(found, collections, strict=True):
                number = link.target(place, create=False).collection_id
                each["queued"] = link.aleph.queued(number) if number else 0
    return {"name": remote.name, "aleph": remote.host, "collections": collections} | owed


def _said(status: dict[str, Any]) -> Iterator[str]:
    for each in status["collections"]:
        left = "" if each["wanted"] else " (not in the settings any more: to be emptied)"
        yield f"Collection {each['foreign_id']} of {status['aleph']}{left}"
        yield from (f"  {kind}: {number}" for kind, number in sorted(each["held"].items()))
        yield f"  begun, not finished: {each['unfinished']}" if each["unfinished"] else ""
        yield f"  being withdrawn: {each['withdrawing']}" if each["withdrawing"] else ""
        yield f"  queued in Aleph: {each['queued']}" if "queued" in each else ""
        found = ", ".join(f"{number} {name}" for name, number in sorted(each["verified"].items()))
        yield f"  last verified: {found}" if found else ""
    yield f"Subjects owed: {status['owed']}, of these parked: {status['parked']}"


from bridge import checking as checking  # noqa: E402 - adds its commands to the group
from bridge import collections_cli as collections_cli  # noqa: E402
from bridge import examining as examining  # noqa: E402
from bridge import inspecting as inspecting  # noqa: E402
from bridge import loading as loading  # noqa: E402
from bridge import matching as matching  # noqa: E402
from bridge import sharing as sharing  # noqa: E402
from bridge import watching as watching  # noqa: E402
