"""`foi bridge list` as its users meet it: every document of any collection, a line each."""

import csv
import io
import json
from typing import Any

import pytest

from foi.site import Site
from tests.aleph import Aleph
from tests.aleph.client import Client, entity
from tests.bridge.commands import run
from tests.bridge.conftest import Open, joined
from tests.bridge.records import COLLECTION, make


def listed(site: Site, *words: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in run(site, "list", "--json", *words).stdout.splitlines()]


def shared(server: Aleph, foreign_id: str = "leak", label: str = "A leak") -> Client:
    """Make a collection of the admin's that the user may read and not write."""
    admin = Client(server, server.admin_key, foreign_id)
    number = admin.make(label=label, category="library")
    rights = [{"role_id": "2", "read": True, "write": False}]
    assert admin.call("POST", f"/collections/{number}/permissions", json=rights).ok
    return admin


def test_names_and_states_are_listed_folders_included(site: Site, aleph: Aleph) -> None:
    made = make(site)
    run(site, "push")
    result = run(site, "list")
    assert result.exit_code == 0
    assert sorted(result.stdout.splitlines()) == [
        "none     Turbot quotas",
        "success  incoming-2",
        "success  minutes.txt",
        "success  outgoing-1",
        "success  quotas.csv",
    ]
    assert (made.letter, made.answer) == (1, 2)
    assert result.stderr == ""


def test_what_failed_is_said_with_the_reason_and_by_exit_status(site: Site, aleph: Aleph) -> None:
    make(site)
    aleph.poison("quotas.csv", "fail")
    run(site, "push")
    result = run(site, "list")
    assert result.exit_code == 1
    assert "failed   quotas.csv: Processing failed on purpose" in result.stdout
    assert "1 of 5 documents were not processed successfully" in result.stderr
    only = run(site, "list", "--status", "failed", "--json")
    assert [json.loads(each)["name"] for each in only.stdout.splitlines()] == ["quotas.csv"]
    assert only.exit_code == 1
    others = run(site, "list", "--status", "success", "--status", "none")
    assert "quotas.csv" not in others.stdout
    assert others.exit_code == 1


def test_what_aleph_has_taken_and_not_shown_is_pending(site: Site, aleph: Aleph) -> None:
    make(site)
    aleph.poison("minutes.txt", "stuck")
    run(site, "push", "--wait", "1")
    result = run(site, "list", "--status", "pending")
    assert result.stdout == "pending  minutes.txt\n"
    assert result.exit_code == 0
    assert "1 of 5 documents are not processed yet" in result.stderr
    assert "Aleph still has 1 tasks" in result.stderr


def test_schema_narrows_to_its_kinds(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    assert {each["schema"] for each in listed(site, "--schema", "Email")} == {"Email"}
    (person,) = listed(site, "--schema", "Person")
    assert (person["name"], person["status"]) == ("Jane Doe", "none")
    result = run(site, "list", "--schema", "Nonsense")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_a_table_is_safe_to_open(site: Site, aleph: Aleph) -> None:
    admin = shared(aleph)
    admin.upload("one", b"1", file_name='=cmd|"x"!A1, and more.txt')
    aleph.wait_until_idle()
    (row,) = csv.DictReader(io.StringIO(run(site, "list", "--collection", "leak", "--csv").stdout))
    assert row["name"] == '\'=cmd|"x"!A1, and more.txt'
    assert (row["collection"], row["status"]) == ("leak", "success")


def test_names_do_not_command_the_terminal(site: Site, aleph: Aleph) -> None:
    shared(aleph).upload("one", b"1", file_name="a\x1b[2Jb\nc.txt")
    aleph.wait_until_idle()
    result = run(site, "list", "--collection", "leak")
    assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) == 1


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with 9,999 and 200, in a smaller size: the server knows no more than these."""
    monkeypatch.setattr("tests.aleph.search.WINDOW", 60)
    monkeypatch.setattr("bridge.listing.WINDOW", 60)
    monkeypatch.setattr("bridge.listing.PAGE", 20)


def test_more_than_aleph_shows_in_a_search_by_one_who_may_only_read(
    site: Site, aleph: Aleph, small_window: None
) -> None:
    admin = shared(aleph)
    rows = []
    for number in range(250):
        made = {"created_at": f"2024-01-01T09:00:{number // 45:02}"}
        rows.append({**entity(f"d{number}", "PlainText", fileName=[f"{number}.txt"]), **made})
    assert admin.load(*rows).status_code == 204
    aleph.wait_until_idle()
    aleph.reset_calls()
    found = listed(site, "--collection", "leak")
    assert not any("_stream" in call.path for call in aleph.calls)
    assert sorted(each["name"] for each in found) == sorted(f"{n}.txt" for n in range(250))


def test_too_many_of_one_moment_are_told_and_not_left_out_in_silence(
    site: Site, aleph: Aleph, small_window: None
) -> None:
    admin = shared(aleph)
    admin.load(*(entity(f"d{number}", "PlainText") for number in range(61)))
    aleph.wait_until_idle()
    result = run(site, "list", "--collection", "leak")
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 60
    assert "this is not all" in result.stderr


def test_who_may_write_gets_it_streamed_past_the_limit(open_: Open, aleph4: Aleph) -> None:
    own = Client(aleph4, foreign_id="mine")
    own.make()
    for part in range(0, 10_050, 1050):
        rows = [entity(f"d{part + n}", "PlainText", fileName=[f"{part + n}"]) for n in range(1050)]
        own.load(*rows)
    aleph4.wait_until_idle()
    aleph4.reset_calls()
    result = run(joined(open_, aleph4), "list", "--collection", "mine")
    assert result.exit_code == 0
    assert len(set(result.stdout.splitlines())) == 10_500
    assert [
        call.path for call in aleph4.calls if "_stream" in call.path or "entities" in call.path
    ] == [f"/api/2/collections/{own.collection}/_stream"]


def test_a_stream_that_fails_at_first_is_asked_for_again(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    aleph.fail_next("503", path="_stream")
    assert len(listed(site)) == 5


def test_what_cannot_be_read_is_a_sentence(site: Site, aleph: Aleph) -> None:
    Client(aleph, aleph.admin_key, "hidden").make()
    for name in ("hidden", "nonsense", COLLECTION):
        result = run(site, "list", "--collection", name)
        assert result.exit_code == 2
        assert f"there is no collection '{name}' that the key may read" in result.stderr
