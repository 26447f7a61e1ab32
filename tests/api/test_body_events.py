"""GET /api/v2/body/<id>/request_events: what an authority's register polls."""

from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
import time_machine

from foi.archive import casework
from foi.archive.models import Event, InfoRequest
from foi.pages.events import select_events
from tests.api.calls import Authority
from tests.conftest import LETTER, add_body, add_person, add_request

ATOM = "{http://www.w3.org/2005/Atom}"
ALAVETELI = "{http://www.alaveteli.org/API/v2/RequestEvents/Atom}"
MEMBERS = {
    "request_id", "event_id", "created_at", "event_type", "request_url", "request_email",
    "title", "body", "user_name", "user_url",
}  # fmt: skip


def get(council: Authority, ending: str = "json", status: int = 200, **query: Any) -> Any:
    path = f"/api/v2/body/{council.body.id}/request_events.{ending}"
    return council.web.get(path, {"k": council.key, **query}, status=status)


@pytest.fixture
def asked(council: Authority) -> InfoRequest:
    """A request made on the site, with everything that can follow."""
    moment = datetime(2026, 6, 1, 23, 30, 15, 123456, tzinfo=UTC)
    with time_machine.travel(moment, tick=False):
        made = add_request(council.db, council.body, person=add_person(council.db))
    with time_machine.travel(datetime(2026, 6, 20, tzinfo=UTC), tick=False):
        casework.correspond(council.db, made, "desk", direction="response", text="Wait.")
        casework.correspond(council.db, made, "desk", direction="request", text="Still there?")
    return made


def test_letters_are_told_in_alavetelis_members_newest_first(
    council: Authority, asked: InfoRequest
) -> None:
    later, first = get(council).json
    assert set(first) == set(later) == MEMBERS
    assert [later["event_type"], first["event_type"]] == ["followup_sent", "sent"]
    assert later["event_id"] > first["event_id"]
    assert first["created_at"] == "2026-06-02T00:30:15+01:00"
    assert (first["request_id"], first["title"]) == (asked.id, asked.title)
    assert first["request_url"] == f"http://foi.test/request/{asked.url_title}"
    assert (first["body"], later["body"]) == (LETTER, "Still there?")
    assert (first["user_name"], first["user_url"]) == ("Ada Fenn", "http://foi.test/user/ada_fenn")


def test_external_requests_are_there_and_have_an_address_for_who_asked(
    council: Authority,
) -> None:
    named, unnamed = council.made(), council.made(external_user_name=None)
    second, first = get(council).json
    assert (first["user_name"], second["user_name"]) == ("Bob Rushes", None)
    for told, made in ((first, named), (second, unnamed)):
        assert (
            told["user_url"] == told["request_url"] == f"http://foi.test/request/{made.url_title}"
        )


def test_a_register_that_polls_as_foi_register_does_misses_nothing(council: Authority) -> None:
    known: dict[int, str] = {}
    last = None
    for round_ in range(4):
        for number in range(round_):
            add_request(
                council.db, council.body, f"Question {round_}.{number}",
                person=add_person(council.db, f"Person {round_}{number}"),
            )  # fmt: skip
        council.made()
        polled = get(council, **({"since_event_id": last} if last else {})).json
        for event in reversed(polled):
            if event["event_type"] == "sent" and event["request_id"] not in known:
                assert event["user_url"]
                known[event["request_id"]] = event["title"]
        last = polled[0]["event_id"]
        assert get(council, since_event_id=last).json == []
    assert len(known) == council.db.query(InfoRequest).count() == 10


def test_since_a_day_or_an_event_or_both(council: Authority) -> None:
    numbers = []
    for day in (1, 2, 3):
        with time_machine.travel(datetime(2026, 1, day, 12, tzinfo=UTC), tick=False):
            made = council.made()
            numbers.append(council.db.query(Event).filter_by(request_id=made.id).one().id)

    def told(**query: Any) -> list[int]:
        return [event["event_id"] for event in get(council, **query).json]

    assert told(since_date="2026-01-02") == [numbers[2], numbers[1]]
    assert told(since_event_id=numbers[1]) == [numbers[2]]
    assert told(since_event_id=0) == numbers[::-1]
    assert told(since_date="2026-01-03", since_event_id=numbers[0]) == [numbers[2]]
    assert told(since_date="2030-01-01") == []
    assert told(since_date="0001-01-01") == numbers[::-1]
    assert told(since_date="9999-12-31") == []


@pytest.mark.parametrize("ending", ["json", "atom"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since_date": "yesterday"}, "since_date"),
        ({"since_date": "20260101"}, "since_date"),
        ({"since_date": "2026-02-30"}, "since_date"),
        ({"since_event_id": "999999"}, "999999"),
        ({"since_event_id": "-1"}, "-1"),
        ({"since_event_id": "9" * 30}, "not found"),
        ({"since_event_id": ""}, "not found"),
    ],
)
def test_what_cannot_be_understood_is_refused(
    council: Authority, ending: str, query: dict[str, str], said: str
) -> None:
    [told] = get(council, ending, status=422, **query).json["errors"]
    assert said in told


def test_both_errors_are_told_at_once(council: Authority) -> None:
    answered = get(council, status=422, since_date="x", since_event_id="y")
    assert len(answered.json["errors"]) == 2


def test_only_with_its_own_key(council: Authority) -> None:
    other = Authority(council.web, council.site, council.db)
    for ending in ("json", "atom"):
        path = f"/api/v2/body/{council.body.id}/request_events.{ending}"
        for key in ("", "wrong", other.key):
            answered = council.web.get(path, {"k": key}, status=403)
            assert answered.json["errors"]
        bearer = {"Authorization": f"Bearer {council.key}"}
        council.web.get(path, headers=bearer)


def test_nothing_that_is_withheld_or_anothers(council: Authority, asked: InfoRequest) -> None:
    theirs = Authority(council.web, council.site, council.db).made()
    moved = council.made()
    casework.move(council.db, moved, add_body(council.db, "Elsewhere"), "desk")
    hidden = council.made()
    casework.hide(council.db, hidden, "desk", reason="By order.")
    council.db.flush()
    numbers = {event["request_id"] for event in get(council).json}
    assert numbers == {asked.id}
    assert theirs.id not in numbers


def test_an_empty_list(council: Authority) -> None:
    assert get(council).json == []
    feed = ElementTree.fromstring(get(council, "atom").text)
    assert feed.find(f"{ATOM}entry") is None
    assert feed.findtext(f"{ATOM}updated")


def test_as_atom(council: Authority, asked: InfoRequest) -> None:
    answered = get(council, "atom", since_event_id=0)
    assert answered.content_type == "application/atom+xml"
    parsed = feedparser.parse(answered.body)
    assert not parsed.bozo
    _, first = parsed.entries
    assert (first.title, first.author) == (asked.title, "Ada Fenn")
    assert first.content[0].type == "text/plain"
    assert first.content[0].value == LETTER
    assert first.link == f"http://foi.test/request/{asked.url_title}"
    feed = ElementTree.fromstring(answered.text)
    for entry, kind in zip(feed.findall(f"{ATOM}entry"), ("followup_sent", "sent"), strict=True):
        assert entry.findtext(f"{ALAVETELI}event_type") == kind
        assert entry.findtext(f"{ALAVETELI}request_url") == first.link
        assert len(entry.findall(f"{ATOM}updated")) == 1
    [itself] = [each["href"] for each in parsed.feed.links if each["rel"] == "self"]
    assert itself == (
        f"http://foi.test/api/v2/body/{council.body.id}/request_events.atom?since_event_id=0"
    )
    assert council.key not in answered.text


def test_atom_comes_in_parts(council: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.body_events.PER_PAGE", 2)
    for _ in range(5):
        council.made()
    seen: list[str] = []
    path: str | None = f"/api/v2/body/{council.body.id}/request_events.atom"
    headers = {"Authorization": f"Bearer {council.key}"}
    while path:
        parsed = feedparser.parse(council.web.get(path, headers=headers).body)
        seen += [entry.id for entry in parsed.entries]
        further = [each["href"] for each in parsed.feed.links if each["rel"] == "next"]
        path = further[0].removeprefix("http://foi.test") if further else None
    rows = council.db.execute(select_events(Event.kind == "sent")).all()
    assert [number.rpartition("/")[2] for number in seen] == [str(r.id) for r in rows][::-1]


def test_no_length_is_too_long(council: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foi.api.body_events._BATCH", 2)
    for _ in range(5):
        council.made()
    numbers = [event["event_id"] for event in get(council).json]
    assert len(numbers) == 5
    assert numbers == sorted(numbers, reverse=True)
