"""Bringing the database to the schema of this release, and telling whether it is there.

Alembic takes longer to import than most commands to do what they are for, so it is imported where
it migrates and not where one only asks.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, column, inspect, select, table

from foi import paths
from foi.settings import Settings

if TYPE_CHECKING:
    from alembic.config import Config

_VERSION = table("alembic_version", column("version_num"))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    folder: Path = paths.folder("alembic")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


@cache
def head() -> str:
    """Give the revision of this release's schema: the last of those in `alembic/versions`, whose
    files are called by their revision's number and what it is about.
    """
    folder: Path = paths.folder("alembic") / "versions"
    return max(file.name.partition("_")[0] for file in folder.glob("[0-9]*_*.py"))


def current(engine: Engine) -> str | None:
    """Give the revision that the database is at; None for an empty one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(_VERSION.name):
            return None
        found: str | None = connection.scalar(select(_VERSION.c.version_num))
        return found


def upgrade(engine: Engine, settings: Settings) -> None:
    """Bring the database to this release's schema, in one transaction; a second time does
    nothing.
    """
    from alembic import command

    config = _config()
    with engine.execution_options(foi_writing=True).begin() as connection:
        config.attributes["connection"] = connection
        config.attributes["settings"] = settings
        command.upgrade(config, "head")
