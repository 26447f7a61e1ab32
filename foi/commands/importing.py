"""`foi import`: real data from files; progress and refusals on standard error, the outcome on
standard output.

A disclosure log is guessed at, so what was guessed is told first; `--dry-run` takes it all back.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from foi.archive.disclosure.dating import Order
from foi.archive.disclosure.fields import FIELDS
from foi.archive.disclosure.guessing import GUESS
from foi.archive.disclosure.logs import Choices, Log, import_log, open_log
from foi.archive.disclosure.preview import first_records, rehearse_log, told
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


def _pairs(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> list[tuple[str, str]]:
    """Read `NAME=VALUE` options."""
    pairs = [(text.partition("=")[0].strip(), text.partition("=")[2].strip()) for text in given]
    for text, (name, value) in zip(given, pairs, strict=True):
        if not name or not value:
            raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE")
    return pairs


@import_group.command("log")
@_FILE
@click.option("--body", metavar="SLUG", help="The authority whose log it is, by its URL name.")
@click.option("--body-column", metavar="HEADING", help="The column that names the authority.")
@click.option(
    "--map",
    "columns",
    metavar="FIELD=HEADING",
    multiple=True,
    callback=_pairs,
    help=f"What a column is; may be repeated. Fields: {', '.join(FIELDS)}.",
)
@click.option(
    "--outcome",
    "outcomes",
    metavar="WORDS=STATE",
    multiple=True,
    callback=_pairs,
    help="What words of an outcome mean; may be repeated.",
)
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="Whether day or month is first.")
@click.option("--sheet", default="", help="The sheet to read, if not the fullest.")
@click.option(
    "--headings", type=click.IntRange(0), metavar="LINE", help="The line of the headings; 0: none."
)
@click.option("--source", default="log", help="Tells several logs of one authority apart.")
@click.option(
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder in which the files are that a column names.",
)
@click.option("--dry-run", is_flag=True, help="Show what would happen, and change nothing.")
@_JSON
@click.pass_obj
def log(
    ctx: Context,
    file: Path,
    body: str | None,
    body_column: str | None,
    columns: list[tuple[str, str]],
    outcomes: list[tuple[str, str]],
    dates: Order | None,
    sheet: str,
    headings: int | None,
    source: str,
    files: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import a disclosure log: a CSV FILE or spreadsheet of one request a row (docs/import.md).

    What each column holds is guessed and told; try it with --dry-run first. A second run changes
    nothing. Exit code 1 says that lines were refused, 2 that the file could not be used.
    """
    choices = Choices(
        body, body_column, columns, dict(outcomes), dates, sheet, headings, source, files
    )
    understood: list[Log] = []

    def importer(site: Site, path: Path, progress: Progress) -> Report:
        with site.sessions.reading() as db:
            understood.append(open_log(db, site.calendar, path, choices))
        if not dry_run:
            _be_sure(understood[0])
        return (rehearse_log if dry_run else import_log)(site, understood[0], progress)

    def tell(report: Report) -> str:
        opened = understood[0]
        if as_json:
            shown = {"first": first_records(opened)} if dry_run else {}
            made = report.as_json() | opened.as_json() | {"dry_run": dry_run} | shown
            return json.dumps(made, ensure_ascii=False)
        lines = [*told(opened), ""] if dry_run else [*opened.said]
        would = "nothing was changed; it would be " if dry_run else ""
        return "\n".join([*lines, f"{file.name}: {would}{report.summary()}"])

    _run(ctx, importer, file, as_json, tell)


def _be_sure(understood: Log) -> None:
    """Ask for a word on a title that only its values speak for; UnusableFile until it is given."""
    for column in understood.columns:
        if column.field == "title" and column.sure == GUESS:
            raise UnusableFile(
                f"the title was only guessed to be in “{column.label}”: look with --dry-run, "
                f'then say so with --map "title={column.label}"'
            )


def _run(
    ctx: Context,
    importer: Importer,
    file: Path,
    as_json: bool,
    tell: Callable[[Report], str] | None = None,
) -> None:
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
    if tell is not None:
        click.echo(tell(report))
    else:
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
