"""`foi bridge` run as its users run it."""

import json
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner, Result

from bridge.cli import commands
from foi.settings import Settings
from foi.site import Site


@dataclass
class Context:
    """What `foi` hands to its commands."""

    opened: Site

    @property
    def settings(self) -> Settings:
        return self.opened.settings

    def site(self) -> Site:
        return self.opened


def run(site: Site, *words: str, env: dict[str, str] | None = None) -> Result:
    """Run a command; a traceback is never an answer."""
    result = CliRunner().invoke(commands[0], words, obj=Context(site), env=env)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def told(site: Site, *words: str, status: int = 0, **more: Any) -> Any:
    """Run a command with --json and give what it prints, once its exit status is as expected."""
    result = run(site, *words, "--json", **more)
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def refused(site: Site, *words: str, **more: Any) -> str:
    """Run a command that is not to do anything, and give the sentence that says why."""
    result = run(site, *words, **more)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    return result.stderr
