"""What `verify` says of each object, and how `heal` and `reconcile` mend it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import delete

from bridge.aleph import Aleph as Client
from bridge.models import Receipt
from bridge.push import Summary
from bridge.reconcile import heal, reconcile
from bridge.target import Target
from bridge.verify import Verified, verify
from foi.archive import casework
from foi.site import Site
from tests.aleph import Aleph, CollectionView
from tests.bridge.conftest import HASTY, Open, joined, linked, push_all, rows
from tests.bridge.records import (
    COLLECTION,
    DAY,
    EVERYTHING,
    Attachment,
    InfoRequest,
    Made,
    Message,
    hide,
    make,
    names,
    writes,
)


@contextmanager
def target(site: Site) -> Iterator[Target]:
    with linked(site) as (only,):
        yield only


def verified(site: Site, seconds: float = 5.0) -> Verified:
    with target(site) as one:
        return verify(one, lambda *_: None, seconds=seconds, pause=0.05)


def healed(site: Site) -> tuple[Summary, Verified]:
    with target(site) as one:
        return heal(one, lambda *_: None, seconds=5.0, pause=0.05)


def reconciled(site: Site) -> tuple[Summary, Verified]:
    with target(site) as one:
        return reconcile(one, lambda *_: None, seconds=5.0, pause=0.05)


def problems(found: Verified) -> dict[str, str]:
    return {each.name or each.kind: each.state for each in found.problems}


def test_all_is_well_after_a_push(site: Site, view: CollectionView) -> None:
    found = verified(site)
    assert found.good
    assert found.counts == {
        "indexed": len(EVERYTHING), "failed": 0, "lost": 0, "stale": 0, "mapped": 0, "foreign": 0,
    }  # fmt: skip


def test_a_file_that_aleph_could_not_read_is_named_with_the_reason(
    site: Site, aleph: Aleph, made: Made
) -> None:
    aleph.poison("quotas.csv", "fail")
    push_all(site)
    found = verified(site)
    assert problems(found) == {"quotas.csv": "failed"}
    assert found.problems[0].reason == "Processing failed on purpose"
    aleph.cure("quotas.csv")
    summary, after = healed(site)
    assert summary.complete
    assert after.good
    assert "Table quotas.csv" in names(aleph.collection(COLLECTION))


def test_a_file_that_never_appeared_is_lost_until_it_is_healed(
    site: Site, aleph: Aleph, made: Made
) -> None:
    aleph.poison("quotas.csv", "lost")
    push_all(site, wait=0.0)
    assert problems(verified(site))["quotas.csv"] == "lost"
    aleph.cure("quotas.csv")
    _, after = healed(site)
    assert after.good
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING
    assert len(rows(site, aleph)) == len(EVERYTHING)


def test_what_somebody_deleted_is_lost_until_it_is_healed(
    site: Site, aleph: Aleph, view: CollectionView
) -> None:
    client = Client(aleph.url, aleph.user_key, HASTY)
    client.delete(names(view)["Email foi_test-2"])
    assert set(problems(verified(site)).values()) == {"lost"}
    assert len(verified(site).problems) == 3
    _, after = healed(site)
    assert after.good
    assert set(names(view)) == EVERYTHING
    assert len(rows(site, aleph)) == len(EVERYTHING)


def test_what_has_changed_since_is_stale(site: Site, view: CollectionView, made: Made) -> None:
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.edit_request(db, request, "desk", tag_texts=["sea"])
    hide(site, Attachment, made.quotas)
    assert problems(verified(site)) == {"Turbot quotas": "stale", "quotas.csv": "stale"}
    _, after = healed(site)
    assert after.good


def test_properties_that_somebody_overwrote_are_stale(
    site: Site, aleph: Aleph, view: CollectionView
) -> None:
    client = Client(aleph.url, aleph.user_key, HASTY)
    client.bulk(view.id, [{"id": names(view)["Email foi_test-1"], "schema": "Email"}])
    assert [each.kind for each in verified(site).problems] == ["message"]
    _, after = healed(site)
    assert after.good


def test_what_others_put_there_is_foreign_and_stays(
    site: Site, aleph: Aleph, view: CollectionView
) -> None:
    client = Client(aleph.url, aleph.user_key, HASTY)
    entity = {"id": "theirs", "schema": "Person", "properties": {"name": ["Somebody"]}}
    client.bulk(view.id, [entity])
    assert [each.state for each in verified(site).problems] == ["foreign"]
    _, after = reconciled(site)
    assert [each.state for each in after.problems] == ["foreign"]
    assert view.sign("theirs") in rows(site, aleph)


def test_what_aleph_finds_within_a_file_is_not_foreign(open_: Open, aleph4: Aleph) -> None:
    site = joined(open_, aleph4)
    mail = (
        b"From: Ann <ann@fish.example>\r\nTo: Bob <bob@fish.example>\r\nSubject: x\r\n"
        b"Message-ID: <1@fish.example>\r\nContent-Type: text/plain\r\n\r\nText.\r\n"
    )
    from tests.bridge.records import held

    made = make(site)
    with site.sessions.writing() as db:
        casework.correspond(
            db,
            db.get_one(InfoRequest, made.request),
            "desk",
            direction="response",
            text="See the mail.",
            files=[held(site, mail, "mail.eml", "message/rfc822")],
            at=DAY,
        )
    assert push_all(site).complete
    assert len(rows(site, aleph4)) > len(EVERYTHING) + 2
    assert verified(site).good


def test_verify_ends_at_its_deadline_and_says_so(open_: Open) -> None:
    with Aleph(ingest_worker=False, delay=0.1) as stuck:
        site = joined(open_, stuck)
        make(site)
        push_all(site, wait=0.0)
        found = verified(site, seconds=0.2)
    assert found.queued > 0
    assert not found.good


def test_lost_receipts_are_found_again_without_sending_bytes(
    site: Site, aleph: Aleph, view: CollectionView
) -> None:
    before = names(view)
    with site.sessions.writing() as db:
        db.execute(delete(Receipt).where(Receipt.kind != "collection"))
    summary, after = reconciled(site)
    assert summary.complete
    assert after.good
    assert "POST ingest" not in writes(aleph)
    assert names(view) == before
    assert len(rows(site, aleph)) == len(EVERYTHING)
    aleph.reset_calls()
    push_all(site)
    assert writes(aleph) == []


@pytest.mark.parametrize(("model", "number"), [(Attachment, "quotas"), (Message, "answer")])
def test_what_was_withdrawn_while_receipts_were_lost_goes(
    site: Site, aleph: Aleph, view: CollectionView, made: Made, model: type, number: str
) -> None:
    with site.sessions.writing() as db:
        db.execute(delete(Receipt))
    hide(site, model, getattr(made, number))
    _, after = reconciled(site)
    assert after.good
    left = {"Table quotas.csv"}
    left |= {"Email foi_test-2", "PlainText minutes.txt"} if model is Message else set()
    assert set(names(view)) == EVERYTHING - left
