"""Fixtures of the tests of search."""

import pytest

from foi.search.engine import SearchEngine
from tests.conftest import Running


@pytest.fixture
def engine(running: Running) -> SearchEngine:
    """The site's engine."""
    return running.config.registry["foi.search"]
