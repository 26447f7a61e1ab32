"""Feeds as readers see them: valid Atom, ids that stay, and a way to the last entry."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import feedparser
import pytest
import time_machine
import webtest
from lxml import etree
from sqlalchemy.orm import Session

from feeds import identity
from foi.archive import casework
from foi.archive.models import Fact, InfoRequest
from tests.conftest import Running, add_body, add_person, add_request, key_for, start
from tests.pages.scene import PDF, Scene, answer, build_index, file, furnish

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def scene(shared: Running, db: Session) -> Scene:
    return furnish(shared.site, db)


def read(web: webtest.TestApp, path: str) -> Any:
    """Read a feed as a feed reader does; anything it stumbles over is a failure."""
    answered = web.get(path)
    assert answered.content_type == "application/atom+xml"
    found = feedparser.parse(answered.body)
    assert not found.bozo, found.get("bozo_exception")
    assert found.version == "atom10"
    return found


def links(thing: Any) -> dict[tuple[str, str], str]:
    return {(link.rel, link.get("type", "")): link.href for link in thing.links}


def feeds(scene: Scene) -> list[str]:
    pages = ["/list", "/list/recent", "/list/successful", "/events", "/body/list",
             f"/body/{scene.body.url_name}", f"/request/{scene.request.url_title}",
             f"/user/{scene.person.url_name}"]  # fmt: skip
    return [f"/feed{page}" for page in pages]


class TestValidity:
    def test_texts_are_escaped_once(self, web: webtest.TestApp, scene: Scene) -> None:
        found = read(web, f"/feed/request/{scene.request.url_title}")
        told = found.entries[-1].title_detail
        # As HTML, for readers that would take it for HTML in any case.
        assert told.type == "text/html"
        assert unescape(told.value).startswith(
            "Lamp posts <script>alert('x')</script> & \"quoted\""
        )
        root = etree.fromstring(web.get(f"/feed/request/{scene.request.url_title}").body)
        for content in root.iter(f"{ATOM}content"):
            assert content.get("type") == "html"
            assert "<script" not in content.text
        assert "&lt;script&gt;alert" in content.text

    @pytest.mark.parametrize(
        "bad", ["\x01", "\x0b", "\x1f", "\x7f", "\ufffe", "\uffff", "\x85", "\x9f"]
    )
    def test_no_control_character_breaks_a_feed(
        self, web: webtest.TestApp, db: Session, bad: str
    ) -> None:
        body = add_body(db, f"Fenby{bad}Council", tag_texts=["a"])
        person = add_person(db, f"Ada{bad}Fenn")
        asked = add_request(
            db,
            body,
            f"Lamp{bad}posts",
            text=f"How{bad}many?",
            person=person,
            tag_texts=[f"t{bad}g"],
        )
        files = [casework.File(f"a{bad}.pdf", "application/pdf", 5, "0" * 64)]
        answer(db, asked, f"Twelve{bad}.", files=files)
        casework.annotate(db, asked, person, f"Note{bad}.")
        db.flush()
        for path in (
            f"/feed/request/{asked.url_title}",
            f"/feed/body/{body.url_name}",
            "/feed/events",
        ):
            found = read(web, path)
            assert found.entries
            assert bad.encode() not in web.get(path).body

    def test_a_site_without_anything_has_valid_feeds_that_never_change(
        self, web: webtest.TestApp
    ) -> None:
        for path in ("/feed/list", "/feed/events", "/feed/body/list", "/feed/list/successful"):
            first = read(web, path)
            assert first.entries == []
            assert first.feed.updated
            with time_machine.travel(datetime.now(UTC) + timedelta(hours=1)):
                assert read(web, path).feed.updated == first.feed.updated


class TestIdentity:
    TAG = re.compile(r"tag:foi\.test,\d{4}-\d\d-\d\d:event/\d+")

    def test_entries_are_tag_uris_and_each_is_one_event(
        self, web: webtest.TestApp, scene: Scene
    ) -> None:
        for path in feeds(scene):
            found = read(web, path)
            ids = [entry.id for entry in found.entries]
            assert len(ids) == len(set(ids))
            assert all(self.TAG.fullmatch(each) for each in ids)
            numbers = [int(each.rpartition("/")[2]) for each in ids]
            assert numbers == sorted(numbers, reverse=True)
            assert numbers == [e["id"] for e in web.get(f"{path}.json").json]

    def test_feeds_are_tag_uris_and_each_has_its_own(
        self, web: webtest.TestApp, scene: Scene
    ) -> None:
        ids = [read(web, path).feed.id for path in feeds(scene)]
        assert len(ids) == len(set(ids))
        for each in ids:
            assert re.fullmatch(r"tag:foi\.test,\d{4}-\d\d-\d\d:[\w/.~%-]+", each), each

    def test_an_id_outlives_new_names_and_states(
        self, web: webtest.TestApp, scene: Scene, db: Session
    ) -> None:
        before = read(web, f"/feed/request/{scene.request.url_title}")
        casework.edit_request(db, scene.request, "desk", title="Street lighting")
        casework.edit_body(db, scene.body, "desk", name="Fenby City", url_name="fenby_city")
        casework.classify(db, scene.request, "desk", "rejected")
        db.flush()
        after = read(web, f"/feed/request/{scene.request.url_title}")
        assert after.feed.id == before.feed.id
        assert [e.id for e in after.entries] == [e.id for e in before.entries]
        assert read(web, "/feed/body/fenby_city").feed.id

    def test_a_site_that_moves_keeps_its_ids(self, tmp_path: Path, migrated: bytes) -> None:
        first = start(tmp_path / "site", migrated)
        with first.site.sessions.writing() as db:
            add_request(db)
        web = webtest.TestApp(first.app)
        before = read(web, "/feed/list")
        first.close()
        with time_machine.travel(datetime.now(UTC) + timedelta(days=400)):
            moved = start(tmp_path / "site", migrated, **{"site.url": "https://new.test/foi"})
            after = read(webtest.TestApp(moved.app), "/feed/list")
        moved.close()
        assert after.feed.id == before.feed.id
        assert after.entries[0].id == before.entries[0].id
        assert after.entries[0].link.startswith("https://new.test/foi/request/")

    def test_it_is_fixed_when_the_site_starts_not_when_a_feed_is_read(
        self, running: Running
    ) -> None:
        with running.site.sessions.reading() as db:
            fixed = db.get_one(Fact, identity.NAME).value
        assert fixed.startswith("foi.test,")
        assert identity.fix(running.site) == fixed

    def test_a_feed_can_be_read_while_somebody_writes(
        self, app: webtest.TestApp, running: Running
    ) -> None:
        with running.site.sessions.writing() as db:
            add_request(db)
            assert read(app, "/feed/list").entries == []
        assert len(read(app, "/feed/list").entries) == 1


class TestEntries:
    def test_titles_say_what_happened(self, web: webtest.TestApp, db: Session) -> None:
        asked = add_request(db, add_body(db, "Fenby"), "Lamp posts", person=add_person(db, "Ada"))
        answer(db, asked)
        casework.correspond(db, asked, "person:1", direction="request", text="And?")
        casework.annotate(db, asked, add_person(db, "Cy"), "Well.")
        db.flush()
        found = read(web, f"/feed/request/{asked.url_title}")
        assert [(e.title, e.author) for e in found.entries] == [
            ("Lamp posts: annotation by Cy", "Cy"),
            ("Lamp posts: follow-up to Fenby", "Ada"),
            ("Lamp posts: response from Fenby", "Fenby"),
            ("Lamp posts: request to Fenby", "Ada"),
        ]
        assert [e.author_detail.href for e in found.entries[::3]] == [
            "http://foi.test/user/cy",
            "http://foi.test/user/ada",
        ]

    def test_each_leads_to_its_place_on_the_page(self, web: webtest.TestApp, scene: Scene) -> None:
        found = read(web, f"/feed/request/{scene.request.url_title}")
        page = web.get(f"/request/{scene.request.url_title}")
        for entry in found.entries:
            base, _, anchor = entry.link.partition("#")
            assert base == f"http://foi.test/request/{scene.request.url_title}"
            assert page.html.find(id=anchor)

    def test_files_are_enclosures(self, web: webtest.TestApp, scene: Scene) -> None:
        found = read(web, f"/feed/request/{scene.request.url_title}")
        [response] = [e for e in found.entries if "response" in e.title]
        assert next((f.type, f.length) for f in response.enclosures) == (
            "application/pdf",
            str(len(PDF)),
        )
        assert len(response.enclosures) == 3  # the one that is not held has no address here
        for enclosure in response.enclosures:
            got = web.get(enclosure.href.removeprefix("http://foi.test"))
            assert len(got.body) == int(enclosure.length)
        assert "reply.pdf" in response.content[0].value

    def test_categories_are_state_and_tags(self, web: webtest.TestApp, scene: Scene) -> None:
        found = read(web, f"/feed/request/{scene.request.url_title}")
        terms = [(tag.term, tag.label) for tag in found.entries[-1].tags]
        assert terms[0] == ("partially_successful", "Partially successful")
        assert ("lamps", "lamps") in terms

    def test_it_is_updated_when_it_was_recorded_or_described(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked = add_request(db, at=datetime(2001, 2, 3, tzinfo=UTC))
        answer(db, asked, sent_at=datetime(2001, 3, 4, tzinfo=UTC))
        db.flush()
        path = f"/feed/request/{asked.url_title}"
        before = read(web, path)
        assert before.entries[1].published.startswith("2001-02-03")
        assert before.entries[0].published.startswith("2001-03-04")
        assert not before.entries[0].updated.startswith("2001")
        casework.classify(db, asked, "desk", "successful")
        db.flush()
        after = read(web, path)
        assert after.entries[0].updated > before.entries[0].updated
        assert after.entries[1].updated == before.entries[1].updated
        assert after.feed.updated == max(e.updated for e in after.entries)
        assert [e.published for e in after.entries] == [e.published for e in before.entries]

    def test_nothing_is_published_after_it_was_updated(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked = add_request(db)
        answer(db, asked, sent_at=datetime.now(UTC) + timedelta(hours=20))
        db.flush()
        for entry in read(web, f"/feed/request/{asked.url_title}").entries:
            assert entry.published_parsed <= entry.updated_parsed


class TestWays:
    def test_links_of_a_feed(self, web: webtest.TestApp, scene: Scene) -> None:
        for path in feeds(scene):
            found = links(read(web, path).feed)
            assert found["self", "application/atom+xml"] == f"http://foi.test{path}"
            page = found["alternate", "text/html"].removeprefix("http://foi.test")
            assert web.get(page, status=(200, 301)).status_int
            as_json = found["alternate", "application/json"].removeprefix("http://foi.test")
            assert isinstance(web.get(as_json).json, list)
            assert not any(rel in ("next", "first") for rel, _ in found)

    @pytest.mark.parametrize("kind", ["list", "body", "request", "user", "events"])
    def test_every_entry_is_met_once_while_others_are_added(
        self, web: webtest.TestApp, db: Session, kind: str
    ) -> None:
        body, person = add_body(db, "Fenby"), add_person(db, "Ada")
        asked = add_request(db, body, "Lamp posts", person=person)
        for number in range(58):
            answer(db, asked, f"Answer {number}")
        start_path = {
            "list": "/feed/list", "body": "/feed/body/fenby", "events": "/feed/events",
            "request": "/feed/request/lamp_posts", "user": "/feed/user/ada",
        }[kind]  # fmt: skip
        met: list[str] = []
        path = start_path
        while path:
            found = read(web, path)
            assert len(found.entries) <= 25
            met += [entry.id for entry in found.entries]
            known = links(found.feed)
            assert known["self", "application/atom+xml"] == f"http://foi.test{path}"
            if path != start_path:
                first = known["first", "application/atom+xml"]
                assert first == f"http://foi.test{start_path}"
            following = known.get(("next", "application/atom+xml"), "")
            path = following.removeprefix("http://foi.test")
            answer(db, asked, "Added meanwhile")
        assert len(met) == len(set(met))
        assert len(met) == (61 if kind == "events" else 59)

    def test_the_json_of_a_feed_says_where_it_goes_on(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked = add_request(db)
        for number in range(40):
            answer(db, asked, f"Answer {number}")
        first = web.get("/feed/list.json")
        found = re.fullmatch(r'<http://foi\.test(/[^>]+)>; rel="next"', first.headers["Link"])
        assert found
        second = web.get(found[1])
        assert 'rel="next"' not in second.headers["Link"]
        ids = [e["id"] for e in first.json + second.json]
        assert len(ids) == len(set(ids)) == 41

    def test_a_search_has_a_feed(self, app: webtest.TestApp, running: Running) -> None:
        with running.site.sessions.writing() as db:
            add_request(db, title="Lamp posts & more")
        build_index(running.site)
        words = quote('lamp "posts" & more/all', safe="")
        for path in (f"/feed/search/{words}", f"/feed/search?query={words}"):
            found = read(app, path)
            assert re.fullmatch(r"tag:foi\.test,[\d-]+:search/[\w.~%-]+", found.feed.id)
        found = read(app, "/feed/search/lamp")
        assert len(found.entries) == 1
        page = links(found.feed)["alternate", "text/html"]
        assert "Lamp posts" in app.get(page.removeprefix("http://foi.test"))

    @pytest.mark.parametrize(
        ("asked", "itself"),
        [
            ("/feed/search/lamp", "/feed/search/lamp"),
            ("/feed/search/tag:a..b/all", "/feed/search/tag:a..b/all"),
            ("/feed/search/lamp/requests/described", "/feed/search/lamp/requests/described"),
            ("/feed/search?query=lamp%20post", "/feed/search?query=lamp%20post"),
            ("/feed/search.jsonfeed?query=lamp", "/feed/search.jsonfeed?query=lamp"),
            ("/feed/search/lamp?k=secret", "/feed/search/lamp/requests"),
            ("/feed/search/lamp?page=1&key=secret", "/feed/search/lamp/requests"),
            ('/feed/search/"lamp', "/feed/search/%22lamp/requests"),
            ("/feed/search/lamp%", "/feed/search/lamp%25/requests"),
        ],
    )
    def test_a_search_links_to_itself_as_it_was_asked_for(
        self, app: webtest.TestApp, running: Running, asked: str, itself: str
    ) -> None:
        build_index(running.site)
        answered = app.get(asked, extra_environ={"REQUEST_URI": asked})
        if ".jsonfeed" in asked:
            assert answered.json["feed_url"] == f"http://foi.test{itself}"
        else:
            [link] = answered.lxml.findall("{*}link[@rel='self']")
            assert link.get("href") == f"http://foi.test{itself}"


def test_no_key_is_in_any_answer_link_or_feed(
    web: webtest.TestApp, shared: Running, scene: Scene, db: Session
) -> None:
    key = key_for(shared.site, scene.body)
    made = web.post_json(
        f"/api/v2/request?k={key}", {"title": "Lamp posts again", "body": "How many?"}
    ).json
    slug = db.get_one(InfoRequest, made["id"]).url_title
    pages = ["/list", f"/request/{slug}", f"/body/{scene.body.url_name}", "/events"]
    paths = [*pages, *(f"{p}.json" for p in pages), *(f"/feed{p}" for p in pages),
             *(f"/feed{p}.json" for p in pages), "/request/none", "/list?before=x",
             f"/api/v2/request/{made['id']}.json", "/api/v2/request/999999.json"]  # fmt: skip
    for path in paths:
        separator = "&" if "?" in path else "?"
        answered = web.get(f"{path}{separator}k={key}", expect_errors=True)
        assert key not in answered.text, path
        assert key not in str(answered.headers), path


@pytest.mark.parametrize("name", ["reply.pdf", "Übersicht & more.pdf"])
def test_enclosures_have_addresses_that_every_reader_understands(
    web: webtest.TestApp, shared: Running, db: Session, name: str
) -> None:
    asked = add_request(db)
    answer(db, asked, files=[file(shared.site, PDF, name)])
    found = read(web, f"/feed/request/{asked.url_title}")
    [enclosure] = found.entries[0].enclosures
    assert re.fullmatch(r"[\x21-\x7e]+", enclosure.href)
    assert web.get(enclosure.href.removeprefix("http://foi.test")).body == PDF
