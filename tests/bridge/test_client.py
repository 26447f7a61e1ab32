"""What a user of the client gets: typed errors, patience, and nothing lost in silence."""

import logging
import time
from pathlib import Path

import pytest

from bridge.aleph import Aleph as Client
from bridge.wire import AlephDenied, AlephDown, AlephError, CollectionGone, Patience
from tests.aleph import Aleph
from tests.bridge.conftest import HASTY
from tests.bridge.servers import serving


@pytest.fixture
def client(aleph: Aleph) -> Client:
    return Client(aleph.url + "/api/2/", aleph.user_key, HASTY)


def make(client: Client, name: str = "foi_client") -> str:
    return str(client.create_collection(name, {"label": "Client"})["id"])


def body(number: int) -> dict[str, object]:
    return {"id": f"b{number}", "schema": "PublicBody", "properties": {"name": [f"Body {number}"]}}


def test_a_good_key_gives_the_version(client: Client, aleph: Aleph) -> None:
    majors = {"aleph3": "3", "aleph": "4", "openaleph": "5"}
    assert client.check()[0] == majors[aleph.server.options.flavour]


def test_a_wrong_key_is_a_sentence_that_does_not_show_it(aleph: Aleph) -> None:
    client = Client(aleph.url, "not-a-key-at-all", HASTY)
    with pytest.raises(AlephDenied) as denied:
        client.check()
    assert "aleph.api_key" in str(denied.value)
    assert "expire" in str(denied.value)
    assert "not-a-key-at-all" not in str(denied.value) + repr(client) + repr(vars(client))


def test_the_key_is_in_the_header_and_never_in_an_address_or_the_log(
    client: Client, aleph: Aleph, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    aleph.fail_next("502", path="status")
    client.check()
    assert aleph.user_key not in caplog.text
    assert all(aleph.user_key not in call.path + call.query for call in aleph.calls)


@pytest.mark.parametrize("status", [200, 404])
def test_what_is_no_aleph_is_told_apart(status: int) -> None:
    with serving(status) as url, pytest.raises(AlephError, match="is not an Aleph"):
        Client(url, "key", HASTY).check()


def test_a_proxy_of_the_environment_is_used(
    aleph4: Aleph, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("http_proxy", aleph4.url)  # which is asked for the whole address
    behind = Client("http://aleph.invalid", aleph4.user_key, HASTY)
    assert behind.check()
    number = str(behind.create_collection("proxied", {"label": "Proxied"})["id"])
    path = tmp_path / "large.txt"
    path.write_bytes(b"words\n" * 300_000)
    assert behind.ingest(number, {"foreign_id": "large"}, path)
    assert aleph4.collection("proxied").by_foreign_id("large")


def test_a_missing_file_is_no_word_about_the_server(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.ingest("1", {"foreign_id": "gone"}, tmp_path / "gone")


def test_nobody_at_home_is_down() -> None:
    with pytest.raises(AlephDown, match="does not answer"):
        Client("http://127.0.0.1:9", "key", HASTY).check()


@pytest.mark.parametrize("kind", ["502", "503", "429", "500", "drop"])
def test_what_passes_is_tried_again(client: Client, aleph: Aleph, kind: str) -> None:
    aleph.fail_next(kind, times=2, path="status")
    assert client.check()


def test_a_call_that_alone_fails_does_not_count_as_aleph_being_down(
    client: Client, aleph: Aleph
) -> None:
    number = make(client)
    aleph.fail_next("drop", times=9, path="ingest")
    with pytest.raises(AlephError) as failed:
        client.ingest(number, {"foreign_id": "x"})
    assert not isinstance(failed.value, AlephDown)


def test_retry_after_is_honoured_within_bounds(aleph: Aleph) -> None:
    patient = Patience(attempts=2, pause=0.0, longest=0.3)
    client = Client(aleph.url, aleph.user_key, patient)
    aleph.fail_next("429", path="status", retry_after=60)
    with pytest.raises(AlephDown) as down:
        client.check()  # nobody waits for as long as that; a worker comes back then
    assert down.value.asked == 60
    aleph.heal()
    aleph.fail_next("429", path="status", retry_after=1)
    begin = time.monotonic()
    Client(aleph.url, aleph.user_key, Patience(attempts=2, pause=0.0, longest=2.0)).check()
    assert 1 <= time.monotonic() - begin < 5


def test_errors_in_html_become_one_line(client: Client, aleph: Aleph) -> None:
    aleph.fail_next("502", times=9, path="status")
    with pytest.raises(AlephError) as failed:
        client.check()
    assert failed.value.status == 502
    assert "<" not in failed.value.message
    assert "\n" not in failed.value.message


@pytest.mark.parametrize("status", [200, 418])
def test_an_answer_that_is_nested_too_deeply_is_none(status: int) -> None:
    content = b"[" * 200_000 + b"]" * 200_000
    with serving(status, content) as url, pytest.raises(AlephError) as failed:
        Client(url, "key", HASTY).call("GET", "status")
    assert failed.value.status in (0, status)


def test_reasons_hold_nothing_that_a_terminal_obeys() -> None:
    content = b'{"message": "no\\u001b[2J\\u009b2J, never\\u202e\\u0007"}'
    with serving(418, content) as url, pytest.raises(AlephError) as failed:
        Client(url, "key", HASTY).call("GET", "status")
    assert failed.value.message == "no[2J2J, never"


def test_a_redirect_is_not_followed_with_the_key(aleph4: Aleph) -> None:
    moved = pytest.raises(AlephError, match=r"moved to https://aleph.example/.*aleph.host")
    with serving(301, Location="https://aleph.example/") as url, moved:
        Client(url, aleph4.user_key, HASTY).check()


def test_somebody_elses_collection_is_a_sentence(client: Client, aleph: Aleph) -> None:
    admin = Client(aleph.url, aleph.admin_key, HASTY)
    make(admin)
    with pytest.raises(AlephDenied, match="somebody else has one of that name"):
        make(client)


def test_a_collection_made_twice_by_a_lost_answer_is_one(client: Client, aleph: Aleph) -> None:
    aleph.fail_next("drop", after=True, method="POST", path="collections")
    number = make(client)
    found = client.find_collection("foi_client")
    assert found is not None
    assert found["id"] == number


def test_a_file_arrives_byte_for_byte_and_again_is_the_same_document(
    client: Client, aleph: Aleph, tmp_path: Path
) -> None:
    number = make(client)
    content = bytes(range(256)) * 3000
    path = tmp_path / "data.bin"
    path.write_bytes(content)
    folder = client.ingest(number, {"foreign_id": "request-1"})
    meta = {"foreign_id": "f", "parent_id": folder, "file_name": "Größe.bin"}
    first = client.ingest(number, meta, path)
    aleph.fail_next("drop", after=True, path="ingest")
    assert client.ingest(number, meta, path) == first
    view = aleph.collection("foi_client")
    assert view.file(first) == content
    assert view.properties(first)["fileName"] == ["Größe.bin"]
    assert view.parent(first) == folder


def test_one_bad_entity_costs_only_itself_and_is_named(client: Client, aleph: Aleph) -> None:
    number = make(client)
    entities = [body(n) for n in range(1200)]
    entities[7]["schema"] = "Nonsense"
    entities[1100]["id"] = "with_underscore"
    entities[3]["id"] = "dotted.id"
    aleph.reset_calls()
    refused = client.bulk(number, entities)
    assert sorted(refused) == ["b7", "dotted.id", "with_underscore"]
    assert len(list(client.stream(number))) == 1197
    assert len([c for c in aleph.calls if c.path.endswith("_bulk")]) < 30


def test_when_nothing_is_taken_it_is_not_asked_entity_by_entity(
    client: Client, aleph: Aleph
) -> None:
    number = make(client)
    aleph.fail_next("500", times=100_000, path="_bulk")
    aleph.reset_calls()
    refused = client.bulk(number, [body(n) for n in range(1000)])
    assert len(refused) == 1000
    assert len(aleph.calls) < 200


def test_bulk_writes_are_cut_by_count_and_by_bytes(client: Client, aleph: Aleph) -> None:
    number = make(client)
    aleph.reset_calls()
    client.bulk(number, [body(n) for n in range(2100)])
    large = [body(n) | {"properties": {"name": ["x"], "notes": ["n" * 3_000_000]}} for n in (1, 2)]
    client.bulk(number, large)
    assert len([c for c in aleph.calls if c.path.endswith("_bulk")]) == 5


def test_deleting_tells_whether_it_was_there(client: Client) -> None:
    number = make(client)
    folder = client.ingest(number, {"foreign_id": "request-1"})
    assert client.entity(folder) is not None
    assert client.delete(folder) is True
    assert client.delete(folder) is False
    assert client.entity(folder) is None


def test_idle_is_read_in_both_dialects(aleph: Aleph) -> None:
    with Aleph(flavour=aleph.server.options.flavour, delay=0.4) as slow:
        client = Client(slow.url, slow.user_key, HASTY)
        number = make(client)
        assert client.queued(number) == 0
        client.ingest(number, {"foreign_id": "request-1"})
        assert client.queued(number)
        slow.wait_until_idle()
        assert client.queued(number) == 0


def test_a_collection_that_has_gone_says_so(client: Client) -> None:
    with pytest.raises(CollectionGone):
        client.bulk("999", [body(1)])
