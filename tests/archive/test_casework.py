"""The verbs by example: how a request's life goes. (Any sequence of verbs: tests/contract.)"""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework, ledger
from foi.archive.casework import File, names
from foi.archive.models import Attachment, Event, InfoRequest, Message, Tag
from tests.conftest import add_body, add_person, add_request


def _answer(db: Session, request: InfoRequest, **more: object) -> Message:
    given = {"direction": "response", "text": "Forty.", **more}
    return casework.correspond(db, request, "desk", **given)  # type: ignore[arg-type]


def _write(db: Session, request: InfoRequest, purpose: str = "followup", **more: object) -> None:
    given = {"direction": "request", "text": "Well?", "purpose": purpose, **more}
    casework.correspond(db, request, "desk", **given)  # type: ignore[arg-type]


def _stands(request: InfoRequest) -> tuple[str | None, bool]:
    return request.described_state, request.awaiting_description


def _announced(db: Session, request: InfoRequest) -> list[tuple[str, datetime]]:
    log = select(Event.kind, Event.happened_at).where(
        Event.request_id == request.id, Event.actor == "clock"
    )
    return [(kind, at) for kind, at in db.execute(log.order_by(Event.id))]


def test_an_answer_awaits_its_description_unless_it_brings_one(db: Session) -> None:
    request = add_request(db)
    assert _stands(request) == ("waiting_response", False)
    _answer(db, request)
    assert _stands(request) == ("waiting_response", True)
    _answer(db, request, state="partially_successful")
    assert _stands(request) == ("partially_successful", False)


def test_an_answer_to_a_withdrawn_request_awaits_nothing(db: Session) -> None:
    request = add_request(db)
    casework.classify(db, request, "desk", "user_withdrawn")
    _answer(db, request)
    assert _stands(request) == ("user_withdrawn", False)


def test_explaining_a_request_starts_its_clock_anew(db: Session) -> None:
    request = add_request(db, at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    assert (request.day_zero, request.due_on) == (date(2026, 3, 2), date(2026, 3, 31))
    _answer(db, request, state="waiting_clarification")
    _write(db, request, "clarification", sent_at=datetime(2026, 4, 7, 9, tzinfo=UTC))
    assert _stands(request) == ("waiting_response", False)
    assert (request.day_zero, request.due_on) == (date(2026, 4, 7), date(2026, 5, 6))


def test_a_mere_reminder_changes_neither_state_nor_clock(db: Session) -> None:
    request = add_request(db, at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    casework.classify(db, request, "desk", "rejected")
    _write(db, request)
    assert _stands(request) == ("rejected", False)
    assert request.day_zero == date(2026, 3, 2)


@pytest.mark.parametrize("before", ["rejected", "waiting_clarification"])
def test_asking_for_a_review_is_awaiting_one_whatever_went_before(
    db: Session, before: str
) -> None:
    request = add_request(db)
    casework.classify(db, request, "desk", before)
    _write(db, request, "internal_review")
    assert _stands(request) == ("internal_review", False)


def test_a_letter_of_unknown_or_incredible_date_has_no_deadline(db: Session) -> None:
    body = add_body(db)
    undated = add_request(db, body, dated=False)
    assert (undated.day_zero, undated.due_on, undated.very_overdue_on) == (None, None, None)
    for moment in (datetime(1901, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)):
        old = add_request(db, body, sent_at=moment)
        assert (old.day_zero, old.due_on) == (None, None)


@pytest.mark.parametrize(
    "call",
    [
        lambda db, request: casework.classify(db, request, "desk", "lost"),
        lambda db, request: casework.classify(db, request, "desk", "waiting_response_overdue"),
        lambda db, request: _answer(db, request, state="lost"),
        lambda db, request: _answer(db, request, direction="sideways"),
        lambda db, request: _write(db, request, "initial"),
        lambda db, request: add_request(db, request.body, state="lost"),
        lambda db, request: casework.hide(db, request, "desk", prominence="normal"),
        lambda db, request: casework.hide(db, request.messages[0], "desk", prominence="backpage"),
    ],
)
def test_what_no_verb_knows_is_refused(db: Session, call: object) -> None:
    request = add_request(db)
    db.refresh(request, ["messages"])
    newest = ledger.newest(db)
    with pytest.raises(ValueError, match=r"is not a|is no message"):
        call(db, request)  # type: ignore[operator]
    db.flush()
    assert ledger.newest(db) == newest


def test_deadlines_are_announced_the_day_after_and_once(db: Session) -> None:
    """Due 31 March 2026, long overdue 29 April; both are announced from the midnight after, which
    in British Summer Time is eleven o'clock in the evening UTC.
    """
    request = add_request(db, at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    assert request.very_overdue_on == date(2026, 4, 30)
    told = {}
    for day in (31, 32, 33, 60, 61, 62):
        today = date(2026, 3, 1) + timedelta(days=day - 1)
        told[today.isoformat()[5:]] = casework.announce_overdue(db, today)
    assert told == {"03-31": 0, "04-01": 1, "04-02": 0, "04-29": 0, "04-30": 0, "05-01": 1}
    assert _announced(db, request) == [
        ("overdue", datetime(2026, 3, 31, 23, tzinfo=UTC)),
        ("very_overdue", datetime(2026, 4, 30, 23, tzinfo=UTC)),
    ]


def test_a_clock_that_was_started_anew_is_announced_anew(db: Session) -> None:
    request = add_request(db, at=datetime(2026, 3, 2, 9, tzinfo=UTC))
    assert casework.announce_overdue(db, date(2026, 4, 10)) == 1
    casework.classify(db, request, "desk", "waiting_clarification")
    assert casework.announce_overdue(db, date(2027, 1, 1)) == 0
    _write(db, request, sent_at=datetime(2026, 4, 13, 9, tzinfo=UTC))
    assert casework.announce_overdue(db, date(2026, 5, 12)) == 0
    assert casework.announce_overdue(db, date(2026, 5, 13)) == 1
    assert [kind for kind, _ in _announced(db, request)] == ["overdue", "overdue"]


def test_nothing_is_announced_of_what_is_answered_or_not_dated(db: Session) -> None:
    body = add_body(db)
    _answer(db, add_request(db, body, at=datetime(2026, 3, 2, 9, tzinfo=UTC)))
    add_request(db, body, dated=False)
    add_request(db, body, at=datetime(2026, 3, 2, 9, tzinfo=UTC), state=None)
    assert casework.announce_overdue(db, date(2030, 1, 1)) == 0


@pytest.mark.parametrize(
    ("moment", "day_zero"),
    [
        ("2026-06-30T22:59:59Z", "2026-06-30"),  # a minute to midnight in London
        ("2026-06-30T23:00:00Z", "2026-07-01"),
        ("2026-12-31T23:59:59Z", "2026-12-31"),
        ("2026-03-29T00:59:00Z", "2026-03-29"),  # the hour that summer time takes away
        ("2026-10-25T00:30:00Z", "2026-10-25"),  # the hour that comes twice
    ],
)
def test_day_zero_is_a_day_of_the_sites_zone(db: Session, moment: str, day_zero: str) -> None:
    with time_machine.travel(datetime.fromisoformat(moment), tick=False):
        request = add_request(db)
    assert request.day_zero == date.fromisoformat(day_zero)


def test_a_moved_request_is_due_by_its_new_authoritys_calendar(db: Session) -> None:
    """Good Friday and Easter Monday are bank holidays in England, not in Scotland's Act."""
    request = add_request(db, at=datetime(2026, 3, 23, 9, tzinfo=UTC))
    assert request.due_on == date(2026, 4, 22)
    irish = add_body(db, "An Oifig", jurisdiction="IE")
    casework.move(db, request, irish, "desk")
    assert request.due_on == date(2026, 4, 21)
    assert request.day_zero == date(2026, 3, 23)


def test_a_name_that_comes_back_gets_its_old_address_back(db: Session) -> None:
    person = add_person(db, "Ada Fenn")
    casework.edit_person(db, person, "desk", name="Ada Marsh")
    assert person.url_name == "ada_marsh"
    assert names.resolve_former(db, "person", "ada_fenn") == "ada_marsh"
    assert add_person(db, "Ada Fenn").url_name == "ada_fenn_2"  # the first one's name still works
    casework.edit_person(db, person, "desk", name="Ada Fenn")
    assert person.url_name == "ada_fenn"
    assert names.resolve_former(db, "person", "ada_marsh") == "ada_fenn"
    assert names.resolve_former(db, "person", "ada_fenn") is None


def test_tags_are_kept_once_in_their_order_and_without_blanks(db: Session) -> None:
    request = add_request(db, tag_texts=["b", " a:1:2 ", "b", "b:", ":", "", "a:1:2"])
    assert casework.tags_of(db, "request", request.id) == [("b", ""), ("a", "1:2")]
    assert casework.edit_request(db, request, "desk", tag_texts=["b", "a:1:2"]) == []
    assert casework.edit_request(db, request, "desk", tag_texts=[]) == ["tags"]
    assert db.query(Tag).filter_by(subject_kind="request", subject_id=request.id).count() == 0


def test_no_difference_is_no_event(db: Session) -> None:
    body, person = add_body(db), add_person(db)
    request = add_request(db, body)
    newest, version = ledger.newest(db), body.version
    assert casework.edit_body(db, body, "desk", name=body.name, url_name=body.url_name) == []
    assert casework.edit_person(db, person, "desk", name=person.name, about="") == []
    assert casework.edit_request(db, request, "desk", title=request.title, law_used="foi") == []
    casework.move(db, request, body, "desk")
    casework.release(db, request, "desk")
    assert (ledger.newest(db), body.version) == (newest, version)


def test_what_is_erased_stays_erased_whatever_comes_after(db: Session) -> None:
    request = add_request(db)
    answer = _answer(db, request, files=[File("plan.pdf", "application/pdf", 3, "a" * 64)])
    db.flush()
    casework.hide(db, answer, "desk", reason="Looked at.")
    casework.erase(db, answer, "desk", reason="By order.")
    newest = ledger.newest(db)
    casework.release(db, answer, "desk")
    casework.hide(db, answer, "desk", reason="Again.")
    casework.erase(db, answer, "desk", reason="Again.")
    assert ledger.newest(db) == newest
    assert (answer.body, answer.prominence_reason) == (None, "By order.")
    attachment = db.scalars(select(Attachment).filter_by(message_id=answer.id)).one()
    assert (attachment.name, attachment.sha256, attachment.size) == ("", None, None)


def test_letters_are_stored_tidily(db: Session) -> None:
    request = add_request(db, text="  Dear Council,\r\n\r\n\r\n \r\nHow many?\n\n")
    text = db.scalar(select(Message.body).where(Message.request_id == request.id))
    assert text == "Dear Council,\n\nHow many?"
