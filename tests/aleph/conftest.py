"""Servers of each flavour and clients on them, for the stand-in's own tests."""

from collections.abc import Iterator

import pytest

from tests.aleph import Aleph
from tests.aleph.client import Client


@pytest.fixture
def aleph() -> Iterator[Aleph]:
    """Give an Aleph 4 that does everything at once."""
    with Aleph() as running:
        yield running


@pytest.fixture
def client(aleph: Aleph) -> Client:
    """Give a client with a collection on it."""
    made = Client(aleph)
    made.make()
    return made


@pytest.fixture
def open_client() -> Iterator[Client]:
    """Give a client with a collection on an OpenAleph."""
    with Aleph(flavour="openaleph") as running:
        made = Client(running)
        made.make()
        yield made
