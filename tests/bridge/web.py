"""The whole application, joined to a stand-in of Aleph and to a small archive."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import webtest

from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.conftest import push_all
from tests.bridge.records import COLLECTION, Made, make
from tests.conftest import Running, start

REQUEST = "/request/turbot_quotas"
BODY = "/body/mof"


@contextmanager
def served(
    folder: Path, migrated: bytes, server: Aleph | None, **ini: str
) -> Iterator[tuple[webtest.TestApp, Running, Made]]:
    """Run the application on a folder of its own, with the archive of `records` in it."""
    joined = (
        {
            "aleph.host": server.url,
            "aleph.api_key": server.user_key,
            "aleph.collection": COLLECTION,
        }
        if server is not None
        else {}
    )
    running = start(folder, migrated, **joined, **ini)
    try:
        made = make(running.site)
        app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})
        yield app, running, made
    finally:
        running.close()


def pushed(site: Site) -> None:
    """Send everything, and be done when Aleph is."""
    assert push_all(site).complete


Web = Callable[..., tuple[webtest.TestApp, Running, Made]]
