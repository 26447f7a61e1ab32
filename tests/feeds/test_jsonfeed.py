"""JSON Feed 1.1: what its specification demands, and the same as the Atom of each feed."""

from datetime import UTC, datetime, timedelta

import feedparser
import jsonschema
import pytest
import time_machine
import webtest
from sqlalchemy.orm import Session

from tests.conftest import Running, add_request
from tests.feeds.conftest import Fed
from tests.pages.scene import PDF, answer, file

ADDRESS = {"type": "string", "pattern": r"^https?://[\x21-\x7e]+$"}
TEXT = {"type": "string", "pattern": r"\S"}
# RFC 3339 with an offset.
MOMENT = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
}
AUTHORS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"name": TEXT, "url": ADDRESS, "avatar": ADDRESS},
        "minProperties": 1,
        "additionalProperties": False,
    },
}
ATTACHMENT = {
    "type": "object",
    "properties": {
        "url": ADDRESS,
        "mime_type": {"type": "string", "pattern": r"^[\w.+-]+/[\w.+-]+$"},
        "title": TEXT,
        "size_in_bytes": {"type": "integer", "minimum": 0},
        "duration_in_seconds": {"type": "number"},
    },
    "required": ["url", "mime_type"],
    "additionalProperties": False,
}
ITEM = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^tag:"},
        "url": ADDRESS,
        "external_url": ADDRESS,
        "title": TEXT,
        "content_html": TEXT,
        "content_text": TEXT,
        "summary": TEXT,
        "date_published": MOMENT,
        "date_modified": MOMENT,
        "authors": AUTHORS,
        "tags": {"type": "array", "items": TEXT},
        "language": TEXT,
        "attachments": {"type": "array", "items": ATTACHMENT},
    },
    "required": ["id"],
    "anyOf": [{"required": ["content_html"]}, {"required": ["content_text"]}],
    "patternProperties": {"^_": {"type": "object"}},
    "additionalProperties": False,
}
SPECIFICATION = {
    "type": "object",
    "properties": {
        "version": {"const": "https://jsonfeed.org/version/1.1"},
        "title": TEXT,
        "home_page_url": ADDRESS,
        "feed_url": ADDRESS,
        "description": TEXT,
        "user_comment": TEXT,
        "next_url": ADDRESS,
        "icon": ADDRESS,
        "favicon": ADDRESS,
        "authors": AUTHORS,
        "language": TEXT,
        "expired": {"type": "boolean"},
        "items": {"type": "array", "items": ITEM},
    },
    "required": ["version", "title", "items"],
    "patternProperties": {"^_[^.]+$": {"type": "object"}},
    "additionalProperties": False,
}


@pytest.fixture(params=["demonstration", pytest.param("nasty", marks=pytest.mark.thorough)])
def fed(request: pytest.FixtureRequest) -> Fed:
    found: Fed = request.getfixturevalue(request.param)
    return found


def test_every_feed_is_what_the_specification_says(fed: Fed) -> None:
    check = jsonschema.Draft202012Validator(SPECIFICATION)
    for path in fed.feeds:
        url = f"{path}.jsonfeed"
        answered = fed.app.get(url)
        assert answered.content_type == "application/feed+json"
        assert [error.message for error in check.iter_errors(answered.json)] == [], url
        assert answered.json["feed_url"] == f"http://foi.test{url}"
        numbers = [item["id"] for item in answered.json["items"]]
        assert len(numbers) == len(set(numbers))


def test_it_tells_what_the_atom_tells(demonstration: Fed) -> None:
    for path in demonstration.feeds:
        machine = demonstration.app.get(f"{path}.jsonfeed").json
        atom = feedparser.parse(demonstration.app.get(path).body)
        assert machine["title"] == atom.feed.title
        assert machine["home_page_url"] == atom.feed.link
        assert machine["_foi"]["id"] == atom.feed.id
        assert machine["_foi"]["date_modified"] == atom.feed.updated
        for item, entry in zip(machine["items"], atom.entries, strict=True):
            assert item["id"] == entry.id
            assert item["url"] == entry.link
            assert item["title"] == entry.title
            assert item["date_modified"] == entry.updated
            assert item["date_published"] == entry.published
            assert item["authors"][0]["name"] == entry.author
            assert item["tags"] == [tag.term for tag in entry.get("tags", ())]
            assert len(item.get("attachments", ())) == len(entry.enclosures)


def test_files_are_attachments(web: webtest.TestApp, shared: Running, db: Session) -> None:
    asked = add_request(db)
    answer(db, asked, files=[file(shared.site, PDF, "reply.pdf")])
    db.flush()
    [attachment] = web.get("/feed/list.jsonfeed").json["items"][0]["attachments"]
    assert attachment["size_in_bytes"] == len(PDF)
    assert attachment["mime_type"] == "application/pdf"
    assert attachment["title"] == "reply.pdf"
    assert web.get(attachment["url"].removeprefix("http://foi.test")).body == PDF


def test_it_goes_on_to_the_last_item(web: webtest.TestApp, db: Session) -> None:
    asked = add_request(db)
    for number in range(58):
        answer(db, asked, f"Answer {number}")
    met: list[str] = []
    url = "http://foi.test/feed/list.jsonfeed"
    while url:
        page = web.get(url.removeprefix("http://foi.test")).json
        assert page["feed_url"] == url
        met += [item["id"] for item in page["items"]]
        url = page.get("next_url", "")
    assert len(met) == len(set(met)) == 59


def test_every_page_that_has_a_feed_names_it(demonstration: Fed) -> None:
    for path in ("/list", "/events", "/body/list"):
        head = demonstration.app.get(path).html
        named = head.find("link", rel="alternate", type="application/feed+json")
        assert named["href"] == f"http://foi.test/feed{path}.jsonfeed"
        assert named["title"]
        atom = demonstration.app.get(f"/feed{path}").lxml
        kinds = {e.get("type"): e.get("href") for e in atom.findall("{*}link[@rel='alternate']")}
        assert kinds["application/feed+json"] == named["href"]


@pytest.mark.parametrize("suffix", ["", ".json", ".jsonfeed"])
def test_what_has_not_changed_is_not_sent_again(demonstration: Fed, suffix: str) -> None:
    # A date cannot tell apart what happened within the second that is running.
    later = datetime.now(UTC) + timedelta(seconds=5)
    with time_machine.travel(later, tick=False):
        for path in demonstration.feeds:
            whole = demonstration.app.get(path + suffix)
            etag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
            for condition in (
                {"If-None-Match": etag},
                {"If-None-Match": f'"other", W/{etag}'},
                {"If-Modified-Since": modified},
            ):
                again = demonstration.app.get(path + suffix, headers=condition, status=304)
                assert again.body == b""
                assert again.headers["ETag"] == etag
            demonstration.app.get(path + suffix, headers={"If-None-Match": '"other"'}, status=200)


def test_no_two_formats_have_the_same_entity_tag(demonstration: Fed) -> None:
    tags = [
        demonstration.app.get(f"/feed/list{suffix}").headers["ETag"]
        for suffix in ("", ".json", ".jsonfeed")
    ]
    assert len(set(tags)) == 3
