"""`foi backup`, `foi restore`, `foi check`: looking after a site."""

import json
from pathlib import Path

import click

from foi import upkeep
from foi.cli import Context
from foi.site import Site

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def backup(ctx: Context, folder: Path, as_json: bool) -> None:
    """Copy the site (database, files, key secret) into FOLDER while it serves; print the
    newest event's id.

    A second backup into the same folder copies only the files that are new.
    """
    site: Site = ctx.site()
    try:
        held = upkeep.backup(site, folder)
    except upkeep.Impossible as why:
        raise click.UsageError(str(why)) from None
    finally:
        site.close()
    click.echo(json.dumps(held) if as_json else held["newest_event"])


@click.command()
@click.argument("folder", type=_FOLDER)
@click.pass_obj
def restore(ctx: Context, folder: Path) -> None:
    """Make a site out of the backup in FOLDER, where there is none yet; print the newest
    event's id.
    """
    try:
        held = upkeep.restore(ctx.settings, folder)
    except upkeep.Impossible as why:
        raise click.UsageError(str(why)) from None
    click.echo("Now run `foi upgrade`, `foi rebuild search` and `foi check`.", err=True)
    click.echo(held["newest_event"])


@click.command()
@click.option("--hashes", is_flag=True, help="Also read every file and compare its SHA-256.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(ctx: Context, hashes: bool, as_json: bool) -> None:
    """Look for what should not be: in the database, its rows and events, the files; exit code
    1 if anything is.
    """
    site: Site = ctx.site(ready=False)
    found = list(upkeep.problems(site, hashes=hashes))
    site.close()
    click.echo(json.dumps(found) if as_json else "\n".join(found) or "All is well.")
    if found:
        raise SystemExit(1)


commands = [backup, restore, check]
