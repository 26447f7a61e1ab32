"""Webhooks on PostgreSQL: the same from the first event to the last."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from foi import migrations
from foi.site import Site
from foi.webhooks import register, signing
from foi.webhooks.models import Webhook
from tests.conftest import start
from tests.postgres import Postgres, postgres
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_webhooks import respond, row, tries, work, write

pytestmark = pytest.mark.thorough

__all__ = ["postgres"]


@pytest.fixture
def site(
    postgres: Postgres, tmp_path: Path, migrated: bytes, ini: dict[str, str]
) -> Iterator[Site]:
    name = postgres.make()
    ini |= {"database.url": postgres.url(name), "limits.writes_per_address": "5"}
    made = start(tmp_path / "site", migrated, **ini)
    migrations.upgrade(made.site.engine, made.site.settings)
    yield made.site
    made.close()
    postgres.drop(name)


def test_events_arrive_in_order_and_failures_are_tried_again(
    site: Site, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("foi.webhooks.consumer.PAUSES", (0,))
    with site.sessions.writing() as db:
        number = register.add(db, "desk", url=receiver.url).id
    work(site)
    receiver.answers = [500, 204]
    # A process may have looked less than a second ago; `catch_up` and the second look are for it.
    monkeypatch.setattr("foi.webhooks.consumer.Webhooks.subjects", frozenset({"request"}))
    respond(site, write(site))
    work(site)
    assert receiver.types() == ["sent", "sent", "response"]
    secret = signing.secret(site.keys, row(site, number))
    assert all(got.signed_with(secret) for got in receiver.got)
    assert [each.status for each in tries(site)] == [500, 204, 204]
    receiver.answers = [410]
    write(site, title="Another")
    work(site)
    assert row(site, number).disabled_at is not None
    with site.sessions.writing() as db:
        register.remove(db, "desk", db.get_one(Webhook, number))
    with site.sessions.reading() as db:
        assert db.scalars(select(Webhook)).all() == []
