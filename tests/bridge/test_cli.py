"""`foi bridge` as its users meet it."""

import json
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge import turnstile
from bridge.wire import Patience
from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.commands import refused, run
from tests.bridge.conftest import HASTY, Open, joined
from tests.bridge.records import (
    COLLECTION,
    EVERYTHING,
    Attachment,
    hide,
    lose_files,
    make,
    names,
    writes,
)


@pytest.fixture
def there(open_: Open, aleph4: Aleph) -> Site:
    return joined(open_, aleph4)


def test_push_says_what_it_did(there: Site, aleph4: Aleph) -> None:
    make(there)
    first = run(there, "push")
    assert first.exit_code == 0
    assert f"Sent: {len(EVERYTHING)}" in first.stdout
    assert "3 of 3" in first.stderr
    second = run(there, "push", "--json")
    assert json.loads(second.stdout) == {
        "sent": 0,
        "unchanged": len(EVERYTHING),
        "withdrawn": 0,
        "waiting": 0,
        "failed": [],
        "unread": [],
        "stopped": None,
        "dry_run": False,
    }
    assert set(names(aleph4.collection(COLLECTION))) == EVERYTHING


@pytest.mark.parametrize("name", ["turbot_quotas", "1"])
def test_push_of_one_request_brings_what_it_needs(there: Site, aleph4: Aleph, name: str) -> None:
    make(there)
    assert run(there, "push", "--request", name).exit_code == 0
    assert set(names(aleph4.collection(COLLECTION))) == EVERYTHING


def test_a_dry_run_changes_nothing(there: Site, aleph4: Aleph) -> None:
    made = make(there)
    result = run(there, "push", "--dry-run")
    assert f"To send: {len(EVERYTHING)}" in result.stdout
    assert writes(aleph4) == []
    run(there, "push")
    hide(there, Attachment, made.quotas)
    aleph4.reset_calls()
    found = json.loads(run(there, "push", "--dry-run", "--json").stdout)
    assert (found["sent"], found["withdrawn"], found["dry_run"]) == (1, 1, True)
    assert writes(aleph4) == []


def test_a_failed_file_is_a_partial_failure(there: Site, aleph4: Aleph) -> None:
    make(there)
    lose_files(there)
    result = run(there, "push")
    assert result.exit_code == 1
    assert "quotas.csv" in result.stdout
    assert "missing" in result.stdout


def test_aleph_going_away_is_a_partial_failure(there: Site, aleph4: Aleph) -> None:
    make(there)
    aleph4.fail_next("429", times=100_000, path="ingest")
    result = run(there, "push")
    assert result.exit_code == 1
    assert "Stopped:" in result.stdout


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        ({"aleph__host": ""}, "aleph.host"),
        ({"aleph__api_key": ""}, "aleph.api_key"),
        ({"aleph__api_key": "nobodys-key"}, "aleph.api_key"),
        ({"aleph__host": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
def test_settings_that_do_not_do_are_a_sentence(
    open_: Open, aleph4: Aleph, ini: dict[str, str], said: str
) -> None:
    good: dict[str, Any] = {
        "aleph__host": aleph4.url,
        "aleph__api_key": aleph4.user_key,
        "aleph__collection": COLLECTION,
    }
    result = run(open_(**{**good, **ini}), "push")
    assert result.exit_code == 2
    assert said in result.stderr
    assert "nobodys-key" not in result.output
    assert "Traceback" not in result.output
    assert writes(aleph4) == []


def test_an_unknown_request_is_a_sentence(there: Site) -> None:
    result = run(there, "push", "--request", "nonsense")
    assert result.exit_code == 2
    assert "'nonsense'" in result.stderr


def test_two_pushes_at_once_are_refused(there: Site) -> None:
    with turnstile.alone(there.settings.data_folder):
        result = run(there, "push")
    assert result.exit_code == 2
    assert "under way" in result.stderr


def test_status_counts_what_is_there(there: Site, aleph4: Aleph) -> None:
    make(there)
    run(there, "push")
    (found,) = json.loads(run(there, "status", "--live", "--json").stdout)["targets"]
    (collection,) = found["collections"]
    assert collection["held"] == {
        "attachment": 2, "body": 1, "link": 2, "message": 2, "person": 1, "request": 1,
    }  # fmt: skip
    assert (collection["withdrawing"], collection["unfinished"], collection["queued"]) == (0, 0, 0)
    assert (found["owed"], found["parked"]) == (0, 0)
    assert "attachment: 2" in run(there, "status").stdout


def test_verify_heal_and_reconcile_tell_by_exit_status_and_name_what_is_wrong(
    there: Site, aleph4: Aleph
) -> None:
    make(there)
    aleph4.poison("quotas.csv", "fail")
    pushed = run(there, "push")
    assert pushed.exit_code == 1
    assert "could not read: 1\n  request-1-att-2-1 (quotas.csv): Processing" in pushed.stdout
    result = run(there, "verify", "--wait", "5")
    assert result.exit_code == 1
    assert "failed attachment" in result.stdout
    assert "(quotas.csv): Processing failed on purpose" in result.stdout
    assert "last verified: 1 failed, 8 indexed" in run(there, "status").stdout
    aleph4.cure("quotas.csv")
    assert run(there, "heal", "--wait", "5").exit_code == 0
    (found,) = json.loads(run(there, "verify", "--json").stdout)["collections"]
    assert (found["indexed"], found["problems"]) == (len(EVERYTHING), [])
    (found,) = json.loads(run(there, "reconcile", "--json").stdout)["collections"]
    assert (found["push"]["sent"], found["foreign"]) == (0, 0)


def test_push_of_one_collection_and_since_a_day(there: Site, aleph4: Aleph) -> None:
    make(there)
    assert "'foi_no'" in run(there, "push", "--collection", "foi_no").stderr
    assert "Sent: 0" in run(there, "push", "--since", "2100-01-01").stdout
    assert run(there, "push", "--collection", COLLECTION, "--since", "2020-01-01").exit_code == 0
    assert set(names(aleph4.collection(COLLECTION))) == EVERYTHING
    assert "no target 'x'" in run(there, "push", "--target", "x").stderr


def test_status_without_an_aleph_is_a_sentence(open_: Open) -> None:
    assert run(open_(), "status").exit_code == 2


def test_export_says_what_it_did(there: Site, tmp_path: Path) -> None:
    make(there)
    result = run(there, "export", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert f"Entities: {len(EVERYTHING)}, written" in result.stdout
    found = json.loads(run(there, "export", str(tmp_path / "out"), "--json").stdout)
    assert (found["entities"], found["changed"]) == (len(EVERYTHING), False)


def test_export_spares_a_folder_of_somebody_else(there: Site, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    result = run(there, "export", str(tmp_path))
    assert result.exit_code == 2
    assert "not empty" in result.stderr


@pytest.mark.parametrize("command", ["push", "verify", "diff"])
def test_a_server_that_takes_calls_and_never_answers_is_found_out(
    open_: Open, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    patience = replace(HASTY, greeting=0.1, answer=120.0)
    monkeypatch.setattr("bridge.cli.PATIENT", patience)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site = open_(
            aleph__host=f"http://127.0.0.1:{silent.getsockname()[1]}",
            aleph__api_key="k",
            aleph__collection=COLLECTION,
        )
        begun = time.monotonic()
        assert "does not answer" in refused(site, command)
        assert time.monotonic() - begun < 10


def test_a_limit_for_all_calls_is_one_for_the_first_as_well() -> None:
    assert Patience(answer=4.0).first == 4.0
    assert Patience(answer=300.0).first == 20.0
