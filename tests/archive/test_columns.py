"""Moments as SQLite may hold them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import sqlite

from foi.archive.columns import Instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02 10:00:00.000000",
        "2026-03-02 10:00:00",
        "2026-03-02 10:00",
        "2026-03-02T10:00:00Z",
        "2026-03-02 10:00:00+00:00",
        "2026-03-02 12:00:00+02:00",
    ],
)
def test_a_moment_is_read_in_any_spelling(text: str) -> None:
    read = Instant().result_processor(sqlite.dialect(), None)
    found = read(text)
    assert found == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert found.tzinfo is UTC


def test_a_day_is_its_beginning_and_nothing_is_nothing() -> None:
    read = Instant().result_processor(sqlite.dialect(), None)
    assert read("2026-03-02") == datetime(2026, 3, 2, tzinfo=UTC)
    assert read(None) is None
