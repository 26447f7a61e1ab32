"""What holds for every page of the desk: who sees it, what forms need, who keeps it."""

import re

import html5lib
import pytest
import webtest
from pyramid.request import Request
from sqlalchemy import func, select

from foi.accounts import sessions
from foi.archive.models import Event
from foi.desk import frame
from foi.site import Site
from tests.accounts.people import browser, csrf_of, sign_in
from tests.conftest import Running
from tests.pages.scene import furnish

PAGES = (
    "/desk",
    "/desk/queue",
    "/desk/bodies",
    "/desk/bodies?q=fenby&tag=council",
    "/desk/bodies/new",
    "/desk/bodies/import",
    "/desk/tags",
    "/desk/body/1",
    "/desk/body/1/versions",
    "/desk/use",
    "/desk/requests",
    "/desk/requests?q=lamp&state=partially_successful&prominence=normal",
    "/desk/request/1",
    "/desk/request/3",
    "/desk/audit",
    "/desk/audit?actor=account:1&kind=sign_in",
    "/desk/account",
)


def every_address(running: Running) -> list[tuple[str, str]]:
    """Every address of the desk, with a number in place of placeholders, and its methods."""
    found = []
    for route in running.config.get_routes_mapper().get_routes():
        if route.pattern.startswith("/desk"):
            path = re.sub(r"\{id:.*?\}(?=/|$)", "1", route.pattern)
            path = re.sub(r"\{\w+:([^|}]+)[^}]*\}", r"\1", path)
            methods = running.config.registry["foi.methods"][route.name]
            found += [(path, method) for method in methods if method != "HEAD"]
    assert len(found) > 25
    return sorted(found)


def newest(site: Site) -> int:
    """The number of the newest event."""
    with site.sessions.reading() as db:
        return db.scalar(select(func.max(Event.id))) or 0


@pytest.fixture
def furnished(desk: webtest.TestApp, site: Site) -> webtest.TestApp:
    """A desk with something of everything, evil text wherever text can be."""
    with site.sessions.writing() as db:
        furnish(site, db)
    return desk


def test_every_page_is_flawless_private_and_harmless(
    furnished: webtest.TestApp, site: Site
) -> None:
    before = newest(site)
    for path in PAGES:
        look_at(furnished, path)
    assert newest(site) == before, "reading changes nothing"


def look_at(furnished: webtest.TestApp, path: str) -> None:
    page = furnished.get(path)
    html5lib.HTMLParser(strict=True).parse(page.body, transport_encoding="utf-8")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert "ETag" not in page.headers
    assert "Access-Control-Allow-Origin" not in page.headers
    assert "<script" not in page
    assert "javascript:" not in "".join(a.get("href", "") for a in page.html.select("a"))
    assert page.html.find("meta", {"name": "robots"})["content"] == "noindex"
    assert not page.html.select('link[rel="alternate"]')
    assert len(page.html.select("h1")) == 1
    fields = page.html.select("input:not([type=hidden]), select, textarea")
    for field in fields:
        label = page.html.find("label", {"for": field.get("id")})
        assert label or field.get("aria-label"), field
    ids = [each["id"] for each in page.html.select("[id]")]
    assert len(ids) == len(set(ids))
    furnished.head(path)


SECTIONS = (
    ("/desk", "Desk", "page"),
    ("/desk/queue", "Waiting", "page"),
    ("/desk/bodies?q=fenby", "Authorities", "page"),
    ("/desk/bodies/import", "Authorities", "true"),
    ("/desk/body/1/versions", "Authorities", "true"),
    ("/desk/tags", "Authorities", "true"),
    ("/desk/request/1", "Requests", "true"),
    ("/desk/requests/log", "Requests", "true"),
    ("/desk/webhooks", "Webhooks", "page"),
    ("/desk/account", "Account", "page"),
)


def test_the_menu_marks_the_section_that_a_page_is_in(furnished: webtest.TestApp) -> None:
    for path, words, mark in SECTIONS:
        marked = furnished.get(path).html.select(".desk-bar [aria-current]")
        assert [(a.text, a["aria-current"]) for a in marked] == [(words, mark)], path


def test_every_page_of_the_desk_is_in_a_section(running: Running) -> None:
    for path, _ in every_address(running):
        asked = Request.blank(path)
        asked.registry = running.config.registry
        assert [1 for _, _, current in frame._menu(asked) if current] == [1], path


def test_whoever_is_not_signed_in_is_led_to_sign_in(
    running: Running, app: webtest.TestApp
) -> None:
    for path, method in every_address(running):
        answer = app.request(path, method=method, status=302)
        assert answer.location.startswith("/sign-in?next=/desk"), path
        assert b"Desk" not in answer.body


def test_no_form_is_taken_without_its_token(
    running: Running, furnished: webtest.TestApp, site: Site
) -> None:
    page = furnished.get("/desk")
    mine = csrf_of(page)
    other = browser(furnished)
    sign_in(other)
    theirs = csrf_of(other.get("/desk"))
    assert mine != theirs
    before = newest(site)
    for path, method in every_address(running):
        if method == "POST":
            for form in (
                {},
                {"csrf": ""},
                {"csrf": theirs},
                {"csrf": mine.upper()},
                {"csrf": "é"},
            ):
                answer = furnished.post(path, form, status=403)
                assert "not of your present session" in answer, path
    furnished.post_json("/desk/queue/retry", {"csrf": mine}, status=403)
    furnished.post("/sign-out", {}, status=403)
    assert newest(site) == before
    furnished.post("/desk/queue/retry", {"csrf": mine}, status=303)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}]
)
def test_no_form_is_taken_from_another_site(
    furnished: webtest.TestApp, headers: dict[str, str]
) -> None:
    form = {"csrf": csrf_of(furnished.get("/desk"))}
    answer = furnished.post("/desk/body/1/key/show", form, headers=headers, status=403)
    assert "from another site" in answer


@pytest.mark.parametrize("path", ["/desk/body/99", "/desk/request/99", "/desk/body/" + "9" * 18])
def test_what_is_not_there_is_not_found(furnished: webtest.TestApp, path: str) -> None:
    assert furnished.get(path, status=404).headers["Cache-Control"] == "no-store"


def test_other_methods_and_odd_forms_are_refused(
    furnished: webtest.TestApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert furnished.get("/desk/queue/retry", status=405).headers["Allow"] == "POST"
    assert furnished.put("/desk/body/1", status=405).headers["Allow"] == "GET, POST, HEAD"
    csrf = csrf_of(furnished.get("/desk"))
    furnished.post("/desk/body/1", "csrf=%FF", status=400)
    monkeypatch.setattr(frame, "LARGEST_FORM", 500)
    furnished.post("/desk/bodies/new", {"csrf": csrf, "name": "x" * 501}, status=413)


def test_the_public_pages_are_the_same_signed_in_or_not(furnished: webtest.TestApp) -> None:
    stranger = browser(furnished)
    for path in ("/", "/list", "/body/list", "/events", "/events.json", "/feed/list"):
        mine, theirs = furnished.get(path), stranger.get(path)
        assert mine.body == theirs.body
        assert mine.headers["ETag"] == theirs.headers["ETag"]
        assert "Set-Cookie" not in mine.headers
        assert furnished.cookies[sessions.COOKIE] not in mine


def test_the_public_never_sees_the_desks_events(furnished: webtest.TestApp, site: Site) -> None:
    csrf = csrf_of(furnished.get("/desk"))
    furnished.post("/desk/body/1/key/show", {"csrf": csrf})
    furnished.post("/desk/request/1/state", {"csrf": csrf, "state": "rejected"}, status=303)
    stranger = browser(furnished)
    for path in (
        "/events",
        "/events.json?since=0",
        "/feed/events",
        "/feed/events.json",
        "/request/lamp_posts_scriptalertxscript_q/details",
        "/request/1",
        "/body/list.json",
    ):
        page = stranger.get(path, status="*")
        for word in (
            "key_shown",
            "desk_act",
            "sign_in",
            "account_edit",
            "account:",
            "desk.example",
        ):
            assert word not in page.text.lower(), (path, word)
    told = [event["event_type"] for event in stranger.get("/events.json?since=0").json["events"]]
    assert "status_update" in told
