"""A request costs no class of its own."""

import gc
from collections.abc import Iterator

import pytest
import webtest
from pyramid.request import Request


def classes(of: type) -> int:
    return 1 + sum(classes(each) for each in of.__subclasses__())


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Leave garbage where it is, for classes are garbage in cycles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_requests_are_of_one_class(app: webtest.TestApp) -> None:
    app.get("/list")
    before = classes(Request)
    for _ in range(3):
        app.get("/list")
        app.post("/api/v2/request", status=403)
    assert classes(Request) == before
