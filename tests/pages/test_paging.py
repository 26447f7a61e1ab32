"""Lists and feeds in parts: both ways, to the last item, while others write, at the same cost."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import webtest
from pyramid.request import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework, ledger, reading
from foi.archive.models import Event, InfoRequest, Person
from foi.pages import cursors, events, members, paging
from foi.pages.paging import NUMBERED
from foi.pages.streams import Stream
from foi.problems import Problem
from foi.site import Site
from tests.conftest import Running, add_body, add_person, add_request, start
from tests.pages.scene import answer, plan_of, statements

LIST, BODY, PERSON = "/list", "/body/fenby", "/user/ada_fenn"
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
MANY = 5000 if "FOI_THOROUGH" in os.environ else 1200
"""Events through which somebody pages while others write."""


def ways(answered: Any) -> dict[str, str]:
    """Give the paths of an answer's Link header by relation."""
    found = re.findall(r'<http://foi\.test([^>]+)>; rel="(\w+)"', answered.headers.get("Link", ""))
    return {relation: path for path, relation in found}


def ids(answered: Any) -> list[int]:
    """Give the ids of the items of a JSON answer, in their order."""
    data = answered.json
    if isinstance(data, dict):
        data = next(data[name] for name in ("requests", "public_bodies", "events") if name in data)
    return [each["id"] for each in data]


def fill(db: Session) -> None:
    """Sixty requests, half of them of one moment as imports bring them, and what belongs to
    them.
    """
    body, person = add_body(db, "Fenby"), add_person(db, "Ada Fenn")
    for number in range(60):
        add_request(
            db,
            body,
            f"Matter {number}",
            person=person,
            at=MOMENT + timedelta(minutes=max(number - 30, 0)),
            tag_texts=["lamps"],
        )
    for number in range(110):
        add_body(db, f"Council {number % 7}")


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[webtest.TestApp]:
    """A site with long lists, for tests that only read."""
    running = start(tmp_path_factory.mktemp("lists") / "site", migrated)
    with running.site.sessions.writing() as db:
        fill(db)
    yield webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})
    running.close()


PLACES = (
    "/list.json", "/list/awaiting.json", "/list/lamps.json", "/list/lamps/awaiting.json",
    "/body/fenby.json", "/body/fenby/awaiting.json", "/user/ada_fenn.json",
    "/user/ada_fenn/wall.json", "/body/list.json", "/body/list.json?public_body_query=n",
    "/feed/list.json", "/feed/list/awaiting.json", "/feed/list/recent.json",
    "/feed/list/lamps.json", "/feed/body/fenby.json", "/feed/user/ada_fenn.json",
    "/feed/user/ada_fenn/wall.json", "/feed/events.json", "/feed/body/list.json",
    "/list.json?request_date_after=2026-01-01", "/feed/list.json?event_type=sent",
)  # fmt: skip


class TestBothWays:
    @pytest.mark.parametrize("place", PLACES)
    def test_on_to_the_last_item_and_back_to_the_first(
        self, lists: webtest.TestApp, place: str
    ) -> None:
        answered = lists.get(place)
        assert not {"prev", "first"} & set(ways(answered))
        parts = [ids(answered)]
        while "next" in ways(answered):
            answered = lists.get(ways(answered)["next"])
            assert ways(answered)["first"] == place
            parts.append(ids(answered))
        assert len(parts) > 1
        met = [each for part in parts for each in part]
        assert len(met) == len(set(met)) >= 60
        back = [ids(answered)]
        while "prev" in ways(answered):
            answered = lists.get(ways(answered)["prev"])
            back.append(ids(answered))
        assert back[::-1] == parts

    def test_in_atom_and_json_as_in_the_header(self, lists: webtest.TestApp) -> None:
        second = lists.get(ways(lists.get("/list.json"))["next"])
        links = {name: link.removeprefix("http://foi.test")
                 for name, link in second.json["links"].items()}  # fmt: skip
        told = ways(second)
        assert (links["next"], links["previous"], links["first"]) == (
            told["next"],
            told["prev"],
            "/list.json",
        )
        feed = lists.get(ways(lists.get("/feed/list"))["next"])
        in_atom = {
            link.get("rel"): link.get("href").removeprefix("http://foi.test")
            for link in feed.lxml.findall("{*}link")
        }
        assert in_atom["next"] == ways(feed)["next"]
        assert in_atom["previous"] == ways(feed)["prev"]
        assert in_atom["first"] == "/feed/list"

    def test_what_is_newer_than_the_first_page_is_had_by_its_cursor(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        fill(db)
        second = web.get(ways(web.get("/list.json"))["next"])
        newest = ids(web.get("/list.json"))[0]
        body = add_body(db, "Later")
        later = [add_request(db, body, f"Later {number}").id for number in range(3)]
        db.flush()
        first = web.get(ways(second)["prev"])
        assert ids(first)[0] == newest
        top = web.get(ways(first)["prev"])
        assert ids(top) == later[::-1]
        assert "prev" not in ways(top)
        assert ids(web.get(ways(top)["next"])) == ids(first)

    def test_beyond_either_end_there_is_a_way_back(self, lists: webtest.TestApp) -> None:
        first = lists.get("/list.json")
        ends = {"after": first.json["requests"][0]}
        last = first
        while "next" in ways(last):
            last = lists.get(ways(last)["next"])
        ends["before"] = last.json["requests"][-1]
        for name, relation, part in (("after", "next", first), ("before", "prev", last)):
            row = ends[name]
            cursor = cursors.write(datetime.fromisoformat(row["created_at"]), row["id"])
            empty = lists.get(f"/list.json?{name}={cursor}")
            assert ids(empty) == []
            beside = ids(lists.get(ways(empty)[relation]))
            assert row["id"] in beside
            assert set(ids(part)) <= set(beside)

    def test_the_page_shows_the_ways(self, lists: webtest.TestApp) -> None:
        page = lists.get("/list").click("Older")
        shown = [(a.get_text(), a["rel"][0]) for a in page.html.select(".paging a")]
        assert shown == [("Newest", "first"), ("Newer", "prev"), ("Older", "next")]
        assert page.click("Newer").html.select(".line-title a")[0]["href"] == "/request/matter_59"


class TestNumbers:
    @pytest.mark.parametrize("place", ["/list.json", "/feed/list.json", "/body/list.json"])
    def test_a_page_by_number_is_the_one_that_the_links_lead_to(
        self, lists: webtest.TestApp, place: str
    ) -> None:
        first = lists.get(place)
        second = lists.get(ways(first)["next"])
        by_number = lists.get(f"{place}?page=2")
        assert ids(by_number) == ids(second)
        assert ids(lists.get(f"{place}?page=1")) == ids(lists.get(f"{place}?page=")) == ids(first)
        assert ways(by_number).get("next") == ways(second).get("next")
        assert "page=" not in by_number.headers["Link"]
        assert ids(lists.get(ways(by_number)["prev"])) == ids(first)

    def test_beyond_the_last_item_it_is_empty(self, lists: webtest.TestApp) -> None:
        beyond = lists.get(f"/list.json?page={NUMBERED}")
        assert ids(beyond) == []
        assert ways(beyond)["first"] == ways(beyond)["prev"] == "/list.json"

    def test_beyond_the_last_number_the_cursor_is_named(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        person = add_person(db)
        asked = add_request(db)
        for number in range(NUMBERED * 25 + 2):
            casework.annotate(db, asked, person, f"Note {number}.")
        db.flush()
        last = web.get(f"/feed/list.json?page={NUMBERED}")
        for form in ("/feed/list", "/feed/list.json"):
            told = web.get(f"{form}?page={NUMBERED + 1}", status=404).text
            named = re.search(r"http://foi\.test(/feed/list(?:\.json)?\?before=[\w-]+)", told)
            assert named
            assert web.get(named[1]).status_int == 200
        assert named[1] == ways(last)["next"]
        assert "no page 21" in web.get("/list.json?page=21", status=404).json["errors"][0]

    @pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 19, "٣"])
    def test_what_is_no_number_is_refused(self, web: webtest.TestApp, number: str) -> None:
        for place in ("/list", "/feed/list.json", "/body/list.json", "/events", "/user/x"):
            web.get(f"{place}?page={number}", status=(400, 404))
        web.get(f"/list.json?page={number}", status=400)


class TestOfARequest:
    """The feed of a request is taken from its log, which has been read whole; that of a list is
    asked for part by part. Both come to the same.
    """

    @pytest.fixture
    def long(self, web: webtest.TestApp, db: Session) -> tuple[Any, list[int]]:
        asked = add_request(db, add_body(db, "Fenby"), "A long matter", at=MOMENT)
        for number in range(90):
            message = answer(db, asked, f"Answer {number}")
            if number % 7 == 0:
                casework.hide(db, message, "desk")
            if number % 21 == 0:
                casework.release(db, message, "desk")
        db.flush()
        steps = select(Event.id).where(Event.request_id == asked.id).order_by(Event.id)
        return asked, list(db.scalars(steps))

    def test_its_parts_are_those_of_a_stream(
        self, web: webtest.TestApp, db: Session, long: tuple[Any, list[int]]
    ) -> None:
        asked, steps = long
        stream = Stream(Event.request_id == asked.id, readable=reading.READABLE)
        row = members.by_slug(db, asked.url_title)
        told = events.whole(db, members.listed(db, [row], MOMENT.date())[0])
        queries = ["", "page=1", "page=2", "page=4", "page=5", "page=21"]
        queries += [f"{way}={cursors.write(id_)}" for way in ("before", "after") for id_ in steps]
        queries += [
            f"{way}={cursors.write(id_)}" for way in ("before", "after") for id_ in (0, 10**9)
        ]
        met = set()
        for query in queries:
            request = Request.blank(f"/feed/request/{asked.url_title}?{query}")
            request.registry, request.db = web.app.registry, db
            asked_for, cut = (self.outcome(of, request, stream, told) for of in BOTH)
            assert asked_for == cut, query
            met.add(len(asked_for[1]) if len(asked_for) > 1 else None)
        assert {0, None} < met  # some with tombstones, some without, and a refusal

    def outcome(self, of: Any, request: Request, stream: Stream, told: events.Whole) -> Any:
        try:
            found = of(request, stream, told)
        except Problem as refused:
            return (str(refused),)
        return [row.id for row in found.rows], list(found.erased), found.queries()


BOTH = (lambda request, stream, told: paging.events_before(request, stream), paging.events_of)


class Writer:
    """Annotates requests in another thread, commit by commit, until told to end."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.written = 0
        self._failed: list[Exception] = []

    def _write(self) -> None:
        try:
            while not self._end.wait(0.02):
                annotate(self._site, 3, self.written % 100)
                self.written += 3
        except Exception as problem:
            self._failed.append(problem)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        assert not self._failed


def annotate(site: Site, times: int, start: int = 0) -> None:
    """Let somebody annotate one request after the other, in one commit."""
    with site.sessions.writing() as db, ledger.gathering(db):
        person = db.scalars(select(Person)).one()
        several = select(InfoRequest).order_by(InfoRequest.id).offset(start).limit(times)
        asked = db.scalars(several).all()
        for number in range(start, start + times):
            casework.annotate(db, asked[number % len(asked)], person, f"Note {number}.")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Running]:
    """A site of more than MANY events, on disk."""
    running = start(tmp_path_factory.mktemp("full"), migrated)
    with running.site.sessions.writing() as db, ledger.gathering(db):
        body = add_body(db)
        add_person(db)
        # Of many requests with few events each, as archives are.
        for number in range(MANY // 10):
            add_request(db, body, f"Matter {number}")
    annotate(running.site, MANY - MANY // 10 + 50)
    yield running
    running.close()


@pytest.mark.deeper
class TestWhileOthersWrite:
    """A reader who pages, and a mirror that polls, meet each event exactly once."""

    @pytest.fixture
    def reader(self, full: Running) -> webtest.TestApp:
        return webtest.TestApp(full.app, extra_environ={"HTTP_HOST": "foi.test"})

    def known(self, running: Running) -> set[int]:
        with running.site.sessions.reading() as db:
            return set(db.scalars(select(Event.id)))

    def test_paging_to_the_end(self, reader: webtest.TestApp, full: Running) -> None:
        before = self.known(full)
        with Writer(full.site) as writer:
            met: list[int] = []
            path: str | None = "/feed/events.json"
            while path:
                answered = reader.get(path)
                met += ids(answered)
                path = ways(answered).get("next")
        assert writer.written > 30
        assert met == sorted(set(met), reverse=True)
        assert before <= set(met)
        assert len(before) > MANY

    def test_polling_since(self, reader: webtest.TestApp, full: Running) -> None:
        met: list[int] = []

        def poll() -> int:
            data = reader.get(f"/events.json?since={met[-1] if met else 0}&limit=500").json
            met.extend(each["id"] for each in data["events"])
            return len(data["events"])

        with Writer(full.site) as writer:
            while len(met) < MANY + 100 or writer.written < 60:
                poll()
        while poll():
            pass
        assert met == sorted(self.known(full))

    def test_a_poller_of_a_feed_goes_up_by_its_cursor(
        self, reader: webtest.TestApp, full: Running
    ) -> None:
        newest = ids(reader.get("/feed/events.json"))[0]
        met: list[int] = []
        with Writer(full.site) as writer:
            while writer.written < 60:
                place = cursors.write(met[-1] if met else newest)
                met += reversed(ids(reader.get(f"/feed/events.json?after={place}")))
        while found := ids(reader.get(f"/feed/events.json?after={cursors.write(met[-1])}")):
            met += reversed(found)
        assert met == [number for number in sorted(self.known(full)) if number > newest]


Plans = Callable[[str], list[str]]
BY_CURSOR = re.compile(
    r"event\.happened_at.* event\.id [<>] \d"
    r"|\((request\.created_at|body\.sort_name), (request|body)\.id\) [<>] \(",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Plans]:
    running = start(tmp_path_factory.mktemp("plans") / "site", migrated)
    app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})
    with running.site.sessions.writing() as db:
        body, person = add_body(db, "Fenby"), add_person(db, "Ada Fenn")
        for number in range(3):
            asked = add_request(db, body, f"Matter {number}", person=person, tag_texts=["lamps"])
            answer(db, asked)

    def of(path: str) -> list[str]:
        with statements(running.site.engine) as seen:
            app.get(path)
        return [plan_of(running.site.engine, sql) for sql in seen if BY_CURSOR.search(sql)]

    yield of
    running.close()


class TestCost:
    """A deep page is found by an index and nothing is sorted: SQLite says so itself."""

    DEEP = cursors.write(MOMENT + timedelta(days=3000), 5)
    DEEP_EVENT = cursors.write(5)
    DEEP_BODY = cursors.write("f", 5)

    @pytest.mark.parametrize("query", [f"before={DEEP}", f"after={DEEP}"])
    @pytest.mark.parametrize(
        "place",
        ["/list", "/list/successful", "/list/unsuccessful", "/list/awaiting", "/list/overdue",
         "/list/lamps", "/list/lamps/awaiting", "/list?request_date_after=2026-01-01",
         "/list?request_date_after=2026-01-01&request_date_before=2040-01-01", "/body/fenby",
         "/body/fenby/overdue", "/body/fenby/lamps", "/user/ada_fenn"],
    )  # fmt: skip
    def test_of_lists(
        self, plans: Plans, monkeypatch: pytest.MonkeyPatch, place: str, query: str
    ) -> None:
        monkeypatch.setattr("foi.pages.filters.FEW", -1)  # as of a tag that many have
        [plan] = plans(f"{place}{'&' if '?' in place else '?'}{query}")
        assert re.search(r"SEARCH request USING INDEX \w+ \(.*created_at[<>]\?", plan), plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan

    @pytest.mark.parametrize("query", [f"before={DEEP_EVENT}", f"after={DEEP_EVENT}"])
    @pytest.mark.parametrize(
        "place",
        ["/events", "/feed/events", "/feed/list", "/feed/list/recent", "/feed/list/successful",
         "/feed/list/unsuccessful", "/feed/list/awaiting", "/feed/list/overdue",
         "/feed/list/lamps", "/feed/list/lamps/overdue", "/feed/body/fenby",
         "/feed/body/fenby/overdue", "/feed/body/list", "/feed/body/list/lamps",
         "/feed/list?event_type=sent", "/feed/list?request_date_after=2026-01-01"],
    )  # fmt: skip
    def test_of_feeds(
        self, plans: Plans, monkeypatch: pytest.MonkeyPatch, place: str, query: str
    ) -> None:
        monkeypatch.setattr("foi.pages.filters.FEW", -1)
        [plan] = plans(f"{place}{'&' if '?' in place else '?'}{query}")
        assert re.search(r"SEARCH event USING .*(rowid|id)[<>]\?", plan), plan
        assert "SCAN" not in plan
        assert "TEMP B-TREE" not in plan

    @pytest.mark.parametrize("query", [f"before={DEEP_BODY}", f"after={DEEP_BODY}"])
    @pytest.mark.parametrize("place", ["/body/list", "/body/list/f", "/body/list/lamps"])
    def test_of_authorities(
        self, plans: Plans, monkeypatch: pytest.MonkeyPatch, place: str, query: str
    ) -> None:
        monkeypatch.setattr("foi.pages.filters.FEW", -1)
        [plan] = plans(f"{place}?{query}")
        assert re.search(r"SEARCH body USING INDEX ix_body_sort_name_id \(sort_name[<>]", plan)
        assert "TEMP B-TREE" not in plan
