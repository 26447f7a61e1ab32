"""The description of the interface: it is valid, it names every address that programs have and no
other, and real answers are as it says.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import webtest
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import select

from foi.api.description import document, operations, reading
from foi.archive import casework
from foi.archive.kinds import PUBLIC_KINDS
from foi.archive.models import Annotation, Attachment, Body, Event, InfoRequest, Message, Person
from foi.demo import load
from foi.pages import links
from foi.pages.page import Page
from foi.webhooks import messages
from foi.webhooks.models import Webhook
from foi.work.worker import drain
from tests.api.calls import MULTIPART, field, multipart, upload
from tests.api.described import Description, example, filled
from tests.conftest import Running, key_for, start
from tests.pages.scene import PDF, dump

FOR_PEOPLE = ("/desk", "/sign-in", "/sign-out", "static/")


@dataclass
class Demo:
    """The demo content, and what is left when those who run a site have been at it."""

    running: Running
    app: webtest.TestApp
    description: Description
    key: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("described") / "site"
    running = start(folder, migrated, **{"site.contact": "desk@foi.example.org"})
    load(running.site)
    with running.site.sessions.writing() as db:
        bodies = list(db.scalars(select(Body).order_by(Body.id)))
        withhold(db, bodies)
        casework.announce_overdue(db, running.site.calendar.today())
        key = key_for(running.site, bodies[0])
    drain(running.site)
    app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"}, lint=False)
    yield Demo(running, app, Description(app.get("/api/openapi.json").json), key)
    running.close()


def withhold(db: Any, bodies: list[Body]) -> None:
    """Do one of everything that leaves a trace, to requests that no example names."""
    files = list(db.scalars(select(Attachment).order_by(Attachment.id.desc()).limit(3)))
    casework.hide(db, files[0], "desk", reason="By order of a court.")
    casework.erase(db, files[1], "desk", reason="It named a child.")
    casework.hide(db, db.get_one(Message, files[2].message_id), "desk")
    casework.erase(
        db, db.scalars(select(Annotation).order_by(Annotation.id.desc())).first(), "desk"
    )
    requests = list(db.scalars(select(InfoRequest).order_by(InfoRequest.id.desc()).limit(3)))
    casework.edit_request(db, requests[0], "desk", title="Another title", tag_texts=["a:b"])
    casework.move(db, requests[0], bodies[1], "desk")
    casework.hide(db, requests[1], "desk", prominence="backpage")
    casework.hide(db, requests[2], "desk")
    casework.release(db, requests[2], "desk")
    casework.edit_body(db, bodies[3], "desk", notes="Seldom answers.")
    person = select(Person).order_by(Person.id.desc()).limit(1)
    casework.edit_person(db, db.scalars(person).one(), "desk", about="Walks much.")
    db.flush()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Demo]:
    """The description of a site without any content."""
    running = start(tmp_path_factory.mktemp("plain") / "site", migrated)
    app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"}, lint=False)
    yield Demo(running, app, Description(app.get("/api/openapi.json").json), "")
    running.close()


def test_it_is_valid(plain: Demo) -> None:
    assert plain.description.document["openapi"] == "3.1.0"
    faults = OpenAPIV31SpecValidator(plain.description.document).iter_errors()
    assert [fault.message for fault in faults] == []


def test_it_is_open_to_scripts_and_answered_with_304_while_it_is_the_same(plain: Demo) -> None:
    answered = plain.app.get("/api/openapi.json")
    assert answered.content_type == "application/json"
    assert answered.headers["Access-Control-Allow-Origin"] == "*"
    again = plain.app.get("/api/openapi.json", headers={"If-None-Match": answered.headers["ETag"]})
    assert again.status_int == 304
    assert plain.app.options("/api/openapi.json").status_int == 204


def bare(path: str) -> str:
    """Give an address without the names of what varies."""
    return re.sub(r"\{\w+\}", "{}", path)


class TestAddresses:
    def test_each_is_described_or_for_people(self, plain: Demo) -> None:
        paths = plain.description.document["paths"]
        described = {bare(path) for path in paths}
        missing = []
        for route in plain.running.config.get_routes_mapper().get_routes():
            path, _ = operations.template(route.pattern)
            for_people = path.startswith(FOR_PEOPLE) or route.name.endswith(":html")
            leads_on = route.name.startswith("alias:")
            if not (for_people or leads_on or bare(path) in described):
                missing.append(path)
        assert missing == [], "describe them in foi/api/description"

    def test_each_that_is_described_is_there(self, plain: Demo) -> None:
        routes = plain.running.config.get_routes_mapper().get_routes()
        there = {bare(operations.template(route.pattern)[0]) for route in routes}
        assert {bare(path) for path in plain.description.document["paths"]} <= there

    def test_every_page_has_words_of_its_own(self, plain: Demo) -> None:
        names = {resource.name for resource in plain.running.config.registry["foi.resources"]}
        assert names == set(reading.TOLD), "describe them in foi/api/description/reading.py"

    def test_no_two_operations_have_one_name(self, plain: Demo) -> None:
        names = [each["operationId"] for _, _, each in plain.description.operations()]
        assert len(names) == len(set(names))

    def test_every_component_is_used(self, plain: Demo) -> None:
        text = json.dumps(plain.description.document)
        for kind in ("schemas", "parameters", "responses"):
            for name in plain.description.document["components"][kind]:
                used = f'"#/components/{kind}/{name}"' in text
                assert used or kind == "responses", name

    def test_a_page_of_an_extension_is_described_by_itself(self, plain: Demo) -> None:
        registry = plain.running.config.registry

        def weather(_: Any) -> Page:
            """The weather in one place."""
            raise AssertionError

        before = list(registry["foi.resources"])
        plain.running.config.add_page("weather", "/weather/{place:[^/.]+}", weather)
        try:
            found = document(registry)["paths"]["/weather/{place}.json"]["get"]
        finally:
            registry["foi.resources"][:] = before
        assert found["summary"] == "The weather in one place."
        assert found["parameters"][0]["name"] == "place"


@pytest.mark.thorough
class TestRealAnswers:
    def test_of_everything_in_the_demo_content(self, demo: Demo) -> None:
        faults: list[str] = []
        kinds: set[str] = set()
        asked = list(addresses(demo))
        for address in asked:
            answered = demo.app.get(address, expect_errors=True)
            faults += demo.description.faults("GET", address, answered)
            if address.startswith("/events.json"):
                kinds |= {each["event_type"] for each in answered.json["events"]}
        assert faults == []
        assert len(asked) > 300
        assert kinds >= set(map(str, PUBLIC_KINDS)) - {"person_added"}

    def test_that_an_undescribed_member_would_be_noticed(self, demo: Demo) -> None:
        answered = demo.app.get("/version.json")
        answered.json_body = answered.json | {"new": 1}
        [fault] = demo.description.faults("GET", "/version.json", answered)
        assert "'new' was unexpected" in fault

    def test_every_example_of_reading_works(self, demo: Demo) -> None:
        faults = []
        for path, method, described in demo.description.operations():
            if method != "get":
                continue
            headers = {"Authorization": f"Bearer {demo.key}"} if "security" in described else {}
            address = filled(demo.description, path, described)
            answered = demo.app.get(address, headers=headers, expect_errors=True)
            faults += demo.description.faults("GET", address, answered)
            if answered.status_int not in (200, 301):
                faults.append(f"{address}: {answered.status_int}: {answered.text[:200]}")
        assert faults == []

    def test_a_range_of_a_file(self, demo: Demo) -> None:
        path = "/request/{url_title}/response/{message_id}/attach/{number}/{name}"
        described = demo.description.document["paths"][path]["get"]
        address = filled(demo.description, path, described)
        [given] = [p for p in demo.description.parameters(described) if p["name"] == "Range"]
        answered = demo.app.get(address, headers={"Range": example(given)})
        assert answered.status_int == 206
        assert demo.description.faults("GET", address, answered) == []
        answered = demo.app.get(address, headers={"Range": "bytes=999999999-"}, status=416)
        assert demo.description.faults("GET", address, answered) == []

    @pytest.mark.parametrize(
        "address",
        [
            "/list.json?before=x", "/list.json?page=21", "/feed/list?page=21", "/list.csv?page=x",
            "/feed/list.jsonfeed?event_type=x", "/request/none.json", "/body/none.json",
            "/user/none/wall.json", "/feed/user/none", "/body/none.csv",
            "/request/my_mark_in_tidal_mechanics_ii_an.json",
            "/feed/request/my_mark_in_tidal_mechanics_ii_an",
            "/request/my_mark_in_tidal_mechanics_ii_an/download",
            "/request/1.json", "/request/1/download.zip", "/list/all.json",
            "/events.json?since=x", "/search/grit.json?page=99", "/feed/search/grit%2Fusers.json",
            "/sitemap/requests-7.xml", "/request_event/999999", "/api/v2/request/3",
            "/api/v2/request/3.json?k=x", "/api/v2/body/1/request_events.json",
            "/request/gritting_routes_and_salt_stocks/response/3/attach/9/x.pdf",
            "/request/gritting_routes_and_salt_stocks/response/3/attach/9/x.json",
            "/request/gritting_routes_and_salt_stocks/response/3/attach/9/x.csv",
        ],
    )  # fmt: skip
    def test_of_what_is_not_there_or_not_shown(self, demo: Demo, address: str) -> None:
        answered = demo.app.get(address, expect_errors=True)
        assert answered.status_int >= 300
        assert demo.description.faults("GET", address, answered) == []


def addresses(demo: Demo) -> Iterator[str]:
    """Give addresses of everything that there is, in every format that programs read."""
    with demo.running.site.sessions.reading() as db:
        requests = list(db.scalars(select(InfoRequest.url_title).order_by(InfoRequest.id)))
        people = list(db.scalars(select(Person.url_name)))
        bodies = list(db.scalars(select(Body.url_name)))
        newest = db.scalars(select(Event.id).order_by(Event.id.desc())).first() or 0
        files = db.execute(
            select(InfoRequest.url_title, Message.id, Attachment.number, Attachment.name)
            .join(Message, Message.id == Attachment.message_id)
            .join(InfoRequest, InfoRequest.id == Message.request_id)
            .where(Attachment.name != "")
        ).all()
    every = (".json", ".csv", "/.jsonfeed", "/.json", "/")
    for number, slug in enumerate(requests):
        path = links.request_path(slug)
        yield from (f"{path}.json", f"{path}/details.json", f"/feed{path}.jsonfeed")
        if number % 5 == 0:
            yield from (f"{path}/similar.json", f"{path}/download")
            yield from (f"/feed{path}.json", f"/feed{path}")
    pages = [*map(links.body_path, bodies), *map(links.person_path, people[::3])]
    pages += ["/list", "/body/list", "/list/roads", "/list/roads/awaiting", "/body/list/council"]
    pages += [f"/list/{view}" for view in ("successful", "unsuccessful", "awaiting", "overdue")]
    pages += [f"{pages[0]}/{rest}" for rest in ("overdue", "roads", "roads/successful")]
    for path in pages:
        yield from (f"/feed{path}{e[1:]}" if e[0] == "/" else f"{path}{e}" for e in every)
    for slug in people:
        own = links.person_path(slug)
        yield from (f"{own}/profile.json", f"{own}/wall.json", f"{own}/requests.json")
    yield from (f"/events.json?since={since}&limit=60" for since in range(0, newest + 60, 60))
    yield from (f"/feed/events{suffix}" for suffix in ("", ".json", ".jsonfeed"))
    for words in ("grit", "council/bodies", "rosalind/users", "grit/requests/newest", "grti"):
        path = links.search_path(words).removesuffix("/all")
        yield from (f"{path}.json", f"{path}.csv")
    for row in files:
        yield links.attachment_path(*row)
        yield links.attachment_view_path(*row) + ".json"
    yield from ("/search.json", "/search.json?query=grit", "/version.json", "/health")
    yield from (f"/body/{bodies[0]}.json?query=grit+zzzz*", "/list.json?query=%2A")


@pytest.mark.thorough
class TestWriting:
    @pytest.fixture
    def mine(self, demo: Demo) -> str:
        with demo.running.site.sessions.reading() as db:
            found = db.scalars(select(InfoRequest.id).where(InfoRequest.via_api)).first()
        return str(found)

    @pytest.mark.parametrize("how", ["json", "form", "multipart"])
    def test_every_example_works_in_every_form(self, demo: Demo, mine: str, how: str) -> None:
        faults = []
        for path, method, described in demo.description.operations():
            if method != "post":
                continue
            content = described["requestBody"]["content"]
            given = content["application/json"]["example"]
            demo.description.validator(content["application/json"]["schema"]).validate(given)
            address = path.replace("{id}", mine)
            members = content["multipart/form-data"]["schema"]["properties"]
            names = [name for name in members if name.endswith("json")]
            files = [name for name in members if name.startswith("attachments")]
            for name in names:
                if how == "json":
                    answered = demo.app.post_json(f"{address}?k={demo.key}", given)
                elif how == "form":
                    fields = {"k": demo.key, name: json.dumps(given)}
                    answered = demo.app.post(address, fields)
                else:
                    parts = [field(name, json.dumps(given)), field("k", demo.key)]
                    parts += [upload(each, "a.pdf", PDF) for each in files]
                    answered = demo.app.post(
                        address, multipart(*parts), {"Content-Type": MULTIPART}
                    )
                faults += demo.description.faults("POST", address, answered)
        assert faults == []

    def test_what_was_written_can_be_read(self, demo: Demo, mine: str) -> None:
        headers = {"Authorization": f"Bearer {demo.key}"}
        for address in (
            f"/api/v2/request/{mine}.json",
            "/api/v2/request/2",
            "/api/v2/body/1/request_events.json",
            "/api/v2/body/1/request_events.atom",
            "/api/v2/body/1/request_events.json?since_event_id=60",
        ):
            answered = demo.app.get(address, headers=headers)
            assert demo.description.faults("GET", address, answered) == []

    @pytest.mark.parametrize(
        ("path", "key", "sent", "kind", "status"),
        [
            ("/api/v2/request", True, b"{}", "application/json", 422),
            ("/api/v2/request", True, b"{", "application/json", 400),
            ("/api/v2/request", True, b"<a/>", "application/xml", 415),
            ("/api/v2/request", True, b"{" + b" " * (2 << 20) + b"}", "application/json", 413),
            ("/api/v2/request", False, b"{}", "application/json", 403),
            ("/api/v2/request/2.json", True, b"{}", "application/json", 403),
            ("/api/v2/request/999999", True, b"{}", "application/json", 404),
            ("/api/v2/request/{mine}", True, b"{}", "application/json", 422),
            ("/api/v2/request/{mine}/update", True, b"state=x", "", 422),
            ("/api/v2/request/{mine}/update.json", True, b"state=1&state=2", "", 400),
        ],
    )
    def test_what_is_refused_is_told_as_described_and_changes_nothing(
        self, demo: Demo, mine: str, path: str, key: bool, sent: bytes, kind: str, status: int
    ) -> None:
        address = path.replace("{mine}", mine)
        headers = {"Authorization": f"Bearer {demo.key if key else 'x'}"}
        headers["Content-Type"] = kind or "application/x-www-form-urlencoded"
        with demo.running.site.sessions.reading() as db:
            before = dump(db)
        answered = demo.app.post(address, sent, headers, status=status)
        assert demo.description.faults("POST", address, answered) == []
        with demo.running.site.sessions.reading() as db:
            assert dump(db) == before


@pytest.mark.thorough
def test_what_webhooks_are_told(demo: Demo) -> None:
    site, hook = demo.running.site, Webhook(id=1, body_id=None, kinds=[])
    with site.sessions.reading() as db:
        told = [messages.one(db, site, hook, number) for number in (1, 60, 120, 200, 250, 300)]
    sent = [*(each for each in told if each is not None), messages.test(site, hook)]
    assert len(sent) > 3
    [described] = demo.description.document["webhooks"].values()
    schema = described["post"]["requestBody"]["content"]["application/json"]["schema"]
    for each in sent:
        demo.description.validator(schema).validate(json.loads(each.body))


def test_without_extensions_nothing_of_theirs_is_described(
    tmp_path: Path, migrated: bytes
) -> None:
    running = start(tmp_path / "site", migrated, **{"foi.extensions": ""})
    found = document(running.config.registry)
    running.close()
    assert not [path for path in found["paths"] if path.startswith("/feed") or "atom" in path]
    assert "/list.json" in found["paths"]
