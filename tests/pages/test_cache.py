"""Validators and the cache of finished pages: nothing is sent twice, nothing stale is shown."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
import transaction
import webtest
from sqlalchemy.orm import Session
from webob import Request, Response

from foi.archive import casework
from foi.archive.models import Annotation, Attachment, Body, InfoRequest, Message, Person
from tests.conftest import Running, add_body, add_person, add_request, start
from tests.pages.scene import PDF, answer, build_index, file, statements


class Village:
    """A running site with one request, and the verbs that change what its pages show."""

    def __init__(self, running: Running) -> None:
        self.running, self.site = running, running.site
        self.app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})
        with self.change() as db:
            body, person = add_body(db, "Fenby Town Council"), add_person(db, "Ada Fenn")
            asked = add_request(db, body, "Lamp posts", person=person)
            message = answer(db, asked, files=[file(self.site, PDF, "reply.pdf")])
            casework.annotate(db, asked, add_person(db, "Cy Noter"), "Well, well.")
            add_body(db, "Marsh Council")
        self.message = message.id
        build_index(self.site)

    @contextmanager
    def change(self) -> Iterator[Session]:
        with self.site.sessions.writing() as db:
            yield db

    def row(self, db: Session, model: Any, number: int = 1) -> Any:
        return db.get_one(model, number)


@pytest.fixture
def village(running: Running) -> Village:
    return Village(running)


REQUEST, BODY, PERSON = "/request/lamp_posts", "/body/fenby_town_council", "/user/ada_fenn"
EVERY = [
    "/", "/events", "/events.json", "/feed/events", "/list", "/list.json", "/feed/list",
    "/feed/list.json", "/feed/list/recent", "/list/awaiting", "/body/list", "/body/list.json",
    "/feed/body/list", BODY, f"{BODY}.json", f"/feed{BODY}", f"{BODY}/awaiting", PERSON,
    f"{PERSON}.json", f"/feed{PERSON}", REQUEST, f"{REQUEST}.json", f"/feed{REQUEST}",
    f"/feed{REQUEST}.json", "/search/lamp/all", "/search/lamp/all.json", "/feed/search/lamp",
]  # fmt: skip


class TestValidators:
    def test_what_has_not_changed_is_not_sent_again(self, village: Village) -> None:
        for path in EVERY:
            first = village.app.get(path)
            etag = first.headers["ETag"]
            assert first.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
            for asked in (etag, f"W/{etag}", f'"other", {etag}', "*"):
                again = village.app.get(path, headers={"If-None-Match": asked}, status=304)
                assert again.body == b""
                assert again.headers["ETag"] == etag
                assert "Content-Type" not in again.headers
            whole = village.app.get(path, headers={"If-None-Match": '"other"'})
            assert (whole.body, whole.headers["ETag"]) == (first.body, etag)
            village.app.head(path, headers={"If-None-Match": etag}, status=304)

    def test_who_takes_gzip_gets_the_same_in_fewer_bytes(self, village: Village) -> None:
        def get(path: str, **headers: str) -> Response:  # WebTest would unpack it
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            asked = Request.blank(path, headers={"Host": "foi.test", **named})
            return asked.get_response(village.running.app)

        for path in EVERY:
            plain, short = get(path), get(path, Accept_Encoding="br, gzip")
            assert plain.headers["Vary"] == short.headers["Vary"] == "Accept-Encoding"
            for refused in ("gzip;q=0", "identity", "gzip; q=0.0", "x-gzipped"):
                assert get(path, Accept_Encoding=refused).body == plain.body
            if len(plain.body) < 1000:
                assert short.body == plain.body
                continue
            assert short.headers["Content-Encoding"] == "gzip"
            assert short.content_length == len(short.body) < len(plain.body)
            assert gzip.decompress(short.body) == plain.body
            assert short.headers["ETag"] != plain.headers["ETag"]
            for known in (plain.headers["ETag"], short.headers["ETag"]):
                again = get(path, Accept_Encoding="gzip", If_None_Match=known)
                assert (again.status_int, again.body) == (304, b"")
                assert again.headers["ETag"] == short.headers["ETag"]

    def test_a_date_does_where_there_is_no_entity_tag(self, village: Village) -> None:
        later = datetime.now(UTC) + timedelta(seconds=5)
        with time_machine.travel(later, tick=False):
            for path in EVERY:
                first = village.app.get(path)
                modified = first.headers["Last-Modified"]
                assert parsedate_to_datetime(modified) <= later
                since = {"If-Modified-Since": modified}
                village.app.get(path, headers=since, status=304)
                # RFC 9110: with an entity tag the date does not count.
                village.app.get(path, headers=since | {"If-None-Match": '"other"'}, status=200)
                early = "Sat, 01 Jan 2000 00:00:00 GMT"
                village.app.get(path, headers={"If-Modified-Since": early}, status=200)

    def test_a_condition_that_is_none_is_ignored(self, village: Village) -> None:
        dates = ("nonsense", "", "0", "Sat, 32 Foo 2026 99:00:00 GMT", "9" * 500)
        tags = ("", ",", '"', "W/", ", , ", "x" * 5000, '"a" "b"', "\xe4")
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=5), tick=False):
            for value in (*dates, "Sat, 01 Jan 99999 00:00:00 GMT"):
                village.app.get("/list", headers={"If-Modified-Since": value}, status=200)
            for value in tags:
                village.app.get("/list", headers={"If-None-Match": value}, status=200)

    def test_a_change_within_the_same_second_is_not_missed(self, village: Village) -> None:
        modified = village.app.get("/list").headers["Last-Modified"]
        with village.change() as db:
            add_request(db, village.row(db, Body), "Another matter")
        assert "Another matter" in village.app.get(
            "/list", headers={"If-Modified-Since": modified}
        )

    def test_formats_do_not_share_an_entity_tag(self, village: Village) -> None:
        tags = [village.app.get(path).headers["ETag"] for path in EVERY]
        assert len(set(tags)) == len(tags)

    def test_failures_and_redirects_have_none_and_are_not_kept(self, village: Village) -> None:
        for path in ("/request/none", "/request/1", "/list?before=x", "/list/all"):
            answered = village.app.get(path, expect_errors=True)
            assert "ETag" not in answered.headers
        with village.change() as db:
            add_request(db, village.row(db, Body), "None")
        assert "None" in village.app.get("/request/none")


def rename_body(village: Village, db: Session) -> None:
    casework.edit_body(db, village.row(db, Body), "desk", name="Fenby City Council")


def rename_person(village: Village, db: Session) -> None:
    village.row(db, Person).name = "?"  # the slug would change with the name
    casework.edit_person(db, village.row(db, Person), "desk", name="Ada  Fenn")


def rename_annotator(village: Village, db: Session) -> None:
    casework.edit_person(db, village.row(db, Person, 2), "desk", name="Cyril Noter")


def annotate(village: Village, db: Session) -> None:
    casework.annotate(db, village.row(db, InfoRequest), village.row(db, Person), "I see.")


def respond(village: Village, db: Session) -> None:
    answer(db, village.row(db, InfoRequest), "And a thirteenth.")


def classify(village: Village, db: Session) -> None:
    casework.classify(db, village.row(db, InfoRequest), "desk", "rejected")


def hide_message(village: Village, db: Session) -> None:
    casework.hide(db, village.row(db, Message, village.message), "desk", reason="Because.")


def hide_attachment(village: Village, db: Session) -> None:
    casework.hide(db, village.row(db, Attachment), "desk", reason="Because.")


def erase_message(village: Village, db: Session) -> None:
    newest = db.query(Message).order_by(Message.id.desc()).first()
    assert newest is not None
    casework.erase(db, newest, "desk", reason="Because.")


def erase_annotation(village: Village, db: Session) -> None:
    casework.erase(db, village.row(db, Annotation), "desk")


def retitle(village: Village, db: Session) -> None:
    village.row(db, InfoRequest).title = "?"
    casework.edit_request(db, village.row(db, InfoRequest), "desk", title="Lamp  posts")


def tag(village: Village, db: Session) -> None:
    casework.edit_request(db, village.row(db, InfoRequest), "desk", tag_texts=["lamps"])


def move(village: Village, db: Session) -> None:
    casework.move(db, village.row(db, InfoRequest), village.row(db, Body, 2), "desk")


OWN = {REQUEST, f"{REQUEST}.json", f"/feed{REQUEST}"}
FEEDS = {"/feed/list", f"/feed{BODY}", f"/feed{PERSON}"}
LISTS = {"/list", "/list.json", BODY, f"{BODY}.json", f"{PERSON}.json", "/"}
# One after another on one site, so in an order in which each can be seen.
CHANGES: list[tuple[Callable[[Village, Session], None], set[str]]] = [
    (rename_body, OWN | FEEDS | {"/list", BODY, f"{BODY}.json", "/body/list", PERSON, "/"}),
    (rename_person, OWN | FEEDS | {"/list", BODY, PERSON, f"{PERSON}.json", "/"}),
    (rename_annotator, OWN | FEEDS | {"/events"}),
    (annotate, OWN | FEEDS | {"/events"}),
    (respond, OWN | FEEDS | {"/events", "/"}),
    (classify, OWN | FEEDS | LISTS | {"/events", "/feed/search/lamp", PERSON}),
    (tag, FEEDS | {f"{REQUEST}.json", "/list.json", f"{BODY}.json"}),
    (retitle, OWN | FEEDS | LISTS | {"/events", "/search/lamp/all"}),
    (hide_attachment, OWN | FEEDS),
    (hide_message, OWN | FEEDS | {"/events", "/", f"/feed{REQUEST}.json"}),
    (erase_annotation, OWN | FEEDS | {"/events"}),
    (erase_message, OWN | FEEDS | {"/events", "/"}),
    (move, OWN | FEEDS | LISTS | {"/events"}),
]


@pytest.mark.thorough
def test_no_page_is_stale_after_any_change(village: Village) -> None:
    before = {path: village.app.get(path) for path in EVERY}
    for change, showing in CHANGES:
        told = change.__name__
        with village.change() as db:
            change(village, db)
        after = {path: village.app.get(path) for path in EVERY}
        for path in sorted(showing):
            assert after[path].body != before[path].body, (told, path)
            etag = before[path].headers["ETag"]
            assert after[path].headers["ETag"] != etag, (told, path)
            asked = village.app.get(path, headers={"If-None-Match": etag})
            assert asked.status_int == 200, (told, path)
        # What is answered from memory is what is answered without one.
        with village.site.sessions.reading() as db:
            manager = transaction.TransactionManager(explicit=True)
            environ = {"foi.db": db, "tm.active": True, "tm.manager": manager}
            for path in EVERY:
                anew = village.app.get(path, extra_environ=environ)
                assert anew.body == after[path].body, (told, path)
                assert anew.headers["ETag"] == after[path].headers["ETag"], (told, path)
        before = after


def test_no_feed_of_a_former_authority_is_stale_after_a_request_has_moved(
    village: Village,
) -> None:
    with village.change() as db:
        move(village, db)
    village.app.get(f"/feed{BODY}")
    with village.change() as db:
        casework.hide(db, village.row(db, InfoRequest), "desk")
    assert "Lamp posts" not in village.app.get(f"/feed{BODY}")
    assert "Lamp posts" not in village.app.get("/feed/body/marsh_council")


@pytest.mark.parametrize("prominence", ["hidden", "backpage"])
def test_a_hidden_request_leaves_every_kept_page_at_once(
    village: Village, prominence: str
) -> None:
    for path in EVERY:
        village.app.get(path)
    with village.change() as db:
        casework.hide(db, village.row(db, InfoRequest), "desk", prominence=prominence)
    for path in EVERY:
        answered = village.app.get(path, expect_errors=True)
        if prominence == "hidden" or not path.startswith((REQUEST, f"/feed{REQUEST}")):
            assert "Lamp posts" not in answered, path


class TestDays:
    """What a page says of a deadline changes at midnight, though nothing is written."""

    def test_a_request_becomes_late_at_midnight(self, village: Village) -> None:
        with village.change() as db:
            casework.classify(db, village.row(db, InfoRequest), "desk", "waiting_response")
            due = village.row(db, InfoRequest).due_on
        last = datetime(
            due.year, due.month, due.day, 23, 59, 50, tzinfo=village.site.settings.site_zone
        )
        paths = (REQUEST, f"{REQUEST}.json", "/list", f"{BODY}", f"/feed{REQUEST}", PERSON)
        with time_machine.travel(last, tick=False) as clock:
            before = {path: village.app.get(path) for path in paths}
            assert village.app.get("/list/overdue.json").json["requests"] == []
            clock.shift(9)
            for path in paths:
                etag = {"If-None-Match": before[path].headers["ETag"]}
                village.app.get(path, headers=etag, status=304)
            clock.shift(1)
            for path in paths:
                seen = {
                    "If-None-Match": before[path].headers["ETag"],
                    "If-Modified-Since": before[path].headers["Last-Modified"],
                }
                assert village.app.get(path, headers=seen).status_int == 200, path
                seen.pop("If-None-Match")
                assert village.app.get(path, headers=seen).status_int == 200, path
            assert "Delayed" in village.app.get(REQUEST)
            data = village.app.get(f"{REQUEST}.json").json
            assert data["calculated_state"] == "waiting_response_overdue"
            assert data["display_status"] == "Delayed"
            assert len(village.app.get("/list/overdue.json").json["requests"]) == 1
            assert village.app.get(f"{BODY}.json").json["info"]["requests_overdue_count"] == 1
            clock.shift(timedelta(days=100))
            assert "Long overdue" in village.app.get(REQUEST)

    def test_a_page_is_never_modified_in_the_future(self, village: Village) -> None:
        for path in EVERY:
            modified = parsedate_to_datetime(village.app.get(path).headers["Last-Modified"])
            assert modified <= datetime.now(UTC)


class TestMemory:
    def test_a_page_that_has_not_changed_costs_one_look_at_its_version(
        self, village: Village
    ) -> None:
        village.app.get(REQUEST)
        with statements(village.site.engine) as seen:
            for _ in range(3):
                village.app.get(REQUEST)
        assert seen == []  # the look goes past the engine

    def test_a_change_elsewhere_does_not_make_a_page_anew(self, village: Village) -> None:
        village.app.get(REQUEST)
        with village.change() as db:
            add_request(db, village.row(db, Body, 2), "Another matter")
        with statements(village.site.engine) as seen:
            village.app.get(REQUEST)
        assert seen == []

    def test_the_same_letters_encoded_otherwise_are_another_search(self, village: Village) -> None:
        def search(address: str) -> Any:
            path = address.replace("%2F", "/")
            return village.app.get(
                f"{path}.json", extra_environ={"REQUEST_URI": f"{address}.json"}
            )

        assert search("/search/lamp/requests").json["query"] == "lamp"
        assert search("/search/lamp%2Frequests").json["query"] == "lamp/requests"
        assert search("/search/lamp/requests").json["query"] == "lamp"

    def test_it_is_bounded(self, tmp_path: Path, migrated: bytes) -> None:
        from foi.pages.cache import Cache, Kept

        cache = Cache(1)
        now = datetime.now(UTC)

        def kept(size: int) -> Kept:
            return Kept((), (), now.date(), [], b"x" * size, '""', now)

        for number in range(200):
            cache.put((f"/{number}", "", ""), kept(20_000))
        assert cache.get(("/0", "", "")) is None
        assert cache.get(("/199", "", "")) is not None
        assert (
            sum(cache.get((f"/{n}", "", "")) is not None for n in range(200))
            <= (1 << 20) // 20_000
        )
        cache.put(("/large", "", ""), kept(1 << 19))
        assert cache.get(("/large", "", "")) is None
        for _ in range(1000):
            cache.put(("/199", "", ""), kept(20_000))
        assert sum(cache.get((f"/{n}", "", "")) is not None for n in range(200)) > 30

    def test_another_release_or_name_of_the_site_is_another_version(
        self, village: Village, tmp_path: Path, migrated: bytes
    ) -> None:
        etag = village.app.get("/list").headers["ETag"]
        other = start(tmp_path / "site", migrated, **{"site.name": "Other Answers"})
        app = webtest.TestApp(other.app, extra_environ={"HTTP_HOST": "foi.test"})
        assert app.get("/list").headers["ETag"] != etag
        other.close()
