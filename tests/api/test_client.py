"""The Python client against a site that listens."""

import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.exceptions import ChunkedEncodingError

from foi.archive.models import Message
from foi.client import Attachment, Client, Refused, Unreachable
from tests.api.conftest import Served
from tests.pages.scene import PDF


def test_a_request_from_beginning_to_end(served: Served, client: Client, tmp_path: Path) -> None:
    made = client.create(
        title="Lamp posts in Mill Lane", body="How many?", tags=["lamps", "ref:1"],
        external_user_name="Bob Rushes", external_url="https://register.test/1",
    )  # fmt: skip
    assert made.url == f"{served.url}/request/lamp_posts_in_mill_lane"
    client.follow_up(made.id, "I mean the lit ones.")
    (tmp_path / 'a "b".pdf').write_bytes(PDF)
    moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    files = [tmp_path / 'a "b".pdf', Attachment("Übersicht.csv", b"a,b\n1,2\n")]
    url = client.respond(
        made.id, "Twelve.", attachments=files, state="partially_successful", sent_at=moment
    )
    assert url == made.url
    client.set_state(made.id, "successful")
    told = client.request(made.id)
    assert told["status"] == "successful"
    assert told["tags"] == ["lamps", "ref:1"]
    assert [m["direction"] for m in told["correspondence"]] == ["request", "request", "response"]
    answer = told["correspondence"][-1]
    assert datetime.fromisoformat(answer["sent_at"]) == moment
    assert [a["filename"] for a in answer["attachments"]] == ["a _b_.pdf", "Übersicht.csv"]
    fetched = requests.get(answer["attachments"][0]["url"], timeout=10)
    assert fetched.content == PDF
    assert "due_on" in told
    newest, first = client.events(served.body_id)
    assert (first.event_type, newest.event_type) == ("sent", "followup_sent")
    assert first.user_name == "Bob Rushes"
    assert client.events(served.body_id, since_event_id=newest.event_id) == []
    assert client.events(served.body_id, since=date(2020, 1, 1)) == [newest, first]


def test_a_refusal_says_why(client: Client) -> None:
    with pytest.raises(Refused) as refused:
        client.create(title="x", body="")
    assert refused.value.status == 422
    assert len(refused.value.errors) == 2
    with pytest.raises(Refused, match="not a key"):
        Client(client.site, "wrong").request(1)
    with pytest.raises(ValueError, match="time zone"):
        client.respond(1, "Twelve.", sent_at=datetime(2026, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    "failure", [requests.ConnectionError, requests.Timeout, ChunkedEncodingError]
)
def test_a_lost_answer_is_asked_for_again_and_nothing_is_doubled(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    made = client.create(title="Lamp posts in Mill Lane", body="How many?")
    really, lost = requests.request, []

    def losing(*given: Any, **more: Any) -> Any:
        answered = really(*given, **more)
        if len(lost) < 2:
            lost.append(answered)
            raise failure("reset by peer")
        return answered

    monkeypatch.setattr(requests, "request", losing)
    url = client.respond(made.id, "Twelve.", attachments=[Attachment("a.pdf", PDF)])
    assert url == made.url
    with served.site.sessions.reading() as db:
        assert db.query(Message).filter_by(direction="response").count() == 1


@pytest.mark.parametrize(("asked", "waits"), [("7", 7), ("86400", 120), ("soon", 0.001)])
def test_it_waits_as_long_as_the_site_asks_for(
    client: Client, monkeypatch: pytest.MonkeyPatch, asked: str, waits: float
) -> None:
    really, slept = requests.request, list[float]()

    def busy(*given: Any, **more: Any) -> Any:
        answered = really(*given, **more)
        if not slept:
            answered.status_code, answered.headers["Retry-After"] = 429, asked
        return answered

    monkeypatch.setattr(requests, "request", busy)
    monkeypatch.setattr("foi.client.time.sleep", slept.append)
    assert client.create(title="Lamp posts in Mill Lane", body="How many?").id == 1
    assert slept == [waits]


def test_a_site_that_is_not_there() -> None:
    with pytest.raises(Unreachable, match="2 times"):
        Client("http://127.0.0.1:9", "key", attempts=2, pause=0.001).request(1)


def test_the_key_is_not_shown(client: Client) -> None:
    assert client.key not in repr(client)


def test_it_brings_nothing_of_the_server_along() -> None:
    code = (
        "import sys, foi.client; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'pyramid', 'sqlalchemy', 'colander', 'whoosh', 'waitress'}), "
        "sorted(m for m in sys.modules if m.startswith('foi.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] ['foi.client']\n"
