"""Bringing the database to the schema of this release, and telling whether it is there."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from foi import paths
from foi.settings import Settings


def _config() -> Config:
    config = Config()
    folder: Path = paths.folder("alembic")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


@cache
def head() -> str:
    """Give the revision of this release's schema."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def current(engine: Engine) -> str | None:
    """Give the revision that the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, settings: Settings) -> None:
    """Bring the database to this release's schema, in one transaction; a second time does
    nothing.
    """
    config = _config()
    with engine.execution_options(foi_writing=True).begin() as connection:
        config.attributes["connection"] = connection
        config.attributes["settings"] = settings
        command.upgrade(config, "head")
