"""A site that may send to this machine, a receiver, and a hook from the one to the other."""

from collections.abc import Iterator

import pytest

from foi.site import Site
from foi.webhooks import consumer, register, signing
from foi.webhooks.models import Webhook
from tests.webhooks.receiver import Receiver, receiving


@pytest.fixture(autouse=True)
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hook is new."""
    monkeypatch.setattr(consumer, "SETTLING", 0.0)


@pytest.fixture
def ini() -> dict[str, str]:
    return {"webhooks.allow_private": "true"}


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
