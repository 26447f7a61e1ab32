"""What reporters find in Aleph after a push, and that a push does no more than is needed."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from bridge.aleph import Aleph as Client
from bridge.models import Receipt
from bridge.receipts import scope_of
from foi.archive import casework
from foi.archive.models import Version
from foi.site import Site
from tests.aleph import Aleph, CollectionView
from tests.bridge.conftest import HASTY, Open, joined, linked, push_all, rows
from tests.bridge.records import (
    COLLECTION,
    EVERYTHING,
    MINUTES,
    QUOTAS,
    Attachment,
    Body,
    InfoRequest,
    Made,
    held,
    hide,
    make,
    names,
    writes,
)


def test_everything_that_is_public_is_there(view: CollectionView) -> None:
    assert set(names(view)) == EVERYTHING


def test_the_collection_describes_the_site(view: CollectionView) -> None:
    assert view.label == "Open Answers"
    assert view.row["publisher"] == "Open Answers"
    assert view.row["frequency"] == "daily"
    assert view.row["countries"] == ["gb"]
    assert view.row["languages"] == ["eng"]


def test_the_tree_is_request_message_attachment(view: CollectionView) -> None:
    found = names(view)
    assert view.parent(found["Folder Turbot quotas"]) is None
    assert view.parent(found["Email foi_test-2"]) == found["Folder Turbot quotas"]
    assert view.parent(found["Table quotas.csv"]) == found["Email foi_test-2"]


def test_a_request_can_be_found_by_its_state_and_tags(view: CollectionView) -> None:
    folder = view.properties(names(view)["Folder Turbot quotas"])
    assert set(folder["keywords"]) == {"foi", "status:successful", "fish"}
    assert folder["author"] == ["Jane Doe"]
    assert folder["sourceUrl"] == ["http://localhost:6543/request/turbot_quotas"]
    assert folder["date"] == ["2024-03-04T10:30:00"]


def test_a_message_is_an_email_in_a_thread(view: CollectionView, made: Made) -> None:
    found = names(view)
    letter, answer = (view.properties(found[f"Email foi_test-{n}"]) for n in (1, 2))
    assert letter["subject"] == ["Turbot quotas"]
    assert letter["from"] == ["Jane Doe"]
    assert letter["to"] == ["Ministry of Fish"]
    assert letter["emitters"] == [found["Person Jane Doe"]]
    assert letter["recipients"] == [found["PublicBody Ministry of Fish"]]
    assert letter["bodyText"] == [
        "Please send the quotas. Write to [email address] or [mobile number]."
    ]
    assert letter["processingStatus"] == ["success"]
    assert answer["emitters"] == [found["PublicBody Ministry of Fish"]]
    assert answer["inReplyTo"] == letter["messageId"]
    assert answer["threadTopic"] == ["Turbot quotas"]
    assert answer["sourceUrl"] == [
        f"http://localhost:6543/request/turbot_quotas#incoming-{made.answer}"
    ]


def test_a_file_that_is_not_held_is_named_in_the_text(view: CollectionView) -> None:
    text = view.properties(names(view)["Email foi_test-2"])["bodyText"][0]
    assert "map.pdf (12,345 bytes) https://fish.example/map.pdf" in text


def test_attachments_arrive_byte_for_byte(view: CollectionView) -> None:
    found = names(view)
    assert view.file(found["Table quotas.csv"]) == QUOTAS
    assert view.file(found["PlainText minutes.txt"]) == MINUTES
    quotas = view.properties(found["Table quotas.csv"])
    assert quotas["contentHash"] == [hashlib.sha1(QUOTAS).hexdigest()]
    assert quotas["title"] == quotas["fileName"] == ["quotas.csv"]
    assert quotas["sourceUrl"][0].endswith("/attach/1/quotas.csv")


def test_authority_and_requester_are_linked_to_the_request(view: CollectionView) -> None:
    found = names(view)
    body = view.properties(found["PublicBody Ministry of Fish"])
    assert body["alias"] == ["MoF"]
    assert body["classification"] == ["central", "charity:123"]
    assert "email" not in body
    for role, entity in (
        ("authority", "PublicBody Ministry of Fish"),
        ("requester", "Person Jane Doe"),
    ):
        link = view.properties(found[f"Documentation {role}"])
        assert link["document"] == [found["Folder Turbot quotas"]]
        assert link["entity"] == [found[entity]]


def test_uploads_say_only_what_never_changes(view: CollectionView) -> None:
    for document in view.documents.values():
        known = {name for name, value in document["meta"].items() if value not in (None, [])}
        assert known <= {"foreign_id", "parent_id", "file_name"}


def test_entities_carry_when_they_changed(view: CollectionView) -> None:
    entity = view.entities[names(view)["Email foi_test-1"]]
    assert entity["created_at"] == "2024-03-04T10:30:00"
    assert entity["updated_at"] > "2024-03-05"


def test_a_second_push_sends_nothing(site: Site, aleph: Aleph, view: CollectionView) -> None:
    summary = push_all(site)
    assert summary.complete
    assert (summary.sent, summary.unchanged) == (0, len(EVERYTHING))
    assert writes(aleph) == []


def test_an_edited_title_is_one_bulk_write(
    site: Site, aleph: Aleph, view: CollectionView, made: Made
) -> None:
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.edit_request(db, request, "desk", title="Halibut quotas")
    push_all(site)
    assert writes(aleph) == ["POST _bulk"]
    assert set(names(view)) == {name.replace("Turbot", "Halibut") for name in EVERYTHING}
    letter = view.properties(names(view)["Email foi_test-1"])
    assert letter["subject"] == letter["threadTopic"] == ["Halibut quotas"]


def test_edited_tags_change_the_folder_alone(
    site: Site, aleph: Aleph, view: CollectionView, made: Made
) -> None:
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.edit_request(db, request, "desk", tag_texts=["sea"])
    assert push_all(site).sent == 1
    assert writes(aleph) == ["POST _bulk"]
    folder = view.properties(names(view)["Folder Turbot quotas"])
    assert set(folder["keywords"]) == {"foi", "status:successful", "sea"}


def test_a_new_answer_sends_itself_only(
    site: Site, aleph: Aleph, view: CollectionView, made: Made
) -> None:
    file = held(site, b"more", "more.txt", "text/plain")
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.correspond(
            db, request, "desk", direction="response", text="More.", files=[file], state="rejected"
        )
    push_all(site)
    assert writes(aleph) == ["POST ingest", "POST ingest", "POST _bulk", "POST _bulk"]
    assert set(names(view)) - EVERYTHING == {"Email foi_test-3", "PlainText more.txt"}
    folder = view.properties(names(view)["Folder Turbot quotas"])
    assert "status:rejected" in folder["keywords"]


def test_a_moved_request_is_linked_to_its_new_authority(
    site: Site, aleph: Aleph, view: CollectionView, made: Made
) -> None:
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.move(db, request, casework.add_body(db, "desk", name="Sea Office"), "desk")
    push_all(site)
    found = names(view)
    assert set(found) == EVERYTHING | {"PublicBody Sea Office"}
    link = view.properties(found["Documentation authority"])
    assert link["entity"] == [found["PublicBody Sea Office"]]
    answer = view.properties(found["Email foi_test-2"])
    assert answer["emitters"] == [found["PublicBody Sea Office"]]
    assert answer["from"] == ["Sea Office"]
    assert "POST ingest" not in writes(aleph)


def test_a_renamed_authority_keeps_its_id(
    site: Site, aleph: Aleph, view: CollectionView, made: Made
) -> None:
    before = names(view)["PublicBody Ministry of Fish"]
    with site.sessions.writing() as db:
        casework.edit_body(db, db.get_one(Body, made.body), "desk", name="Ministry of the Sea")
    push_all(site)
    assert names(view)["PublicBody Ministry of the Sea"] == before
    assert view.properties(names(view)["Email foi_test-1"])["to"] == ["Ministry of the Sea"]
    assert set(writes(aleph)) == {"POST _bulk"}


def test_lost_receipts_cost_no_duplicates(site: Site, aleph: Aleph, view: CollectionView) -> None:
    before = names(view)
    with site.sessions.writing() as db:
        db.execute(delete(Receipt))
    assert push_all(site).complete
    assert names(view) == before
    assert len(view.documents) == 5
    assert len(rows(site, aleph)) == len(EVERYTHING)
    aleph.reset_calls()
    push_all(site)
    assert writes(aleph) == []


def test_a_collection_emptied_by_being_deleted_is_filled_again(
    site: Site, aleph: Aleph, view: CollectionView
) -> None:
    client = Client(aleph.url, aleph.user_key, HASTY)
    client.call("DELETE", f"collections/{view.id}")
    assert push_all(site).complete
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING


@pytest.mark.parametrize("kind", ["502", "429", "500", "drop"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("path", ["ingest", "_bulk"])
def test_calls_that_fail_now_and_then_cost_nothing(
    site: Site, aleph: Aleph, made: Made, kind: str, after: bool, path: str
) -> None:
    aleph.fail_next(kind, times=2, after=after, path=path)
    assert push_all(site).complete
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING
    assert len(aleph.collection(COLLECTION).documents) == 5


def test_one_bad_file_harms_only_itself(site: Site, aleph: Aleph, made: Made) -> None:
    with site.sessions.reading() as db:
        sha256 = db.scalar(select(Attachment.sha256).where(Attachment.id == made.quotas))
    assert sha256
    site.blobs.path(sha256).unlink()
    summary = push_all(site)
    assert list(summary.failed) == [f"request-1-att-{made.answer}-1 (quotas.csv)"]
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING - {"Table quotas.csv"}


def test_a_slow_aleph_is_waited_for_and_holds_each_thing_once(open_: Open) -> None:
    with Aleph(delay=0.3) as slow:
        site = joined(open_, slow)
        made = make(site)
        assert push_all(site).complete
        slow.wait_until_idle()
        view = slow.collection(COLLECTION)
        assert set(names(view)) == EVERYTHING
        assert len(rows(site, slow)) == len(EVERYTHING)
        hide(site, Attachment, made.quotas)
        assert push_all(site).complete
        hide(site, InfoRequest, made.request)
        assert push_all(site).complete
        assert set(names(view)) == {"PublicBody Ministry of Fish"}


def test_a_file_that_aleph_lost_is_reported(
    site: Site, aleph: Aleph, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.visit.GRACE", timedelta(0))
    aleph.poison("quotas.csv", "lost")
    summary = push_all(site)
    assert list(summary.failed.values()) == ["Aleph took the file, but it never became searchable"]
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING - {"Table quotas.csv"}


def test_a_file_that_aleph_cannot_read_is_there_by_name(
    site: Site, aleph: Aleph, made: Made
) -> None:
    aleph.poison("quotas.csv", "fail")
    summary = push_all(site)
    assert summary.complete
    name = f"request-{made.request}-att-{made.answer}-1 (quotas.csv)"
    assert summary.unread == {name: "Processing failed on purpose"}
    assert "Document quotas.csv" in names(aleph.collection(COLLECTION))
    assert push_all(site).unread == {}


def test_pages_learn_that_receipts_have_changed(
    site: Site, aleph: Aleph, made: Made, view: CollectionView
) -> None:
    scope = scope_of(f"request:{made.request}")

    def position() -> int:
        with site.sessions.reading() as db:
            return db.scalar(select(Version.position).where(Version.scope == scope)) or 0

    before = position()
    push_all(site)
    assert position() == before > 0


def test_receipts_are_one_for_each_object(site: Site, view: CollectionView) -> None:
    with site.sessions.reading() as db:
        with linked(site) as (target,):
            found = target.receipts.counts(db)
        every = db.scalar(select(func.count()).select_from(Receipt))
    assert found == {
        "body": 1, "person": 1, "request": 1, "message": 2, "attachment": 2, "link": 2,
    }  # fmt: skip
    assert every == len(EVERYTHING) + 1
