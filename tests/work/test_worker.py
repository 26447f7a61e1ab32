"""The worker: what it does with a batch that fails, and that changes reach all they touch."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select

from foi.archive import casework, ledger
from foi.archive.models import Body, Delivery, InfoRequest, Person
from foi.site import Site
from foi.work import duties, fanout
from foi.work.consumers import Consumers, Later, Outcome
from foi.work.worker import Worker, drain, work_once
from tests.conftest import add_body, add_person, add_request


class Recorder:
    """A consumer that notes what it is given and does as it is told."""

    name = "recorder"
    subjects = frozenset({"request"})
    batch = 10

    def __init__(self, act: Callable[[Sequence[str]], Outcome] = lambda _: {}) -> None:
        self.given: list[list[str]] = []
        self._act = act

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Note and act."""
        self.given.append(list(subjects))
        return self._act(subjects)


def _owe(site: Site, *numbers: int) -> None:
    with site.sessions.writing() as db:
        ledger.owe(db, [f"request:{n}" for n in numbers], ["recorder"])


def _left(site: Site) -> dict[str, tuple[int, str]]:
    with site.sessions.reading() as db:
        rows = db.scalars(select(Delivery).where(Delivery.consumer == "recorder"))
        return {row.subject: (row.attempts, row.error) for row in rows}


def test_a_batch_is_taken_together(site: Site) -> None:
    recorder = Recorder()
    _owe(site, *range(1, 13))
    assert [work_once(site, recorder) for _ in range(3)] == [10, 2, 0]
    assert [len(batch) for batch in recorder.given] == [10, 2]
    assert _left(site) == {}


def test_one_bad_subject_does_not_hold_up_the_others(site: Site) -> None:
    def act(subjects: Sequence[str]) -> Outcome:
        if "request:3" in subjects:
            raise ValueError("three is poisoned")
        return {}

    recorder = Recorder(act)
    _owe(site, 1, 2, 3, 4)
    assert work_once(site, recorder) == 4
    assert _left(site) == {"request:3": (1, "ValueError: three is poisoned")}
    assert recorder.given == [
        ["request:1", "request:2", "request:3", "request:4"],
        *([f"request:{n}"] for n in (1, 2, 3, 4)),
    ]


def test_a_consumer_may_say_for_each_what_became_of_it(site: Site) -> None:
    outcome = {"request:1": None, "request:2": ValueError("no"), "request:3": Later(60, "busy")}
    recorder = Recorder(lambda _: outcome)
    _owe(site, 1, 2, 3, 4)
    work_once(site, recorder)
    assert _left(site) == {"request:2": (1, "ValueError: no"), "request:3": (0, "busy")}


def test_what_concerns_many_is_logged_once(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    def act(subjects: Sequence[str]) -> Outcome:
        if "request:9" in subjects:
            return {"request:8": ValueError("no"), "request:9": ValueError("never")}
        raise Later(60, "somebody else is writing")

    _owe(site, 1, 2, 3)
    work_once(site, Recorder(act))
    _owe(site, 7, 8, 9)
    work_once(site, Recorder(act))
    assert caplog.messages == [
        "recorder could not deal with request:1 and 2 more: somebody else is writing",
        "recorder could not deal with request:8: no",
        "recorder could not deal with request:9: never",
    ]


def test_what_is_under_way_is_no_warning(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    _owe(site, 1, 2)
    waits = {"request:1": Later(5, "Aleph is still processing the files"), "request:2": None}
    with caplog.at_level("INFO"):
        work_once(site, Recorder(lambda _: waits))
    assert [each.levelname for each in caplog.records if each.name == "foi.work.worker"] == [
        "INFO"
    ]


def test_a_far_side_that_is_away_costs_no_attempts(site: Site) -> None:
    def act(_: Sequence[str]) -> Outcome:
        raise Later(60, "Aleph is away")

    recorder = Recorder(act)
    _owe(site, 1, 2)
    assert work_once(site, recorder) == 2
    assert len(recorder.given) == 1  # nobody is asked one by one
    assert _left(site) == dict.fromkeys(["request:1", "request:2"], (0, "Aleph is away"))


def test_nothing_is_held_while_a_consumer_works(site: Site) -> None:
    """A consumer may take minutes: writers go on, and it may write itself."""

    def act(subjects: Sequence[str]) -> Outcome:
        with site.sessions.writing() as db:
            add_body(db, f"Made meanwhile {subjects[0]}")
        return {}

    _owe(site, 1)
    assert work_once(site, Recorder(act)) == 1
    assert _left(site) == {}


def test_the_threads_work_until_they_are_stopped(site: Site) -> None:
    recorder, done = Recorder(lambda _: done.set() or {}), threading.Event()  # type: ignore[func-returns-value]
    site.consumers.all[:] = [recorder]
    worker = Worker(site)
    worker.start()
    _owe(site, 1)
    assert done.wait(10)
    worker.stop()
    _owe(site, 2)
    time.sleep(0.05)
    assert recorder.given == [["request:1"]]
    assert not [t for t in threading.enumerate() if t.name in ("work-recorder", "work-duties")]


def test_two_consumers_of_one_name_are_a_mistake() -> None:
    consumers = Consumers()
    consumers.add(Recorder())
    with pytest.raises(ValueError, match="recorder already"):
        consumers.add(Recorder())


@pytest.mark.parametrize("what", ["body", "person"])
def test_a_renamed_authority_or_person_reaches_all_their_requests(
    site: Site, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(fanout, "_BATCH", 3)
    with site.sessions.writing() as db:
        body, person = add_body(db), add_person(db)
        elsewhere = add_request(db, add_body(db, "Mere"))
        theirs = [add_request(db, body, f"Question {n}", person=person) for n in range(7)]
        ids = {request.id for request in theirs}
        other = elsewhere.id
    recorder = Recorder()
    site.consumers.all[:] = [fanout.Fanout(site), recorder]
    drain(site)
    recorder.given.clear()
    with site.sessions.writing() as db:
        if what == "body":
            casework.edit_body(db, db.get_one(Body, 1), "desk", name="Fenby Parish Council")
        else:
            casework.edit_person(db, db.get_one(Person, 1), "desk", name="Ada Marsh")
    drain(site)
    seen = [subject for batch in recorder.given for subject in batch]
    assert sorted(seen) == sorted(f"request:{n}" for n in ids)
    assert f"request:{other}" not in seen
    with site.sessions.reading() as db:
        left = set(db.scalars(select(Delivery.consumer)))
    assert not left & {"fanout", "recorder"}


def test_more_deadlines_than_one_batch_are_announced_in_one_go(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duties, "_BATCH", 3)
    with site.sessions.writing() as db:
        body = add_body(db)
        long_ago = ledger.now().replace(year=2020)
        for number in range(7):
            add_request(db, body, f"Question {number}", at=long_ago)
    duties.perform(site)
    duties.perform(site)
    with site.sessions.reading() as db:
        for kind in ("overdue", "very_overdue"):
            told = [event for event in db.scalars(ledger.since(0)) if event.kind == kind]
            assert len(told) == db.query(InfoRequest).count() == 7
