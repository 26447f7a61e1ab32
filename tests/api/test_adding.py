"""POST /api/v2/request/<id>: messages and their files, states beside and inside them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Attachment, InfoRequest, Message
from tests.api.calls import ANSWER, Authority, field, multipart, upload
from tests.conftest import Running, add_request, key_for
from tests.pages.scene import PAGE, PDF, SVG

DOCUMENT = json.dumps(ANSWER)


def messages(council: Authority, request: InfoRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = council.web.get(
        f"/api/v2/request/{request.id}.json?k={council.key}"
    ).json["correspondence"]
    return found


def state(council: Authority, request: InfoRequest) -> str:
    data = council.web.get(f"/request/{request.url_title}.json").json
    return str(data["calculated_state"])


class TestSpellings:
    def check(self, council: Authority, request: InfoRequest, answered: Any) -> None:
        assert answered.json == {"url": f"http://foi.test/request/{request.url_title}"}
        [_, message] = messages(council, request)
        assert message["text"] == "There are twelve."
        assert message["sent_at"] == "2026-03-20T09:30:00.000Z"
        assert state(council, request) == "waiting_classification"

    @pytest.mark.parametrize("suffix", ["", ".json"])
    @pytest.mark.parametrize("name", ["json", "correspondence_json"])
    def test_urlencoded(self, council: Authority, suffix: str, name: str) -> None:
        made = council.made()
        path = f"/api/v2/request/{made.id}{suffix}"
        self.check(council, made, council.web.post(path, {"k": council.key, name: DOCUMENT}))

    @pytest.mark.parametrize("name", ["json", "correspondence_json"])
    def test_multipart(self, council: Authority, name: str) -> None:
        made = council.made()
        body = multipart(field("k", council.key), field(name, DOCUMENT))
        self.check(council, made, council.send(f"/api/v2/request/{made.id}?x", body))

    @pytest.mark.parametrize("beside", [True, False])
    def test_json_body_that_is_shaped_like_the_form(
        self, council: Authority, beside: bool
    ) -> None:
        made = council.made()
        document = ANSWER if beside else ANSWER | {"state": "rejected"}
        form = {"k": council.key, "correspondence_json": document}
        form |= {"state": "rejected"} if beside else {}
        path = f"/api/v2/request/{made.id}"
        council.web.post_json(path, form)
        assert state(council, made) == "rejected"
        refused = council.web.post_json(path, form | {"state": 5}, status=422)
        assert refused.json["errors"] == ["'5' is not a valid request state"]

    def test_json_body(self, council: Authority) -> None:
        made = council.made()
        path = f"/api/v2/request/{made.id}.json?k={council.key}"
        self.check(council, made, council.web.post_json(path, ANSWER))

    @pytest.mark.parametrize(
        "sent_at",
        ["2026-03-20T09:30:00Z", "2026-03-20T10:30:00.000+01:00", "2026-03-20 09:30", ...],
    )
    def test_times(self, council: Authority, sent_at: Any) -> None:
        made = council.made()
        with time_machine.travel(datetime(2026, 3, 20, 9, 30, tzinfo=UTC), tick=False):
            self.check(council, made, council.add(made, sent_at=sent_at))


class TestFiles:
    def send(self, council: Authority, *parts: tuple[str, bytes]) -> list[Any]:
        made = council.made()
        body = multipart(field("json", DOCUMENT), *parts)
        council.send(f"/api/v2/request/{made.id}.json", body, status=200)
        shown: list[Any] = council.web.get(f"/request/{made.url_title}.json").json["messages"][1][
            "attachments"
        ]
        return shown

    @pytest.mark.parametrize(
        "name",
        [
            "attachments",
            "attachments[]",
            "attachments[0]",
            "attachment_0",
            "attachment",
            "attachment1",
        ],
    )
    def test_every_name_for_files(self, council: Authority, name: str) -> None:
        [shown] = self.send(council, upload(name, "reply.pdf", PDF))
        assert shown["filename"] == "reply.pdf"
        assert shown["content_type"] == "application/pdf"
        assert shown["size"] == len(PDF)
        path = shown["url"].removeprefix("http://foi.test")
        assert council.web.get(path).body == PDF

    def test_many_files_keep_their_order_and_equal_ones_stay_apart(
        self, council: Authority
    ) -> None:
        names = ["b.pdf", "a.pdf", "b.pdf"]
        shown = self.send(council, *(upload("attachments[]", name, PDF) for name in names))
        assert [a["filename"] for a in shown] == names
        assert [a["number"] for a in shown] == [1, 2, 3]

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("C:\\Users\\ada\\reply.pdf", "reply.pdf"),
            ("../../etc/passwd.pdf", "passwd.pdf"),
            ("Übersicht 2026.pdf", "Übersicht 2026.pdf"),
            (".htaccess", "htaccess.pdf"),
            ("x" * 300 + ".pdf", "x" * 236 + ".pdf"),
            ("ada@fenby.test reply.pdf", "[email address] reply.pdf"),
        ],
    )
    def test_names_are_made_safe(self, council: Authority, given: str, kept: str) -> None:
        [shown] = self.send(council, upload("attachments", given.replace("\\", "\\\\"), PDF))
        assert shown["filename"] == kept
        assert council.web.get(shown["url"].removeprefix("http://foi.test")).body == PDF

    def test_a_name_as_older_clients_encode_it(self, council: Authority) -> None:
        header = (
            'Content-Disposition: form-data; name="attachments"; '
            "filename*=utf-8''%C3%9Cbersicht.pdf\r\nContent-Type: application/pdf"
        )
        [shown] = self.send(council, (header, PDF))
        assert shown["filename"] == "Übersicht.pdf"

    @pytest.mark.parametrize(
        ("content", "claimed", "name", "found"),
        [
            (PAGE, "image/png", "a.png", "text/html"),
            (SVG, "image/png", "a.png", "image/svg+xml"),
            (PDF, "text/html", "a.html", "application/pdf"),
            (b"", "application/pdf", "empty.pdf", "application/x-empty"),
        ],
    )
    def test_a_type_is_found_out_not_believed(
        self, council: Authority, content: bytes, claimed: str, name: str, found: str
    ) -> None:
        header, body = upload("attachments", name, content)
        [shown] = self.send(council, (f"{header}\r\nContent-Type: {claimed}", body))
        assert shown["content_type"] == found
        assert shown["size"] == len(content)

    def test_bytes_arrive_as_they_were(self, council: Authority) -> None:
        content = bytes(range(256)) * 600 + b"\r\n--BOUNDAR\r\n--\r\n\xff\xfe\x00" + b"\n" * 5
        [shown] = self.send(council, upload("attachments", "data.bin", content))
        assert council.web.get(shown["url"].removeprefix("http://foi.test")).body == content

    def test_an_empty_file_field_is_no_file(self, council: Authority) -> None:
        assert self.send(council, upload("attachments[]", "", b"")) == []


class TestStates:
    @pytest.mark.parametrize(
        "name", ["waiting_response", "rejected", "successful", "partially_successful"]
    )
    @pytest.mark.parametrize("beside", [True, False])
    def test_a_state_given_with_an_answer_describes_it(
        self, council: Authority, name: str, beside: bool
    ) -> None:
        made = council.made()
        fields = {
            "k": council.key,
            "json": json.dumps(ANSWER | ({} if beside else {"state": name})),
        }
        council.web.post(
            f"/api/v2/request/{made.id}", fields | ({"state": name} if beside else {})
        )
        data = council.web.get(f"/request/{made.url_title}.json").json
        assert data["described_state"] == name
        assert not data["awaiting_description"]
        assert [e["event_type"] for e in data["info_request_events"]] == [
            "sent",
            "response",
            "status_update",
        ]
        assert data["info_request_events"][1]["calculated_state"] == name

    def test_the_state_beside_wins_over_the_one_inside(self, council: Authority) -> None:
        made = council.made()
        fields = {"json": json.dumps(ANSWER | {"state": "rejected"}), "state": "successful"}
        council.web.post(f"/api/v2/request/{made.id}?k={council.key}", fields)
        assert made.described_state == "successful"

    def test_foi_registers_state_error_stores_the_message_and_changes_no_state(
        self, council: Authority
    ) -> None:
        made = council.made()
        council.add(made, state="successful")
        council.add(made, state="error", body="A further letter.")
        assert made.described_state == "successful"
        assert messages(council, made)[-1]["text"] == "A further letter."
        assert state(council, made) == "waiting_classification"

    def test_an_answer_without_state_awaits_its_description(self, council: Authority) -> None:
        made = council.made()
        council.add(made, state="rejected")
        council.add(made)
        assert state(council, made) == "waiting_classification"
        assert "Awaiting classification" in council.web.get(f"/request/{made.url_title}")

    def test_a_withdrawn_request_stays_withdrawn(self, council: Authority) -> None:
        made = council.made()
        council.describe(made, "user_withdrawn")
        council.add(made)
        assert state(council, made) == "user_withdrawn"


class TestLettersToTheAuthority:
    def test_a_letter_changes_no_state_even_with_one_given(self, council: Authority) -> None:
        made = council.made()
        council.add(made, state="rejected")
        council.add(made, direction="request", body="Please look again.", state="successful")
        assert state(council, made) == "rejected"
        assert [m["direction"] for m in messages(council, made)] == [
            "request",
            "response",
            "request",
        ]

    def test_a_letter_that_explains_restarts_the_clock(self, council: Authority) -> None:
        early = datetime(2026, 1, 5, 12, tzinfo=UTC)
        with time_machine.travel(early, tick=False):
            made = council.made()
            council.describe(made, "waiting_clarification")
            first = made.due_on
        with time_machine.travel(early + timedelta(days=60), tick=False):
            council.add(made, direction="request", body="I mean the lit ones.", sent_at=...)
            assert state(council, made) == "waiting_response"
        assert first is not None
        assert made.due_on is not None
        assert made.due_on > first + timedelta(days=50)

    def test_it_is_told_in_the_feed_as_a_follow_up(self, council: Authority) -> None:
        made = council.made()
        council.add(made, direction="request", body="Please hurry.")
        [entry, _] = council.web.get(f"/feed/request/{made.url_title}.json").json
        assert entry["event_type"] == "followup_sent"
        assert entry["outgoing_message_id"]
        assert entry["incoming_message_id"] is None
        assert entry["user"] == {"name": "Bob Rushes"}


class TestUpdating:
    """POST /api/v2/request/<id>/update: what the requester says of the answer."""

    @pytest.mark.parametrize("suffix", ["", ".json"])
    @pytest.mark.parametrize("way", ["form", "json in a form", "json"])
    def test_every_spelling(self, council: Authority, suffix: str, way: str) -> None:
        made = council.made()
        council.add(made)
        path = f"/api/v2/request/{made.id}/update{suffix}?k={council.key}"
        document = {"state": "partially_successful"}
        if way == "form":
            answered = council.web.post(path, document)
        elif way == "json":
            answered = council.web.post_json(path, document)
        else:
            answered = council.web.post(path, {"json": json.dumps(document)})
        assert answered.json == {"url": f"http://foi.test/request/{made.url_title}"}
        assert state(council, made) == "partially_successful"
        page = council.web.get(f"/request/{made.url_title}")
        assert "Partially successful" in page
        [entry] = council.web.get("/feed/list/successful.json").json
        assert entry["calculated_state"] == "partially_successful"
        assert len(messages(council, made)) == 2


def test_an_answer_is_on_page_and_feeds_at_once(council: Authority) -> None:
    made = council.made()
    council.add(made, state="successful")
    for path in ("/list/successful", f"/body/{council.body.url_name}/successful"):
        assert made.title in council.web.get(path)
    for path in ("/feed/list", f"/feed/body/{council.body.url_name}", "/feed/list/successful"):
        entry = council.web.get(f"{path}.json").json[0]
        assert entry["event_type"] == "response"
        assert entry["text"] == "There are twelve."
        assert entry["calculated_state"] == "successful"


def test_files_are_on_disk_and_rows_name_them(council: Authority) -> None:
    made = council.made()
    parts = (field("json", DOCUMENT), upload("attachments", "a.pdf", PDF))
    council.send(f"/api/v2/request/{made.id}", multipart(*parts), status=200)
    [attachment] = council.db.query(Attachment).join(Message).filter_by(request_id=made.id)
    assert attachment.sha256 is not None
    assert council.site.blobs.path(attachment.sha256).read_bytes() == PDF


def test_a_letter_that_explains_the_request_becomes_part_of_it(
    web: webtest.TestApp, db: Session, shared: Running
) -> None:
    request = add_request(db, via_api=True)
    casework.classify(db, request, "desk", "waiting_clarification")
    key = key_for(shared.site, request.body)
    letter = {"direction": "request", "body": "I mean the lamp posts on the north side."}
    web.post(f"/api/v2/request/{request.id}.json", {"k": key, "json": json.dumps(letter)})
    told = web.get(f"/api/v2/request/{request.id}.json?k={key}").json
    assert told["request_text"] == "I mean the lamp posts on the north side."
    assert told["status"] == "waiting_response"
