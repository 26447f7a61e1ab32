"""What is not public any more goes from Aleph, all of it, and nothing else does."""

import contextlib

import pytest

from bridge.wire import AlephError
from foi.archive import casework
from foi.site import Site
from tests.aleph import Aleph, CollectionView
from tests.bridge.conftest import Open, joined, push_all, rows
from tests.bridge.records import (
    COLLECTION,
    DAY,
    EVERYTHING,
    Attachment,
    Body,
    InfoRequest,
    Made,
    Message,
    Person,
    hide,
    make,
    names,
    release,
    writes,
)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "number", "gone"),
    [
        (Attachment, "quotas", {"Table quotas.csv"}),
        (
            Message,
            "answer",
            {"Email foi_test-2", "Table quotas.csv", "PlainText minutes.txt"},
        ),
        (Message, "letter", {"Email foi_test-1"}),
        (InfoRequest, "request", EVERYTHING - {"PublicBody Ministry of Fish"}),
    ],
)
def test_what_is_hidden_goes_and_nothing_else(
    site: Site,
    aleph: Aleph,
    view: CollectionView,
    made: Made,
    model: type,
    number: str,
    gone: set[str],
) -> None:
    hide(site, model, getattr(made, number))
    summary = push_all(site)
    assert summary.complete
    assert summary.withdrawn == len(gone)
    assert set(names(view)) == EVERYTHING - gone
    assert len(rows(site, aleph)) == len(EVERYTHING - gone)
    assert "POST ingest" not in writes(aleph)
    release(site, model, getattr(made, number))
    assert push_all(site).complete
    assert set(names(view)) == EVERYTHING


def test_what_is_erased_goes(site: Site, view: CollectionView, made: Made) -> None:
    with site.sessions.writing() as db:
        casework.erase(db, db.get_one(Message, made.answer), "desk")
    push_all(site)
    left = {"Email foi_test-2", "Table quotas.csv", "PlainText minutes.txt"}
    assert set(names(view)) == EVERYTHING - left


def test_a_person_stays_while_one_of_their_requests_does(
    site: Site, view: CollectionView, made: Made
) -> None:
    with site.sessions.writing() as db:
        body, person = db.get_one(Body, made.body), db.get_one(Person, made.person)
        casework.open_request(
            db, "desk", body=body, person=person, title="Cod", text="Cod?", at=DAY
        )
    push_all(site)
    hide(site, InfoRequest, made.request)
    push_all(site)
    assert set(names(view)) == {
        "PublicBody Ministry of Fish",
        "Person Jane Doe",
        "Folder Cod",
        "Email foi_test-3",
        "Documentation authority",
        "Documentation requester",
    }


def test_what_was_hidden_while_aleph_worked_on_it_does_not_come_up_later(open_: Open) -> None:
    with Aleph(delay=0.4) as slow:
        site = joined(open_, slow)
        made = make(site)
        assert not push_all(site, wait=0.0).complete  # everything is still queued there
        hide(site, InfoRequest, made.request)
        assert push_all(site).complete
        slow.wait_until_idle()
        assert set(names(slow.collection(COLLECTION))) == {"PublicBody Ministry of Fish"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_holds_in_spite_of_calls_that_fail_at_random(open_: Open, seed: int) -> None:
    with Aleph(fail_rate=0.1, seed=seed) as shaky:
        site = joined(open_, shaky)
        made = make(site)
        gone = {"Email foi_test-2", "Table quotas.csv", "PlainText minutes.txt"}
        for change in (lambda *_: None, hide, release, hide):
            change(site, Message, made.answer)
            try_to_push(site)
        shaky.heal()
        assert push_all(site).complete
        assert set(names(shaky.collection(COLLECTION))) == EVERYTHING - gone
        assert len(rows(site, shaky)) == len(EVERYTHING - gone)
        release(site, Message, made.answer)
        assert push_all(site).complete
        assert set(names(shaky.collection(COLLECTION))) == EVERYTHING
        assert len(shaky.collection(COLLECTION).documents) == 5


def try_to_push(site: Site) -> None:
    """Push, come what may."""
    with contextlib.suppress(AlephError):
        push_all(site, wait=1.0)
