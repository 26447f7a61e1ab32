"""A site that may send to this machine, a receiver, and a hook from the one to the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import webtest

from foi.site import Site
from foi.webhooks import consumer, register, signing
from foi.webhooks.models import Webhook
from tests.conftest import Running, start
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hook is new."""
    monkeypatch.setattr(consumer, "SETTLING", 0.0)


@pytest.fixture
def running(tmp_path: Path, migrated: bytes) -> Iterator[Running]:
    made = start(tmp_path / "site", migrated, **{"webhooks.allow_private": "true"})
    yield made
    made.close()


@pytest.fixture
def site(running: Running) -> Site:
    return running.site


@pytest.fixture
def app(running: Running) -> webtest.TestApp:
    return webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def hook(site: Site, receiver: Receiver) -> Webhook:
    """A hook that is told of everything."""
    with site.sessions.writing() as db:
        return register.add(db, "desk", url=receiver.url)


@pytest.fixture
def secret(site: Site, hook: Webhook) -> str:
    return signing.secret(site.keys, hook)
