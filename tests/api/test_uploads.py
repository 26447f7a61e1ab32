"""Files on their way in: on disk and not in memory, within limits, and gone when the call is not
carried out.
"""

import http.client
import json
import socket
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import webtest
from sqlalchemy.exc import OperationalError

from foi.archive import casework
from foi.archive.models import Attachment, InfoRequest
from foi.client import Attachment as File
from foi.client import Client, Refused
from foi.work.worker import drain
from tests.api.calls import ANSWER, CREATION, MULTIPART, Authority, field, multipart, upload
from tests.api.conftest import Served
from tests.conftest import Running, add_body, key_for
from tests.pages.scene import PDF, dump

DOCUMENT = json.dumps(ANSWER)


@pytest.fixture
def made(council: Authority) -> InfoRequest:
    return council.made()


def limit(council: Authority, monkeypatch: pytest.MonkeyPatch, **settings: int) -> None:
    for name, value in settings.items():
        monkeypatch.setitem(council.site.settings.__dict__, name, value)


def send(council: Authority, made: InfoRequest, *files: bytes, **more: Any) -> Any:
    parts = [upload("attachments[]", f"{n}.bin", data) for n, data in enumerate(files)]
    body = multipart(field("json", json.dumps(ANSWER | more)), *parts)
    return council.send(f"/api/v2/request/{made.id}.json", body)


class TestLimits:
    def test_of_one_call(
        self, council: Authority, made: InfoRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit(council, monkeypatch, request_limit=1000)
        assert send(council, made, b"x" * 500, b"y" * 500).status_int == 200
        before = dump(council.db)
        refused = send(council, made, b"x" * 500, b"z" * 501)
        assert refused.status_int == 413
        assert "together larger than 1,000 bytes" in refused.json["errors"][0]
        assert dump(council.db) == before

    def test_of_one_call_is_judged_by_its_announcement(
        self, council: Authority, made: InfoRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit(council, monkeypatch, request_limit=1000, field_limit=1000)
        refused = send(council, made, b"x" * 1_100_000)
        assert refused.status_int == 413
        assert "The form is larger" in refused.json["errors"][0]

    def test_of_all_plain_fields_together(
        self, council: Authority, made: InfoRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit(council, monkeypatch, field_limit=1000)
        body = multipart(field("a", "x" * 600), field("b", "x" * 600))
        refused = council.send(f"/api/v2/request/{made.id}.json", body, status=413)
        assert "larger than 1,000 bytes" in refused.json["errors"][0]

    def test_of_an_authority_in_which_equal_bytes_count_once(
        self, council: Authority, made: InfoRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit(council, monkeypatch, authority_limit=1000)
        assert send(council, made, b"x" * 900, b"x" * 900).status_int == 200
        assert send(council, made, b"x" * 900, b"y" * 100, body="Again.").status_int == 200
        before = dump(council.db)
        refused = send(council, made, b"z", body="More.")
        assert refused.status_int == 413
        assert "more room" in refused.json["errors"][0]
        assert dump(council.db) == before
        other = Authority(council.web, council.site, council.db)
        assert send(other, other.made(), b"z" * 900).status_int == 200
        limit(council, monkeypatch, authority_limit=0)
        assert send(council, made, b"z", body="More.").status_int == 200

    def test_none_of_them(
        self, council: Authority, made: InfoRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        limit(council, monkeypatch, request_limit=0, attachment_limit=0, field_limit=0)
        assert send(council, made, b"x" * 500, body="y" * 3000).status_int == 200

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("X : 1", "header"),
            ("X: a\x00b", "header"),
            ("Transfer-Encoding: gzip", "Transfer-Encoding"),
            ("Transfer-Encoding: chunked, gzip", "Transfer-Encoding"),
            ("Content-Length: many", "Content-Length"),
        ],
    )
    def test_what_cannot_be_read_at_all_is_told_in_json(
        self, served: Served, line: str, said: str
    ) -> None:
        where = urlsplit(served.url)
        for path, kind in (("/api/v2/request", "application/json"), ("/list", "text/plain")):
            with socket.create_connection((where.hostname, where.port), timeout=20) as wire:
                wire.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
                answered = http.client.HTTPResponse(wire)
                answered.begin()
                told = answered.read().decode()
            assert answered.status == 400
            assert said in told
            if path == "/api/v2/request":
                assert (answered.getheader("Content-Type") or "").startswith(kind)
                assert list(json.loads(told)) == ["errors"]

    def test_of_the_server_is_told_in_json(self, served: Served) -> None:
        where = urlsplit(served.url)
        most = served.site.settings.body_limit
        for path, kind in (("/api/v2/request", "application/json"), ("/list", "text/plain")):
            connection = http.client.HTTPConnection(where.hostname or "", where.port)
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", str(most + 1))
            connection.endheaders()
            answered = connection.getresponse()
            assert answered.status == 413
            assert (answered.getheader("Content-Type") or "").startswith(kind)
            told = answered.read()
            connection.close()
            if kind == "application/json":
                assert json.loads(told) == {"errors": [f"The call is larger than {most:,} bytes."]}


class TestNothingIsLeft:
    def test_of_a_refused_call(self, served: Served, client: Client) -> None:
        made = client.create(title="Lamp posts in Mill Lane", body="How many?")
        with served.site.sessions.reading() as db:
            before = dump(db)
        for changed in ({"state": "nonsense"}, {"direction": "request"}, {"body": ""}):
            fields = {"k": served.key, "json": json.dumps(ANSWER | changed)}
            refused = requests.post(
                f"{served.url}/api/v2/request/{made.id}.json",
                fields,
                files=[("attachments[]", ("a.pdf", PDF))],
                timeout=20,
            )
            assert refused.status_code == 422
        cut = multipart(field("json", DOCUMENT), upload("attachments", "a.pdf", PDF), end=False)
        refused = requests.post(
            f"{served.url}/api/v2/request/{made.id}?k={served.key}",
            cut,
            headers={"Content-Type": MULTIPART},
            timeout=20,
        )
        assert refused.status_code == 400
        with served.site.sessions.reading() as db:
            assert dump(db) == before
        assert served.files() == []

    def test_of_a_key_that_was_used_for_something_else(
        self, served: Served, client: Client
    ) -> None:
        made = client.create(title="Lamp posts in Mill Lane", body="How many?")
        client.respond(made.id, "Twelve.", idempotency_key="once")
        with pytest.raises(Refused, match="used before"):
            client.respond(
                made.id, "Twelve.", idempotency_key="once", attachments=[File("a.pdf", PDF)]
            )
        assert served.files() == []

    def test_of_a_call_that_repeats_one_whose_file_was_erased(
        self, served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("foi.work.fanout._GRACE", 0.0)
        made = client.create(title="Lamp posts in Mill Lane", body="How many?")
        sent: dict[str, Any] = {"attachments": [File("a.pdf", PDF)], "idempotency_key": "once"}
        client.respond(made.id, "Twelve.", **sent)
        with served.site.sessions.writing() as db:
            casework.erase(db, db.query(Attachment).one(), "desk")
        drain(served.site)
        assert served.files() == []
        assert client.respond(made.id, "Twelve.", **sent) == made.url
        assert served.files() == []

    @pytest.mark.parametrize("sent", [0.1, 0.9])
    def test_of_a_client_that_drops_the_connection(
        self, served: Served, client: Client, sent: float
    ) -> None:
        made = client.create(title="Lamp posts in Mill Lane", body="How many?")
        with served.site.sessions.reading() as db:
            before = dump(db)
        body = multipart(field("json", DOCUMENT), upload("attachments", "a.bin", b"x" * (3 << 20)))
        where = urlsplit(served.url)
        with socket.create_connection((where.hostname, where.port)) as connection:
            head = (
                f"POST /api/v2/request/{made.id}?k={served.key} HTTP/1.1\r\nHost: foi.test\r\n"
                f"Content-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body[: int(len(body) * sent)])
        time.sleep(0.3)
        with served.site.sessions.reading() as db:
            assert dump(db) == before
        assert served.files() == []
        assert client.respond(made.id, "Twelve.") == made.url


class _Broken(BytesIO):
    """A body whose client goes away while it is read, with a server that does not wait for it."""

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(min(size or 0, 1 << 16))
        if not piece:
            raise OSError("the client has gone")
        return piece


def test_a_body_that_breaks_off_while_it_is_read_leaves_nothing(
    running: Running,
) -> None:
    app = webtest.TestApp(running.app, lint=False)
    with running.site.sessions.writing() as db:
        key = key_for(running.site, add_body(db))
    made = app.post("/api/v2/request", {"k": key, "json": json.dumps(CREATION)}).json
    body = multipart(field("json", DOCUMENT), upload("attachments", "a.bin", b"x" * 300_000))
    answered = app.request(
        f"/api/v2/request/{made['id']}?k={key}",
        method="POST",
        body_file=_Broken(body[:200_000]),
        content_length=len(body),
        content_type=MULTIPART,
        status="*",
    )
    assert answered.status_int == 400
    folder = running.site.settings.files_folder
    assert [p for p in folder.rglob("*") if p.is_file()] == []


def test_a_key_in_the_form_is_checked_before_the_first_file(
    council: Authority, made: InfoRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a file was taken")

    monkeypatch.setattr("foi.api.uploads.Tray.take", never)
    body = multipart(
        field("k", "wrong"), field("json", DOCUMENT), upload("attachments", "a.pdf", PDF)
    )
    headers = {"Content-Type": MULTIPART}
    council.web.post(f"/api/v2/request/{made.id}", body, headers, status=403)


def test_a_key_after_the_files_will_do(council: Authority, made: InfoRequest) -> None:
    body = multipart(
        upload("attachments", "a.pdf", PDF), field("json", DOCUMENT), field("k", council.key)
    )
    council.web.post(f"/api/v2/request/{made.id}", body, {"Content-Type": MULTIPART})
    assert council.db.query(Attachment).count() == 1


def test_a_body_is_not_copied_before_it_is_read(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: object) -> None:
        raise AssertionError("the body was copied")

    monkeypatch.setattr("webob.request.BaseRequest.copy_body", never)
    made = client.create(title="Lamp posts in Mill Lane", body="How many?")
    client.respond(made.id, "Twelve.", attachments=[File("a.bin", b"x" * (1 << 20))])
    assert len(served.files()) == 1


def test_a_write_that_lost_a_race_is_tried_again_with_its_files(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = client.create(title="Lamp posts in Mill Lane", body="How many?")
    verb, tries = casework.correspond, []

    def losing(*given: Any, **more: Any) -> Any:
        tries.append(more["files"])
        if len(tries) == 1:
            raise OperationalError("", {}, Exception("database is locked"))
        return verb(*given, **more)

    monkeypatch.setattr(casework, "correspond", losing)
    client.respond(made.id, "Twelve.", attachments=[File("a.pdf", PDF)], idempotency_key="once")
    assert len(tries) == 2
    [_, message] = client.request(made.id)["correspondence"]
    assert [a["filename"] for a in message["attachments"]] == ["a.pdf"]


def test_identical_bytes_are_stored_once(served: Served, client: Client) -> None:
    made = client.create(title="Lamp posts in Mill Lane", body="How many?")
    for text in ("One.", "Two."):
        client.respond(made.id, text, attachments=[File("a.pdf", PDF), File("b.pdf", PDF)])
    assert len(served.files()) == 1
    told = client.request(made.id)["correspondence"]
    assert [a["filename"] for m in told for a in m["attachments"]] == ["a.pdf", "b.pdf"] * 2


_SENDER = """
import sys
from pathlib import Path
from foi.client import Client
client = Client(sys.argv[1], sys.argv[2])
Client.respond(client, int(sys.argv[3]), "See the file.", attachments=[Path(sys.argv[4])])
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def memory(what: str) -> int:
    """Give a figure of this process from Linux, in kilobytes."""
    return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in Linux's own words")
def test_a_large_file_costs_neither_side_memory(
    served: Served, client: Client, tmp_path: Any
) -> None:
    made = client.create(title="Lamp posts in Mill Lane", body="How many?")
    large = tmp_path / "large.bin"
    with large.open("wb") as out:
        for n in range(96):
            out.write(n.to_bytes(8) * (1 << 17))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = memory("VmRSS")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SENDER, served.url, served.key, str(made.id),
         str(large)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) < 80 << 10, "kilobytes of the client"
    assert memory("VmHWM") - before < 32 << 10, "kilobytes of the server"
    [_, message] = client.request(made.id)["correspondence"]
    assert message["attachments"][0]["size"] == 96 << 20
