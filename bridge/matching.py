"""`foi bridge xref`: whom in a collection Aleph finds in others, too.

Aleph lists 9,999 matches; its own spreadsheet is saved as it is. What it gives up: saying of a
match whether it is one, which is done in Aleph.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from bridge.choosing import one
from bridge.cli import bridge, which, within
from bridge.config import Unusable
from bridge.target import Target
from bridge.telling import Context, as_json, opened, show
from bridge.wire import Json
from bridge.workspace import WINDOW, Workspace, caption
from foi.pages.table import harmless, written

_COLUMNS = (
    *("score", "schema", "entity", "entity_id", "match", "match_id"),
    *("collection", "collection_id", "judgement"),
)
_waiting = click.option(
    "--wait", default=600.0, show_default=True, help="Seconds to wait for Aleph, at most."
)


@bridge.group("xref")
def xref() -> None:
    """Compare a collection with all others in Aleph."""


@xref.command("start")
@within
@which
@_waiting
@as_json
@click.pass_obj
def start_command(
    context: Context, collection: str | None, target: str | None, wait: float, as_json: bool
) -> None:
    """Let Aleph compare a collection with all others, and wait until it has."""
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        space.start_xref(meant.collection_id)
        done = settled(meant, time.monotonic() + wait)
        found = space.total(f"collections/{meant.collection_id}/xref", [])
        members = {"collection": meant.collection, "done": done, "matches": found}
        show(
            members if as_json else None,
            f"Matches of {meant.collection}: {found:,}" if done else "",
            "" if done else "Aleph is still at it; `foi bridge xref show` shows what it finds",
        )
    if not done:
        sys.exit(1)


def settled(meant: Target, end: float) -> bool:
    """Wait until nothing is queued for a collection, and what was done shows; False when it is
    not by `end` (monotonic).

    Aleph may seem idle between two steps (aleph#3124), so it must be seen so twice.
    """
    pause, idle = meant.aleph.patience.refresh, 0
    while idle < 2:
        if time.monotonic() > end:
            return False
        time.sleep(min(pause, max(end - time.monotonic(), 0.01)))
        idle = 0 if meant.aleph.queued(meant.collection_id) else idle + 1
    return True


@xref.command("show")
@within
@which
@click.option("--least", default=0.0, metavar="SCORE", help="Only matches of this score or more.")
@click.option("--limit", type=click.IntRange(1), default=None, help="No more than so many.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option(
    "--xlsx",
    "sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save Aleph's own spreadsheet of all matches as FILE.",
)
@_waiting
@as_json
@click.pass_obj
def show_command(
    context: Context,
    collection: str | None,
    target: str | None,
    least: float,
    limit: int | None,
    as_csv: bool,
    sheet: Path | None,
    wait: float,
    as_json: bool,
) -> None:
    """List the matches of a collection, the best first."""
    if as_csv + as_json + (sheet is not None) > 1:
        raise click.UsageError("--csv, --json and --xlsx exclude one another")
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        if sheet is not None:
            size = _save(space, meant, sheet, wait)
            show(None, f"Saved {sheet}: {size:,} bytes")
            return
        rows = _rows(space.matches(meant.collection_id), least)
        _print(islice(rows, limit), meant, as_csv, as_json)
        if limit is None and next(rows, None) is None:
            total = space.total(f"collections/{meant.collection_id}/xref", [])
            if total > WINDOW:
                click.echo(f"Aleph lists no more than {WINDOW:,}; see --xlsx", err=True)


def _rows(matches: Iterable[Json], least: float) -> Iterator[dict[str, Any]]:
    for each in matches:
        score = float(each.get("score") or 0)
        if score < least:
            return  # the best came first
        entity, match = each.get("entity") or {}, each.get("match") or {}
        place = each.get("match_collection") or match.get("collection") or {}
        yield {
            "score": round(score, 4),
            "schema": str(match.get("schema") or each.get("schema") or ""),
            "entity": caption(entity),
            "entity_id": str(entity.get("id", "")),
            "match": caption(match),
            "match_id": str(match.get("id", "")),
            "collection": str(place.get("label", "")),
            "collection_id": str(place.get("id") or ""),
            "judgement": str(each.get("judgement") or ""),
        }


def _print(rows: Iterable[dict[str, Any]], meant: Target, as_csv: bool, as_json: bool) -> None:
    """Print matches as they come; as JSON, one object at the end."""
    if as_json:
        show({"collection": meant.collection, "matches": list(rows)})
        return
    if as_csv:
        click.echo(written([_COLUMNS]).decode(), nl=False)
    for row in rows:
        if as_csv:
            cells = (harmless(v) if isinstance(v, str) else v for v in row.values())
            click.echo(written([cells]).decode(), nl=False)
        else:
            click.echo(
                f"{row['score']:.2f}  {row['entity']} = {row['match']} ({row['schema']}) "
                f"in {row['collection']}"
            )


def _save(space: Workspace, meant: Target, path: Path, wait: float) -> int:
    """Let Aleph write its spreadsheet and save it; Unusable when it fails or takes too long."""
    if not path.parent.is_dir():
        raise Unusable(f"there is no folder {path.parent}")
    before = {each.get("id") for each in space.exports()}
    space.export_xref(meant.collection_id)
    end = time.monotonic() + wait
    while True:
        for each in space.exports():
            if each.get("id") in before or each.get("operation") != "exportxref":
                continue
            if str(each.get("collection_id") or meant.collection_id) != meant.collection_id:
                continue
            link = (each.get("links") or {}).get("download")
            if each.get("status") == "failed":
                raise Unusable("Aleph could not write the spreadsheet")
            if link:
                return space.save(str(link), path)
        if time.monotonic() > end:
            raise Unusable(f"Aleph has not written the spreadsheet within {wait:,.0f} seconds")
        time.sleep(meant.aleph.patience.refresh)
