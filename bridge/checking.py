"""`foi bridge verify`, `heal` and `reconcile`: whether Aleph holds what it should, file by file.

Exit status 0: it does; 1: it does not, in the parts that are named; 2: it could not be asked.
"""

import sys
from collections.abc import Callable
from typing import Any

import click

from bridge.cli import bridge, connected, waiting, which, within
from bridge.push import Progress, Summary
from bridge.reconcile import heal, reconcile
from bridge.target import Target
from bridge.telling import Context, as_json, opened, progress, refuse, show
from bridge.verify import Verified, verify
from bridge.wire import AlephError
from foi.site import Site

Work = Callable[[Target, Progress, float], tuple[Summary | None, Verified]]


@bridge.command("verify")
@within
@which
@waiting
@as_json
@click.pass_obj
def verify_command(
    context: Context, collection: str | None, target: str | None, wait: float, as_json: bool
) -> None:
    """Say of every file in Aleph whether it is there, processed, and ours."""

    def work(place: Target, tell: Progress, seconds: float) -> tuple[Summary | None, Verified]:
        return None, verify(place, tell, seconds=seconds)

    with opened(context) as site:
        _run(site, target, collection, work, wait, as_json, change=False)


@bridge.command("heal")
@within
@which
@waiting
@as_json
@click.pass_obj
def heal_command(
    context: Context, collection: str | None, target: str | None, wait: float, as_json: bool
) -> None:
    """Send again what failed, was lost or is out of date, and verify."""

    def work(place: Target, tell: Progress, seconds: float) -> tuple[Summary | None, Verified]:
        return heal(place, tell, seconds=seconds)

    with opened(context) as site:
        _run(site, target, collection, work, wait, as_json, change=True)


@bridge.command("reconcile")
@within
@which
@waiting
@as_json
@click.pass_obj
def reconcile_command(
    context: Context, collection: str | None, target: str | None, wait: float, as_json: bool
) -> None:
    """Find receipts that were lost, make Aleph agree, remove what is left over, and verify."""

    def work(place: Target, tell: Progress, seconds: float) -> tuple[Summary | None, Verified]:
        return reconcile(place, tell, seconds=seconds)

    with opened(context) as site:
        _run(site, target, collection, work, wait, as_json, change=True)


def _run(
    site: Site,
    target: str | None,
    collection: str | None,
    work: Work,
    wait: float,
    as_json: bool,
    *,
    change: bool,
) -> None:
    """Do the work in each collection that is meant, print what came of it, and exit with 1 when
    something is not as it should be.
    """
    told: list[dict[str, Any]] = []
    good = True
    with connected(site, target, collection, change=change) as links:
        for link, places in links:
            for place in places:
                found = link.target(place, create=change)
                if not place.wanted and not found.collection_id:
                    continue
                try:
                    with progress() as tell:
                        summary, verified = work(found, tell, wait)
                except AlephError as error:
                    refuse(str(error))
                good = good and verified.good and (summary is None or summary.complete)
                told.append(verified.members() | ({"push": summary.members()} if summary else {}))
                if not as_json:
                    _say(verified, summary)
    if as_json:
        show({"collections": told})
    if not good:
        sys.exit(1)


def _say(verified: Verified, summary: Summary | None) -> None:
    counts = verified.counts
    show(
        None,
        f"Collection {verified.collection}",
        f"  sent: {summary.sent}, withdrawn: {summary.withdrawn}" if summary else "",
        "  " + ", ".join(f"{state}: {number}" for state, number in counts.items()),
        f"  not sent yet: {len(verified.unsent)}" if verified.unsent else "",
        f"  Aleph still has {verified.queued} tasks: this is not final" * bool(verified.queued),
        *(
            f"  {each.state} {each.kind} {each.foreign_id or each.remote_id}"
            f"{f' ({each.name})' if each.name else ''}: {each.reason}"
            for each in verified.problems
        ),
        *(f"  {what}: {why}" for what, why in (summary.failed if summary else {}).items()),
        f"  stopped: {summary.stopped}" if summary and summary.stopped else "",
    )
