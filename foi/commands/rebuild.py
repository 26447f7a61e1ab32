"""`foi rebuild`: what can be made again from the archive, made again while the site serves."""

import json
import time
from collections.abc import Callable

import click

from foi.cli import Context
from foi.search.engine import SearchUnavailable
from foi.search.rebuild import rebuild as rebuild_index
from foi.site import Site
from foi.work.texts import TextsConsumer

EVERY = 5.0
"""Seconds between two lines of progress."""

rebuild = click.Group("rebuild", help="Make again what is made from the archive.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@rebuild.command("search")
@_JSON
@click.pass_obj
def search(ctx: Context, as_json: bool) -> None:
    """Build the search index anew and put it in the old one's place; print how many documents
    it has.

    The old index answers until then, and no change is lost. Exit code 1 says that it could not be
    done, for instance because another rebuild is under way.
    """
    site: Site = ctx.site()
    engine = site.shared["foi.search"]
    try:
        count = rebuild_index(site.sessions, engine, _telling("documents"))
    except SearchUnavailable as why:
        raise click.ClickException(str(why)) from None
    finally:
        site.close()
    click.echo(json.dumps({"documents": count}) if as_json else count)


@rebuild.command("texts")
@_JSON
@click.pass_obj
def texts(ctx: Context, as_json: bool) -> None:
    """Read the text of every attachment anew, and convert it anew to be read in the browser, for
    instance with a new version of a reader; print how many files were read.

    Requests keep their former text and views until theirs have been made. It can be stopped at any
    time.
    """
    site: Site = ctx.site()
    reader = next(each for each in site.consumers.all if isinstance(each, TextsConsumer))
    try:
        count = reader.read_all(_telling("files"))
    finally:
        site.close()
    click.echo(json.dumps({"files": count}) if as_json else count)


def _telling(what: str) -> Callable[[int], None]:
    """Say on standard error how far it is, now and then."""
    said = time.monotonic()

    def tell(count: int) -> None:
        nonlocal said
        if time.monotonic() - said >= EVERY:
            said = time.monotonic()
            click.echo(f"{count:,} {what}", err=True)

    return tell


commands = [rebuild]
