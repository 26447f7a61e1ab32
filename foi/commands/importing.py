"""`foi import`: real data from files; progress and refusals on standard error, the outcome on
standard output.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from foi.archive.importing import (
    Progress,
    Report,
    UnusableFile,
    import_authorities,
    import_requests,
)
from foi.cli import Context
from foi.site import Site

EVERY = 5.0
"""Seconds between two lines of progress where there is no terminal."""

Importer = Callable[[Site, Path, Progress], Report]


import_group = click.Group("import", help="Bring authorities and requests in from files.")
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")


@import_group.command("authorities")
@_FILE
@_JSON
@click.pass_obj
def authorities(ctx: Context, file: Path, as_json: bool) -> None:
    """Import authorities from a CSV FILE in the columns of Alaveteli's all-authorities.csv.

    Authorities that are here already are edited where they differ; a second run changes nothing.
    Exit code 1 says that rows were refused, 2 that the file could not be used.
    """
    _run(ctx, import_authorities, file, as_json)


@import_group.command("requests")
@_FILE
@_JSON
@click.pass_obj
def requests(ctx: Context, file: Path, as_json: bool) -> None:
    """Import requests with their correspondence from a JSON Lines FILE (docs/import.md).

    Attachments are looked for in the folder of the file; a second run changes nothing. Exit code 1
    says that lines were refused, 2 that the file could not be used.
    """
    _run(ctx, import_requests, file, as_json)


def _run(ctx: Context, importer: Importer, file: Path, as_json: bool) -> None:
    site: Site = ctx.site()
    with ExitStack() as stack:
        stack.callback(site.close)
        shown = _bar(file, stack) if sys.stderr.isatty() else _log(file)
        try:
            report = importer(site, file, shown)
        except UnusableFile as error:
            raise click.UsageError(str(error)) from None
    for refusal in report.refused:
        click.echo(f"{file.name}, line {refusal.line}: refused: {refusal.reason}", err=True)
    click.echo(json.dumps(report.as_json()) if as_json else f"{file.name}: {report.summary()}")
    if report.refused:
        raise click.exceptions.Exit(1)


def _bar(file: Path, stack: ExitStack) -> Progress:
    """Show a bar that fills as the file is read."""
    bar: Any = stack.enter_context(
        click.progressbar(length=max(1, file.stat().st_size), label=file.name, file=sys.stderr)
    )

    def show(done: int, total: int, report: Report) -> None:
        bar.update(done - bar.pos)

    return show


def _log(file: Path) -> Progress:
    """Say every few seconds, on a line of its own, how far it is."""
    last = time.monotonic()

    def show(done: int, total: int, report: Report) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            percent = 100 * done // max(1, total)
            click.echo(f"{file.name}: {percent} % read, {report.summary()}", err=True)

    return show


commands: list[click.Command] = [import_group]
