"""What a changed line does to a request that is here already, and what it may not do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from foi.archive import casework
from foi.archive.models import Body, Message
from foi.site import Site
from tests.archive.test_import_requests import (
    THREAD,
    bring,
    everything,
    kinds,
    line,
    open_archive,
    reasons,
    the_request,
)


@pytest.fixture
def site(tmp_path: Path, migrated: bytes) -> Iterator[Site]:
    opened = open_archive(tmp_path / "site", migrated)
    yield opened
    opened.close()


MORE = {
    "ref": "in-2",
    "direction": "response",
    "sent_at": "2024-03-05",
    "body": "You are welcome.",
}
REMARK = {"person": {"name": "Ben Holt"}, "created_at": "2024-03-07", "body": "92, in fact."}


def changed_message(number: int, **members: Any) -> dict[str, Any]:
    messages = [dict(message) for message in THREAD["messages"]]
    messages[number] |= members
    return THREAD | {"messages": messages}


def test_new_letters_and_annotations_are_added_behind_the_others(
    site: Site, tmp_path: Path
) -> None:
    bring(site, tmp_path, THREAD)
    longer = THREAD | {
        "messages": [*THREAD["messages"], MORE],
        "annotations": [*THREAD["annotations"], REMARK],
    }
    assert bring(site, tmp_path, longer).updated == 1
    with site.sessions.reading() as db:
        request = the_request(db)
        assert [m.source_ref for m in request.messages] == ["out-1", "in-1", "out-2", "in-2"]
        assert (request.described_state, request.awaiting_description) == ("successful", False)
        assert kinds(db)[-3:] == ["response", "comment", "status_update"]
    before = everything(site)
    assert bring(site, tmp_path, longer).unchanged == 1
    assert everything(site) == before


def test_what_is_said_of_a_request_is_edited(site: Site, tmp_path: Path) -> None:
    bring(site, tmp_path, THREAD, line(source_ref="b", authority={"name": "Sallow Fen"}))
    edited = THREAD | {
        "title": "Lamp posts and bollards",
        "tags": ["bollards"],
        "law_used": "eir",
        "state": "partially_successful",
        "prominence": "requester_only",
        "prominence_reason": "Asked for by the requester.",
        "authority": "sallow_fen",
    }
    assert bring(site, tmp_path, edited).updated == 1
    with site.sessions.reading() as db:
        request = the_request(db, source_ref="17")
        assert (request.title, request.law_used) == ("Lamp posts and bollards", "eir")
        assert request.url_title == "lamp_posts_and_bollards"
        assert casework.tags_of(db, "request", request.id) == [("bollards", "")]
        assert request.described_state == "partially_successful"
        assert (request.prominence, request.body.url_name) == ("requester_only", "sallow_fen")
        assert kinds(db)[-4:] == ["edit", "move_request", "status_update", "hide"]
    before = everything(site)
    assert bring(site, tmp_path, edited).unchanged == 1
    assert everything(site) == before
    assert bring(site, tmp_path, THREAD).updated == 1
    with site.sessions.reading() as db:
        assert the_request(db, source_ref="17").prominence == "normal"


def test_a_letter_can_be_hidden_and_shown_again(site: Site, tmp_path: Path) -> None:
    hidden = changed_message(1, prominence="hidden", prominence_reason="It names a child.")
    assert bring(site, tmp_path, hidden).created == 1
    assert bring(site, tmp_path, hidden).unchanged == 1
    with site.sessions.reading() as db:
        assert [m.prominence for m in the_request(db).messages] == ["normal", "hidden", "normal"]
    assert bring(site, tmp_path, THREAD).updated == 1
    with site.sessions.reading() as db:
        assert {m.prominence for m in the_request(db).messages} == {"normal"}
        assert kinds(db)[-1] == "release"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (changed_message(1, body="Ninety-one."), "messages.1.body: differs from what is stored"),
        (changed_message(1, sent_at="2024-02-22"), "messages.1.sent_at: differs"),
        (changed_message(2, direction="response"), "messages.2.direction: differs"),
        (changed_message(2, kind="internal_review"), "messages.2.kind: differs"),
        (changed_message(1, attachments=[]), "messages.1.attachments: differs"),
        (
            THREAD | {"messages": [*THREAD["messages"][:1], MORE, *THREAD["messages"][1:]]},
            "messages.1: comes before something that is stored already",
        ),
        (
            THREAD | {"messages": [THREAD["messages"][n] for n in (0, 2, 1)]},
            "messages.2: is stored in another place",
        ),
        (
            THREAD | {"messages": THREAD["messages"][:2]},
            "messages: 'out-2' is stored but not in the line",
        ),
        (THREAD | {"messages": [*THREAD["messages"][1:]]}, "messages: 'out-1' is stored but"),
        (THREAD | {"annotations": [REMARK]}, "annotations.0.body: differs"),
        (THREAD | {"requester": None}, "requester: is another"),
        (THREAD | {"requester": {"name": "X", "registered": True}}, "requester: is another"),
        (THREAD | {"via": "api"}, "via: differs"),
        (THREAD | {"created_at": "2024-02-02"}, "created_at: differs"),
        (THREAD | {"authority": "nowhere"}, "authority: there is no authority 'nowhere' here"),
    ],
)
def test_what_was_sent_is_not_rewritten(
    site: Site, tmp_path: Path, told: dict[str, Any], reason: str
) -> None:
    bring(site, tmp_path, THREAD)
    before = everything(site)
    told = {**told, "title": "Another title", "state": "rejected"}
    report = bring(site, tmp_path, told, line(source_ref="18"))
    assert [number for number, _ in reasons(report)] == [1]
    assert reason in reasons(report)[0][1]
    assert report.created == 1  # the good line beside it
    rows = [row for row in before if row[0] in ("request", "message", "attachment", "annotation")]
    after = everything(site)
    assert all(row in after for row in rows)


def test_a_first_letter_that_turns_up_later_is_refused(site: Site, tmp_path: Path) -> None:
    bring(site, tmp_path, line(messages=[]))
    late = line(messages=[{"direction": "request", "body": "How many?"}])
    assert reasons(bring(site, tmp_path, late)) == [
        (1, "messages.0: is a first letter, but the request stored has begun already")
    ]


def test_what_people_did_here_since_stays(site: Site, tmp_path: Path) -> None:
    """An import never reveals what the desk hid, nor undoes what somebody described or edited."""
    bring(site, tmp_path, THREAD)
    with site.sessions.writing() as db:
        request = the_request(db)
        casework.hide(db, request, "desk", reason="Under review.")
        casework.hide(db, request.messages[1], "desk", reason="It names a child.")
        casework.classify(db, request, "person:1", "partially_successful")
        casework.edit_request(db, request, "desk", title="Lamps", tag_texts=["x"], law_used="eir")
        casework.move(db, request, casework.add_body(db, "desk", name="Sallow Fen"), "desk")
    before = everything(site)
    assert bring(site, tmp_path, THREAD).unchanged == 1
    assert everything(site) == before
    hidden = changed_message(0, prominence="hidden")
    assert bring(site, tmp_path, hidden).updated == 1  # nobody here has touched that letter


def test_letters_written_here_since_are_left_alone(site: Site, tmp_path: Path) -> None:
    bring(site, tmp_path, THREAD)
    with site.sessions.writing() as db:
        casework.correspond(
            db, the_request(db), "body:1", direction="response", text="Here.", state="rejected"
        )
    assert bring(site, tmp_path, THREAD).unchanged == 1
    longer = THREAD | {"messages": [*THREAD["messages"], MORE]}
    assert bring(site, tmp_path, longer).updated == 1
    with site.sessions.reading() as db:
        assert [m.body for m in the_request(db).messages][-2:] == ["Here.", "You are welcome."]


def test_an_erased_letter_stays_erased(site: Site, tmp_path: Path) -> None:
    bring(site, tmp_path, THREAD)
    with site.sessions.writing() as db:
        casework.erase(db, the_request(db).messages[1], "desk", reason="By court order.")
    before = everything(site)
    without = THREAD | {"messages": [THREAD["messages"][0], THREAD["messages"][2]]}
    assert bring(site, tmp_path, THREAD).unchanged == 1
    assert bring(site, tmp_path, without).unchanged == 1
    assert everything(site) == before
    with site.sessions.reading() as db:
        assert db.scalars(select(Message.body).where(Message.source_ref == "in-1")).one() is None


def test_a_line_that_the_archive_cannot_take_costs_no_other(site: Site, tmp_path: Path) -> None:
    with site.sessions.writing() as db:
        # As a release that knew another jurisdiction has left it.
        casework.add_body(db, "desk", name="Far Away").jurisdiction = "XX"
    asked = [{"direction": "request", "sent_at": "2024-01-10"}]
    report = bring(
        site,
        tmp_path,
        line(source_ref="1"),
        line(source_ref="2", authority="far_away", messages=asked),
        line(source_ref="3", authority={"name": "Sallow Fen"}),
        line(source_ref="2", authority="sallow_fen", messages=asked),
        line(source_ref="1"),
    )
    assert (report.created, report.updated) == (3, 0)
    assert [number for number, _ in reasons(report)] == [2, 5]
    assert "the archive cannot take it: There is no jurisdiction 'XX'" in reasons(report)[0][1]
    assert reasons(report)[1][1] == "line 1 holds the same request"
    with site.sessions.reading() as db:
        assert set(db.scalars(select(Body.url_name))) == {"fenby", "far_away", "sallow_fen"}
        assert kinds(db).count("sent") == 3
