"""POST /api/v2/request: every spelling that clients use, and what becomes of the request."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Event, InfoRequest
from tests.api.calls import CREATION, LETTER, MULTIPART, Authority, field, multipart
from tests.conftest import add_body, key_for

DOCUMENT = json.dumps(CREATION)


class TestSpellings:
    """However it is sent, the same request is made."""

    def check(self, council: Authority, answered: Any) -> None:
        assert answered.content_type == "application/json"
        made = council.db.get_one(InfoRequest, answered.json["id"])
        assert answered.json == {
            "url": f"http://foi.test/request/{made.url_title}",
            "id": made.id,
        }
        assert made.title == "Lamp posts in Mill Lane"
        assert made.body_id == council.body.id
        assert made.external_user_name == "Bob Rushes"
        assert made.external_url == "https://register.test/requests/1"
        assert made.described_state == "waiting_response"
        assert made.person_id is None

    @pytest.mark.parametrize("path", ["/api/v2/request", "/api/v2/request.json"])
    @pytest.mark.parametrize("name", ["json", "request_json"])
    def test_urlencoded(self, council: Authority, path: str, name: str) -> None:
        self.check(council, council.web.post(path, {"k": council.key, name: DOCUMENT}))

    @pytest.mark.parametrize("name", ["json", "request_json"])
    def test_multipart(self, council: Authority, name: str) -> None:
        body = multipart(field("k", council.key), field(name, DOCUMENT))
        self.check(council, council.web.post("/api/v2/request", body, {"Content-Type": MULTIPART}))

    def test_json_body(self, council: Authority) -> None:
        self.check(council, council.web.post_json(f"/api/v2/request?k={council.key}", CREATION))

    @pytest.mark.parametrize("name", ["json", "request_json"])
    @pytest.mark.parametrize("document", [CREATION, DOCUMENT])
    def test_json_body_that_is_shaped_like_the_form(
        self, council: Authority, name: str, document: Any
    ) -> None:
        form = {"k": council.key, name: document}
        self.check(council, council.web.post_json("/api/v2/request", form))

    def test_key_in_the_query(self, council: Authority) -> None:
        path = f"/api/v2/request?k={council.key}"
        self.check(council, council.web.post(path, {"json": DOCUMENT}))

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_key_as_bearer(self, council: Authority, scheme: str) -> None:
        headers = {"Authorization": f"{scheme} {council.key}"}
        self.check(council, council.web.post("/api/v2/request", {"json": DOCUMENT}, headers))

    @pytest.mark.parametrize("spelling", ["a+b/c+d0123456789", "a b/c d0123456789"])
    def test_carried_key_whose_plus_arrives_as_a_blank(
        self, council: Authority, spelling: str
    ) -> None:
        casework.carry_key(council.db, council.body, "a+b/c+d0123456789", "import")
        council.db.flush()
        answered = council.web.post("/api/v2/request", {"k": spelling, "json": DOCUMENT})
        self.check(council, answered)

    def test_members_it_does_not_know_are_ignored(self, council: Authority) -> None:
        self.check(council, council.create(something={"else": [1, None]}))

    def test_two_requests_of_one_title_get_two_addresses(self, council: Authority) -> None:
        urls = [council.create().json["url"] for _ in range(3)]
        assert [url.rpartition("/")[2] for url in urls] == [
            "lamp_posts_in_mill_lane",
            "lamp_posts_in_mill_lane_2",
            "lamp_posts_in_mill_lane_3",
        ]

    def test_a_long_unicode_title_gets_a_short_plain_address(self, council: Authority) -> None:
        made = council.made(title="Straßenlaternen – Übersicht für die Mühlgasse, Łódź und Århus")
        assert made.url_title == "strassenlaternen_ubersicht_fur_d"

    @pytest.mark.parametrize("title", ["1234 5678 a", "List", "Feed me", "新しい要求です"])
    def test_a_title_that_makes_no_address_of_its_own_gets_one(
        self, council: Authority, title: str
    ) -> None:
        answered = council.create(title=title)
        path = answered.json["url"].removeprefix("http://foi.test")
        assert title in council.web.get(path)


class TestOutcome:
    def test_it_is_on_every_list_and_feed(self, council: Authority) -> None:
        council.create(tags="lamps spending_id:12345 uri:https://a.test/b:c")
        web, name = council.web, council.body.url_name
        for path in ("/", "/list", "/list/awaiting", f"/body/{name}"):
            assert "Lamp posts in Mill Lane" in web.get(path), path
        for path in ("/list", "/list/recent", "/list/awaiting", f"/body/{name}", "/events"):
            assert "Lamp posts in Mill Lane" in web.get(f"/feed{path}"), path
            [entry, *_] = web.get(f"/feed{path}.json").json
            assert entry["event_type"] == "sent", path
            assert entry["info_request"]["title"] == "Lamp posts in Mill Lane"
            assert entry["user"] == {"name": "Bob Rushes"}
            assert entry["text"] == LETTER

    def test_its_page_says_what_was_asked_by_whom_and_when_an_answer_is_due(
        self, council: Authority
    ) -> None:
        with time_machine.travel(datetime(2026, 3, 2, 12, tzinfo=UTC), tick=False):
            made = council.made(tags=["lamps", "ref:a:b"])
            page = council.web.get(f"/request/{made.url_title}")
            data = council.web.get(f"/request/{made.url_title}.json").json
        assert "Bob Rushes" in page
        assert "How many lamp posts" in page
        assert "2 March 2026" in page
        assert "Awaiting response" in page
        assert made.due_on == date(2026, 3, 31)  # 17 March is a holiday in a part of the country
        assert data["due_on"] == "2026-03-31"
        assert data["tags"] == [["lamps", None], ["ref", "a:b"]]
        assert data["user_name"] == "Bob Rushes"
        assert data["external_url"] == "https://register.test/requests/1"

    @pytest.mark.parametrize("name", [..., None, ""])
    def test_without_a_name_the_requester_is_anonymous(
        self, council: Authority, name: str | None
    ) -> None:
        made = council.made(external_user_name=name)
        assert "Anonymous user" in council.web.get(f"/request/{made.url_title}")

    def test_without_an_address_elsewhere_the_authority_can_still_go_on_writing(
        self, council: Authority
    ) -> None:
        made = council.made(external_url=...)
        council.add(made)
        assert "There are twelve." in council.web.get(f"/request/{made.url_title}")

    def test_the_authority_can_read_it(self, council: Authority) -> None:
        made = council.made(tags="lamps ref:1")
        path = f"/api/v2/request/{made.id}"
        for spelling in (path, f"{path}.json"):
            data = council.web.get(f"{spelling}?k={council.key}").json
            assert data["id"] == made.id
            assert data["url"] == f"http://foi.test/request/{made.url_title}"
            assert data["title"] == "Lamp posts in Mill Lane"
            assert data["status"] == "waiting_response"
            assert data["public_body_url"] == f"http://foi.test/body/{council.body.url_name}"
            assert data["request_text"] == LETTER
            assert data["tags"] == ["lamps", "ref:1"]
            assert [m["text"] for m in data["correspondence"]] == [LETTER]
            assert [e["event_type"] for e in data["events"]] == ["sent"]
            assert {"request_email", "created_at", "updated_at"} <= set(data)
            assert "requestor_url" not in data

    def test_the_log_says_who_did_it(self, council: Authority) -> None:
        made = council.made()
        [event] = council.db.query(Event).filter_by(request_id=made.id)
        assert event.actor == f"body:{council.body.id}"


def test_text_is_tidied_as_alaveteli_does(council: Authority) -> None:
    made = council.made(
        title="  Lamp \n posts\tin  Mill Lane ", body="\r\n Dear\r\n\r\n\r\n\r\nAll \n"
    )
    assert made.title == "Lamp posts in Mill Lane"
    data = council.web.get(f"/request/{made.url_title}.json").json
    assert data["messages"][0]["text"] == "Dear\n\nAll"


def test_what_would_spoil_its_surroundings_is_left_out(council: Authority) -> None:
    made = council.made(
        title="Lamp\u202e posts\x1b[31m in\x85 Mill Lane",
        body="How\x07 many?\u202e\ufffe",
        external_user_name="Bob\u202e Rushes",
        tags=["li\x1bghts"],
    )
    assert made.title == "Lamp posts[31m in Mill Lane"
    assert made.external_user_name == "Bob Rushes"
    shown = council.web.get(f"/request/{made.url_title}.json").json
    assert shown["messages"][0]["text"] == "How many?"
    assert shown["tags"] == [["lights", None]]


def test_text_of_any_script_and_size_arrives_whole(council: Authority) -> None:
    text = "Ä€𝄞\t" + "ж" * 200_001 + "\n\n" + "語" * 1000
    document = json.dumps(CREATION | {"body": text}, ensure_ascii=False)
    answered = council.send("/api/v2/request", multipart(field("json", document)))
    data = council.web.get(f"/api/v2/request/{answered.json['id']}.json?k={council.key}").json
    assert data["request_text"] == text


def test_a_committed_request_is_there_for_everybody(app: webtest.TestApp, site: Any) -> None:
    with site.sessions.writing() as db:
        key = key_for(site, add_body(db))
    made = app.post("/api/v2/request", {"k": key, "json": DOCUMENT}).json
    assert "Lamp posts in Mill Lane" in app.get(made["url"].removeprefix("http://foi.test"))


def test_a_new_key_makes_the_former_ones_invalid(council: Authority, db: Session) -> None:
    casework.carry_key(db, council.body, "carried-from-elsewhere", "import")
    casework.rotate_key(db, council.body, "desk")
    db.flush()
    for former in (council.key, "carried-from-elsewhere"):
        council.web.post("/api/v2/request", {"k": former, "json": DOCUMENT}, status=403)
    council.key = key_for(council.site, council.body)
    council.create()
