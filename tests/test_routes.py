"""The URL space: every page in every format, with and without extensions, by every name it has."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import html5lib
import pytest
import webtest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from pyramid.urldispatch import RoutesMapper
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.pages import help
from tests.conftest import Running, add_body, add_person, add_request, examples, start
from tests.pages.scene import Town, answer, open_town

PAGES = (
    "/",
    "/events",
    "/list",
    "/list/successful",
    "/list/unsuccessful",
    "/list/awaiting",
    "/list/overdue",
    "/body/list",
    "/body/list/f",
    "/body/list/council",
    "/body/{body}",
    "/body/{body}/successful",
    "/body/{body}/overdue",
    "/request/{request}",
    "/request/{backpage}",
    "/request/{anonymous}",
    "/user/{person}",
    "/request/{request}/details",
    "/search",
    *(f"/help/{name}" for name in help.TITLES),
)
WITHOUT_JSON = ("/", *(f"/help/{name}" for name in help.TITLES))
FEEDS = (
    "/events",
    "/list",
    "/list/recent",
    "/list/successful",
    "/list/unsuccessful",
    "/list/awaiting",
    "/list/overdue",
    "/body/list",
    "/body/list/f",
    "/body/list/council",
    "/body/{body}",
    "/request/{request}",
    "/request/{backpage}",
    "/user/{person}",
)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("bare")
    with open_town(folder, migrated, **{"foi.extensions": ""}) as made:
        yield made


def strict(page: bytes) -> None:
    """Parse HTML; any error of the specification's is a failure."""
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(page, transport_encoding="utf-8")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_flawless_html(town: Town, path: str) -> None:
    answered = town.app.get(path.format(**town.names))
    assert answered.content_type == "text/html"
    assert answered.charset == "UTF-8"
    strict(answered.body)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/request/none", 404),
        ("/list?before=x", 400),
        ("/nowhere/<b>", 404),
        ("/request/{hidden}", 403),
    ],
)
def test_every_problem_page_is_flawless_html(town: Town, path: str, status: int) -> None:
    answered = town.app.get(path.format(**town.names), status=status)
    assert answered.content_type == "text/html"
    strict(answered.body)
    assert "noindex" in answered


@pytest.mark.parametrize("path", [p for p in PAGES if p not in WITHOUT_JSON])
def test_every_page_has_a_json_form(town: Town, path: str) -> None:
    answered = town.app.get(path.format(**town.names) + ".json")
    assert answered.content_type == "application/json"
    assert isinstance(answered.json, dict)
    assert answered.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", FEEDS)
def test_every_feed_has_both_forms(town: Town, path: str) -> None:
    path = "/feed" + path.format(**town.names)
    assert town.app.get(path).content_type == "application/atom+xml"
    as_json = town.app.get(path + ".json")
    assert as_json.content_type == "application/json"
    assert isinstance(as_json.json, list)


@pytest.mark.parametrize("path", PAGES)
def test_the_alternates_in_the_head_exist_and_are_of_the_type_they_claim(
    town: Town, path: str
) -> None:
    page = town.app.get(path.format(**town.names))
    links = page.html.select('head link[rel="alternate"]')
    assert links or path == "/search" or path.startswith("/help/")
    for link in links:
        assert link["href"].startswith("http://foi.test/")
        if "/search" in link["href"]:
            continue  # a feed of a search without words does not exist; the search tests have it
        assert (
            town.app.get(link["href"].removeprefix("http://foi.test")).content_type == link["type"]
        )


def test_links_between_formats_lead_to_the_same_part_of_a_list(
    web: webtest.TestApp, db: Session
) -> None:
    body = add_body(db)
    for number in range(30):
        add_request(db, body, f"Matter {number}")
    first = web.get("/list")
    second = first.click("Older")
    ids = [
        r["id"]
        for r in web.get(second.html.find("link", type="application/json")["href"]).json[
            "requests"
        ]
    ]
    assert [f"Matter {n}" for n in range(4, -1, -1)] == [
        h.get_text() for h in second.html.select(".line-title")
    ]
    assert len(ids) == 5


class TestWithoutExtensions:
    """`foi.extensions =` empty: everything but the feeds is there, and nothing leads to one."""

    @pytest.mark.parametrize("path", PAGES)
    def test_every_page_is_served_and_names_no_feed(self, bare: Town, path: str) -> None:
        path = path.format(**bare.names)
        page = bare.app.get(path)
        assert "/feed" not in page
        assert "atom" not in page
        if path not in WITHOUT_JSON:
            assert "/feed" not in bare.app.get(path + ".json")

    @pytest.mark.parametrize("path", ["", *FEEDS])
    def test_no_feed_is_served(self, bare: Town, path: str) -> None:
        path = "/feed" + path.format(**bare.names)
        bare.app.get(path, status=404)
        bare.app.get(path + ".json", status=404)


class TestOtherNames:
    """Whoever knows an address by another name is led to the right one, in the same format."""

    @pytest.mark.parametrize(
        ("prefix", "suffix"),
        [("", ""), ("", ".json"), ("/feed", ""), ("/feed", ".json")],
    )
    @pytest.mark.parametrize("query", ["", "?before=WzFd&x=%C3%A4"])
    def test_former_names_and_numbers_redirect_with_suffix_and_query(
        self, web: webtest.TestApp, db: Session, prefix: str, suffix: str, query: str
    ) -> None:
        body, person = add_body(db, "Old Name"), add_person(db, "Ada Fenn")
        request = add_request(db, body, "Old title", person=person)
        casework.edit_body(db, body, "desk", url_name="new_name")
        casework.edit_person(db, person, "desk", name="Ada Marsh")
        casework.edit_request(db, request, "desk", title="New title")
        db.flush()
        for former, present in (
            ("/body/old_name", "/body/new_name"),
            ("/user/ada_fenn", "/user/ada_marsh"),
            ("/request/old_title", "/request/new_title"),
            (f"/request/{request.id}", "/request/new_title"),
        ):
            moved = web.get(prefix + former + suffix + query, status=301)
            assert moved.location == f"http://foi.test{prefix}{present}{suffix}{query}"

    def test_views_of_a_renamed_authority_redirect(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        casework.edit_body(db, add_body(db, "Old Name"), "desk", url_name="new_name")
        db.flush()
        moved = web.get("/body/old_name/successful.json", status=301)
        assert moved.location == "http://foi.test/body/new_name/successful.json"

    def test_attachments_of_a_renamed_request_redirect(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        request = add_request(db, title="Old title")
        message = answer(
            db, request, files=[casework.File("a b ä.pdf", "application/pdf", 5, "0" * 64)]
        )
        casework.edit_request(db, request, "desk", title="New title")
        db.flush()
        rest = f"response/{message.id}/attach/1/a%20b%20%C3%A4.pdf"
        for former in ("old_title", str(request.id)):
            moved = web.get(f"/request/{former}/{rest}", status=301)
            assert moved.location == f"http://foi.test/request/new_title/{rest}"

    def test_a_line_end_in_an_address_cannot_add_a_header(
        self, web: webtest.TestApp, db: Session
    ) -> None:
        request = add_request(db)
        message = answer(
            db, request, files=[casework.File("a.pdf", "application/pdf", 5, "0" * 64)]
        )
        name = "a%0d%0aSet-Cookie:%20x=1"
        moved = web.get(f"/request/{request.id}/response/{message.id}/attach/1/{name}", status=301)
        assert "Set-Cookie" not in moved.headers
        assert "\n" not in moved.location
        web.get(f"/request/x{name}", status=404)

    @pytest.mark.parametrize(
        ("asked", "target"),
        [
            ("/feed", "/feed/list"),
            ("/search?query=lamp+posts", "/search/lamp%20posts/all"),
            ("/search?query=a/b%3F", "/search/a%2Fb%3F/all"),
            ("/request/lamp_posts/feed", "/feed/request/lamp_posts"),
        ],
    )
    def test_spellings_of_alaveteli_redirect(
        self, web: webtest.TestApp, asked: str, target: str
    ) -> None:
        assert web.get(asked, status=(301, 302)).location == f"http://foi.test{target}"

    def test_the_number_of_an_event_leads_to_its_place(self, town: Town) -> None:
        feed = town.app.get(f"/feed/request/{town.names['request']}.json").json
        targets = [town.app.get(f"/request_event/{e['id']}", status=301).location for e in feed]
        page = town.app.get(f"/request/{town.names['request']}")
        for target in targets:
            path, _, anchor = target.partition("#")
            assert path == f"http://foi.test/request/{town.names['request']}"
            assert page.html.find(id=anchor)

    @pytest.mark.parametrize("number", ["0", "999999", "9" * 18, "9" * 30, "-1", "x"])
    def test_the_number_of_no_event_is_a_404(self, web: webtest.TestApp, number: str) -> None:
        web.get(f"/request_event/{number}", status=404)


class TestHostileHost:
    """Links are made from the site's own address; what a client claims in Host does not matter."""

    HOSTILE = {"Host": "evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"}

    @pytest.mark.parametrize("path", [*PAGES, *("/feed" + p for p in FEEDS)])
    def test_no_page_names_the_host_it_was_asked_for(self, town: Town, path: str) -> None:
        forms = ("",) if path in WITHOUT_JSON else ("", ".json")
        for form in forms:
            answered = town.app.get(path.format(**town.names) + form, headers=self.HOSTILE)
            assert b"evil.test" not in answered.body
            assert "evil.test" not in str(answered.headers)

    @pytest.mark.parametrize(
        "path",
        [
            "/list/all",
            "/feed",
            "/body",
            "/search?query=a",
            "/static",
            "/static/",
            "//evil.test",
            "/static//evil.test",
        ],
    )
    def test_no_redirect_leads_there(self, web: webtest.TestApp, path: str) -> None:
        answered = web.get(path, headers=self.HOSTILE, expect_errors=True)
        assert "evil.test" not in answered.headers.get("Location", "")
        assert answered.status_int < 500


class TestMethods:
    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/", "GET, OPTIONS, HEAD"),
            ("/list", "GET, OPTIONS, HEAD"),
            ("/list.json", "GET, OPTIONS, HEAD"),
            ("/feed/list", "GET, OPTIONS, HEAD"),
            ("/request/x/response/1/attach/1/a.pdf", "GET, OPTIONS, HEAD"),
            ("/health", "GET, OPTIONS, HEAD"),
            ("/events.json", "GET, OPTIONS, HEAD"),
            ("/api/v2/request/1.json", "GET, POST, HEAD"),
        ],
    )
    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_another_method_is_refused_with_those_that_work(
        self, web: webtest.TestApp, path: str, allowed: str, method: str
    ) -> None:
        answered = web.request(path, method=method, status=405)
        assert answered.headers["Allow"] == allowed

    @pytest.mark.parametrize(
        "path", ["/api/v2/request", "/api/v2/request.json", "/api/v2/request/1/update.json"]
    )
    def test_write_addresses_take_post_only(self, web: webtest.TestApp, path: str) -> None:
        answered = web.get(path, status=405)
        assert answered.headers["Allow"] == "POST"
        assert answered.json["errors"]
        assert web.head(path, status=405).headers["Allow"] == "POST"

    @pytest.mark.parametrize("path", [*PAGES, *("/feed" + p for p in FEEDS)])
    def test_head_says_what_get_says_without_the_body(self, town: Town, path: str) -> None:
        path = path.format(**town.names)
        whole, head = town.app.get(path), town.app.head(path)
        assert head.body == b""
        assert dict(head.headers) == dict(whole.headers)
        assert int(head.headers["Content-Length"]) == len(whole.body)


def test_health_says_that_all_is_well(app: webtest.TestApp) -> None:
    assert app.get("/health").json["status"] == "ok"


def test_health_says_that_the_schema_is_not_this_releases(
    app: webtest.TestApp, running: Running
) -> None:
    with running.site.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'former'")
    assert "foi upgrade" in app.get("/health", status=503)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../foi/settings.py",
        "/static/%2e%2e/layout.jinja2",
        "/static/style.css/x",
        "/static/layout.jinja2",
    ],
)
def test_static_files_are_those_of_the_folder_only(web: webtest.TestApp, path: str) -> None:
    web.get(path, status=404)


def test_settings_of_another_site_give_its_own_links(tmp_path: Path, migrated: bytes) -> None:
    running = start(tmp_path / "other", migrated, **{"site.url": "https://other.test"})
    app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})
    assert "https://other.test/feed/list" in app.get("/list")
    assert b"foi.test" not in app.get("/feed/list").body
    running.close()


@pytest.mark.deeper
def test_a_route_is_found_as_pyramid_would_find_it(town: Town) -> None:
    """Pyramid tries all of them, in order."""
    registry = town.app.app.registry
    ours, theirs = registry.getUtility(IRoutesMapper), RoutesMapper()
    theirs.routelist = ours.routelist
    known = {word for route in ours.routelist for word in route.pattern.split("/")}
    fixed = sorted(word for word in known if "{" not in word)
    segment = st.sampled_from([*fixed, "7", "some_title", "7.json", "a.b", "x" * 300])

    @settings(max_examples=examples(1500), deadline=None, database=None)
    @given(st.lists(segment, max_size=5), st.sampled_from(["", "/", ".json", "//"]))
    def same(segments: list[str], end: str) -> None:
        request = Request.blank("/" + quote("/".join(segments)) + end)
        found, wanted = ours(request), theirs(request)
        assert (found["route"], found["match"]) == (wanted["route"], wanted["match"])

    same()
