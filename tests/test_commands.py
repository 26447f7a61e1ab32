"""Which command is meant by a name; what extensions and addresses may be called."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from foi.addresses import get
from foi.cli import CORE, main
from tests.conftest import Running, start

EXTENSION = """
import click

def command(name):
    return click.command(name)(lambda: click.echo(f"the extension's {name}"))

commands = [command(name) for name in ("serve", "key", "settings", "fish")]
"""


@pytest.mark.parametrize("name", ["serve", "key", "settings", "fish"])
def test_an_extensions_command_takes_the_place_of_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "foi_test_extension").mkdir()
    (tmp_path / "foi_test_extension" / "__init__.py").touch()
    (tmp_path / "foi_test_extension" / "cli.py").write_text(EXTENSION)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("FOI_EXTENSIONS", "foi_test_extension bridge")
    told = CliRunner().invoke(main, [name])
    assert (told.exit_code, told.output) == (0, f"the extension's {name}\n")


def test_an_extension_may_add_to_the_site_alone(
    tmp_path: Path, migrated: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foi_test_joining.py").write_text("def join(site): site.shared['joined'] = True")
    monkeypatch.syspath_prepend(tmp_path)
    made = start(tmp_path / "site", migrated, **{"foi.extensions": "foi_test_joining"})
    assert made.config.registry["joined"]
    made.close()


def test_an_address_is_registered_once(running: Running) -> None:
    known = next(iter(running.config.registry["foi.views"]))
    with pytest.raises(ValueError, match=f"{known} already"):
        get(running.config, known, "/another", lambda request: None)


@pytest.mark.parametrize("name", [*CORE, "bridge", "settings"])
def test_every_command_is_found_by_its_name(name: str) -> None:
    told = CliRunner().invoke(main, [name, "--help"])
    assert told.exit_code == 0
    assert told.output.startswith(f"Usage: main {name}")


def test_every_command_of_the_core_is_where_it_is_looked_for() -> None:
    offered = {
        command.name: module
        for module in CORE.values()
        for command in import_module(f"foi.commands.{module}").commands
    }
    assert offered == CORE


def test_what_is_no_command_is_refused() -> None:
    for name in ("fish", "foi", "cli", "commands", ""):
        assert CliRunner().invoke(main, [name]).exit_code == 2


def test_a_command_does_not_wait_for_what_only_the_web_needs(
    tmp_path: Path, migrated: bytes
) -> None:
    (tmp_path / "foi.sqlite").write_bytes(migrated)
    code = (
        "import sys; from foi.cli import main; main(['bridge', 'forget'], standalone_mode=False); "
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'pyramid', 'webob', 'jinja2', 'colander', 'feedgen', 'alembic', 'holidays'}))"
    )
    environ = {**os.environ, "FOI_DATA": str(tmp_path), "FOI_ALEPH_HOST": "http://127.0.0.1:9"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ)
    assert done.stdout.splitlines()[-1:] == ["[]"], done
