"""Searches as their readers see them: addresses, forms, facets, pages, feeds, help."""

import csv
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
import webtest

from foi.archive import casework
from foi.search.engine import Hits, SearchEngine
from foi.search.query import Node
from foi.work.worker import drain
from tests.conftest import Running, add_body, add_person, add_request, made_once, start
from tests.pages.scene import Town, answer, file, open_town

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


@pytest.fixture(scope="module")
def herons(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Path:
    """The data of a site with thirty requests about herons, one a day, to two authorities."""

    def fill(folder: Path) -> None:
        made = start(folder / "site", migrated)
        with made.site.sessions.writing() as db:
            ada = add_person(db, "Ada Fenn")
            bodies = [
                add_body(db, name, tag_texts=["council"]) for name in ("Fenby", "Mill Marsh")
            ]
            for n in range(30):
                at = START + timedelta(days=n)
                request = add_request(
                    db, bodies[n % 2], f"Herons {n}", person=ada, at=at, tag_texts=["birds"]
                )
                if n == 7:
                    files = [file(made.site, b"the saltmarsh warden", "warden.txt")]
                    answered = answer(db, request, "Attached.", files=files)
                    casework.classify(db, request, "desk", "successful", message=answered)
        drain(made.site)
        made.close()

    return made_once(tmp_path_factory, "herons", fill) / "site"


@pytest.fixture
def fill(herons: Path, tmp_path: Path) -> None:
    """Let the site that `running` starts have the herons."""
    shutil.copytree(herons, tmp_path / "site")


def every(app: webtest.TestApp, path: str, way: str = "next") -> list[str]:
    """Follow a search to its end; give the addresses of its results."""
    read: list[str] = []
    while path:
        page = app.get(path).json
        found = [result["url"] for result in page["results"]]
        read = read + found if way == "next" else found + read
        path = page["links"].get(way, "").removeprefix("http://foi.test")
    return read


@dataclass
class Halting:
    """A search engine that runs out of time at every third call."""

    engine: SearchEngine
    calls: int = 0

    def find(self, query: Node | None, **how: Any) -> Hits:
        hits = self.engine.find(query, **how)
        self.calls += 1
        return hits if self.calls % 3 else replace(hits, exact=False, list=hits.list[:1])


@pytest.mark.usefixtures("fill")
class TestPages:
    @pytest.mark.parametrize("sort", ["newest", "described"])
    def test_by_date_a_search_is_read_to_its_last_item_and_back(
        self, app: webtest.TestApp, sort: str
    ) -> None:
        read = every(app, f"/search/herons/requests/{sort}.json")
        assert len(set(read)) == len(read) == 30
        first = app.get(f"/search/herons/requests/{sort}.json").json
        assert "previous" not in first["links"]
        last = first["links"]["next"].removeprefix("http://foi.test")
        assert every(app, last, "previous") == read

    def test_by_relevance_it_is_read_by_page(self, app: webtest.TestApp) -> None:
        assert len(set(every(app, "/search/herons/requests.json"))) == 30
        second = app.get("/search/herons/requests?page=2")
        assert 'rel="next"' not in second.headers["Link"]
        assert second.html.find("a", rel="prev")["href"] == "/search/herons/requests"
        app.get("/search/herons/requests?page=21", status=404)
        app.get("/search/herons/requests?page=0", status=404)
        app.get("/search/herons/requests?page=x", status=400)
        app.get("/search/herons/requests?before=W10", status=400)

    def test_the_order_is_by_date_when_there_are_only_filters(self, app: webtest.TestApp) -> None:
        assert app.get("/search/tag:birds.json").json["sort"] == "newest"
        assert app.get("/search/tag:birds%20herons.json").json["sort"] == "relevant"
        assert len(every(app, "/search/tag:birds.json")) == 30

    def test_all_of_it_is_there_as_a_table(self, app: webtest.TestApp) -> None:
        answered = app.get("/search/herons/requests/newest.csv")
        assert answered.content_type == "text/csv"
        rows = list(csv.DictReader(io.StringIO(answered.text)))
        assert len(rows) == 30
        assert rows[0]["title"] == "Herons 7: response from Mill Marsh"
        assert rows[1]["title"] == "Herons 29: request to Mill Marsh"
        assert (rows[1]["authority"], rows[1]["kind"]) == ("Mill Marsh", "request")
        assert {"kind", "url", "created_at", "state", "due_on"} <= rows[0].keys()

    def test_a_table_is_whole_though_the_search_is_slow_for_a_moment(
        self, app: webtest.TestApp, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = app.get("/search/herons/all.csv").text
        engine = running.config.registry["foi.search"]
        halting = Halting(engine)
        monkeypatch.setitem(running.config.registry, "foi.search", halting)
        monkeypatch.setattr("foi.pages.search._TABLED", 10)
        assert app.get("/search/herons/all/newest.csv").text.count("\n") == whole.count("\n")
        assert halting.calls > 4

    def test_facets_narrow_and_can_be_taken_back(self, app: webtest.TestApp) -> None:
        facets = app.get("/search/herons.json").json["facets"]
        assert [value["label"] for value in facets["authority"]] == ["Fenby", "Mill Marsh"]
        assert ("txt", 1) in {(each["value"], each["count"]) for each in facets["filetype"]}
        for facet, values in facets.items():
            for each in values:
                page = app.get(each["url"].removeprefix("http://foi.test") + ".json").json
                assert page["total"] == each["count"], (facet, each)
                (chosen,) = [other for other in page["facets"][facet] if other["chosen"]]
                back = app.get(chosen["url"].removeprefix("http://foi.test") + ".json").json
                assert back["query"] == "herons"
        page = app.get("/search/herons").html
        assert page.find(class_="facets").find("a", string="Mill Marsh")["href"]

    def test_a_snippet_of_a_file_says_which(self, app: webtest.TestApp) -> None:
        (result,) = app.get("/search/saltmarsh.json").json["results"]
        assert result["attachment"] == "warden.txt"
        assert result["snippet"] == "the <mark>saltmarsh</mark> warden"
        snippet = app.get("/search/saltmarsh").html.find(class_="snippet")
        assert snippet.a["href"] == result["attachment_url"]
        assert snippet.get_text().startswith("In warden.txt: the saltmarsh")

    def test_another_spelling_is_offered(self, app: webtest.TestApp) -> None:
        page = app.get("/search/heronz%20-owl.json").json
        assert page["total"] == 0
        assert page["corrected"]["query"] == "herons -owl"
        assert app.get("/search/heronz").html.find("a", string="herons")["href"]
        assert app.get("/search/herons.json").json["corrected"] is None

    def test_feeds_hold_all_of_a_search_in_two_orders(self, app: webtest.TestApp) -> None:
        for path in ("/feed/search/herons.json", "/feed/search/herons/requests/described.json"):
            first = app.get(path)
            second = app.get(first.headers["Link"].partition(">")[0].lstrip("<"))
            ids = [entry["id"] for entry in first.json + second.json]
            assert len(set(ids)) == len(ids) == 31
        for kind in ("bodies", "users"):
            assert "/feed/search/herons/requests" in app.get(
                f"/feed/search/herons/{kind}.json", status=404
            )
            assert "/feed/search" not in app.get(f"/search/herons/{kind}").text

    def test_what_is_overdue_changes_at_midnight_without_a_new_index(
        self, app: webtest.TestApp
    ) -> None:
        day = date.fromisoformat(app.get("/request/herons_0.json").json["due_on"])

        def found(query: str, after: int) -> list[tuple[str, str]]:
            noon = datetime.combine(day + timedelta(days=after), time(12), UTC)
            with time_machine.travel(noon, tick=False):
                results = app.get(f"/search/{query}.json").json["results"]
            return [(each["title"][:9], each["calculated_state"]) for each in results]

        assert found("status:overdue", 0) == []
        assert found("due:today", 0) == [("Herons 0:", "waiting_response")]
        assert found("status:overdue", 1) == [("Herons 0:", "waiting_response_overdue")]
        assert found("due:yesterday", 1) == found("status:overdue", 1)
        assert found("latest_status:waiting_response_very_overdue", 1) == []

    def test_similar_requests(self, app: webtest.TestApp, running: Running) -> None:
        with running.site.sessions.writing() as db:
            add_request(db, title="Street lamps", text="How many street lamps are there?")
            add_request(db, title="Lamps in streets", text="Which lamps?")
        drain(running.site)
        found = app.get("/request/street_lamps/similar.json").json
        assert found["results"][0]["title"].startswith("Lamps in streets")
        assert all("/street_lamps#" not in each["url"] for each in found["results"])
        page = app.get("/request/street_lamps/similar")
        assert page.html.find("a", string=lambda text: text and "Lamps in streets" in text)
        app.get("/request/nothing/similar", status=404)

    def test_what_is_found_while_typing(self, app: webtest.TestApp) -> None:
        found = app.get("/request/search_ahead.json?q=hero&requested_from=fenby").json
        assert {each["title"].partition(": ")[2] for each in found["results"]} == {
            "request to Fenby",
            "response from Mill Marsh",
        } & {each["title"].partition(": ")[2] for each in found["results"]}
        assert len(found["results"]) == 10
        piece = app.get("/request/search_ahead?q=hero")
        assert piece.html.find("html") is None
        assert piece.html.find("a")
        (body,) = app.get("/body/search_ahead.json?query=mill+ma").json["results"]
        assert (body["title"], body["kind"]) == ("Mill Marsh", "authority")
        assert app.get("/body/search_ahead.json").json["results"] == []
        assert app.get("/body/search_ahead?query=").text.strip() == ""

    def test_a_query_may_hold_a_line_end(self, app: webtest.TestApp) -> None:
        for suffix in ("", ".json", ".csv"):
            app.get(f"/search/herons%0Aherons/requests{suffix}", status=200)
        assert app.get("/feed/search/herons%0Aherons.json", status=200).json

    def test_the_help_finds_something_with_each_example(self, app: webtest.TestApp) -> None:
        page = app.get("/advancedsearch").html
        empty = set()
        for link in page.select(".examples a")[:26]:
            found = app.get(link["href"] + ".json").json
            assert found["notes"] == [], link.get_text()
            if not found["total"]:
                empty.add(link.get_text())
        assert not {text for text in empty if text.startswith(("tag:", "requested", "request:"))}
        assert not any(f"{word}:" in " ".join(empty) for word in ("latest_status", "filetype"))


class TestForms:
    @pytest.mark.parametrize(
        ("fields", "query"),
        [
            ("latest_status[]=successful",
             "lamp latest_status:successful latest_status:partially_successful"),
            ("latest_status[]=overdue", "lamp latest_status:overdue"),
            ("request_variety[]=sent&request_variety[]=comment",
             "lamp variety:sent variety:followup_sent variety:comment"),
            ("request_date_after=1/3/2026&request_date_before=2026-03-31",
             "lamp 2026-03-01..2026-03-31"),
            ("request_date_before=2026", "lamp ..2026-12-31"),
            ("latest_status[]=gone_postal&request_date_after=",
             "lamp latest_status:gone_postal"),
        ],
    )  # fmt: skip
    def test_fields_become_part_of_the_query(self, town: Town, fields: str, query: str) -> None:
        path = f"/search/{quote(query, safe='')}/requests"
        for address in (f"/search?query=lamp&{fields}", f"/search/lamp/requests?{fields}"):
            moved = town.app.get(address, status=302)
            assert moved.location == f"http://foi.test{path}"
        assert town.app.get(f"/search/lamp/requests.json?{fields}").json["query"] == query
        town.app.get(path)

    def test_blank_fields_are_as_if_not_given(self, town: Town) -> None:
        blank = "request_date_after=&request_date_before=&latest_status[]=&request_variety[]="
        found = town.app.get(f"/search/lamp/requests?{blank}", status=200)
        assert 'class="note"' not in found
        assert town.app.get("/search/lamp%20...json").json["query"] == "lamp .."

    def test_a_field_that_is_not_understood_is_told_on_the_page(self, town: Town) -> None:
        fields = "request_date_after=soon&latest_status[]=lost"
        notes = town.app.get(f"/search/lamp/requests.json?{fields}").json["notes"]
        assert "There is no latest_status of that name" in notes[0]
        assert "soon is not a date" in notes[1]
        page = town.app.get(f"/search/lamp/requests?{fields}", status=200)
        assert len(page.html.select(".note")) == 2

    def test_a_choice_of_the_form_does_not_widen_what_was_typed(self, town: Town) -> None:
        fields = "latest_status[]=overdue"
        found = town.app.get(f"/search/a%20OR%20latest_status:rejected.json?{fields}").json
        assert found["query"] == "(a OR latest_status:rejected) latest_status:overdue"


def test_what_was_not_taken_as_typed_is_said(town: Town) -> None:
    found = town.app.get("/search/%22lamp%20posts%20AND.json").json
    assert found["total"] == 0 or found["results"]
    assert "quotation mark was not closed" in " ".join(found["notes"])
    nothing = town.app.get("/search/-lamp")
    assert "something to look for" in nothing.html.find(class_="note").get_text()
