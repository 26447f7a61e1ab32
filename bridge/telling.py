"""How the commands of the bridge speak: results on standard output, progress beside them.

Progress is a bar on a terminal and a line now and then in a log. What it gives up: colours.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol

import click

from bridge.push import Progress
from foi.settings import Settings
from foi.site import Site


class Context(Protocol):
    """What the command line gives its commands."""

    settings: Settings

    def site(self) -> Site:
        """Open the site, its consumers registered."""


_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


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
    """Show progress on standard error."""
    on_terminal = sys.stderr.isatty()
    yield _bar() if on_terminal else _lines()
    if on_terminal:
        click.echo("", err=True)


def _bar() -> Progress:
    begun = time.monotonic()

    def show(done: int, total: int, last: str) -> None:
        filled, ahead = 30 * done // max(total, 1), pace(begun, done, total)
        click.echo(
            f"\r{'#' * filled:<30} {done:,}/{total:,} {ahead:<20} {last:<26.26}",
            err=True,
            nl=False,
            color=False,
        )

    return show


def _lines(every: float = 10.0) -> Callable[[int, int, str], None]:
    begun = shown = time.monotonic()
    finished = False

    def show(done: int, total: int, last: str) -> None:
        nonlocal shown, finished
        late = time.monotonic() - shown > every
        if late or (done == total and not finished):
            shown, finished = time.monotonic(), done == total
            ahead = pace(begun, done, total)
            click.echo(f"{done:,} of {total:,}{', ' * bool(ahead)}{ahead}: {last}", err=True)

    return show


def pace(begun: float, done: int, total: int) -> str:
    """Say how fast it goes and how long it will take, once that can be told."""
    seconds = time.monotonic() - begun
    if seconds < 1 or not done or done >= total:
        return ""
    rate = done / seconds
    return f"{rate:,.1f}/s, {_span((total - done) / rate)} left"


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def plain(text: str) -> str:
    """Give a text without what a terminal would obey: names and reasons are what others wrote."""
    return _OBEYED.sub("", text)


def show(members: dict[str, Any] | None, *lines: str) -> None:
    """Print members as JSON if there are any, else the lines that are not empty."""
    if members is not None:
        click.echo(json.dumps(members, ensure_ascii=False))
    else:
        click.echo("\n".join(plain(line) for line in lines if line))


def refuse(sentence: str) -> NoReturn:
    """End with exit status 2 and a sentence."""
    click.echo(f"foi bridge: {plain(sentence)}", err=True)
    sys.exit(2)


def agreed(question: str, how: str) -> None:
    """End with exit status 2 unless somebody says yes; `how` says so beforehand."""
    try:
        yes = click.confirm(question, err=True)
    except click.Abort:
        refuse(f"nobody is there to ask; {how}")
    if not yes:
        refuse("nothing was done")


def retyped(name: str, question: str, given: str | None) -> None:
    """End with exit status 2 unless a name was given, or is typed, once more."""
    try:
        answer = given if given is not None else click.prompt(question, err=True)
    except click.Abort:
        refuse(f"nobody is there to ask; say --yes {name}")
    if answer.strip() != name:
        refuse(f"that is not {name}: nothing was done")
