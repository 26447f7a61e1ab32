"""The package map, and what must not be."""

import json
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from foi import __version__, paths

ROOT = Path(__file__).parent.parent


def _setup() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_package_is_in_the_map() -> None:
    listed = set(_setup()["options"]["packages"].split())
    found = {
        ".".join(folder.relative_to(ROOT).parts)
        for top in ("foi", "feeds", "bridge")
        for folder in [ROOT / top, *(ROOT / top).rglob("*")]
        if folder.is_dir() and (folder / "__init__.py").exists()
    }
    assert listed == found | {"foi.templates", "foi.alembic", "foi.alembic.versions"}


def test_the_folder_of_migrations_does_not_shadow_the_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    import alembic

    assert not Path(str(alembic.__file__)).is_relative_to(ROOT / "alembic")


def test_versions_agree() -> None:
    assert _setup()["metadata"]["version"] == __version__


def test_templates_and_migrations_are_found() -> None:
    assert (paths.folder("templates") / "layout.jinja2").is_file()
    assert (paths.folder("alembic") / "script.py.mako").is_file()


def test_there_is_one_migration_head() -> None:
    from alembic.script import ScriptDirectory

    from foi.migrations import _config, head

    assert ScriptDirectory.from_config(_config()).get_heads() == [head()]


def test_pins_cover_what_is_asked_for() -> None:
    wanted = {
        re.split(r"[ \[<>=]", line.strip())[0].lower().replace(".", "-")
        for line in _setup()["options"]["install_requires"].splitlines()
        if line.strip()
    }
    pinned = set(
        re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / "serve.txt").read_text(), re.M)
    )
    assert wanted <= pinned
    assert "://" not in (ROOT / "requirements" / "dev.txt").read_text()


def _limits_of_make_serve(tmp_path: Path, **environment: str) -> dict[str, str]:
    """What `make serve` starts the site with: `foi` shows its settings here instead of serving."""
    foi = tmp_path / "foi"
    foi.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).parent}/foi" settings --json\n')
    foi.chmod(0o755)
    done = subprocess.run(
        ["make", "-s", "-C", str(ROOT), "-o", ".venv/.serve", "serve", f"BIN={tmp_path}"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    sizes = ("attachment", "request", "authority", "field")
    return {
        name: row["value"]
        for row in json.loads(done.stdout)
        if (name := row["name"]).startswith("limits.") and name.split(".")[1] not in sizes
    }


def test_make_serve_starts_with_no_limit_on_how_often_one_may_call(tmp_path: Path) -> None:
    limits = _limits_of_make_serve(tmp_path)
    assert len(limits) == 8
    assert set(limits.values()) == {"0"}


@pytest.mark.thorough
def test_make_serve_for_others_keeps_the_limits_at_sign_in(tmp_path: Path) -> None:
    for given in (
        {"FOI_SERVER_HOST": "0.0.0.0"},
        {"FOI_SITE_URL": "https://foi.example"},
        {"FOI_SERVER_TRUSTED_PROXIES": "127.0.0.1"},
        {"FOI_INI": str(ROOT / "development.ini")},
    ):
        limits = _limits_of_make_serve(tmp_path, **given)
        assert limits["limits.sign_ins_per_account"] == "10"
        assert limits["limits.sign_ins_per_address"] == "50"
