"""The `foi` command: everything an operator does, by name.

Results go to standard output, alone; what is said about them to standard error. Exit codes: 0
done, 1 done in part or found wanting, 2 cannot be done as asked.
"""

import gc
import importlib
import json
import logging
import sys
from collections.abc import Callable
from configparser import ConfigParser, Error
from dataclasses import fields
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import click

from foi import __version__, settings
from foi.settings import BadSetting, Settings

T = TypeVar("T")

CORE = {
    "annotation": "casework",
    "attachment": "casework",
    "backup": "upkeep",
    "body": "casework",
    "check": "upkeep",
    "demo": "demo",
    "import": "importing",
    "key": "keys",
    "message": "casework",
    "rebuild": "rebuild",
    "request": "casework",
    "restore": "upkeep",
    "serve": "serve",
    "upgrade": "upgrade",
    "user": "users",
    "webhook": "webhooks",
    "work": "serve",
}
"""In which module of foi.commands each command is; a module offers `commands`, as an extension's
`cli` module does. All but the one that is called would take long to import.
"""


class Context:
    """What every command has: the settings, and the site once it asks for it."""

    def __init__(self, ini: Path | None) -> None:
        self.ini = ini

    @cached_property
    def settings(self) -> Settings:
        """The settings; a wrong one ends the command with exit code 2."""
        try:
            return settings.load(_read_ini(self.ini))
        except BadSetting as wrong:
            raise click.UsageError(str(wrong)) from None

    def site(self, *, ready: bool = True) -> Any:
        """Open the site; unless `ready` is false its database must be of this release's schema."""
        from foi import assemble, migrations

        site = put_together(assemble, self.settings)
        if ready and migrations.current(site.engine) != migrations.head():
            raise click.UsageError(
                "The database is not of this release's schema: run `foi upgrade` first."
            )
        return site


def put_together(how: Callable[[Settings], T], settings: Settings) -> T:
    """Put the site together; what a part of it cannot work with (the file that a setting names,
    say) ends the command with exit code 2.
    """
    try:
        return how(settings)
    except BadSetting as wrong:
        raise click.UsageError(str(wrong)) from None


def _read_ini(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
        return dict(parser["app:main"])
    except (Error, OSError, UnicodeDecodeError, KeyError) as wrong:
        raise BadSetting(
            f"{path} cannot be read as an ini file with a section [app:main]: {wrong}"
        ) from None


class _Commands(click.Group):
    """The core's commands and those of the extensions that the settings name, looked up when asked
    for.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        offered = chain.from_iterable(map(_offered, self._extensions(ctx)))
        return sorted({*CORE, "settings", *(command.name or "" for command in offered)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        modules = self._extensions(ctx)
        modules += [f"foi.commands.{CORE[cmd_name]}"] if cmd_name in CORE else []
        for command in chain(chain.from_iterable(map(_offered, modules)), [settings_command]):
            if command.name == cmd_name:
                return command
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a database or file that cannot be used ends it with exit code 2."""
        try:
            return super().invoke(ctx)
        except Exception as why:
            if not (told := _unusable(why)):
                raise
            logging.getLogger(__name__).info("what went before", exc_info=True)
            raise click.UsageError(told) from None

    def _extensions(self, ctx: click.Context) -> list[str]:
        """Give the modules whose commands take the place of the core's, the last one first."""
        given = ctx.obj if isinstance(ctx.obj, Context) else Context(ctx.params.get("ini"))
        return [f"{each}.cli" for each in reversed(given.settings.extensions)]


def _unusable(why: Exception) -> str | None:
    """Say what of the site cannot be used, if that is what an error means."""
    from sqlalchemy.exc import OperationalError

    if isinstance(why, OperationalError):
        return f"The database cannot be used: {str(why.orig).strip()}"
    if isinstance(why, OSError) and why.filename is not None:
        return f"{why.filename} cannot be used: {why.strerror}"
    return None


def _offered(module: str) -> list[click.Command]:
    try:
        return list(importlib.import_module(module).commands)
    except ModuleNotFoundError as missing:
        if missing.name != module:
            raise
        return []  # an extension without commands


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="foi", message="%(prog)s %(version)s")
@click.option(
    "--ini",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="FOI_INI",
    help="File with settings (section [app:main]); the environment overrides it.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more on standard error.")
@click.pass_context
def main(ctx: click.Context, ini: Path | None, verbose: bool) -> None:
    """Run and keep a freedom-of-information site."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    # To look through all there is after every 700 new objects takes a tenth of a short command,
    # and of a page, nearly all of whose objects are gone with the page.
    gc.set_threshold(20_000, 20, 20)
    ctx.obj = Context(ini)


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def settings_command(ctx: Context, as_json: bool) -> None:
    """Show every setting, what it is for and what it is now; secrets are not shown."""
    rows = []
    for each in fields(Settings):
        name = each.metadata["name"]
        value = getattr(ctx.settings, each.name)
        shown = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if name in settings.SECRET and value:
            shown = "(set)"
        rows.append(
            {
                "name": name,
                "value": shown,
                "default": each.metadata["default"],
                "environment": list(settings.variables(name, each.metadata["also"])),
                "doc": each.metadata["doc"],
            }
        )
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['name']} = {row['value']}\n    {row['doc']}")
        click.echo(f"    {', '.join(row['environment'])}")
