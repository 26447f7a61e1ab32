"""The stand-in itself: failures on request, records of calls, kept data, its pages, starting."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.aleph import Aleph
from tests.aleph.client import Client, entity

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(*args: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the command and give its process and the settings it printed."""
    command = [sys.executable, "-m", "tests.aleph", "--port", "0", *args]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().strip() for _ in range(4)]
        yield process, dict(line.split("=", 1) for line in lines if "=" in line)
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()


def test_calls_can_fail_before_or_after_they_take_effect(aleph: Aleph, client: Client) -> None:
    aleph.fail_next("drop", method="POST", path="/ingest")
    with pytest.raises(requests.ConnectionError):
        client.upload("a", b"x")
    assert aleph.collection("site").documents == {}
    aleph.fail_next(502, after=True)
    broken = client.upload("a", b"x")
    assert (broken.status_code, broken.headers["Content-Type"]) == (
        502,
        "text/html; charset=utf-8",
    )
    assert len(aleph.collection("site").documents) == 1
    aleph.fail_next(429, retry_after=3)
    assert client.call("GET", "/status").headers["Retry-After"] == "3"
    assert client.call("GET", "/status").status_code == 200


def test_a_share_of_calls_fails_at_random_but_the_same_for_a_seed() -> None:
    def codes() -> list[int]:
        with Aleph(fail_rate=0.5, seed=7) as aleph:
            out = []
            for _ in range(20):
                try:
                    answer = requests.get(f"{aleph.url}/api/2/metadata", timeout=5)
                    out.append(answer.status_code)
                except requests.ConnectionError:
                    out.append(0)
            return out

    first = codes()
    assert first == codes()
    assert 200 in first
    assert set(first) - {200}


def test_a_mistake_of_its_own_is_a_500_and_not_the_end(
    aleph: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(aleph.server.store, "commit", fail)
        assert requests.get(f"{aleph.url}/api/2/metadata", timeout=5).status_code == 500
    assert requests.get(f"{aleph.url}/api/2/metadata", timeout=5).status_code == 200


@pytest.mark.parametrize("latency", [0, 20])
def test_who_asks_for_another_protocol_gets_this_one(latency: int) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "h2c"}
    with Aleph(latency_ms=latency) as aleph:
        answer = requests.get(f"{aleph.url}/api/2/metadata", headers=asked, timeout=5)
    assert answer.status_code == 200


def test_it_closes_while_somebody_connects() -> None:
    for _ in range(60):
        with Aleph() as aleph, socket.socket() as caller:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", int(aleph.url.rpartition(":")[2])))
        assert not aleph._http.open


def test_calls_are_recorded_with_what_was_uploaded(aleph: Aleph, client: Client) -> None:
    aleph.reset_calls()
    client.upload("a", b"x" * 1000)
    (call,) = aleph.calls
    assert (call.method, call.path, call.status) == (
        "POST",
        f"/api/2/collections/{client.collection}/ingest",
        201,
    )
    assert 1000 < call.uploaded < 1600


def test_maintenance_refuses_every_write(aleph: Aleph, client: Client) -> None:
    aleph.maintenance()
    assert client.upload("a", b"x").status_code == 403
    assert client.load(entity("p", "Person")).status_code == 403
    assert client.call("POST", "/collections", json={"label": "New"}).status_code == 403
    assert client.call("GET", "/metadata").json()["maintenance"] is True
    assert client.call("GET", f"/collections/{client.collection}").status_code == 200


def test_links_may_name_another_address_than_the_one_called() -> None:
    with Aleph(public_url="https://aleph.example") as aleph:
        client = Client(aleph)
        client.make()
        client.load(entity("p", "Person"), entity("q", "Person"))
        assert client.find(("limit", "1"))["next"].startswith("https://aleph.example/api/2/")


def test_the_pages_show_what_arrived_and_escape_it(aleph: Aleph, client: Client) -> None:
    client.call("POST", f"/collections/{client.collection}", json={"label": "<b>Site</b>"})
    folder = client.upload("r", file_name="request-1").json()["id"]
    aleph.poison("<i>.txt")
    client.upload("a", b"x", file_name="<i>.txt", parent_id=folder)
    overview = requests.get(f"{aleph.url}/", timeout=5).text
    assert "&lt;b&gt;Site&lt;/b&gt;" in overview
    page = requests.get(f"{aleph.url}/collection/{client.collection}", timeout=5).text
    assert "<i>" not in page
    assert "&lt;i&gt;.txt" in page
    assert "failure – Processing failed on purpose" in page
    assert page.index("request-1") < page.index("&lt;i&gt;.txt")


def test_the_command_prints_the_settings_a_client_needs() -> None:
    with started("--user-key", "k", "--delay", "0") as (process, settings):
        assert settings["ALEPHCLIENT_API_KEY"] == "k"
        key = {"Authorization": "ApiKey k"}
        url = f"{settings['ALEPHCLIENT_HOST']}/api/2/status"
        assert requests.get(url, headers=key, timeout=5).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    data = str(tmp_path / "aleph.db")
    with started("--data", data, "--delay", "1") as (process, settings):
        key = {"Authorization": f"ApiKey {settings['ALEPHCLIENT_API_KEY']}"}
        base = f"{settings['ALEPHCLIENT_HOST']}/api/2"
        made = requests.post(
            f"{base}/collections",
            json={"label": "Kept", "foreign_id": "kept"},
            headers=key,
            timeout=5,
        ).json()
        meta = '{"foreign_id": "a", "file_name": "a.txt"}'
        parts: dict[str, Any] = {"meta": (None, meta), "file": ("a.txt", b"bytes")}
        sent = requests.post(
            f"{base}/collections/{made['id']}/ingest",
            files=parts,
            headers=key,
            timeout=5,
        )
        assert sent.status_code == 201
        process.kill()
        process.wait(timeout=10)
    with Aleph(delay=0.1, data=data) as aleph:
        assert f"ApiKey {aleph.user_key}" == key["Authorization"]
        aleph.wait_until_idle()
        view = aleph.collection("kept")
        assert view.label == "Kept"
        assert view.file(sent.json()["id"]) == b"bytes"
        assert view.states == {sent.json()["id"]: "success"}


def test_a_proxy_may_refuse_large_uploads() -> None:
    with Aleph(max_upload=5000) as aleph:
        client = Client(aleph)
        client.make()
        refused = client.upload("a", b"x" * 6000)
        assert refused.status_code == 413
        assert refused.text.startswith("<!doctype html>")
        assert client.upload("a", b"x" * 600).status_code == 201
