"""The archive's promises on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foi import migrations
from foi.site import Site
from tests.contract.archive_contract import ArchiveContract
from tests.contract.crowd import scratch
from tests.contract.outbox_contract import OutboxContract
from tests.contract.prepared_contract import PreparedContract
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.thorough

__all__ = ["postgres"]


@pytest.fixture(scope="module")
def template(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an empty database of the present schema, to copy."""
    name = postgres.make()
    site = scratch(tmp_path_factory.mktemp("template"), **{"database.url": postgres.url(name)})
    migrations.upgrade(site.engine, site.settings)
    site.close()
    return name


class TestPostgres(ArchiveContract, OutboxContract, PreparedContract):
    """All of them."""

    writes = 10
    sequences = 2

    @pytest.fixture
    def site(self, tmp_path: Path, postgres: Postgres, template: str) -> Iterator[Site]:
        """A fresh site on a database of its own."""
        name = postgres.make(template)
        made = scratch(tmp_path, **{"database.url": postgres.url(name)})
        yield made
        made.close()
        postgres.drop(name)
