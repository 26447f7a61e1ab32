"""Other names of addresses: each leads to its page, keeps suffix and query, and never leaves the
site.
"""

from collections.abc import Iterator
from urllib.parse import quote_from_bytes, urlsplit

import pytest
import webtest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from foi.archive import casework
from tests.conftest import add_body, add_request, examples
from tests.pages.scene import Town, open_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


KNOWN = [
    ("/list/all", "/list"),
    ("/list/all.json", "/list.json"),
    ("/list/all.csv", "/list.csv"),
    ("/list/recent", "/list"),
    ("/feed", "/feed/list"),
    ("/feed.json", "/feed/list.json"),
    ("/feed/list/all", "/feed/list"),
    ("/feed/list/all.json", "/feed/list.json"),
    ("/feed/list/lamps/recent.jsonfeed", "/feed/list/lamps.jsonfeed"),
    ("/feed/body/list/all", "/feed/body/list"),
    ("/feed/body/fenby/all.json", "/feed/body/fenby.json"),
    ("/request/lamp_posts/feed", "/feed/request/lamp_posts"),
    ("/request/lamp_posts/feed.json", "/feed/request/lamp_posts.json"),
    ("/request/12/feed.json", "/feed/request/12.json"),
    ("/body", "/body/list"),
    ("/body.json", "/body/list.json"),
    ("/body/list/all", "/body/list"),
    ("/body/list/all.json", "/body/list.json"),
    ("/body/fenby/all", "/body/fenby"),
    ("/body/fenby/all.json", "/body/fenby.json"),
    ("/body/fenby/all.csv", "/body/fenby.csv"),
    ("/list/lamps/all", "/list/lamps"),
    ("/list/a:b/recent.json", "/list/a%3Ab.json"),
    ("/local/council", "/body/list/council"),
    ("/local/gss:E1/2", "/body/list/gss%3AE1/2"),
    ("/request/lamp_posts/new", "/request/lamp_posts"),
    ("/details/request/lamp_posts", "/request/lamp_posts/details"),
    ("/details/request/lamp_posts.json", "/request/lamp_posts/details.json"),
    ("/similar/request/lamp_posts", "/request/lamp_posts/similar"),
    ("/upload/request/lamp_posts", "/request/lamp_posts/upload"),
    ("/annotate/request/lamp_posts", "/request/lamp_posts/annotate"),
    ("/track/request/lamp_posts", "/request/lamp_posts/track"),
    ("/categorise/request/lamp_posts", "/request/lamp_posts/categorise"),
    ("/cy", "/"),
    ("/cy/", "/"),
    ("/cy/list/successful", "/list/successful"),
    ("/cy/request/lamp_posts.json", "/request/lamp_posts.json"),
]
NEAREST = [
    ("/request/lamp_posts/track", "/request/lamp_posts"),
    ("/request/lamp_posts/annotate", "/request/lamp_posts"),
    ("/request/lamp_posts/categorise", "/request/lamp_posts"),
    ("/request/lamp_posts/classifications", "/request/lamp_posts"),
    ("/request/lamp_posts/widget", "/request/lamp_posts"),
    ("/request/lamp_posts/widget/new", "/request/lamp_posts"),
    ("/request/lamp_posts/followups/new", "/request/lamp_posts"),
    ("/request/lamp_posts/followups/new/12", "/request/lamp_posts"),
    ("/request/lamp_posts/citations/new", "/request/lamp_posts"),
    ("/request/lamp_posts/public_tokens", "/request/lamp_posts"),
    ("/request/lamp_posts/upload", "/help/officers"),
    ("/request/lamp_posts/report/new", "/help/takedown"),
    ("/track/list", "/list"),
    ("/track/list/successful", "/list/successful"),
    ("/track/body/fenby", "/body/fenby"),
    ("/track/user/ada_fenn", "/user/ada_fenn"),
    ("/track/search/lamp/all", "/search/lamp/all"),
    ("/browse", "/list"),
    ("/search/all", "/search"),
    ("/search/lamp%20posts/advanced", "/search/lamp%20posts"),
    ("/new", "/help/requesting"),
    ("/new/fenby", "/help/requesting"),
    ("/select_authority", "/help/requesting"),
    ("/help", "/help/about"),
    ("/help/unhappy", "/help/requesting"),
    ("/help/credits", "/help/about"),
    ("/help/house_rules", "/help/takedown"),
    ("/favicon.ico", "/static/favicon.svg"),
    ("/apple-touch-icon.png", "/static/favicon.svg"),
]


@pytest.mark.parametrize("query", ["", "?a=b&c=%C3%A4", "?x=http://evil.test/"])
@pytest.mark.parametrize(("asked", "target"), KNOWN)
def test_another_spelling_leads_there_for_good(
    web: webtest.TestApp, asked: str, target: str, query: str
) -> None:
    moved = web.get(asked + query, status=301)
    assert moved.location == f"http://foi.test{target}{query}"
    assert moved.headers["Access-Control-Allow-Origin"] == "*"
    assert moved.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in moved.headers


@pytest.mark.parametrize(("asked", "target"), NEAREST)
def test_what_is_not_here_leads_to_what_helps_for_now(
    web: webtest.TestApp, asked: str, target: str
) -> None:
    moved = web.get(asked + "?internal_review=1", status=302)
    assert moved.location == f"http://foi.test{target}?internal_review=1"


@pytest.mark.parametrize(
    "rest",
    ["", ".json", "/details", "/details.json", "/response/{message}/attach/1/reply.pdf"],
)
def test_a_number_leads_to_the_name_with_what_follows(town: Town, rest: str) -> None:
    name = town.names["request"]
    number = town.app.get(f"/request/{name}.json").json["id"]
    rest = rest.format(**town.names)
    moved = town.app.get(f"/request/{number}{rest}?a=b", status=301)
    assert moved.location.startswith(f"http://foi.test/request/{name}{rest}")
    assert town.app.get(f"/request/{number}{rest}").status_int == 301
    assert moved.follow().status_int == 200


@pytest.mark.parametrize("part", ["followups/new", "report/new", "widget", "widget/new"])
def test_a_number_with_what_is_not_here_still_arrives(town: Town, part: str) -> None:
    number = town.app.get(f"/request/{town.names['request']}.json").json["id"]
    answered = town.app.get(f"/request/{number}/{part}")
    while answered.status_int in (301, 302):
        answered = answered.follow()
    assert answered.status_int == 200


def test_the_old_form_of_a_former_name_arrives_too(web: webtest.TestApp, db: Session) -> None:
    request = add_request(db, add_body(db), "Old title")
    casework.edit_request(db, request, "desk", title="New title")
    db.flush()
    first = web.get("/details/request/old_title.json?a=b", status=301)
    second = web.get(first.location.removeprefix("http://foi.test"), status=301)
    assert second.location == "http://foi.test/request/new_title/details.json?a=b"


@pytest.mark.parametrize("path", ["/r/abc", "/track/feed/1", "/track/nothing", "/xyz/list", "/X1"])
def test_what_nothing_is_like_is_a_404(web: webtest.TestApp, path: str) -> None:
    web.get(path, status=404)


EVIL = (
    "//evil.test", "/%2f%2fevil.test", "/\\evil.test", "/%5c%5cevil.test", "/http://evil.test",
    "/%0d%0aLocation:%20http://evil.test", "/.evil.test", "/@evil.test", "/%09//evil.test",
    "/..//evil.test", "/%2e%2e/%2fevil.test", "/?//evil.test", "/#@evil.test", "/:80@evil.test",
)  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    "before",
    [
        "",
        "/de",
        "/track/search",
        "/local",
        "/new",
        "/feed",
        "/body",
        "/search",
        "/details/request",
    ],
)
def test_nothing_leads_off_the_site(web: webtest.TestApp, before: str, evil: str) -> None:
    answered = web.get(before + evil, expect_errors=True)
    assert answered.status_int < 500
    if "Location" in answered.headers:
        assert_ours(answered.headers["Location"])


def assert_ours(location: str) -> None:
    assert location.isprintable()
    parts = urlsplit(location)
    assert (parts.scheme, parts.netloc) == ("http", "foi.test")
    assert "\\" not in parts.path


PIECE = st.binary(max_size=8).map(quote_from_bytes) | st.sampled_from(
    ["", "evil.test", "http:", "%5c", "%2f", "%0d%0a", "de", "track", "search", "list", "local",
     "body", "all", "request", "details", "user", "wall", "new", "help", "advanced", "%00", "@"]
)  # fmt: skip


@pytest.mark.deeper
@settings(
    max_examples=examples(200),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(pieces=st.lists(PIECE, max_size=6))
def test_no_address_leads_off_the_site(town: Town, pieces: list[str]) -> None:
    answered = town.app.get("/" + "/".join(pieces), expect_errors=True)
    assert answered.status_int < 500
    if "Location" in answered.headers:
        assert_ours(answered.headers["Location"])
