"""What was taken away is told to readers that have it (RFC 6721), in every feed that held it."""

from datetime import datetime
from typing import Any

import feedparser
import webtest
from lxml import etree
from sqlalchemy.orm import Session

from foi.archive import casework, ledger
from tests.conftest import add_body, add_person, add_request
from tests.feeds.validity import ATOM, DELETED, complaints
from tests.pages.scene import answer, attachments


def gone(web: webtest.TestApp, path: str) -> dict[str, str]:
    """Give what an Atom feed says was taken away; its JSON Feed must say the same."""
    answered = web.get(path)
    assert complaints(answered.body, f"http://foi.test{path}") == []
    assert not feedparser.parse(answered.body).bozo
    root = etree.fromstring(answered.body)
    found = {each.get("ref"): each.get("when") for each in root.iter(DELETED)}
    plain, _, query = path.partition("?")
    machine = web.get(f"{plain}.jsonfeed?{query}").json
    assert {e["id"]: e["date_modified"] for e in machine["_foi"]["erased"]} == found
    return found


def ids(web: webtest.TestApp, path: str) -> list[str]:
    root = etree.fromstring(web.get(path).body)
    return [each.text for each in root.iterfind(f"{ATOM}entry/{ATOM}id")]


def feeds_of(request: Any) -> list[str]:
    return ["/feed/list", "/feed/events", f"/feed/body/{request.body.url_name}", "/feed/user/ada",
            f"/feed/request/{request.url_title}"]  # fmt: skip


class TestWhatIsTold:
    def test_a_message_that_is_hidden_or_erased(self, web: webtest.TestApp, db: Session) -> None:
        asked = add_request(db, person=add_person(db, "Ada"))
        for withdraw in (casework.hide, casework.erase):
            message = answer(db, asked, "Something that should not be there.")
            before = {path: ids(web, path)[0] for path in feeds_of(asked)}
            withdraw(db, message, "desk")
            db.flush()
            for path in feeds_of(asked):
                told = gone(web, path)
                assert before[path] in told, path
                assert before[path] not in ids(web, path)
                root = etree.fromstring(web.get(path).body)
                assert root.findtext(f"{ATOM}updated") >= told[before[path]]
                assert "should not be there" not in web.get(path).text

    def test_an_annotation(self, web: webtest.TestApp, db: Session) -> None:
        asked = add_request(db, person=add_person(db, "Ada"))
        annotation = casework.annotate(db, asked, asked.person, "Well.")
        db.flush()
        [entry] = set(ids(web, "/feed/list")[:1])
        casework.erase(db, annotation, "desk")
        db.flush()
        for path in feeds_of(asked):
            assert list(gone(web, path)) == [entry], path

    def test_an_annotation_on_somebody_elses_request(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked, bee = add_request(db, person=add_person(db, "Ada")), add_person(db, "Bee")
        annotation = casework.annotate(db, asked, bee, "Well.")
        db.flush()
        [entry] = set(ids(web, "/feed/list")[:1])
        places = [*feeds_of(asked), "/feed/user/bee", "/feed/user/bee/wall"]
        for path in places:
            assert entry in ids(web, path), path
        casework.hide(db, annotation, "desk")
        db.flush()
        for path in places:
            assert entry in gone(web, path), path
            assert entry not in ids(web, path), path

    def test_a_request_as_a_whole(self, web: webtest.TestApp, db: Session) -> None:
        asked = add_request(db, person=add_person(db, "Ada"))
        answer(db, asked)
        had = set(ids(web, f"/feed/request/{asked.url_title}"))
        casework.hide(db, asked, "desk", prominence="backpage")
        db.flush()
        *others, own = feeds_of(asked)
        for path in others:
            assert had <= set(gone(web, path)), path
            assert not had & set(ids(web, path))
        assert gone(web, own) == {}, "whoever has the link still reads it"
        assert set(ids(web, own)) == had

    def test_an_attachment_takes_away_no_entry(self, web: webtest.TestApp, db: Session) -> None:
        asked = add_request(db, person=add_person(db, "Ada"))
        message = answer(db, asked, files=[casework.File("a.pdf", "a/b", 5, "0" * 64)])
        casework.hide(db, attachments(db, message)[0], "desk")
        db.flush()
        for path in feeds_of(asked):
            assert gone(web, path) == {}

    def test_what_is_shown_again_is_newer_than_its_tombstone(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked = add_request(db, person=add_person(db, "Ada"))
        for thing in (answer(db, asked), asked):
            had = ids(web, "/feed/list")
            casework.hide(db, thing, "desk")
            db.flush()
            told = gone(web, "/feed/list")
            assert told
            casework.release(db, thing, "desk")
            db.flush()
            for path in feeds_of(asked):
                assert gone(web, path) == {}
            root = etree.fromstring(web.get("/feed/list").body)
            assert ids(web, "/feed/list") == had
            for entry in root.iterfind(f"{ATOM}entry"):
                if when := told.get(entry.findtext(f"{ATOM}id")):
                    moment = datetime.fromisoformat(entry.findtext(f"{ATOM}updated"))
                    assert moment > datetime.fromisoformat(when)


class TestWhatIsNot:
    def test_nothing_is_told_of_what_never_was_public(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        body = add_body(db, "Fenby")
        with ledger.gathering(db):
            asked = casework.open_request(db, "import", body=body, title="Quiet", text="One?")
            casework.hide(db, asked, "import")
        for path in ("/feed/list", "/feed/body/fenby", "/feed/events"):
            assert gone(web, path) == {}

    def test_no_feed_tells_of_what_it_never_held(self, web: webtest.TestApp, db: Session) -> None:
        mine, other = (add_request(db, add_body(db, name)) for name in ("Fenby", "Wisby"))
        casework.hide(db, answer(db, mine), "desk")
        db.flush()
        assert len(gone(web, "/feed/body/fenby")) == 1
        assert gone(web, "/feed/body/wisby") == {}
        assert gone(web, f"/feed/request/{other.url_title}") == {}
        assert gone(web, "/feed/list/recent") == {}

    def test_a_request_that_moves_is_still_there(self, web: webtest.TestApp, db: Session) -> None:
        asked = add_request(db, add_body(db, "Fenby"))
        [entry] = ids(web, "/feed/list")
        casework.move(db, asked, add_body(db, "Wisby"), "desk")
        db.flush()
        assert gone(web, "/feed/body/fenby") == gone(web, "/feed/list") == {}
        assert ids(web, "/feed/list") == [entry]

    def test_the_array_of_a_feed_holds_entries_only(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked = add_request(db)
        message = answer(db, asked)
        casework.erase(db, message, "desk")
        db.flush()
        assert [e["event_type"] for e in web.get("/feed/list.json").json] == ["sent"]
        events = web.get("/events.json?since=0").json["events"]
        assert [e["event_type"] for e in events][-1] == "erase"


def test_each_is_met_once_by_who_reads_on(web: webtest.TestApp, db: Session) -> None:
    asked = add_request(db)
    old = answer(db, asked)
    entry = ids(web, "/feed/list")[0]
    for number in range(30):
        answer(db, asked, f"Answer {number}")
    assert entry not in ids(web, "/feed/list")
    casework.erase(db, old, "desk")
    db.flush()
    for later in (0, 30, 30):
        for number in range(later):
            answer(db, asked, f"Later {number}")
        path, met = "/feed/list", []
        while path:
            met += gone(web, path)
            links = etree.fromstring(web.get(path).body).findall(f"{ATOM}link[@rel='next']")
            path = links[0].get("href").removeprefix("http://foi.test") if links else ""
        assert met == [entry]
