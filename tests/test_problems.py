"""What is asked wrongly is refused in plain words, in the shape that was asked for, and never with
a traceback.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
import webtest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from foi.pages import cursors
from tests.conftest import examples
from tests.pages.scene import Town, dump, open_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


def encoded(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).rstrip(b"=").decode()


def refused(town: Town, path: str, status: int | tuple[int, ...]) -> Any:
    """Check that an address is refused, told in JSON where JSON was asked for."""
    expected = (status,) if isinstance(status, int) else status
    answered = town.app.get(path, expect_errors=True)
    assert answered.status_int in expected, (path, answered.status, answered.text[:300])
    assert "Traceback" not in answered
    assert answered.headers["Cache-Control"] == "no-store"
    if path.partition("?")[0].endswith(".json"):
        assert set(answered.json) == {"errors"}
        assert answered.json["errors"][0]
        assert answered.headers["Access-Control-Allow-Origin"] == "*"
    elif path.startswith("/feed/"):
        assert answered.content_type == "text/plain"
        assert len(answered.text.splitlines()) > 1
    else:
        assert answered.content_type == "text/html"
        assert answered.html.h1.get_text()
    return answered


PLACES = (
    "/", "/events", "/events.json", "/feed/events", "/list", "/list.json", "/feed/list",
    "/feed/list.json", "/body/list", "/body/list.json", "/feed/body/list", "/body/{body}",
    "/body/{body}.json", "/feed/body/{body}", "/request/{request}", "/request/{request}.json",
    "/feed/request/{request}", "/user/{person}", "/feed/user/{person}.json", "/search",
    "/search.json",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
class TestUndecodable:
    @pytest.mark.parametrize("query", ["x=%FF", "%C3%28=1", "x=%ED%A0%80", "x=%C0%80"])
    def test_a_query_that_is_not_utf8(self, town: Town, place: str, query: str) -> None:
        refused(town, f"{place.format(**town.names)}?{query}", 400)

    @pytest.mark.parametrize("query", ["x=%00", "%00", "x=a%00b"])
    def test_a_query_with_nul(self, town: Town, place: str, query: str) -> None:
        refused(town, f"{place.format(**town.names)}?{query}", 400)


@pytest.mark.parametrize(
    "path",
    [
        "/%FF", "/request/%FF", "/request/%FF.json", "/body/%C3%28", "/user/%ED%A0%80.json",
        "/feed/search/%FF", "/search/%FF/all.json", "/body/list/%FF", "/request/a%00b",
        "/request/a%00b.json", "/static/%00", "/static/%FF", "/feed/list%00", "/%00",
        "/request/x/response/1/attach/1/%FF",
    ],
)  # fmt: skip
def test_a_path_that_is_not_text(town: Town, path: str) -> None:
    refused(town, path, 400)


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/nothing.json", "/request/none", "/request/none.json", "/feed/request/none",
        "/body/none", "/body/none.json", "/feed/body/none.json", "/user/none", "/user/none.json",
        "/request/" + "9" * 30, "/request/999999", "/request/0.json", "/request/-1",
        "/request/none/response/1/attach/1/a.pdf",
        "/request/{request}/response/" + "9" * 30 + "/attach/1/a.pdf",
        "/request/{request}/response/" + "9" * 18 + "/attach/" + "9" * 18 + "/a.pdf",
        "/request/{request}/response/{message}/attach/99/a.pdf",
        "/request/{anonymous}/response/{message}/attach/1/reply.pdf",
        "/list/nothing", "/feed/list/nothing", "/feed/nothing", "/list/", "/request/", "/body//x",
        "/request/a/b/c", "/body/{body}/nothing", "/static/none.css", "/.json", "/feeds.json",
        "/request/{request}.atom", "/request/{request}.json.json", "/api/v2/nothing",
        "/request/<script>", "/request/" + "x" * 10_000,
    ],
)  # fmt: skip
def test_what_is_not_there(town: Town, path: str) -> None:
    path = path.format(**town.names)
    if path.startswith("/api/"):
        assert town.app.get(path, status=404).json["errors"]
    else:
        answered = refused(town, path, 404)
        assert "<script>" not in answered


CURSORS = (
    "x", "!", "=", "%20", "W10", "bnVsbA", "MQ", "eyJhIjoxfQ", "YWJj", "-_-_", "x" * 5000,
    "%C3%A4", encoded("a"), encoded(None), encoded(True), encoded(1.5), encoded([]),
    encoded(1, 2, 3), encoded(2**63), encoded(-(2**64)), encoded(10**300),
    encoded("2026-01-01T00:00:00+00:00", "1"),
    encoded("2026-01-01T00:00:00+00:00", True), encoded("\x00", 1), encoded("\ud800", 1),
    encoded(1, "a"), "W" * 600, encoded(*range(200)),
    base64.urlsafe_b64encode(b"[" * 600).decode(),
    encoded(5) + "%0A", encoded(5) + "%01", encoded(5) + "%22%3E%3Cb%3E",
    encoded(5) + "===", "%2B" + encoded(5),
)  # fmt: skip


PAGED = (
    "/list?before=", "/list.json?before=", "/feed/list?before=", "/events?before=",
    "/feed/events.json?before=", "/body/{body}?before=", "/feed/body/{body}?before=",
    "/user/{person}.json?before=", "/feed/request/{request}?before=", "/body/list?after=",
    "/body/list.json?after=",
)  # fmt: skip


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_that_this_site_did_not_make(town: Town, cursor: str) -> None:
    for place in PAGED:
        told = refused(town, place.format(**town.names) + cursor, 400)
        assert "cursor" in told.text


@pytest.mark.parametrize(
    "moment",
    [
        "2026", "2026-01-01", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00+00:00", "now",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["/list", "/body/{body}.json", "/user/{person}"])
def test_a_cursor_of_no_moment(town: Town, place: str, moment: str) -> None:
    refused(town, f"{place.format(**town.names)}?before={encoded(moment, 1)}", 400)


def test_a_cursor_of_another_list_is_refused(town: Town) -> None:
    refused(town, f"/list?before={cursors.write(5)}", 400)
    refused(town, f"/feed/list?before={cursors.write('a', 5)}", 400)


@pytest.mark.parametrize(
    "value", ["abc", "-1", "", "1.5", "1e3", "٣", "9" * 19, "9" * 4000, "0x1", "%201", "1%0A"]
)
@pytest.mark.parametrize("name", ["since", "limit"])
def test_a_place_in_the_log_that_is_no_number(town: Town, name: str, value: str) -> None:
    other = "limit=1" if name == "since" else "since=0"
    refused(town, f"/events.json?{other}&{name}={value}", 400)
    refused(
        town,
        f"/events?since=0&{name}={value}" if name == "limit" else f"/events?since={value}",
        400,
    )


@pytest.mark.parametrize("offset", ["abc", "-1", "501", "9" * 30, "1.5", "٣"])
@pytest.mark.parametrize("place", ["/search/lamp", "/search/lamp.json", "/feed/search/lamp"])
def test_a_place_in_a_search_that_is_too_deep_or_no_number(
    town: Town, place: str, offset: str
) -> None:
    refused(town, f"{place}?offset={offset}", 400)


@pytest.mark.parametrize("query", ["", "?query=", "?query=%20"])
def test_a_feed_of_no_search(town: Town, query: str) -> None:
    refused(town, f"/feed/search{query}", 400)


def test_a_failure_is_told_in_json_to_whom_only_reads_json(town: Town) -> None:
    answered = town.app.get("/request/none", headers={"Accept": "application/json"}, status=404)
    assert answered.json["errors"]
    answered = town.app.get("/request/none", headers={"Accept": "text/html, */json"}, status=404)
    assert answered.content_type == "text/html"


def test_a_crash_says_nothing_of_its_cause(
    app: webtest.TestApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from foi.pages import members

    def crash(*_: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr(members, "with_parties", crash)
    page = app.get("/list", status=500)
    assert "the secret cause" not in page
    assert "Traceback" not in page
    assert "on our side" in page
    assert set(app.get("/list.json", status=500).json) == {"errors"}
    assert "the secret cause" in caplog.text


def test_no_key_reaches_the_log(
    app: webtest.TestApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from foi.archive.keys import Keys

    def crash(*_: object) -> None:
        raise RuntimeError("crashed")

    monkeypatch.setattr(Keys, "owner", crash)
    app.get("/api/v2/request/1.json?k=1-the-secret-key", status=500)
    headers = {"Authorization": "Bearer 1-the-secret-key"}
    app.get("/api/v2/request/1.json", headers=headers, status=500)
    app.post("/api/v2/request", {"k": "1-the-secret-key"}, status=500)
    assert "the-secret-key" not in caplog.text


SEGMENT = st.binary(max_size=12).map(quote_from_bytes) | st.sampled_from(
    ["request", "body", "user", "list", "feed", "search", "events", "api", "v2", "static", "all",
     "newest", "response", "attach", "1", "2", "recent", "successful", "..", ".", "%2e%2e", "%2F",
     "events.json", "list.json", ".json", "lamp_posts", "request_event", "%0d%0aX:y", "health"]
)  # fmt: skip
NAME = st.sampled_from(
    ["before", "after", "since", "limit", "offset", "query", "k", "x"]
) | st.text(max_size=3)
VALUE = st.binary(max_size=12).map(quote_from_bytes) | st.sampled_from(
    [encoded(5), encoded("a", 5), encoded("2026-01-01T00:00:00+00:00", 3), "0", "1", "500", "lamp",
     "a..b", '"', "(", "tag:", "01/01/2001..", "NOT", "%22a", "**"]
)  # fmt: skip


@pytest.mark.deeper
@settings(
    max_examples=examples(300),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    segments=st.lists(SEGMENT, max_size=5),
    suffix=st.sampled_from(["", ".json"]),
    pairs=st.lists(st.tuples(NAME.map(lambda n: quote_from_bytes(n.encode())), VALUE), max_size=3),
)
@example(segments=["feed", "search", "%01%0B"], suffix="", pairs=[])
@example(segments=["feed", "list"], suffix="", pairs=[("before", encoded(5) + "%01")])
@example(segments=["body", "list", "%01"], suffix="", pairs=[])
@example(segments=["feed", "body", "list", "%01%EF%BF%BF"], suffix="", pairs=[])
@example(segments=["request", "%0d%0aX:y", "feed"], suffix="", pairs=[])
@example(segments=["search", "a%2Fall%2Fnewest", "all"], suffix=".json", pairs=[])
def test_no_address_makes_it_stumble(
    town: Town, segments: list[str], suffix: str, pairs: list[tuple[str, str]]
) -> None:
    path = "/" + "/".join(segments) + suffix
    query = "&".join(f"{name}={value}" for name, value in pairs)
    address = f"{path}?{query}" if query else path
    # Servers pass on what was asked for, letter by letter, beside what they made of it.
    answered = town.app.get(address, extra_environ={"REQUEST_URI": address}, expect_errors=True)
    assert answered.status_int < 500, answered.text[:2000]
    assert "\n" not in answered.headers.get("Location", "")


def test_nothing_that_is_read_is_written(town: Town) -> None:
    with town.running.site.sessions.reading() as db:
        before = dump(db)
    for place in PLACES:
        town.app.get(place.format(**town.names))
    with town.running.site.sessions.reading() as db:
        assert dump(db) == before
