"""Alembic's environment: the archive's tables and those of the extensions, on the site's own
database.

`foi upgrade` passes a connection; `alembic -c development.ini` works as well and reads the same
settings.
"""

import importlib

from alembic import context
from sqlalchemy import Connection

from foi import settings as foi_settings
from foi.archive.columns import Base
from foi.db import make_engine

PARTS = ("foi.accounts", "foi.api", "foi.limits", "foi.webhooks")
"""The parts of the site that have tables beside the archive's."""


def _settings() -> foi_settings.Settings:
    given = context.config.attributes.get("settings")
    if given is not None:
        return given
    return foi_settings.load(context.config.get_section("app:main") or {})


def _import_models(settings: foi_settings.Settings) -> None:
    for name in (*PARTS, *settings.extensions):
        try:
            importlib.import_module(f"{name}.models")
        except ModuleNotFoundError as missing:
            if missing.name != f"{name}.models":
                raise


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    settings = _settings()
    _import_models(settings)
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    engine = make_engine(settings)
    with engine.execution_options(foi_writing=True).connect() as connection:
        _run(connection)
    engine.dispose()


main()
