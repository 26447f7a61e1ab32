"""The archive's promises on SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foi.site import Site
from tests.contract.archive_contract import ArchiveContract
from tests.contract.crowd import scratch
from tests.contract.outbox_contract import OutboxContract
from tests.contract.prepared_contract import PreparedContract


class TestSqlite(ArchiveContract, OutboxContract, PreparedContract):
    """All of them."""

    @pytest.fixture
    def site(self, tmp_path: Path, migrated: bytes) -> Iterator[Site]:
        """A fresh site on a database file."""
        (tmp_path / "foi.sqlite").write_bytes(migrated)
        made = scratch(tmp_path)
        yield made
        made.close()
