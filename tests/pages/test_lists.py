"""Lists of requests and authorities: what they hold, what they can be narrowed to, and that
everything of it goes along in their links.
"""

import csv
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import webtest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.pages.filters import Filters
from foi.pages.page import Page, Table
from foi.pages.table import render_page
from tests.conftest import Running, add_body, add_person, add_request
from tests.pages.scene import answer, build_index, statements


def titles(web: webtest.TestApp, path: str) -> list[str]:
    """Give the titles of a JSON list."""
    return [each["title"] for each in web.get(path).json["requests"]]


def rows(web: webtest.TestApp, path: str) -> list[dict[str, str]]:
    """Give the rows of a CSV."""
    answered = web.get(path)
    assert answered.headers["Content-Type"] == "text/csv; charset=UTF-8"
    return list(csv.DictReader(StringIO(answered.body.decode(), newline="")))


def on(day: int) -> datetime:
    return datetime(2026, 3, day, 12, tzinfo=UTC)


@pytest.fixture
def three(db: Session) -> Any:
    """Three requests on three days to one authority, by one person."""
    body, person = add_body(db, "Fenby"), add_person(db, "Ada Fenn")
    for day, tags in ((1, ["lamps"]), (2, ["lamps:new", "road"]), (3, [])):
        asked = add_request(db, body, f"Matter {day}", person=person, at=on(day), tag_texts=tags)
        if day == 2:
            answer(db, asked)
            casework.classify(db, asked, "desk", "successful")
    add_request(db, add_body(db, "Elsewhere"), "Matter 4", at=on(4), tag_texts=["lamps"])
    db.flush()
    return body


PLACES = ("/list", "/body/fenby", "/user/ada_fenn", "/user/ada_fenn/requests")


class TestDates:
    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize(
        "query",
        [
            "request_date_after=02/03/2026&request_date_before=3/3/2026",
            "request_date_after=2026/03/02&request_date_before=2026-03-03",
            "request_date_after=2026-03-02&request_date_before=2026/3/3&query=&page=",
        ],
    )
    def test_both_days_are_included(
        self, web: webtest.TestApp, three: Any, place: str, query: str
    ) -> None:
        assert titles(web, f"{place}.json?{query}") == ["Matter 3", "Matter 2"]

    def test_one_alone_is_enough(self, web: webtest.TestApp, three: Any) -> None:
        assert titles(web, "/list.json?request_date_after=2026-03-03") == ["Matter 4", "Matter 3"]
        assert titles(web, "/list.json?request_date_after=2027") == []
        assert titles(web, "/list.json?request_date_before=2025") == []
        assert len(titles(web, "/list.json?request_date_after=2026&request_date_before=2026")) == 4
        assert titles(web, "/list.json?request_date_before=2026-03-01&request_date_after=") == [
            "Matter 1"
        ]

    def test_a_day_is_the_sites_own(self, web: webtest.TestApp, db: Session) -> None:
        add_request(db, title="Late at night", at=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
        assert titles(web, "/list.json?request_date_after=2026-07-01") == ["Late at night"]
        assert titles(web, "/list.json?request_date_before=2026-06-30") == []

    @pytest.mark.parametrize(
        "day",
        ["soon", "31/02/2026", "2026-13-01", "02/03/26", "0001-01-01", "9999-12-31", "0", "99999",
         "٠١/٠١/٢٠٢٦", "1.3.2026", "2026-03-02T00:00", "'"],
    )  # fmt: skip
    @pytest.mark.parametrize("name", ["request_date_after", "request_date_before"])
    def test_what_is_no_day_is_refused_with_how_to_write_one(
        self, web: webtest.TestApp, day: str, name: str
    ) -> None:
        for place in ("/list", "/list.json", "/feed/list", "/list.csv"):
            told = web.get(place, {name: day}, status=400)
            assert name in told
            assert "31/12/2024" in told

    @given(st.dates(date(1000, 1, 1), date(9000, 1, 1)))
    def test_links_write_a_day_in_one_way(self, day: date) -> None:
        assert Filters(after=day).query == f"request_date_after={day.isoformat()}"


class TestTags:
    def test_a_name_finds_every_value_and_a_pair_only_its_own(
        self, web: webtest.TestApp, three: Any
    ) -> None:
        assert titles(web, "/list/lamps.json") == ["Matter 4", "Matter 2", "Matter 1"]
        assert titles(web, "/list/lamps:new.json") == ["Matter 2"]
        assert titles(web, "/list/lamps/successful.json") == ["Matter 2"]
        assert titles(web, "/body/fenby/lamps.json") == ["Matter 2", "Matter 1"]
        assert titles(web, "/body/fenby/lamps/awaiting.json") == ["Matter 1"]
        web.get("/list/nothing.json", status=404)
        for path in ("/list/lamps", "/body/fenby/lamps/successful"):
            assert web.get(path).html.select_one("main h1")

    def test_a_tag_that_many_have_is_found_as_well(
        self, web: webtest.TestApp, three: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feed = [e["id"] for e in web.get("/feed/list/lamps.json").json]
        monkeypatch.setattr("foi.pages.filters.FEW", 0)
        assert titles(web, "/list/lamps.json") == ["Matter 4", "Matter 2", "Matter 1"]
        assert titles(web, "/body/fenby/lamps/awaiting.json") == ["Matter 1"]
        assert [e["id"] for e in web.get("/feed/list/lamps.json").json] == feed
        assert len(feed) == 4
        web.get("/body/list/none.json", status=404)

    def test_a_tag_with_slashes_and_dots(self, web: webtest.TestApp, db: Session) -> None:
        add_request(db, title="From elsewhere", tag_texts=["url:https://other.test/a.b"])
        path = "/list/url%3Ahttps%3A%2F%2Fother.test%2Fa.b"
        assert titles(web, f"{path}.json") == ["From elsewhere"]
        page = web.get(path)
        assert page.html.find("link", rel="canonical")["href"] == f"http://foi.test{path}"

    def test_other_names_of_the_whole_lead_to_it(self, web: webtest.TestApp, three: Any) -> None:
        for asked, target in (
            ("/list/lamps/all", "/list/lamps"),
            ("/body/fenby/all", "/body/fenby"),
        ):
            assert web.get(asked, status=301).location == f"http://foi.test{target}"


class TestFeeds:
    def test_a_list_is_followed_with_its_tag_view_and_dates(
        self, web: webtest.TestApp, three: Any
    ) -> None:
        def told(path: str) -> list[tuple[str, str]]:
            return [(e["info_request"]["title"], e["event_type"]) for e in web.get(path).json]

        assert told("/feed/list/lamps:new/successful.json") == [("Matter 2", "response")]
        assert told("/feed/body/fenby/lamps.json?event_type=sent") == [
            ("Matter 2", "sent"),
            ("Matter 1", "sent"),
        ]
        assert told("/feed/body/fenby.json?event_type=response&event_type=comment") == [
            ("Matter 2", "response")
        ]
        assert told("/feed/body/fenby/awaiting.json") == [
            ("Matter 3", "sent"),
            ("Matter 1", "sent"),
        ]
        assert told("/feed/list.json?request_date_before=01/03/2026") == [("Matter 1", "sent")]
        assert told("/feed/user/ada_fenn.json?request_date_after=03/03/2026") == [
            ("Matter 3", "sent")
        ]

    def test_each_has_an_id_of_its_own(self, web: webtest.TestApp, three: Any) -> None:
        paths = ("/feed/list", "/feed/list/lamps", "/feed/list/lamps/successful",
                 "/feed/list?event_type=sent", "/feed/body/fenby", "/feed/body/fenby/lamps",
                 "/feed/body/fenby?event_type=sent", "/feed/user/ada_fenn/wall",
                 "/feed/user/ada_fenn", "/feed/body/list",
                 "/feed/body/list?public_body_query=f")  # fmt: skip
        ids = [web.get(path).lxml.findtext("{*}id") for path in paths]
        assert len(set(ids)) == len(paths)

    def test_a_kind_of_event_that_feeds_do_not_hold_is_refused(self, web: webtest.TestApp) -> None:
        told = web.get("/feed/list.json?event_type=key_rotated", status=400).json["errors"]
        assert "sent, followup_sent, response, comment" in told[0]


class TestWords:
    """`query` asks the search engine; each request comes once, newest first."""

    @pytest.fixture
    def town(self, app: webtest.TestApp, running: Running) -> webtest.TestApp:
        with running.site.sessions.writing() as db:
            body, person = add_body(db, "Fenby"), add_person(db, "Ada Fenn")
            for day in (1, 2, 3):
                asked = add_request(db, body, f"Matter {day}", person=person, at=on(day))
                if day != 2:
                    answer(db, asked, "We hold forty herons, and more herons.")
                    casework.annotate(db, asked, person, "What a heron!")
            other = add_request(db, add_body(db, "Elsewhere"), "Herons", at=on(4))
            casework.classify(db, other, "desk", "rejected")
        build_index(running.site)
        return app

    def test_each_request_comes_once_newest_first(self, town: webtest.TestApp) -> None:
        assert titles(town, "/list.json?query=heron") == ["Herons", "Matter 3", "Matter 1"]
        assert titles(town, "/list/unsuccessful.json?query=heron") == ["Herons"]
        assert titles(town, "/body/fenby.json?query=heron") == ["Matter 3", "Matter 1"]
        assert titles(town, "/user/ada_fenn.json?query=forty+heron") == ["Matter 3", "Matter 1"]
        assert titles(town, "/list.json?query=heron&request_date_before=2026-03-01") == [
            "Matter 1"
        ]
        assert titles(town, "/list.json?query=penguin") == []
        assert len(town.get("/feed/body/fenby.json?query=heron").json) == 6
        assert [row["title"] for row in rows(town, "/list.csv?query=heron")] == [
            "Herons", "Matter 3", "Matter 1"
        ]  # fmt: skip

    def test_the_page_tells_what_was_made_of_the_words(
        self, town: webtest.TestApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("foi.pages.filters.MOST", 2)
        data = town.get("/list.json?query=heron").json
        assert len(data["requests"]) == 2
        assert "More than 2 requests" in data["query_notes"][0]
        page = town.get("/list?query=heron")
        assert "More than 2 requests" in page.html.select_one(".note").get_text()
        assert page.headers["X-Robots-Tag"] == "noindex"
        assert "nothing to look for" in town.get("/list.json?query=%21%21").json["query_notes"][-1]

    def test_a_page_with_words_changes_with_the_index(
        self, town: webtest.TestApp, running: Running
    ) -> None:
        assert len(titles(town, "/list.json?query=heron")) == 3
        with running.site.sessions.writing() as db:
            add_request(db, add_body(db, "Third"), "Heron again", at=on(5))
        build_index(running.site)
        assert titles(town, "/list.json?query=heron")[0] == "Heron again"

    def test_an_index_that_cannot_answer_is_told_not_taken_for_an_empty_one(
        self, town: webtest.TestApp, running: Running
    ) -> None:
        folder = running.site.settings.search_folder
        (folder / "current").write_text("of-another-release")
        running.config.registry["foi.search"].close()
        assert "search" in town.get("/list.json?query=heron", status=503).json["errors"][0]


class TestForms:
    @pytest.mark.parametrize("place", PLACES)
    def test_the_form_of_a_list_narrows_it_without_any_script(
        self, web: webtest.TestApp, three: Any, place: str
    ) -> None:
        form = web.get(place).forms[1]
        form["request_date_after"], form["request_date_before"] = "2026-03-02", "2026-03-02"
        found = form.submit()
        assert [h.get_text() for h in found.html.select(".line-title")] == ["Matter 2"]
        again = found.forms[1]
        assert again["request_date_after"].value == "2026-03-02"
        assert again["query"].value == ""
        everything = found.click("Show all of them")
        assert everything.request.path_qs == place

    def test_the_form_of_the_authorities_finds_them_by_name(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        add_body(db, "École de Fenby", short_name="EDF")
        add_body(db, "Fenby Town Council")
        add_body(db, "Harbour 100%_Board")
        form = web.get("/body/list").forms[1]
        for words, found in (
            ("FENBY ecole", ["École de Fenby"]),
            ("edf", ["École de Fenby"]),
            ("fenby", ["École de Fenby", "Fenby Town Council"]),
            ("100%_", ["Harbour 100%_Board"]),
            ("%", ["Harbour 100%_Board"]),
            ("", ["École de Fenby", "Fenby Town Council", "Harbour 100%_Board"]),
        ):
            form["public_body_query"] = words
            page = form.submit()
            assert [h.get_text() for h in page.html.select(".line-title")] == found
        assert form.submit().request.path == "/body/list"


class TestLinks:
    """Whatever a list is narrowed to goes along in every link."""

    QUERY = "request_date_after=2026-03-01&request_date_before=2026-04-01"

    @pytest.fixture
    def many(self, db: Session) -> None:
        body, person = add_body(db, "Fenby"), add_person(db, "Ada Fenn")
        for number in range(60):
            add_request(db, body, f"Matter {number}", person=person, at=on(2), tag_texts=["lamps"])

    def kept(self, href: str) -> None:
        assert parse_qs(urlsplit(href).query)["request_date_after"] == ["2026-03-01"], href

    @pytest.mark.parametrize(
        "place", [*PLACES, "/list/lamps", "/list/lamps/awaiting", "/body/fenby/lamps/awaiting"]
    )
    def test_in_pages_and_json(self, web: webtest.TestApp, many: None, place: str) -> None:
        page = web.get(f"{place}?{self.QUERY}").click("Older")
        for link in page.html.select('link[rel="alternate"], link[rel="canonical"], .paging a'):
            self.kept(link["href"])
        assert {a["rel"][0] for a in page.html.select(".paging a")} == {"first", "prev", "next"}
        for tab in page.html.select('nav[aria-label="Which requests"] a'):
            self.kept(tab["href"])
        data = web.get(f"{place}.json?{self.QUERY}&page=2").json
        assert {"html", "csv", "feed", "next", "previous", "first"} <= set(data["links"])
        for name, href in data["links"].items():
            self.kept(href)
            answered = web.get(href.removeprefix("http://foi.test"))
            assert answered.status_int == 200, name

    def test_in_the_links_of_feeds(self, web: webtest.TestApp, many: None) -> None:
        first = web.get(f"/feed/body/fenby/lamps.json?{self.QUERY}&event_type=sent")
        second = web.get(first.headers["Link"].partition("foi.test")[2].partition(">")[0])
        assert len(second.json) == 25
        links = second.headers["Link"]
        assert links.count("event_type=sent") == links.count("request_date_after") == 3
        for relation in ("next", "prev", "first"):
            assert f'rel="{relation}"' in links


class TestAuthorities:
    @pytest.fixture
    def six(self, db: Session) -> None:
        for name in ("Alpha", "Éclair", "Zeta", "2nd Office", "Ωmega", "alpine"):
            add_body(db, name, tag_texts=["x"] if name == "Zeta" else [])

    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("/body/list/a", ["Alpha", "alpine"]),
            ("/body/list/e", ["Éclair"]),
            ("/body/list/other", ["2nd Office", "Ωmega"]),
            ("/body/list/x", []),
            ("/body/list?public_body_query=alp", ["Alpha", "alpine"]),
            ("/body/list/a?public_body_query=alpi", ["alpine"]),
        ],
    )
    def test_by_letter_and_by_words(
        self, web: webtest.TestApp, six: None, path: str, found: list[str]
    ) -> None:
        place, _, query = path.partition("?")
        data = web.get(f"{place}.json?{query}").json
        assert [b["name"] for b in data["public_bodies"]] == found
        assert [row["name"] for row in rows(web, f"{place}.csv?{query}")] == found
        told = {e["url"] for e in web.get(f"/feed{place}.json?{query}").json}
        assert len(web.get(f"/feed{place}.json?{query}").json) == len(found)
        assert told <= {None}

    def test_pages_back_and_forth(self, web: webtest.TestApp, db: Session) -> None:
        for number in range(230):
            add_body(db, f"Council {number:03}")
        page, met = web.get("/body/list"), []
        for _ in range(3):
            met += [h.get_text() for h in page.html.select(".line-title")]
            following = page.html.find("a", rel="next")
            page = page.click("More") if following else page
        assert met == [f"Council {n:03}" for n in range(230)]
        back = page.click("^Back$").click("^Back$")
        assert [h.get_text() for h in back.html.select(".line-title")] == met[:100]
        assert not back.html.find("a", rel="prev")
        assert back.click("From the beginning").request.path_qs == "/body/list"


class TestPeople:
    def test_the_facets_of_a_person(self, web: webtest.TestApp, db: Session, three: Any) -> None:
        other = add_request(db, title="Of somebody else")
        ada = casework.add_person(db, "import", name="Cy", about="I write to cy@example.org")
        db.flush()
        asked = add_request(db, title="Mine", person=ada)
        answer(db, asked)
        casework.annotate(db, other, ada, "Indeed.")
        db.flush()
        wall = web.get("/user/cy/wall.json").json
        assert [e["event_type"] for e in wall["events"]] == ["comment", "sent"]
        assert wall["name"] == "Cy"
        assert [e["id"] for e in web.get("/feed/user/cy/wall.json").json] == [
            e["id"] for e in wall["events"]
        ]
        assert titles(web, "/user/cy/requests.json") == ["Mine"]
        profile = web.get("/user/cy/profile.json").json
        assert profile["about_me"] == "I write to [email address]"
        assert "requests" not in profile
        page = web.get("/user/cy")
        for tab in ("Requests", "What they did", "Profile", "Overview"):
            page = page.click(f"^{tab}$", href="/user/cy")
            assert page.html.select_one('.tabs [aria-current="page"]').get_text() == tab
        assert web.get("/user/ada_fenn/wall").html.select(".line-title")


class TestCsv:
    def test_it_is_the_whole_list_in_its_order(self, web: webtest.TestApp, db: Session) -> None:
        body, person = add_body(db, "Fenby"), add_person(db, "Ada")
        asked = [
            add_request(db, body, f"Matter {n}", person=person, at=on(1), tag_texts=["a", "b:c"])
            for n in range(60)
        ]
        hidden = add_request(db, body, "Hidden", person=person)
        casework.hide(db, hidden, "desk", reason="No.")
        db.flush()
        for path in ("/list", "/list/awaiting", "/list/a", "/body/fenby", "/body/fenby/b/awaiting",
                     "/user/ada", "/user/ada/requests"):  # fmt: skip
            found = rows(web, f"{path}.csv?page=2")
            assert [int(row["id"]) for row in found] == [r.id for r in reversed(asked)]
        row = found[0]
        assert row["url"] == "http://foi.test/request/matter_59"
        assert (row["public_body"], row["public_body_url_name"]) == ("Fenby", "fenby")
        assert (row["user_name"], row["user_url_name"]) == ("Ada", "ada")
        assert row["tags"] == "a b:c"
        assert row["created_at"] == "2026-03-01T12:00:00+00:00"
        assert row["calculated_state"] == "waiting_response_very_overdue"

    def test_memory_and_transactions_are_bounded_by_batches(
        self, app: webtest.TestApp, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("foi.pages.paging.BATCH", 7)
        with running.site.sessions.writing() as db:
            body = add_body(db)
            for number in range(30):
                add_request(db, body, f"Matter {number}", at=on(1))
        with statements(running.site.engine) as seen:
            assert len(rows(app, "/list.csv")) == 30
        assert sum("FROM request" in s and "LIMIT" in s for s in seen) == 6  # and one for the page

    def test_texts_that_a_spreadsheet_would_run_are_made_harmless(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        names = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "plain", 'a "quoted", name\nwith lines')
        for number, name in enumerate(names):
            add_body(db, f"Office {number}", notes=name)
        db.flush()
        notes = {row["notes"] for row in rows(web, "/body/list.csv")}
        assert notes == {n if n[0] in "pa" else f"'{n}" for n in names}

    @given(st.lists(st.lists(st.text(max_size=9), min_size=2, max_size=2), max_size=5))
    def test_any_text_comes_back_and_none_begins_a_formula(
        self, shared: Running, cells: list[list[str]]
    ) -> None:
        page = Page("T", "/t", (), table=lambda: Table(("a", "b"), cells))
        request = type("Asked", (), {"registry": shared.config.registry})()
        data = b"".join(render_page(request, page)).decode("utf-8", "replace")
        found = list(csv.reader(StringIO(data, newline="")))
        assert found[0] == ["a", "b"]
        for was, now in zip(cells, found[1:], strict=True):
            for old, new in zip(was, now, strict=True):
                assert (
                    new.removeprefix("'")
                    == old.removeprefix("'").encode("utf-8", "replace").decode()
                )
                assert not new.startswith(("=", "+", "-", "@", "\t", "\r"))

    def test_it_is_sent_again_only_when_something_changed(
        self, app: webtest.TestApp, running: Running
    ) -> None:
        with running.site.sessions.writing() as db:
            body = add_body(db)
            add_request(db, body)
        first = app.get("/list.csv")
        headers = {"If-None-Match": first.headers["ETag"]}
        assert first.headers["ETag"].startswith("W/")
        assert app.get("/list.csv", headers=headers, status=304).body == b""
        assert app.head("/list.csv").body == b""
        with running.site.sessions.writing() as db:
            add_request(db, db.merge(body, load=False), "Another")
        assert len(app.get("/list.csv", headers=headers).body) > len(first.body)

    def test_pages_offer_the_formats_that_they_have(
        self, web: webtest.TestApp, three: Any
    ) -> None:
        for path, offered in (
            ("/list", True), ("/list/lamps", True), ("/body/list", True), ("/body/fenby", True),
            ("/user/ada_fenn", True), ("/user/ada_fenn/profile", False), ("/events", False),
            ("/user/ada_fenn/wall", False), ("/request/matter_1", False), ("/", False),
        ):  # fmt: skip
            kinds = {link["type"] for link in web.get(path).html.select('link[rel="alternate"]')}
            assert ("text/csv" in kinds) == offered, path
            assert (web.get(f"{path}.csv", expect_errors=True).status_int == 200) == offered, path
