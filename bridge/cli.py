"""`foi bridge`: push, export and status from the command line.

Exit status 0: done; 1: a part failed or is not finished; 2: the settings do not allow it.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Protocol

import click
from sqlalchemy import or_, select

from bridge import turnstile
from bridge.export import NotOurs, export
from bridge.push import Progress, plan, push, subjects_of_all
from bridge.receipts import Receipts
from bridge.target import Unusable, collection_name, open_target
from bridge.wire import PATIENT, AlephError, address
from foi.archive.casework.names import resolve_former
from foi.archive.models import InfoRequest
from foi.settings import Settings
from foi.site import Site
from foi.work import outbox


class Context(Protocol):
    """What the command line gives its commands."""

    settings: Settings

    def site(self) -> Site:
        """Open the site, its consumers registered."""


as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def bridge() -> None:
    """Keep an Aleph in step with the archive, or write the same as files."""


commands: list[click.Command] = [bridge]


@bridge.command("push")
@click.option("--request", "name", help="Only this request: its URL title or number.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--wait",
    default=600.0,
    show_default=True,
    help="Seconds to wait at the end for Aleph to process the files.",
)
@as_json
@click.pass_obj
def push_command(
    context: Context, name: str | None, dry_run: bool, wait: float, as_json: bool
) -> None:
    """Make Aleph hold exactly what the archive shows."""
    with opened(context) as site:
        try:
            with turnstile.alone(site.settings.data_folder):
                target = open_target(site, PATIENT, create=not dry_run)
                subjects = [_find(site, name)] if name else subjects_of_all(target)
                with progress() as tell:
                    if dry_run:
                        summary = plan(target, subjects, tell)
                    else:
                        summary = push(target, subjects, tell, wait=wait)
        except (AlephError, Unusable, turnstile.Shut) as error:
            _refuse(str(error))
    _print(
        summary.members() | {"dry_run": dry_run} if as_json else None,
        f"{'To send' if dry_run else 'Sent'}: {summary.sent}",
        f"Unchanged: {summary.unchanged}",
        f"{'To withdraw' if dry_run else 'Withdrawn'}: {summary.withdrawn}",
        f"Not finished by Aleph: {summary.waiting}" if summary.waiting else "",
        f"Failed: {len(summary.failed)}",
        *(f"  {what}: {why}" for what, why in summary.failed.items()),
        f"Stopped: {summary.stopped}" if summary.stopped else "",
    )
    if not summary.complete:
        sys.exit(1)


def _find(site: Site, name: str) -> str:
    """Give the subject of a request by URL title, former URL title, or number."""
    with site.sessions.reading() as db:
        titled = InfoRequest.url_title == (resolve_former(db, "request", name) or name)
        number = int(name) if name.isascii() and name.isdigit() and len(name) < 10 else None
        found = db.scalar(select(InfoRequest.id).where(or_(titled, InfoRequest.id == number)))
    if found is None:
        raise Unusable(f"there is no request {name!r}")
    return f"request:{found}"


@bridge.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@as_json
@click.pass_obj
def export_command(context: Context, folder: Path, as_json: bool) -> None:
    """Write what Aleph would hold into DIR, as FollowTheMoney JSON Lines and files."""
    with opened(context) as site:
        try:
            done = export(site, collection_name(site.settings), folder)
        except NotOurs as error:
            _refuse(str(error))
    _print(
        done.members() if as_json else None,
        f"Entities: {done.entities}, {'written' if done.changed else 'as they were'}",
        f"Files: {done.files} ({done.written} written, {done.removed} removed)",
        *(f"Left out, its bytes are missing: {name}" for name in done.missing),
    )
    if done.missing:
        sys.exit(1)


@bridge.command("status")
@as_json
@click.pass_obj
def status_command(context: Context, as_json: bool) -> None:
    """Show what was sent, and what is still owed, as this site knows it."""
    with opened(context) as site:
        host, collection = address(site.settings.aleph_host), collection_name(site.settings)
        if not host:
            _refuse("setting aleph.host is empty: the bridge is off")
        receipts = Receipts(site, host, collection)
        with site.sessions.reading() as db:
            held, withdrawing = receipts.counts(db), receipts.withdrawing(db)
            owed = outbox.counts(db).get("aleph", {"owed": 0, "parked": 0})
    _print(
        {"aleph": host, "collection": collection, "held": held, "withdrawing": withdrawing} | owed
        if as_json
        else None,
        f"Collection {collection} of {host}",
        *(f"  {kind}: {number}" for kind, number in sorted(held.items())),
        f"Being withdrawn: {withdrawing}",
        f"Subjects owed: {owed['owed']}, of these parked: {owed['parked']}",
    )


@contextmanager
def opened(context: Context) -> Iterator[Site]:
    """Open the site for one command."""
    site = context.site()
    try:
        yield site
    finally:
        site.close()


@contextmanager
def progress() -> Iterator[Progress]:
    """Show progress on standard error: a bar on a terminal, a line now and then in a log."""
    show = _bar if sys.stderr.isatty() else _lines()
    yield show
    if sys.stderr.isatty():
        click.echo("", err=True)


def _bar(done: int, total: int, last: str) -> None:
    filled = 30 * done // max(total, 1)
    click.echo(
        f"\r{'#' * filled:<30} {done:,}/{total:,} {last:<30.30}", err=True, nl=False, color=False
    )


def _lines(every: float = 10.0) -> Callable[[int, int, str], None]:
    shown = time.monotonic()

    def show(done: int, total: int, last: str) -> None:
        nonlocal shown
        if done == total or time.monotonic() - shown > every:
            shown = time.monotonic()
            click.echo(f"{done:,} of {total:,}: {last}", err=True)

    return show


def _print(members: dict[str, Any] | None, *lines: str) -> None:
    if members is not None:
        click.echo(json.dumps(members))
    else:
        click.echo("\n".join(line for line in lines if line))


def _refuse(sentence: str) -> NoReturn:
    click.echo(f"foi bridge: {sentence}", err=True)
    sys.exit(2)
