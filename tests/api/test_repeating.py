"""The same call twice: carried out once, and told so."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
import webtest
from sqlalchemy import select

from foi import migrations
from foi.api import idempotency
from foi.api.models import ApiCall
from foi.archive import casework
from foi.archive.models import Event, InfoRequest, Message
from foi.work import duties
from tests.api.calls import ANSWER, CREATION, Authority, field, multipart, upload
from tests.conftest import Running, add_body, add_request, key_for, start
from tests.pages.scene import PDF, dump
from tests.postgres import Postgres, postgres

__all__ = ["postgres"]

KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


def post(council: Authority, path: str, document: dict[str, Any], **more: Any) -> Any:
    fields = {"k": council.key, "json": json.dumps(document)}
    return council.web.post(path, fields, **more)


def calls(council: Authority, made: InfoRequest) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("/api/v2/request", CREATION),
        (f"/api/v2/request/{made.id}", ANSWER),
        (f"/api/v2/request/{made.id}/update", {"state": "successful"}),
    ]


@pytest.fixture
def made(council: Authority) -> InfoRequest:
    return council.made()


@pytest.mark.parametrize("which", range(3))
class TestWithAKey:
    def test_the_first_answer_is_given_again(
        self, council: Authority, made: InfoRequest, which: int
    ) -> None:
        path, document = calls(council, made)[which]
        first = post(council, path, document, headers=KEY)
        assert idempotency.REPLAYED not in first.headers
        before = dump(council.db)
        again = post(council, path, document, headers=KEY)
        assert again.json == first.json
        assert again.headers[idempotency.REPLAYED] == "true"
        assert dump(council.db) == before

    def test_another_payload_is_refused_and_changes_nothing(
        self, council: Authority, made: InfoRequest, which: int
    ) -> None:
        path, document = calls(council, made)[which]
        post(council, path, document, headers=KEY)
        before = dump(council.db)
        changed = document | ({"state": "rejected"} if which == 2 else {"body": "Another."})
        told = post(council, path, changed, headers=KEY, status=422).json
        assert "used before" in told["errors"][0]
        assert dump(council.db) == before

    def test_another_key_is_another_call(
        self, council: Authority, made: InfoRequest, which: int
    ) -> None:
        path, document = calls(council, made)[which]
        before = council.db.query(Event).count()
        for key in ("a", "b"):
            post(council, path, document, headers={"Idempotency-Key": key})
        assert council.db.query(Event).count() == before + 2

    def test_a_refusal_leaves_the_key_free(
        self, council: Authority, made: InfoRequest, which: int
    ) -> None:
        path, document = calls(council, made)[which]
        post(council, path, {"state": "nonsense"}, headers=KEY, status=422)
        answered = post(council, path, document, headers=KEY)
        assert idempotency.REPLAYED not in answered.headers

    def test_it_holds_for_a_day(self, council: Authority, made: InfoRequest, which: int) -> None:
        path, document = calls(council, made)[which]
        start = datetime(2026, 5, 4, 9, tzinfo=UTC)
        document = document | {"sent_at": "2026-05-01T09:00:00Z"}
        for hours, replayed in ((0, None), (23, "true"), (25, None)):
            with time_machine.travel(start + timedelta(hours=hours), tick=False):
                answered = post(council, path, document, headers=KEY)
            assert answered.headers.get(idempotency.REPLAYED) == replayed


def test_how_a_call_is_spelt_makes_no_difference(council: Authority, made: InfoRequest) -> None:
    path = f"/api/v2/request/{made.id}"
    first = post(council, path, ANSWER, headers=KEY)
    body = multipart(field("correspondence_json", json.dumps(dict(reversed(ANSWER.items())))))
    again = council.web.post(
        f"{path}.json?k={council.key}",
        body,
        {"Content-Type": "multipart/form-data; boundary=BOUNDARY", **KEY},
    )
    assert (again.json, again.headers[idempotency.REPLAYED]) == (first.json, "true")


def test_keys_of_two_authorities_are_two(council: Authority) -> None:
    other = Authority(council.web, council.site, council.db)
    first = post(council, "/api/v2/request", CREATION, headers=KEY).json
    assert post(other, "/api/v2/request", CREATION, headers=KEY).json["id"] != first["id"]


@pytest.mark.parametrize("key", ["a b", '"', '""', "ключ".encode().decode("latin-1"), "x" * 256])
def test_a_key_that_is_none_is_refused(council: Authority, key: str) -> None:
    told = post(council, "/api/v2/request", CREATION, headers={"Idempotency-Key": key}, status=400)
    assert "Idempotency-Key" in told.json["errors"][0]


class TestWithoutAKey:
    def answer(self, council: Authority, made: InfoRequest, *files: bytes, **changed: Any) -> Any:
        document = {n: v for n, v in (ANSWER | changed).items() if v is not ...}
        parts = [upload("attachments[]", f"{n}.pdf", data) for n, data in enumerate(files)]
        return council.send(
            f"/api/v2/request/{made.id}", multipart(field("json", json.dumps(document)), *parts)
        )

    @pytest.mark.parametrize("sent_at", [ANSWER["sent_at"], ...])
    def test_correspondence_that_is_the_same_in_every_byte_is_stored_once(
        self, council: Authority, made: InfoRequest, sent_at: Any
    ) -> None:
        first = self.answer(council, made, PDF, b"a,b\n", sent_at=sent_at)
        before = dump(council.db)
        again = self.answer(council, made, PDF, b"a,b\n", sent_at=sent_at)
        assert again.json == first.json
        assert again.headers[idempotency.REPLAYED] == "true"
        assert dump(council.db) == before

    @pytest.mark.parametrize(
        ("files", "changed"),
        [
            ((PDF,), {"body": "There are  twelve."}),
            ((PDF,), {"sent_at": "2026-03-20T09:30:01+00:00"}),
            ((PDF,), {"sent_at": ...}),
            ((PDF,), {"state": "successful"}),
            ((PDF + b"\n",), {}),
            ((PDF, PDF), {}),
            ((), {}),
        ],
    )
    def test_what_differs_is_stored(
        self, council: Authority, made: InfoRequest, files: tuple[bytes, ...], changed: Any
    ) -> None:
        self.answer(council, made, PDF)
        again = self.answer(council, made, *files, **changed)
        assert again.status_int == 200
        assert idempotency.REPLAYED not in again.headers
        assert council.db.query(Message).filter_by(request_id=made.id).count() == 3

    def test_on_another_request_it_is_another(self, council: Authority, made: InfoRequest) -> None:
        self.answer(council, made)
        assert idempotency.REPLAYED not in self.answer(council, council.made()).headers

    def test_after_ten_minutes_it_is_another(self, council: Authority, made: InfoRequest) -> None:
        start = datetime(2026, 5, 4, 9, tzinfo=UTC)
        for minutes, replayed in ((0, None), (9, "true"), (11, None)):
            with time_machine.travel(start + timedelta(minutes=minutes), tick=False):
                answered = self.answer(council, made)
            assert answered.headers.get(idempotency.REPLAYED) == replayed

    def test_creations_are_never_merged(self, council: Authority) -> None:
        assert council.create().json["id"] != council.create().json["id"]


def committed(app: webtest.TestApp, running: Running) -> tuple[str, int]:
    with running.site.sessions.writing() as db:
        key = key_for(running.site, add_body(db))
    made = app.post("/api/v2/request", {"k": key, "json": json.dumps(CREATION)}).json
    return key, made["id"]


def write_at_once(servers: list[Running], keyed: bool) -> None:
    """Let several servers of one site get the same call many times at once."""
    apps = [webtest.TestApp(each.app, extra_environ={"HTTP_HOST": "foi.test"}) for each in servers]
    key, number = committed(apps[0], servers[0])

    def send(turn: int) -> Any:
        return apps[turn % len(apps)].post(
            f"/api/v2/request/{number}",
            {"k": key, "json": json.dumps(ANSWER)},
            KEY if keyed else {},
            status="*",
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    fresh = [a for a in answers if a.status_int == 200 and idempotency.REPLAYED not in a.headers]
    assert len(fresh) == 1
    assert {a.status_int for a in answers} <= ({200, 409} if keyed else {200})
    with servers[0].site.sessions.reading() as db:
        stored = db.scalars(select(Message.id).where(Message.direction == "response")).all()
    assert len(stored) == 1


@pytest.mark.parametrize("keyed", [True, False])
class TestManyAtOnce:
    def test_on_sqlite(
        self, running: Running, tmp_path: Path, migrated: bytes, keyed: bool
    ) -> None:
        other = start(tmp_path / "site", migrated)
        write_at_once([running, other], keyed)
        other.close()

    def test_on_postgresql(
        self, postgres: Postgres, tmp_path: Path, migrated: bytes, keyed: bool
    ) -> None:
        ini = {"database.url": postgres.url(postgres.make())}
        servers = [start(tmp_path / "site", migrated, **ini) for _ in range(2)]
        migrations.upgrade(servers[0].site.engine, servers[0].site.settings)
        write_at_once(servers, keyed)
        for each in servers:
            each.close()


def test_a_call_whose_key_is_under_way_is_told_so(
    app: webtest.TestApp, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, number = committed(app, running)
    inner: list[Any] = []
    verb = casework.correspond

    def slow(*given: Any, **more: Any) -> Any:
        if not inner:
            inner.append(send("409 *"))
        return verb(*given, **more)

    def send(status: str) -> Any:
        fields = {"k": key, "json": json.dumps(ANSWER)}
        return app.post(f"/api/v2/request/{number}", fields, KEY, status=status)

    monkeypatch.setattr(casework, "correspond", slow)
    assert idempotency.REPLAYED not in send("200 *").headers
    assert "still under way" in inner[0].json["errors"][0]
    assert send("200 *").headers[idempotency.REPLAYED] == "true"


def test_what_fails_before_it_is_committed_can_be_tried_again(
    app: webtest.TestApp, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, number = committed(app, running)
    fields = {"k": key, "json": json.dumps(ANSWER)}
    with monkeypatch.context() as patched:
        patched.setattr("foi.archive.ledger._raise_versions", lambda *_: 1 / 0)
        app.post(f"/api/v2/request/{number}", fields, KEY, status=500)
    answered = app.post(f"/api/v2/request/{number}", fields, KEY)
    assert idempotency.REPLAYED not in answered.headers


def test_old_calls_are_forgotten(running: Running) -> None:
    with running.site.sessions.writing() as db:
        body = add_request(db).body_id
        for hours in (50, 25, 1):
            with time_machine.travel(datetime.now(UTC) - timedelta(hours=hours), tick=False):
                idempotency.remember(db, body, f"key{hours}", "mark", {})
    duties.perform(running.site)
    with running.site.sessions.reading() as db:
        assert db.scalars(select(ApiCall.key)).all() == ["key1"]
