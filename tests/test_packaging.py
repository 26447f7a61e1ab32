"""The package map, and what must not be."""

import re
from configparser import ConfigParser
from pathlib import Path

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

    from foi.migrations import _config

    assert len(ScriptDirectory.from_config(_config()).get_heads()) == 1


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
    assert "http" not in (ROOT / "requirements" / "dev.txt").read_text()
