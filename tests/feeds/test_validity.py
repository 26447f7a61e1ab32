"""Every feed of every kind is what RFC 4287 says, nothing that a validator would warn of, and the
same to readers that have nothing in common.
"""

import calendar
import time
from datetime import UTC, datetime
from html import unescape
from typing import Any

import fastfeedparser
import feedparser
import pytest
import webtest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from sqlalchemy.orm import Session

from foi.archive import casework, ledger
from tests.conftest import add_body, add_person, add_request, examples
from tests.feeds.conftest import Fed, everything_of
from tests.feeds.validity import ATOM, complaints
from tests.pages.scene import answer, attachments


@pytest.fixture(params=["demonstration", pytest.param("nasty", marks=pytest.mark.thorough)])
def fed(request: pytest.FixtureRequest) -> Fed:
    found: Fed = request.getfixturevalue(request.param)
    return found


def test_every_feed_is_valid_to_its_last_page(fed: Fed) -> None:
    pages = 0
    for feed in fed.feeds:
        for path, answered in everything_of(fed, feed):
            assert answered.content_type == "application/atom+xml"
            assert complaints(answered.body, f"http://foi.test{path}") == [], path
            pages += 1
    assert pages > len(fed.feeds)


def test_the_checker_finds_what_is_wrong(demonstration: Fed) -> None:
    good = demonstration.app.get("/feed/list").text
    url = "http://foi.test/feed/list"
    wrong = {
        ' rel="self"': ' rel="prev"',
        ' type="text/html"/>': ' type=""/>',
        "<id>tag:": "<id>http:",
        "</updated>": " </updated>",
        "&lt;p&gt;": "&lt;script&gt;&lt;/script&gt;&lt;p&gt;",
        "&lt;/p&gt;": "&lt;/q&gt;&lt;/p&gt;",
        "<author>": "<author><age>5</age>",
        ' xml:lang="en-GB"': "",
        "<title>": "<title>&lt;/b&gt; ",
        "<icon>http://foi.test": "<icon>",
        "<name>": "<name>\x80",
    }
    assert complaints(good.encode(), url) == []
    for before, after in wrong.items():
        assert before in good, before
        assert complaints(good.replace(before, after, 1).encode(), url), before
        assert complaints(good.replace(before, after).encode(), url), before
    assert complaints(good.encode(), f"{url}/recent")
    entry = good[good.index("<entry>") : good.index("</entry>") + len("</entry>")]
    twice = good.replace(entry, entry + entry)
    assert len(complaints(twice.encode(), url)) == 3


def _moment(parsed: time.struct_time) -> datetime:
    return datetime.fromtimestamp(calendar.timegm(parsed), UTC)


def _seconds(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(microsecond=0)


def test_two_readers_read_the_same(fed: Fed) -> None:
    for feed in fed.feeds:
        body = fed.app.get(feed).body
        one = feedparser.parse(body)
        assert not one.bozo, (feed, one.get("bozo_exception"))
        root = etree.fromstring(body)
        entries = root.findall(f"{ATOM}entry")
        if not entries:
            continue
        other = fastfeedparser.parse(body)
        assert one.feed.link == other.feed.link
        assert len(one.entries) == len(other.entries) == len(entries)
        for mine, theirs, entry in zip(one.entries, other.entries, entries, strict=True):
            assert mine.id == theirs.id == entry.findtext(f"{ATOM}id")
            assert mine.link == theirs.link == entry.find(f"{ATOM}link").get("href")
            assert mine.author == theirs.author
            # One leaves quotes in HTML as they are, the other encodes them.
            assert unescape(mine.title).split() == unescape(theirs.title).split()
            for name in ("updated", "published"):
                moment = _seconds(entry.findtext(f"{ATOM}{name}"))
                assert _moment(mine[f"{name}_parsed"]) == moment
                assert _seconds(theirs[name]) == moment


def test_all_that_was_written_is_in_the_feed(fed: Fed) -> None:
    for feed in fed.feeds:
        told = {e["id"]: e for e in fed.app.get(f"{feed}.json").json}
        for entry in feedparser.parse(fed.app.get(feed).body, sanitize_html=False).entries:
            text = told[int(entry.id.rpartition("/")[2])].get("text")
            words = [w for w in (text or "").split() if w.isascii() and w.isalnum()]
            assert all(word in entry.content[0].value for word in words)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)


@pytest.mark.deeper
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(title=TEXTS, text=TEXTS, name=TEXTS, tag=TEXTS)
def test_no_text_makes_a_feed_invalid(
    web: webtest.TestApp, db: Session, title: str, text: str, name: str, tag: str
) -> None:
    with db.begin_nested() as point:
        body = add_body(db, "Fenby")
        asked = add_request(db, body, title or "-", text=text or "-", person=add_person(db, "Ada"))
        files = [casework.File(name, tag, None, "0" * 64)]
        answer(db, asked, text or "-", files=files)
        db.flush()
        url = f"/feed/request/{asked.url_title}"
        answered = web.get(url)
        assert complaints(answered.body, f"http://foi.test{url}") == []
        assert not feedparser.parse(answered.body).bozo
        assert web.get(f"{url}.jsonfeed").json["items"]
        point.rollback()
    db.expire_all()


@pytest.mark.parametrize("name", ["children_&_families", "R&D2", "Q&A", "a&amp;b", "</p>"])
def test_no_name_is_taken_for_html(web: webtest.TestApp, db: Session, name: str) -> None:
    asked = add_request(db, add_body(db, "Fenby"), f"About {name}", tag_texts=[name])
    answer(db, asked, files=[casework.File(name, "text/plain", None, "0" * 64)])
    db.flush()
    url = f"/feed/request/{asked.url_title}"
    answered = web.get(url)
    assert complaints(answered.body, f"http://foi.test{url}") == []
    found = feedparser.parse(answered.body, sanitize_html=False).entries[0]
    assert name in {tag.term for tag in found.tags}
    shown = unescape(found.title) if found.title_detail.type == "text/html" else found.title
    assert shown == f"About {name}: response from Fenby"


class TestMoments:
    def test_what_was_recorded_in_one_moment_has_moments_of_its_own(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        with ledger.gathering(db):
            body = casework.add_body(db, "import", name="Fenby")
            for number in range(60):
                casework.open_request(
                    db, "import", body=body, title=f"Matter {number}", text="One?"
                )
        recorded = {e["recorded_at"] for e in web.get("/events.json?limit=1000").json["events"]}
        assert len(recorded) == 1
        seen: dict[str, str] = {}
        for start in ("/feed/list", "/feed/events", "/feed/body/fenby", "/feed/list/recent"):
            path, moments = start, []
            while path:
                found = feedparser.parse(web.get(path).body)
                for entry in found.entries:
                    assert seen.setdefault(entry.id, entry.updated) == entry.updated
                    moments.append(datetime.fromisoformat(entry.updated))
                path = next((e.href for e in found.feed.links if e.rel == "next"), "")
                path = path.removeprefix("http://foi.test")
            assert moments == sorted(moments, reverse=True)
            assert len(moments) == len(set(moments)) >= 60
        off = [
            datetime.fromisoformat(moment) - datetime.fromisoformat(next(iter(recorded)))
            for moment in seen.values()
        ]
        assert max(abs(each.total_seconds()) for each in off) < 1

    def test_it_changes_with_the_title_and_the_files_and_with_nothing_else(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        asked = add_request(db)
        first = answer(db, asked, files=[casework.File("a.pdf", "application/pdf", 5, "0" * 64)])
        second = answer(db, asked)
        db.flush()

        def moments() -> list[Any]:
            found = feedparser.parse(web.get(f"/feed/request/{asked.url_title}").body)
            return [entry.updated for entry in found.entries]

        def changed(before: list[Any]) -> list[bool]:
            db.flush()
            return [now > then for now, then in zip(moments(), before, strict=True)]

        before = moments()
        casework.annotate(db, asked, add_person(db), "Well.")
        db.flush()
        assert moments()[1:] == before
        before = moments()
        casework.hide(db, attachments(db, first)[0], "desk")
        assert changed(before) == [False, False, True, False]
        before = moments()
        casework.edit_request(db, asked, "desk", title="Another title")
        assert changed(before) == [True, True, True, True]
        before = moments()
        casework.hide(db, second, "desk")
        casework.release(db, second, "desk")
        assert changed(before) == [False, True, False, False]
