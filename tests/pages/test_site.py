"""Addresses of the site as a whole: for programs, crawlers and those who need help; and the
headers that every answer carries.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest
import webtest
from lxml import etree
from sqlalchemy import func, select

from foi.archive import casework
from foi.archive.importing import import_authorities
from foi.archive.models import Body, Event
from foi.pages import exports, help, paging
from tests.conftest import Running, add_body, add_person, add_request, start
from tests.pages.scene import Town, answer, open_town

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("secure")
    ini = {"site.url": "https://foi.example", "site.contact": "desk@foi.example.org"}
    with open_town(folder, migrated, **ini) as made:
        yield made


def parsed(answered: webtest.TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answered.body.decode("utf-8"), newline="")))


class TestAllAuthorities:
    PATH = "/body/all-authorities.csv"

    def test_it_has_alavetelis_columns_in_its_order(self, town: Town) -> None:
        answered = town.app.get(self.PATH)
        assert answered.content_type == "text/csv"
        assert answered.text.splitlines()[0] == (
            "Internal ID,Name,Short name,URL name,Tags,Home page,Publication scheme,"
            "Disclosure log,Notes,Created at,Updated at,Version"
        )

    def test_values_are_those_of_the_authority(
        self, app: webtest.TestApp, running: Running
    ) -> None:
        with running.site.sessions.writing() as db:
            body = add_body(
                db,
                '=1+1, "Fenby" & Æble',
                short_name="Fenby",
                notes="Two\nlines, one comma",
                home_page="https://fenby.example/",
                request_email="secret@fenby.example.org",
                tag_texts=["council", "gss:E1:2"],
            )
            number, created = body.id, body.created_at
        [row] = parsed(app.get(self.PATH))
        assert row == {
            "Internal ID": str(number),
            "Name": '=1+1, "Fenby" & Æble',
            "Short name": "Fenby",
            "URL name": "fenby",
            "Tags": "council gss:E1:2",
            "Home page": "https://fenby.example/",
            "Publication scheme": "",
            "Disclosure log": "",
            "Notes": "Two\nlines, one comma",
            "Created at": f"{created:%Y-%m-%d %H:%M:%S} UTC",
            "Updated at": f"{created:%Y-%m-%d %H:%M:%S} UTC",
            "Version": "1",
        }
        assert "secret@" not in app.get(self.PATH)

    def test_the_sites_own_bodies_are_left_out(
        self, app: webtest.TestApp, running: Running
    ) -> None:
        with running.site.sessions.writing() as db:
            add_body(db, "Internal", tag_texts=["site_administration"])
            add_body(db, "Fenby", tag_texts=["council"])
        assert [row["Name"] for row in parsed(app.get(self.PATH))] == ["Fenby"]

    def test_it_can_be_brought_back_and_changes_nothing(
        self, app: webtest.TestApp, running: Running, tmp_path: Path
    ) -> None:
        with running.site.sessions.writing() as db:
            for number in range(30):
                add_body(
                    db,
                    f"Authority {number}, of =Æ",
                    short_name=f"A{number}",
                    notes='Lines\nand "quotes"',
                    home_page="https://a.example/?a=b&c",
                    request_email="foi@a.example.org",
                    jurisdiction="IE",
                    tag_texts=["b", "a:1", "a:2:3"],
                )
        table = tmp_path / "all-authorities.csv"
        table.write_bytes(app.get(self.PATH).body)
        with running.site.sessions.reading() as db:
            before = db.scalar(select(func.max(Event.id)))
        report = import_authorities(running.site, table, lambda *_: None)
        assert (report.unchanged, report.refused) == (30, [])
        with running.site.sessions.reading() as db:
            assert db.scalar(select(func.max(Event.id))) == before
            assert set(db.scalars(select(Body.request_email))) == {"foi@a.example.org"}

    def test_every_authority_is_in_it_once_however_many_there_are(
        self, app: webtest.TestApp, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(paging, "BATCH", 7)
        with running.site.sessions.writing() as db:
            for number in range(21):
                add_body(db, f"Authority {number}")
        names = [row["Name"] for row in parsed(app.get(self.PATH))]
        assert names == [f"Authority {number}" for number in range(21)]

    def test_it_is_not_sent_twice(self, app: webtest.TestApp, running: Running) -> None:
        first = app.get(self.PATH)
        since = {"If-Modified-Since": first.headers["Last-Modified"]}
        app.get(self.PATH, headers={"If-None-Match": first.headers["ETag"]}, status=304)
        app.get(self.PATH, headers=since, status=304)
        assert app.head(self.PATH).headers["ETag"] == first.headers["ETag"]
        with running.site.sessions.writing() as db:
            add_body(db, "One more")
        again = app.get(self.PATH, headers={"If-None-Match": first.headers["ETag"]})
        assert "One more" in again


class TestVersion:
    def test_it_counts_what_is_public(self, app: webtest.TestApp, running: Running) -> None:
        with running.site.sessions.writing() as db:
            body, person = add_body(db), add_person(db)
            request = add_request(db, body, "Lamp posts", person=person)
            casework.classify(db, request, "desk", "successful", message=answer(db, request))
            casework.annotate(db, request, person, "A note.")
            casework.correspond(
                db, request, "desk", direction="request", text="Thanks.", purpose="followup"
            )
            hidden = add_request(db, body, "Hidden", person=person)
            casework.hide(db, hidden, "desk")
        told = app.get("/version.json").json
        assert told.pop("version")
        assert told == {
            "software": "foi-tracker",
            "write_api_version": 2,
            "visible_public_body_count": 1,
            "visible_request_count": 1,
            "private_request_count": 1,
            "confirmed_user_count": 1,
            "visible_comment_count": 1,
            "visible_followup_message_count": 1,
            "request_classification_count": 1,
        }

    def test_it_follows_what_happens(self, app: webtest.TestApp, running: Running) -> None:
        first = app.get("/version.json")
        etag = {"If-None-Match": first.headers["ETag"]}
        app.get("/version.json", headers=etag, status=304)
        with running.site.sessions.writing() as db:
            add_request(db)
        assert app.get("/version.json", headers=etag).json["visible_request_count"] == 1


class TestCrawlers:
    def test_robots_name_the_sitemap_and_what_has_no_end(self, town: Town) -> None:
        answered = town.app.get("/robots.txt")
        assert answered.content_type == "text/plain"
        lines = answered.text.splitlines()
        assert "Sitemap: http://foi.test/sitemap.xml" in lines
        assert "Disallow: /search" in lines
        assert "Disallow: /*?*before=" in lines
        assert "Disallow: /" not in lines

    def test_the_sitemaps_name_every_listed_request_and_authority(self, town: Town) -> None:
        index = etree.fromstring(town.app.get("/sitemap.xml").body)
        places = [loc.text for loc in index.iter(f"{SITEMAP}loc")]
        urls = {}
        for place in places:
            answered = town.app.get(place.removeprefix("http://foi.test"))
            assert answered.content_type == "application/xml"
            for url in etree.fromstring(answered.body).iter(f"{SITEMAP}url"):
                urls[url.findtext(f"{SITEMAP}loc")] = url.findtext(f"{SITEMAP}lastmod")
        names = town.names
        for path in (
            "/", "/list", "/help/about", f"/request/{names['request']}", f"/body/{names['body']}",
        ):  # fmt: skip
            assert f"http://foi.test{path}" in urls
            assert town.app.get(path).status_int == 200
        assert urls[f"http://foi.test/request/{names['request']}"].endswith("Z")
        assert not [u for u in urls if names["hidden"] in u or names["backpage"] in u]
        assert not [u for u in urls if "/user/" in u]

    def test_a_sitemap_holds_a_range_of_ids_and_empty_ones_are_not_named(
        self, app: webtest.TestApp, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exports, "SITEMAP_LENGTH", 4)
        with running.site.sessions.writing() as db:
            body = add_body(db)
            made = [add_request(db, body, f"Matter {letter}") for letter in "abcdefghij"]
            for request in made[3:7]:  # numbers 4 to 7: the whole of the second sitemap
                casework.hide(db, request, "desk")
        index = app.get("/sitemap.xml").text
        assert [f"requests-{n}.xml" in index for n in range(4)] == [True, False, True, False]
        first = etree.fromstring(app.get("/sitemap/requests-0.xml").body)
        assert len(list(first.iter(f"{SITEMAP}url"))) == 3
        app.get("/sitemap/requests-3.xml", status=404)
        app.get("/sitemap/pages-1.xml", status=404)
        app.get("/sitemap/people-0.xml", status=404)

    def test_a_change_is_seen_in_the_sitemap(self, app: webtest.TestApp, running: Running) -> None:
        with running.site.sessions.writing() as db:
            request = add_request(db)
        first = app.get("/sitemap/requests-0.xml")
        etag = {"If-None-Match": first.headers["ETag"]}
        app.get("/sitemap/requests-0.xml", headers=etag, status=304)
        with running.site.sessions.writing() as db:
            casework.hide(db, db.merge(request), "desk")
        assert request.url_title not in app.get("/sitemap/requests-0.xml", headers=etag)


def test_the_search_describes_itself_to_browsers(town: Town) -> None:
    link = town.app.get("/").html.select_one('head link[rel="search"]')
    assert link["type"] == "application/opensearchdescription+xml"
    answered = town.app.get(link["href"])
    assert answered.content_type == link["type"]
    space = "{http://a9.com/-/spec/opensearch/1.1/}"
    root = etree.fromstring(answered.body)
    assert len(root.findtext(f"{space}ShortName")) <= 16
    urls = {u.get("type"): u.get("template") for u in root.iter(f"{space}Url")}
    assert urls["text/html"] == "http://foi.test/search?query={searchTerms}"
    for kind in ("text/html", "application/json", "application/atom+xml"):
        path = urls[kind].removeprefix("http://foi.test").replace("{searchTerms}", "lamp+posts")
        found = town.app.get(path)
        found = found.follow() if found.status_int == 302 else found
        assert "Lamp posts" in found


class TestSecurityTxt:
    PATH = "/.well-known/security.txt"

    def test_it_names_the_contact(self, secure: Town) -> None:
        text = secure.app.get(self.PATH).text
        assert "Contact: mailto:desk@foi.example.org\n" in text
        assert "Canonical: https://foi.example/.well-known/security.txt\n" in text
        assert "\nExpires: 2" in text

    def test_without_a_contact_there_is_none(self, town: Town) -> None:
        town.app.get(self.PATH, status=404)


class TestHelp:
    @pytest.mark.parametrize("name", help.TITLES)
    def test_every_page_is_flawless_and_leads_to_the_others(self, town: Town, name: str) -> None:
        answered = town.app.get(f"/help/{name}")
        html5lib.HTMLParser(strict=True).parse(answered.body, transport_encoding="utf-8")
        assert answered.html.h1.get_text() == help.TITLES[name]
        hrefs = {a["href"] for a in answered.html.select("footer nav a")}
        assert hrefs == {f"/help/{other}" for other in help.TITLES}
        assert not answered.html.select('link[rel="alternate"]')
        town.app.get(f"/help/{name}.json", status=404)

    def test_the_time_limits_are_those_the_deadlines_are_made_of(self, town: Town) -> None:
        page = town.app.get("/help/requesting")
        cells = [" ".join(row.get_text(" ").split()) for row in page.html.select("tbody tr")]
        assert len(cells) == 3
        assert all("20 working days 40 working days" in row for row in cells)
        assert "unless an authority has another" in cells[0]

    @pytest.mark.parametrize("name", ["contact", "takedown", "officers"])
    def test_the_contact_is_told_where_there_is_one(
        self, town: Town, secure: Town, name: str
    ) -> None:
        assert "mailto:desk@foi.example.org" in secure.app.get(f"/help/{name}")
        assert "mailto:" not in town.app.get(f"/help/{name}")
        assert "have not yet said" in town.app.get("/help/contact")

    def test_a_page_as_contact_is_a_link(self, tmp_path: Path, migrated: bytes) -> None:
        made = start(tmp_path / "x", migrated, **{"site.contact": "https://foi.example/desk"})
        app = webtest.TestApp(made.app)
        assert app.get("/help/contact").html.select('a[href="https://foi.example/desk"]')
        made.close()

    def test_examples_bear_the_sites_own_address(self, secure: Town) -> None:
        page = secure.app.get("/help/api")
        lines = [line for line in page.html.get_text().splitlines() if "curl " in line]
        assert len(lines) > 8
        assert all("https://foi.example/" in line for line in lines)

    def test_examples_that_name_nothing_work_as_they_are(self, town: Town) -> None:
        text = town.app.get("/help/api").html.get_text()
        words = [w.strip("'") for w in text.split() if w.strip("'").startswith("http://foi.test")]
        for word in words:
            if "NAME" not in word:
                town.app.get(word.removeprefix("http://foi.test"))

    def test_without_feeds_none_is_told_of(self, tmp_path: Path, migrated: bytes) -> None:
        made = start(tmp_path / "bare", migrated, **{"foi.extensions": ""})
        assert "/feed" not in webtest.TestApp(made.app).get("/help/api")
        made.close()


ANSWERS = (
    "/", "/list", "/list.json", "/feed/list", "/nothing", "/nothing.json", "/feed/nothing",
    "/list/all", "/cy/list", "/static/style.css", "/static/none.css", "/body/all-authorities.csv",
    "/sitemap.xml", "/version.json", "/robots.txt", "/request/{hidden}", "/search?query=a",
    "/api/v2/request/1.json", "/api/nothing", "/health", "/%FF", "/list?before=x",
    "/request/{request}/response/{message}/attach/1/reply.pdf",
)  # fmt: skip


class TestHeaders:
    @pytest.mark.parametrize("path", ANSWERS)
    def test_every_answer_is_protected(self, secure: Town, path: str) -> None:
        answered = secure.app.get(path.format(**secure.names), expect_errors=True)
        headers = answered.headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "script" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert len(headers.getall("Content-Security-Policy")) == 1
        assert "Set-Cookie" not in headers

    def test_without_tls_browsers_are_not_told_to_insist_on_it(self, town: Town) -> None:
        assert "Strict-Transport-Security" not in town.app.get("/").headers

    def test_an_unchanged_page_is_protected_too(self, secure: Town) -> None:
        etag = secure.app.get("/list").headers["ETag"]
        again = secure.app.get("/list", headers={"If-None-Match": etag}, status=304)
        assert "Content-Security-Policy" in again.headers

    @pytest.mark.parametrize("path", ANSWERS)
    def test_what_is_made_for_machines_is_open_and_nothing_else(
        self, town: Town, path: str
    ) -> None:
        answered = town.app.get(path.format(**town.names), expect_errors=True)
        page = answered.content_type == "text/html" and answered.status_int not in (301, 302)
        opened = answered.headers.get("Access-Control-Allow-Origin")
        assert opened == (None if page or path.startswith("/api/") else "*")
        assert "Access-Control-Allow-Credentials" not in answered.headers

    @pytest.mark.parametrize("path", ["/list", "/list.json", "/feed/list", "/version.json"])
    def test_a_browser_may_ask_first_whether_it_may_read(self, town: Town, path: str) -> None:
        asked = {"Origin": "https://other.test", "Access-Control-Request-Method": "GET"}
        answered = town.app.options(path, headers=asked, status=204)
        assert answered.body == b""
        assert answered.headers["Access-Control-Allow-Origin"] == "*"
        assert answered.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
        assert "Content-Security-Policy" in answered.headers

    @pytest.mark.parametrize("path", ["/api/v2/request", "/api/v2/request/1.json"])
    def test_the_write_api_is_not_open_to_scripts_of_other_sites(
        self, town: Town, path: str
    ) -> None:
        answered = town.app.options(path, headers={"Origin": "https://other.test"}, status=405)
        assert not [name for name in answered.headers if name.startswith("Access-Control")]
        answered = town.app.post(path, {}, status=403)
        assert not [name for name in answered.headers if name.startswith("Access-Control")]


class TestProblems:
    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/nothing", "text/html"),
            ("/nothing.json", "application/json"),
            ("/feed/request/none", "text/plain"),
            ("/feed/request/none.json", "application/json"),
            ("/feed/request/none.jsonfeed", "application/json"),
            ("/body/none.csv", "text/plain"),
            ("/sitemap/requests-99.xml", "text/plain"),
        ],
    )
    def test_a_failure_is_told_in_the_shape_that_was_asked_for(
        self, town: Town, path: str, kind: str
    ) -> None:
        answered = town.app.get(path, status=404)
        assert answered.content_type == kind
        if kind == "text/plain":
            assert answered.text.startswith("There is nothing here.\n")
            assert "<" not in answered.text

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("/request/lamp_posts_in_mill_lane", "lamp posts in mill lane"),
            ("/body/caf%C3%A9-society/", "café society"),
            ("/a/%22%3E%3Cscript%3E", "script"),
            ("/nothing/" + "x" * 5000, "x" * 100),
        ],
    )
    def test_a_page_that_is_not_there_offers_to_search_for_its_words(
        self, town: Town, path: str, words: str
    ) -> None:
        page = town.app.get(path, status=404)
        [field] = page.html.select('input[name="query"]')
        assert field["value"] == words
        assert page.html.select_one('label[for="search-words"]')


def test_an_address_from_outside_is_a_link_only_if_it_is_one_of_the_web(
    web: webtest.TestApp, running: Running, town: Town
) -> None:
    page = town.app.get(f"/request/{town.names['anonymous']}")
    assert not [a for a in page.html.select("a") if "script:" in a["href"]]
    with running.site.sessions.writing() as db:
        add_request(db, title="Elsewhere", external_url="https://council.example/foi/4?a=b&c")
    other = webtest.TestApp(running.app).get("/request/elsewhere")
    [link] = other.html.select('a[href^="https://council.example"]')
    assert link["href"] == "https://council.example/foi/4?a=b&c"
    assert "nofollow" in link["rel"]
