"""Sixteen programs writing at once, for a moment: `python -m benchmarks.writers` takes longer."""

import pytest

from benchmarks.writers import measure
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.thorough

__all__ = ["postgres"]

CLIENTS = 16


def test_nothing_is_lost_doubled_or_out_of_order_on_sqlite() -> None:
    figures, found = measure(2, CLIENTS)
    assert found == []
    assert figures["calls"] > CLIENTS


def test_nothing_is_lost_doubled_or_out_of_order_on_postgresql(postgres: Postgres) -> None:
    figures, found = measure(2, CLIENTS, postgres.url(postgres.make()))
    assert found == []
    assert figures["calls"] > CLIENTS
