"""Everything that can be reached on a site, followed to exhaustion: no address fails, no page or
feed is unsound, no link leads to a place that is not there.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import webtest
from sqlalchemy import select

from benchmarks.crawl import SEEDS, Answer, Crawl, sound_feed
from foi.archive import reading
from foi.archive.models import Attachment, Body, InfoRequest, Message
from foi.pages import links
from tests.conftest import Running, start
from tests.feeds.validity import complaints

pytestmark = pytest.mark.thorough

BASE = "http://foi.test"
TWINS = re.compile(
    r"/request_event/|/feed/.*\.json|.*\.csv$|(/feed)?/(body|user)/[^/]+/"
    r"|(/feed)?/request/[^/]+/(details|similar|download)|/list/.*\.json|/body/list/"
)
"""What there are hundreds of, each made as its neighbours are: some of them stand for all."""


def fetching(running: Running) -> Callable[[str], Answer]:
    """Give what fetches from an application."""
    app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"}, lint=False)

    def fetch(address: str) -> Answer:
        answered = app.get(address, expect_errors=True, extra_environ={"REQUEST_URI": address})
        headers = {name.lower(): value for name, value in answered.headers.items()}
        return Answer(answered.status_int, headers, answered.body)

    return fetch


def check_feed(body: bytes, url: str) -> list[str]:
    """Judge lists of everything by every rule there is, which takes long; the many feeds of one
    thing as a feed reader would.
    """
    if url.count("/") > 4 or "query=" in url:
        return sound_feed(body, url)
    return complaints(body, url)


@dataclass
class Crawled:
    running: Running
    crawl: Crawl


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, demo_folder: Path, migrated: bytes
) -> Iterator[Crawled]:
    folder = shutil.copytree(demo_folder, tmp_path_factory.mktemp("crawled") / "site")
    running = start(folder, migrated, **{"site.contact": "desk@foi.example.org"})
    # Pages are read by the slow, strict parser when there is something new in them.
    crawl = Crawl(
        fetching(running), BASE, each=2, every_page=False, sampled=TWINS, check_feed=check_feed
    )
    crawl.run(*SEEDS, "/.well-known/security.txt", "/body/all-authorities.csv")
    yield Crawled(running, crawl)
    running.close()


def test_nothing_on_the_site_is_amiss(demo: Crawled) -> None:
    assert demo.crawl.faults == []
    assert len(demo.crawl.pages) > 30


def test_everything_public_is_reached(demo: Crawled) -> None:
    with demo.running.site.sessions.reading() as db:
        listed = list(
            db.scalars(select(InfoRequest.url_title).where(reading.listed()).order_by("id"))
        )
        files = db.execute(
            select(
                InfoRequest.url_title, Attachment.message_id, Attachment.number, Attachment.name
            )
            .join(Message, Message.id == Attachment.message_id)
            .join(InfoRequest, InfoRequest.id == Message.request_id)
            .where(
                reading.listed(),
                Message.prominence == "normal",
                Message.erased_at.is_(None),
                Attachment.prominence == "normal",
                Attachment.erased_at.is_(None),
                Attachment.sha256.is_not(None),
            )
        ).all()
        bodies = list(db.scalars(select(Body.url_name)))
    assert len(listed) > 40
    assert len(files) > 5
    for path in map(links.request_path, listed):
        assert {path, f"{path}.json", f"/feed{path}"} <= set(demo.crawl.seen)
    for path in map(links.body_path, bodies):
        assert {path, f"{path}.json", f"/feed{path}"} <= set(demo.crawl.seen)
    for row in files:
        assert links.attachment_path(*row) in demo.crawl.seen


def test_nothing_hidden_is_led_to(demo: Crawled) -> None:
    with demo.running.site.sessions.reading() as db:
        hidden = list(
            db.scalars(
                select(InfoRequest.url_title).where(
                    InfoRequest.prominence.not_in(reading.READABLE)
                )
            )
        )
    assert hidden
    for slug in hidden:
        assert not [a for a in demo.crawl.seen if links.request_path(slug) in a.split("?")[0]]


def _checker() -> list[str]:
    """Give the command of the Nu Html Checker: `VNU` names its jar, else `vnu` is on the path."""
    if jar := os.environ.get("VNU"):
        return ["java", "-jar", jar]
    if command := shutil.which("vnu"):
        return [command]
    if "vnu" in os.environ.get("FOI_REQUIRE", "").split():
        pytest.fail("no Nu Html Checker: name its jar in VNU")
    pytest.skip("no Nu Html Checker: name its jar in VNU, or put vnu on the path")


def test_the_nu_html_checker_finds_nothing(demo: Crawled, tmp_path: Path) -> None:
    command = _checker()
    names = {}
    for number, (address, body) in enumerate(demo.crawl.pages.items()):
        names[f"{number}.html"] = address
        (tmp_path / f"{number}.html").write_bytes(body)
    done = subprocess.run(
        [*command, "--format", "json", "--stdout", "--exit-zero-always", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    said = [
        f"{names[message['url'].rpartition('/')[2]]}: {message['message']}"
        for message in json.loads(done.stdout)["messages"]
        if message["type"] != "info" or message.get("subType") == "warning"
    ]
    assert said == []


PAGE = (
    '<!doctype html><html lang="en"><head><title>A</title></head><body><main><h1>A</h1>{}</main>'
    "</body></html>"
)
FEED = (
    '<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><id>tag:a,2020:1</id>'
    "<updated>2020-01-01T00:00:00Z</updated>{}</feed>"
)


def site(**answers: tuple[int, str, str]) -> Callable[[str], Answer]:
    """Give a site of a few answers: status, type and body by the address without its slash."""

    def fetch(address: str) -> Answer:
        status, kind, body = answers.get(address[1:], (404, "text/plain", ""))
        name = "location" if 300 <= status < 400 else "content-type"
        return Answer(status, {"content-type": "text/html", name: kind}, body.encode())

    return fetch


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('<a href="/none">x</a>', "/none: answers 404, linked from /"),
        ('<a href="/away">x</a>', "/away: leads off the site: http://evil.test/"),
        ('<a href="#none">x</a>', "/: leads to a place that is not there: /#none"),
        ('<a href="/b#c">x</a>', "/: leads to a place that is not there: /b#c"),
        ('<a href="/b" type="text/csv">x</a>', "/: says that /b is text/csv; it is text/html"),
        ("<p><div></div></p>", "/: HTML error at"),
        ('<p id="a"></p><p id="a"></p>', "/: the id 'a' stands 2 times"),
        ('<p class="a" class="b"></p>', "/: HTML error at"),
        ("<h1>B</h1>", "/: has 2 headings of the first level"),
        ("<h3>B</h3>", "/: a heading of level 3 follows one of level 1"),
        ("<input name=a>", "/: the field 'a' has no label"),
        ('<img src="/b">', "/: the picture '/b' has no alt"),
        ('<a href="/b"></a>', "/: an empty a (/b)"),
        ('<a href="javascript:x">x</a>', "/: a link leads nowhere"),
        ("<script></script>", "/: has a script or a style of its own"),
        ('<p style="a"></p>', "/: has a script or a style of its own"),
        ('<a href="/feed">x</a>', "/feed: the feed has no updated"),
        ('<a href="/rags">x</a>', "/rags: cannot be read"),
        ('<a href="/f">x</a>', "/none: answers 404, linked from /f"),
        ('<a href="/json">x</a>', "/none: answers 404, linked from /json"),
    ],
)
def test_the_crawler_sees_what_is_wrong(inside: str, said: str) -> None:
    fetch = site(
        **{
            "": (200, "text/html", PAGE.format(inside)),
            "b": (200, "text/html; charset=UTF-8", PAGE.format("")),
            "away": (302, "http://evil.test/", ""),
            "feed": (200, "application/atom+xml", FEED.format("").replace("updated", "touched")),
            "rags": (200, "application/atom+xml", FEED.format("<entry><id>x</entry>")),
            "f": (200, "application/atom+xml", FEED.format('<link href="/none"/>')),
            "json": (200, "application/json", '{"a": [{"url": "http://foi.test/none"}]}'),
        }
    )
    crawl = Crawl(fetch, BASE)
    crawl.run("/")
    assert [fault for fault in crawl.faults if fault.startswith(said)], crawl.faults


def test_the_crawler_finds_no_fault_in_what_is_sound() -> None:
    fetch = site(
        **{
            "": (200, "text/html", PAGE.format('<p id="x"><a href="/b#x">b</a></p>')),
            "b": (301, "/c", ""),
            "c": (200, "text/html", PAGE.format('<p id="x"></p><a href="http://b.test">b</a>')),
        }
    )
    crawl = Crawl(fetch, BASE)
    crawl.run("/")
    assert crawl.faults == []
    assert set(crawl.seen) == {"/", "/b", "/c"}
