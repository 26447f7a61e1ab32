"""Requests from JSON Lines: whole threads with their dates, and twice without a change."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from foi.archive import casework, ledger
from foi.archive.columns import Base
from foi.archive.importing import Report, UnusableFile, import_requests
from foi.archive.models import (
    Annotation,
    Attachment,
    Body,
    Delivery,
    Event,
    InfoRequest,
    Message,
    Person,
)
from foi.archive.states import calculated
from foi.settings import load
from foi.site import Site, open_site
from tests.conftest import Running, add_body

PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def line(**members: Any) -> dict[str, Any]:
    """A line of the least that a request needs, and more."""
    least = {
        "source": "elsewhere",
        "source_ref": "17",
        "authority": {"url_name": "fenby", "name": "Fenby Town Council"},
        "title": "Lamp posts",
    }
    return {**least, **members}


THREAD = line(
    url="https://elsewhere.test/request/lamp_posts",
    url_title="lamp_posts",
    requester={"name": "Ada Fenn", "registered": True},
    state="successful",
    tags=["lamps", "street:mill_lane"],
    created_at="2024-02-01T09:30:00+00:00",
    messages=[
        {
            "ref": "out-1",
            "direction": "request",
            "sent_at": "2024-02-01T09:30:00+00:00",
            "body": "How many?",
        },
        {
            "ref": "in-1",
            "direction": "response",
            "sent_at": "2024-02-20T16:00:00+01:00",
            "body": "Ninety.",
            "attachments": [
                {"name": "list.pdf", "size": 8100, "link": "https://elsewhere.test/list.pdf"}
            ],
        },
        {"ref": "out-2", "direction": "request", "sent_at": "2024-02-21", "body": "Thank you."},
    ],
    annotations=[
        {
            "person": {"name": "Ben Holt"},
            "created_at": "2024-03-01T08:00:00Z",
            "body": "I counted 91.",
        }
    ],
)


def open_archive(folder: Path, migrated: bytes, **ini: str) -> Site:
    """A site without an application around it, on a folder of its own."""
    folder.mkdir(parents=True)
    (folder / "foi.sqlite").write_bytes(migrated)
    return open_site(load({"data": str(folder), **ini}, {}))


@pytest.fixture
def site(tmp_path: Path, migrated: bytes) -> Iterator[Site]:
    opened = open_archive(tmp_path / "site", migrated)
    yield opened
    opened.close()


def bring(site: Site, folder: Path, *lines: Any) -> Report:
    """Import lines from a file in a folder; bytes are written as they are."""
    path = folder / "requests.jsonl"
    with path.open("wb") as out:
        for each in lines:
            out.write(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n")
    return import_requests(site, path, lambda done, total, report: None)


def reasons(report: Report) -> list[tuple[int, str]]:
    return [(refusal.line, refusal.reason) for refusal in report.refused]


def everything(site: Site) -> list[Any]:
    """Every row of every table."""
    with site.engine.connect() as connection:
        tables = Base.metadata.sorted_tables
        return [
            (table.name, *row)
            for table in tables
            for row in connection.execute(select(table).order_by(*table.primary_key.columns))
        ]


def the_request(db: Session, **where: Any) -> InfoRequest:
    options = selectinload(InfoRequest.messages).selectinload(Message.attachments)
    return db.scalars(select(InfoRequest).filter_by(**where).options(options)).one()


def kinds(db: Session) -> list[str]:
    return [str(kind) for kind in db.scalars(select(Event.kind).order_by(Event.id))]


def test_a_thread_arrives_whole_in_order_and_with_its_dates(site: Site, tmp_path: Path) -> None:
    assert bring(site, tmp_path, THREAD).summary() == (
        "1 created, 0 updated, 0 unchanged, 0 refused"
    )
    with site.sessions.reading() as db:
        request = the_request(db, url_title="lamp_posts")
        assert (request.title, request.described_state) == ("Lamp posts", "successful")
        assert (request.body.name, request.person.name) == ("Fenby Town Council", "Ada Fenn")  # type: ignore[union-attr]
        assert request.external_url is None
        assert request.created_at == datetime(2024, 2, 1, 9, 30, tzinfo=UTC)
        assert request.due_on == date(2024, 2, 29)
        told = [(m.direction, m.purpose, m.body, m.sent_at) for m in request.messages]
        assert told == [
            ("request", "initial", "How many?", datetime(2024, 2, 1, 9, 30, tzinfo=UTC)),
            ("response", "response", "Ninety.", datetime(2024, 2, 20, 15, tzinfo=UTC)),
            ("request", "followup", "Thank you.", datetime(2024, 2, 21, tzinfo=UTC)),
        ]
        file = request.messages[1].attachments[0]
        assert (file.name, file.media_type, file.size, file.sha256) == (
            "list.pdf", "application/pdf", 8100, None,
        )  # fmt: skip
        comments = db.execute(select(Person.name, Annotation.body).join(Annotation.person))
        assert comments.all() == [("Ben Holt", "I counted 91.")]
        assert casework.tags_of(db, "request", request.id) == [
            ("lamps", ""), ("street", "mill_lane"),
        ]  # fmt: skip
        events = db.execute(
            select(Event.kind, Event.happened_at, Event.actor).where(Event.request_id.is_not(None))
        ).all()
        assert [(str(kind), moment.date().isoformat()) for kind, moment, _ in events] == [
            ("sent", "2024-02-01"),
            ("response", "2024-02-20"),
            ("followup_sent", "2024-02-21"),
            ("comment", "2024-03-01"),
        ]
        assert {actor for *_, actor in events} == {"import"}


def test_what_is_imported_is_owed_to_the_consumers_once(running: Running, tmp_path: Path) -> None:
    site = running.site
    bring(site, tmp_path, THREAD)
    with site.sessions.reading() as db:
        subjects = db.scalars(
            select(Delivery.subject).where(Delivery.consumer == "fanout").order_by(Delivery.id)
        ).all()
        wanting = {o.consumer for o in site.consumers.owed() if "request" in o.subjects}
        owed = set(db.scalars(select(Delivery.consumer).where(Delivery.subject == "request:1")))
    assert "body:1" in subjects
    assert owed == wanting


def test_a_second_run_changes_nothing(site: Site, tmp_path: Path) -> None:
    lines = [THREAD, line(source_ref="18", title="Lamp posts"), line(source_ref="19", url=None)]
    bring(site, tmp_path, *lines)
    before = everything(site)
    again = bring(site, tmp_path, *lines)
    assert (again.created, again.updated, again.unchanged, again.refused) == (0, 0, 3, [])
    assert everything(site) == before


def test_what_is_not_known_stays_unknown(site: Site, tmp_path: Path) -> None:
    unknown = line(messages=[{"direction": "request"}, {"direction": "response"}])
    assert bring(site, tmp_path, unknown).created == 1
    with site.sessions.reading() as db:
        request = the_request(db)
        assert (request.person_id, request.external_user_name) == (None, None)
        assert (request.day_zero, request.due_on) == (None, None)
        assert [(m.body, m.sent_at) for m in request.messages] == [(None, None), (None, None)]
        state = calculated(
            request.described_state, request.awaiting_description, None, None, date(2026, 1, 1)
        )
        assert state.name == "unknown"


@pytest.mark.parametrize(
    ("told", "created", "due"),
    [
        ("2013", datetime(2013, 1, 1, tzinfo=UTC), None),
        ("2013-07", datetime(2013, 6, 30, 23, tzinfo=UTC), None),
        ("2013-07-05", datetime(2013, 7, 4, 23, tzinfo=UTC), date(2013, 8, 6)),
        ("2013-07-05 12:00:00 UTC", datetime(2013, 7, 5, 12, tzinfo=UTC), date(2013, 8, 6)),
    ],
)
def test_a_date_counts_as_exactly_as_it_is_known(
    site: Site, tmp_path: Path, told: str, created: datetime, due: date | None
) -> None:
    # The site is in London, where a summer's day begins at 23:00 UTC.
    bring(site, tmp_path, line(created_at=told, messages=[]))
    with site.sessions.reading() as db:
        request = the_request(db)
        assert (request.created_at, request.due_on) == (created, due)
        assert (request.messages[0].sent_at is None) == (due is None)
        assert request.messages[0].body is None


def test_an_undated_request_counts_from_its_first_dated_message(
    site: Site, tmp_path: Path
) -> None:
    letters = [{"direction": "request"}, {"direction": "response", "sent_at": "2019-05"}]
    bring(site, tmp_path, line(messages=letters))
    with site.sessions.reading() as db:
        assert the_request(db).created_at == datetime(2019, 4, 30, 23, tzinfo=UTC)


def test_a_thread_that_begins_with_the_answer_has_a_request_without_text(
    site: Site, tmp_path: Path
) -> None:
    told = line(messages=[{"direction": "response", "sent_at": "2020-01-10", "body": "No."}])
    bring(site, tmp_path, told)
    with site.sessions.reading() as db:
        messages = the_request(db).messages
        assert [(m.direction, m.body) for m in messages] == [
            ("request", None),
            ("response", "No."),
        ]
    assert bring(site, tmp_path, told).unchanged == 1


def test_who_asked_and_by_what_way(site: Site, tmp_path: Path) -> None:
    bring(
        site,
        tmp_path,
        line(source_ref="1", requester={"name": "Cleo"}, url="https://elsewhere.test/1"),
        line(source_ref="2", requester={"name": "List", "registered": True}, via="api"),
        line(source_ref="3", requester={"name": "List", "registered": True}, via="site"),
    )
    with site.sessions.reading() as db:
        first, second, third = (the_request(db, source_ref=ref) for ref in "123")
        assert (first.external_user_name, first.external_url) == (
            "Cleo",
            "https://elsewhere.test/1",
        )
        assert (second.person_id, second.via_api, third.via_api) == (third.person_id, True, False)
        assert db.scalars(select(Person.url_name)).all() == ["list_2"]  # `list` is an address


def test_an_authority_is_found_by_its_slug_present_or_former_or_made(
    site: Site, tmp_path: Path
) -> None:
    with site.sessions.writing() as db:
        body = add_body(db, url_name="old_fenby")
        casework.edit_body(db, body, "desk", url_name="new_fenby")
    report = bring(
        site,
        tmp_path,
        line(source_ref="1", authority="old_fenby"),
        line(source_ref="2", authority={"name": "Sallow Fen", "short_name": "SFDC"}),
        line(source_ref="3", authority="sfdc"),
        line(source_ref="4", authority="nowhere"),
    )
    assert reasons(report) == [(4, "authority: there is no authority 'nowhere' here")]
    with site.sessions.reading() as db:
        rows = db.execute(select(InfoRequest.source_ref, Body.url_name).join(InfoRequest.body))
        assert sorted(rows) == [("1", "new_fenby"), ("2", "sfdc"), ("3", "sfdc")]


def test_a_wished_slug_that_is_taken_is_numbered(site: Site, tmp_path: Path) -> None:
    lines = [line(source_ref=str(n), url_title="lamps-and-posts") for n in range(3)]
    bring(site, tmp_path, *lines)
    with site.sessions.reading() as db:
        slugs = db.scalars(select(InfoRequest.url_title).order_by(InfoRequest.id)).all()
        assert slugs == ["lamps-and-posts", "lamps_and_posts", "lamps_and_posts_2"]


def test_descriptions_are_events_at_their_own_times(site: Site, tmp_path: Path) -> None:
    letters = [
        {"direction": "request", "sent_at": "2024-01-10"},
        {"direction": "response", "sent_at": "2024-01-15", "state": "waiting_clarification"},
        {"direction": "request", "sent_at": "2024-01-20", "kind": "clarification"},
        {"direction": "response", "sent_at": "2024-02-01"},
    ]
    told = line(messages=letters, states=[{"at": "2024-02-03T10:00:00Z", "state": "not_held"}])
    bring(site, tmp_path, told)
    with site.sessions.reading() as db:
        events = db.execute(
            select(Event.happened_at, Event.params)
            .where(Event.kind == "status_update")
            .order_by(Event.id)
        )
        assert [(moment.date().isoformat(), params["state"]) for moment, params in events] == [
            ("2024-01-15", "waiting_clarification"),
            ("2024-01-20", "waiting_response"),
            ("2024-02-03", "not_held"),
        ]
        request = the_request(db)
        assert request.described_state == "not_held"
        assert request.day_zero == date(2024, 1, 20)  # the clock began anew with the clarification
    assert bring(site, tmp_path, told).unchanged == 1
    told["states"].append({"at": "2024-03-01", "state": "successful"})
    assert bring(site, tmp_path, told).updated == 1
    assert bring(site, tmp_path, told).unchanged == 1


def test_an_answer_that_nobody_has_described_awaits_it(site: Site, tmp_path: Path) -> None:
    letters = [{"direction": "request", "sent_at": "2024-01-10"}, {"direction": "response"}]
    told = line(messages=letters, state="waiting_response", awaiting_description=True)
    bring(site, tmp_path, told)
    with site.sessions.reading() as db:
        request = the_request(db)
        assert (request.described_state, request.awaiting_description) == (
            "waiting_response",
            True,
        )
    assert bring(site, tmp_path, told).unchanged == 1
    assert bring(site, tmp_path, told | {"awaiting_description": False}).updated == 1
    assert bring(site, tmp_path, told | {"state": None}).updated == 1
    with site.sessions.reading() as db:
        request = the_request(db)
        assert (request.described_state, request.awaiting_description) == (None, True)
        assert kinds(db)[-2:] == ["status_update", "status_update"]


def test_files_are_held_under_their_own_type_and_a_safe_name(site: Site, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.bin").write_bytes(PDF)
    attachments = [{"file": "files/a.bin", "name": "Answer <1>.pdf"}, {"file": "files/a.bin"}]
    told = line(messages=[{"direction": "request", "attachments": attachments}])
    assert bring(site, tmp_path, told).refused == []
    with site.sessions.reading() as db:
        files = db.scalars(select(Attachment).order_by(Attachment.number)).all()
        assert [f.name for f in files] == ["Answer _1_.pdf", "a.bin.pdf"]
        assert {f.media_type for f in files} == {"application/pdf"}
        assert site.blobs.path(files[0].sha256 or "").read_bytes() == PDF
    assert bring(site, tmp_path, told).unchanged == 1


def test_an_empty_file_and_one_that_is_missing(site: Site, tmp_path: Path) -> None:
    assert bring(site, tmp_path).summary() == "0 created, 0 updated, 0 unchanged, 0 refused"
    assert bring(site, tmp_path, b"\n  \n").refused == []
    with pytest.raises(UnusableFile, match="not a file"):
        import_requests(site, tmp_path / "none.jsonl", lambda done, total, report: None)


def test_requests_of_the_past_are_not_announced_as_today(site: Site, tmp_path: Path) -> None:
    start = ledger.now()
    bring(site, tmp_path, THREAD)
    with site.sessions.reading() as db:
        for event in db.scalars(select(Event).where(Event.request_id.is_not(None))):
            assert event.happened_at < start <= event.recorded_at
