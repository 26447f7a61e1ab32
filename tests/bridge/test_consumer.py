"""The worker keeps Aleph in step, whatever Aleph does."""

import time
from typing import Any

import pytest
from sqlalchemy import select, update

import bridge
from bridge import turnstile
from bridge.config import remotes
from bridge.consumer import AlephConsumer
from bridge.wire import Patience
from foi.archive import casework, ledger
from foi.archive.models import Attachment, Delivery, InfoRequest
from foi.site import Site
from foi.work.consumers import Later
from foi.work.worker import drain
from tests.aleph import Aleph
from tests.bridge.conftest import HASTY, Open, joined
from tests.bridge.records import (
    COLLECTION,
    DAY,
    EVERYTHING,
    Body,
    Person,
    hide,
    make,
    names,
    writes,
)


@pytest.fixture
def kept(site: Site) -> Site:
    """A site whose consumer is registered, as the worker has it."""
    site.consumers.add(AlephConsumer(site, remotes(site.settings)[0], HASTY))
    return site


def work(site: Site) -> None:
    """Let the worker do all that is owed, as if the pauses between were over."""
    for _ in range(8):
        with site.sessions.writing() as db:
            db.execute(update(Delivery).values(due_at=DAY))
        drain(site, rounds=1)
        if not owed(site):
            return


def owed(site: Site) -> dict[str, str]:
    """Give what is owed, with what went wrong last."""
    with site.sessions.reading() as db:
        return {d.subject: d.error for d in db.execute(select(Delivery.subject, Delivery.error))}


def test_what_changes_is_sent(kept: Site, aleph: Aleph) -> None:
    make(kept)
    assert owed(kept)
    work(kept)
    assert owed(kept) == {}
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING


def test_what_is_hidden_goes_and_its_requester_after_it(kept: Site, aleph: Aleph) -> None:
    made = make(kept)
    work(kept)
    hide(kept, InfoRequest, made.request)
    end = time.monotonic() + 20
    while owed(kept):
        work(kept)
        time.sleep(HASTY.refresh)
        assert time.monotonic() < end
    assert set(names(aleph.collection(COLLECTION))) == {"PublicBody Ministry of Fish"}


def test_a_withdrawn_attachment_is_gone_at_the_first_look(kept: Site, aleph: Aleph) -> None:
    made = make(kept)
    work(kept)
    hide(kept, Attachment, made.quotas)
    drain(kept, rounds=1)
    assert "Table quotas.csv" not in names(aleph.collection(COLLECTION))


def test_a_second_look_sends_nothing(kept: Site, aleph: Aleph) -> None:
    made = make(kept)
    work(kept)
    aleph.reset_calls()
    with kept.sessions.writing() as db:
        ledger.owe(db, [f"request:{made.request}", f"body:{made.body}", f"person:{made.person}"])
    work(kept)
    assert owed(kept) == {}
    assert writes(aleph) == []


def test_aleph_down_costs_nothing_but_time(kept: Site, aleph: Aleph) -> None:
    make(kept)
    aleph.fail_next("drop", times=100_000)
    work(kept)
    with kept.sessions.reading() as db:
        rows = db.execute(select(Delivery.attempts, Delivery.parked, Delivery.error)).all()
    assert rows
    assert all(row.attempts == 0 and not row.parked for row in rows)
    assert all("does not answer" in row.error for row in rows)
    aleph.heal()
    work(kept)
    assert owed(kept) == {}
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING


def test_a_key_that_expires_puts_everything_off(kept: Site, aleph: Aleph) -> None:
    made = make(kept)
    work(kept)
    aleph.revoke()
    with kept.sessions.writing() as db:
        casework.edit_request(db, db.get_one(InfoRequest, made.request), "desk", title="New")
    work(kept)
    assert "aleph.api_key" in owed(kept)[f"request:{made.request}"]
    assert aleph.user_key not in str(owed(kept))


def test_a_bad_file_harms_only_its_own_request(kept: Site, aleph: Aleph) -> None:
    made = make(kept)
    with kept.sessions.writing() as db:
        body, person = db.get_one(Body, made.body), db.get_one(Person, made.person)
        casework.open_request(
            db, "desk", body=body, person=person, title="Cod", text="Cod?", at=DAY
        )
        sha256 = db.scalar(select(Attachment.sha256).where(Attachment.id == made.quotas))
    assert sha256
    kept.blobs.path(sha256).unlink()
    work(kept)
    assert set(names(aleph.collection(COLLECTION))) == (EVERYTHING - {"Table quotas.csv"}) | {
        "Folder Cod",
        "Email foi_test-3",
    }
    assert list(owed(kept)) == [f"request:{made.request}"]
    assert "quotas.csv" in owed(kept)[f"request:{made.request}"]


def test_a_collection_that_was_deleted_is_made_again(kept: Site, aleph: Aleph) -> None:
    made = make(kept)
    work(kept)
    aleph.server.purge(aleph.collection(COLLECTION).id)
    aleph.server.store.collections.drop(aleph.collection(COLLECTION).id)
    with kept.sessions.writing() as db:
        casework.edit_request(db, db.get_one(InfoRequest, made.request), "desk", title="New")
    work(kept)
    assert "Folder New" in names(aleph.collection(COLLECTION))


def test_it_stands_back_while_somebody_pushes(kept: Site) -> None:
    consumer = kept.consumers.all[0]
    with turnstile.alone(kept.settings.data_folder), pytest.raises(Later, match="under way"):
        consumer.deliver(["request:1"])
    folder = kept.settings.data_folder
    with turnstile.passing(folder), turnstile.passing(folder):
        pass  # two workers may be inside


@pytest.mark.parametrize(("host", "count"), [("", 0), ("http://aleph.example", 1)])
def test_it_is_registered_when_there_is_an_aleph(open_: Open, host: str, count: int) -> None:
    site = open_(aleph__host=host)
    bridge.join(site)
    assert len(site.consumers.all) == count


def test_a_wrong_setting_waits_for_somebody(open_: Open, aleph4: Aleph) -> None:
    site = joined(open_, aleph4, key="nobodys")
    consumer: Any = AlephConsumer(site, remotes(site.settings)[0], Patience(attempts=1, pause=0.0))
    with pytest.raises(Later, match=r"aleph\.api_key") as later:
        consumer.deliver(["request:1"])
    assert later.value.seconds >= 60
    assert "nobodys" not in str(later.value)
