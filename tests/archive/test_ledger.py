"""The numbered log: what one record does, and what many share."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework, ledger
from foi.archive.kinds import Audience, Kind
from foi.archive.models import Delivery, Event, Version
from tests.conftest import add_body, add_person, add_request


def _positions(db: Session) -> dict[str, int]:
    return {row.scope: row.position for row in db.scalars(select(Version))}


def _log(db: Session, after: int = 0) -> list[Event]:
    return list(db.scalars(ledger.since(after)))


def test_an_event_raises_the_scopes_that_show_it_and_no_others(db: Session) -> None:
    body, other = add_body(db), add_body(db, "Harrow Mere District Council")
    person = add_person(db)
    request = add_request(db, body, person=person)
    before = _positions(db)
    casework.classify(db, request, "desk", "successful")
    raised = {scope for scope, position in _positions(db).items() if position != before[scope]}
    assert raised == {
        "events",
        "requests",
        f"request:{request.id}",
        f"body:{body.id}",
        f"person:{person.id}",
    }
    assert before[f"body:{other.id}"] == _positions(db)[f"body:{other.id}"]


def test_hiding_raises_the_page_of_the_authority_that_lists_the_request(db: Session) -> None:
    request = add_request(db)
    before = _positions(db)[f"body:{request.body_id}"]
    casework.hide(db, request, "desk")
    assert _positions(db)[f"body:{request.body_id}"] > before
    assert _log(db)[-1].body_id == request.body_id


def test_a_move_raises_the_pages_of_both_authorities(db: Session) -> None:
    former, present = add_body(db, "Fenby"), add_body(db, "Mere")
    request = add_request(db, former)
    casework.move(db, request, present, "desk")
    positions = _positions(db)
    assert positions[f"body:{former.id}"] == positions[f"body:{present.id}"] == ledger.newest(db)
    assert _log(db)[-1].params == {"from": former.id}


def test_what_only_the_desk_may_know_raises_no_page_and_owes_nothing(db: Session) -> None:
    body = add_body(db)
    before, owed = _positions(db), db.query(Delivery).count()
    casework.rotate_key(db, body, "desk")
    casework.carry_key(db, body, "a-key-from-elsewhere", "desk")
    after = _positions(db)
    assert {scope for scope in after if after[scope] != before[scope]} == {"events"}
    assert [event.audience for event in _log(db)[-2:]] == [Audience.DESK] * 2
    marks = set(db.scalars(select(Delivery.mark)))
    assert (db.query(Delivery).count(), marks) == (owed, {1})


def test_gathered_verbs_share_one_record_in_their_order(db: Session) -> None:
    body = add_body(db)
    before = ledger.newest(db)
    with ledger.gathering(db):
        request = add_request(db, body)
        casework.correspond(db, request, "import", direction="response", text="Forty.")
        casework.classify(db, request, "import", "successful")
        assert ledger.newest(db) == before
    events = _log(db, before)
    assert [event.kind for event in events] == [Kind.SENT, Kind.RESPONSE, Kind.STATUS_UPDATE]
    assert [event.id for event in events] == list(range(before + 1, before + 4))
    assert len({event.recorded_at for event in events}) == 1
    assert _positions(db)[f"request:{request.id}"] == events[-1].id
    subject = select(Delivery.mark).where(Delivery.subject == f"request:{request.id}")
    assert set(db.scalars(subject)) == {1}


def test_gathering_that_fails_records_nothing_and_can_be_begun_again(db: Session) -> None:
    body = add_body(db)
    before = ledger.newest(db)

    def fail() -> None:
        with ledger.gathering(db):
            add_request(db, body)
            raise LookupError("line 7")

    with pytest.raises(LookupError, match="line 7"):
        fail()
    assert ledger.newest(db) == before
    casework.edit_body(db, body, "desk", notes="Elected every four years.")
    assert ledger.newest(db) == before + 1
    with ledger.gathering(db), pytest.raises(RuntimeError, match="already"):  # noqa: SIM117
        with ledger.gathering(db):
            pass


def test_since_goes_on_where_it_ended(db: Session) -> None:
    first = ledger.newest(db)
    for number in range(5):
        add_body(db, f"Council {number}")
    met: list[int] = []
    while page := db.scalars(ledger.since(met[-1] if met else first, 2)).all():
        assert len(page) <= 2
        met += [event.id for event in page]
    assert met == list(range(first + 1, first + 6))


def test_owing_again_marks_and_never_doubles(db: Session) -> None:
    for _ in range(3):
        ledger.owe(db, ["request:7", "request:7"], ["aleph", "search"])
    rows = db.execute(select(Delivery.consumer, Delivery.subject, Delivery.mark)).all()
    assert sorted(rows) == [("aleph", "request:7", 3), ("search", "request:7", 3)]


def test_what_was_given_up_is_due_at_once_when_it_changes(db: Session) -> None:
    ledger.owe(db, ["request:7"], ["aleph"])
    row = db.scalars(select(Delivery).where(Delivery.consumer == "aleph")).one()
    due = row.due_at
    row.parked, row.attempts, row.due_at = True, 8, due.replace(year=due.year + 1)
    db.flush()
    ledger.owe(db, ["request:7"], ["aleph"])
    db.refresh(row)
    assert (row.parked, row.attempts, row.mark) == (False, 0, 2)
    assert row.due_at <= ledger.now()


def test_a_claim_in_hand_is_marked_but_keeps_its_lease(db: Session) -> None:
    ledger.owe(db, ["request:7"], ["aleph"])
    row = db.scalars(select(Delivery).where(Delivery.consumer == "aleph")).one()
    lease = row.due_at.replace(year=row.due_at.year + 1)
    row.due_at, row.attempts = lease, 3
    db.flush()
    ledger.owe(db, ["request:7"], ["aleph"])
    db.refresh(row)
    assert (row.due_at, row.attempts, row.mark) == (lease, 3, 2)
