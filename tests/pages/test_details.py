"""The page with every event of a request."""

from collections.abc import Iterator

import pytest
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.kinds import DESK_ONLY, Kind
from foi.archive.models import InfoRequest
from foi.pages.details import WORDS
from tests.conftest import Running, add_body, add_person, add_request
from tests.pages.scene import Town, answer, open_town


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Town]:
    with open_town(tmp_path_factory.mktemp("town"), migrated) as made:
        yield made


def rows(page: webtest.TestResponse) -> list[list[str]]:
    """Give the cells of the table, without the number."""
    return [
        [" ".join(cell.get_text().split()) for cell in row.select("td")][1:]
        for row in page.html.select("tbody tr")
    ]


def test_every_event_is_told_with_date_words_states_and_who(
    web: webtest.TestApp, db: Session
) -> None:
    body, person = add_body(db), add_person(db)
    request = add_request(db, body, "Lamp posts", person=person)
    message = answer(db, request)
    casework.classify(db, request, f"person:{person.id}", "rejected", message=message)
    casework.annotate(db, request, add_person(db, "Bo Reed"), "A note.")
    casework.edit_request(db, request, "desk", title="Lamp posts and lanterns")
    db.flush()
    page = web.get("/request/lamp_posts/details", status=301).follow()
    told = rows(page)
    assert [row[1].partition(" (")[0] for row in told] == [
        "Request made", "Answer", "Described", "Annotation", "Edited",
    ]  # fmt: skip
    assert [row[2] for row in told] == [
        "Ada Fenn", "Fenby Town Council", "Ada Fenn", "Bo Reed", "Those who run this site",
    ]  # fmt: skip
    assert told[1][3:] == ["Refused", "Refused"]
    assert told[2][3:] == ["Refused", "Refused"]
    assert told[3][3:] == ["–", "–"]
    links = {a.get_text(): a["href"] for a in page.html.select("tbody a")}
    assert links["Ada Fenn"] == "/user/ada_fenn"
    assert links["Fenby Town Council"] == "/body/fenby_town_council"


def test_each_event_leads_to_its_place(town: Town) -> None:
    name = town.names["request"]
    page = town.app.get(f"/request/{name}/details")
    request = town.app.get(f"/request/{name}")
    places = [a["href"] for a in page.html.select("tbody a[href^='/request_event/']")]
    assert len(places) == len(rows(page)) >= 4
    for place in places:
        path, _, anchor = town.app.get(place, status=301).location.partition("#")
        assert path == f"http://foi.test/request/{name}"
        assert not anchor or request.html.find(id=anchor)


def test_json_has_the_events_of_the_requests_json_and_more(town: Town) -> None:
    name = town.names["request"]
    told = town.app.get(f"/request/{name}/details.json").json
    own = town.app.get(f"/request/{name}.json").json["info_request_events"]
    events = told["info_request_events"]
    assert [{k: v for k, v in e.items() if k not in ("description", "by")} for e in events] == own
    assert told["info_request"]["url_title"] == name
    assert {e["description"] for e in events} >= {"Request made", "Answer"}
    assert all(e["by"]["name"] for e in events)
    assert told["links"]["feed"] == f"http://foi.test/feed/request/{name}"


def test_what_is_hidden_has_no_details(town: Town) -> None:
    town.app.get(f"/request/{town.names['hidden']}/details", status=403)
    assert "errors" in town.app.get(f"/request/{town.names['hidden']}/details.json", status=403)
    town.app.get("/request/none/details", status=404)


def test_a_hidden_message_leaves_only_that_it_was_hidden(
    web: webtest.TestApp, db: Session
) -> None:
    request = add_request(db, title="Lamp posts")
    message = answer(db, request, "The secret answer.")
    casework.hide(db, message, "desk", reason="By order.")
    db.flush()
    page = web.get("/request/lamp_posts/details")
    assert [row[1].partition(" (")[0] for row in rows(page)] == [
        "Request made",
        "Something hidden",
    ]
    assert "secret" not in page


def test_a_change_is_told_at_once(app: webtest.TestApp, running: Running) -> None:
    site = running.site
    with site.sessions.writing() as db:
        request = add_request(db, title="Lamp posts", person=add_person(db))
        number = request.id
    first = app.get("/request/lamp_posts/details")
    app.get(
        "/request/lamp_posts/details", headers={"If-None-Match": first.headers["ETag"]}, status=304
    )
    with site.sessions.writing() as db:
        answer(db, db.get(InfoRequest, number))
    second = app.get(
        "/request/lamp_posts/details", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert len(rows(second)) == len(rows(first)) + 1


def test_every_public_kind_of_a_request_has_words() -> None:
    of_others = {Kind.BODY_ADDED, Kind.BODY_EDITED, Kind.PERSON_ADDED, Kind.PERSON_EDITED}
    assert set(WORDS) == set(Kind) - of_others - DESK_ONLY
