"""`foi bridge collections` as its users meet it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from bridge import turnstile
from bridge.cli import commands
from foi.archive.models import Message
from foi.site import Site
from tests.aleph import Aleph
from tests.aleph.client import Client
from tests.bridge.commands import Context, run
from tests.bridge.comparing import compare
from tests.bridge.conftest import FLAVOURS, Open, joined, rows
from tests.bridge.records import COLLECTION, EVERYTHING, hide, make, names, writes


@pytest.fixture
def filled(site: Site) -> Site:
    """A site whose only request is in Aleph."""
    make(site)
    assert run(site, "push").exit_code == 0
    return site


def listed(site: Site, *words: str) -> dict[str, dict[str, Any]]:
    (found,) = json.loads(run(site, "collections", "list", "--json", *words).stdout)["targets"]
    return {each["foreign_id"]: each for each in found["collections"]}


def test_list_tells_ours_there_or_not(site: Site, aleph: Aleph) -> None:
    assert listed(site)[COLLECTION]["there"] is False
    assert writes(aleph) == []
    make(site)
    run(site, "push")
    found = listed(site)
    assert list(found) == [COLLECTION]
    assert (found[COLLECTION]["ours"], found[COLLECTION]["writeable"]) == (True, True)
    assert "(ours, writeable)" in run(site, "collections", "list").stdout


def test_list_all_tells_what_the_key_may_read(
    filled: Site, aleph: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.listing.PAGE", 2)
    admin = Client(aleph, aleph.admin_key, "leak")
    number = admin.make(label="A leak", category="library")
    rights = [{"role_id": "2", "read": True, "write": False}]
    admin.call("POST", f"/collections/{number}/permissions", json=rights)
    Client(aleph, aleph.admin_key, "hidden").make()
    for n in range(5):
        Client(aleph, foreign_id=f"mine_{n}").make()
    found = listed(filled, "--all")
    assert set(found) == {COLLECTION, "leak", *(f"mine_{n}" for n in range(5))}
    assert (found["leak"]["ours"], found["leak"]["writeable"]) == (False, False)
    assert found["mine_4"]["writeable"] is True
    assert found["leak"]["label"] == "A leak"


def test_show_tells_fields_statistics_and_status(filled: Site, aleph: Aleph) -> None:
    (found,) = json.loads(run(filled, "collections", "show", COLLECTION, "--json").stdout)[
        "collections"
    ]
    assert found["label"] == filled.settings.site_name
    assert found["schemata"]["Email"] == 2
    assert found["receipts"]["attachment"] == 2
    assert found["queued"] == 0
    assert found["category"] == "casefile"
    said = run(filled, "collections", "show", COLLECTION).stdout
    assert "Email: 2" in said
    assert "ours: yes" in said
    result = run(filled, "collections", "show", "nonsense")
    assert result.exit_code == 2
    assert "'nonsense'" in result.stderr


def test_update_sends_what_the_settings_say_and_tells_what_is_not_taken(
    open_: Open, aleph4: Aleph
) -> None:
    site = joined(open_, aleph4)
    assert run(site, "collections", "update").exit_code == 2
    assert writes(aleph4) == []
    run(site, "push")
    Client(aleph4).call(
        "POST",
        f"/collections/{aleph4.collection(COLLECTION).id}",
        json={"label": "Changed by hand"},
    )
    result = run(site, "collections", "update", "--collection", COLLECTION)
    assert result.exit_code == 0
    assert aleph4.collection(COLLECTION).label == site.settings.site_name
    assert "category stays 'casefile', not 'library'" in result.stdout
    assert "summary" not in result.stdout
    assert run(site, "diff").exit_code == 0


def test_after_emptying_a_push_brings_all_back_once(filled: Site, aleph: Aleph) -> None:
    view = aleph.collection(COLLECTION)
    result = run(filled, "collections", "empty", COLLECTION, "--yes", COLLECTION)
    assert result.exit_code == 0
    assert "Emptied" in result.stdout
    assert (view.indexed, view.documents) == ({}, {})
    assert aleph.collection(COLLECTION).id == view.id
    (found,) = json.loads(run(filled, "diff", "--json").stdout)["collections"]
    assert {each["action"] for each in found["changes"]} == {"send"}
    assert len(found["changes"]) == len(EVERYTHING)
    assert f"Sent: {len(EVERYTHING)}" in run(filled, "push").stdout
    assert set(names(view)) == EVERYTHING
    assert len(rows(filled, aleph)) == len(EVERYTHING)
    assert not compare(filled, aleph, COLLECTION)
    assert run(filled, "verify", "--wait", "5").exit_code == 0


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("verb", ["empty", "delete"])
def test_a_server_that_takes_its_time_is_waited_for(open_: Open, flavour: str, verb: str) -> None:
    with Aleph(flavour, delay=0.4) as server:
        site = joined(open_, server)
        made = make(site)
        run(site, "push", "--wait", "20")
        # Being indexed at this moment: it would come up in the emptied collection.
        hide(site, Message, made.answer)
        run(site, "push", "--wait", "0")
        words = ("collections", verb, COLLECTION, "--yes", COLLECTION, "--wait", "20")
        assert run(site, *words).exit_code == 0
        server.wait_until_idle()
        shown = [view for view in server.collections() if view.foreign_id == COLLECTION]
        assert len(shown) == (verb == "empty")
        assert not any(view.indexed or view.documents for view in shown)
        assert run(site, "push", "--wait", "20").exit_code == 0
        server.wait_until_idle()
        assert not compare(site, server, COLLECTION)


def test_after_deleting_a_push_makes_it_anew(filled: Site, aleph: Aleph) -> None:
    words = ("collections", "delete", COLLECTION, "--yes", COLLECTION)
    result = run(filled, *words)
    assert result.exit_code == 0
    with pytest.raises(KeyError):
        aleph.collection(COLLECTION)
    again = run(filled, *words)
    assert again.exit_code == 2
    assert "is not in Aleph" in again.stderr
    assert run(filled, "push").exit_code == 0
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING
    assert not compare(filled, aleph, COLLECTION)


def test_what_is_noted_of_one_deleted_by_hand_goes(filled: Site, aleph: Aleph) -> None:
    number = aleph.collection(COLLECTION).id
    assert Client(aleph).call("DELETE", f"/collections/{number}").status_code == 204
    words = ("collections", "delete", COLLECTION, "--yes", COLLECTION)
    assert run(filled, *words).exit_code == 0
    assert run(filled, *words).exit_code == 2


@pytest.mark.parametrize("verb", ["empty", "delete"])
def test_it_wants_the_name_typed(filled: Site, aleph: Aleph, verb: str) -> None:
    aleph.reset_calls()
    for said in ("", "y\n", "foi_tes\n"):
        words = ["collections", verb, COLLECTION]
        result = CliRunner().invoke(commands[0], words, obj=Context(filled), input=said)
        assert result.exit_code == 2
    assert run(filled, "collections", verb, COLLECTION, "--yes", "foi_tes").exit_code == 2
    assert writes(aleph) == []
    words = ["collections", verb, COLLECTION]
    done = CliRunner().invoke(commands[0], words, obj=Context(filled), input=f"{COLLECTION}\n")
    assert done.exit_code == 0
    assert set(writes(aleph)) == {"DELETE collections"}


def test_collections_of_others_are_left_alone(filled: Site, aleph: Aleph) -> None:
    Client(aleph, foreign_id="mine").make()
    aleph.reset_calls()
    for verb in ("empty", "delete"):
        result = run(filled, "collections", verb, "mine", "--yes", "mine")
        assert result.exit_code == 2
        assert "'mine'" in result.stderr
    assert writes(aleph) == []


def test_it_stands_back_while_somebody_pushes(filled: Site, aleph: Aleph) -> None:
    with turnstile.alone(filled.settings.data_folder):
        for words in (("update",), ("empty", COLLECTION, "--yes", COLLECTION)):
            result = run(filled, "collections", *words)
            assert result.exit_code == 2
            assert "under way" in result.stderr


def test_workers_pass_while_the_question_is_open(
    filled: Site, aleph: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(*_: object, **__: object) -> str:
        with turnstile.passing(filled.settings.data_folder):
            asked.append("passed")
        return COLLECTION

    monkeypatch.setattr("click.prompt", answer)
    monkeypatch.setattr("click.confirm", lambda *_, **__: bool(answer()))
    assert run(filled, "forget").exit_code == 0
    assert run(filled, "collections", "empty", COLLECTION).exit_code == 0
    assert asked == ["passed", "passed"]


def test_a_refusal_leaves_the_receipts_as_they_were(filled: Site, aleph: Aleph) -> None:
    aleph.maintenance()
    result = run(filled, "collections", "empty", COLLECTION, "--yes", COLLECTION)
    assert result.exit_code == 2
    aleph.maintenance(on=False)
    aleph.reset_calls()
    assert "Sent: 0" in run(filled, "push").stdout
    assert writes(aleph) == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("verb", ["empty", "delete"])
def test_a_lost_answer_is_no_failure_and_no_duplicate(
    filled: Site, aleph: Aleph, verb: str, after: bool
) -> None:
    aleph.fail_next("drop", method="DELETE", after=after)
    words = ("collections", verb, COLLECTION, "--yes", COLLECTION)
    assert run(filled, *words).exit_code == 0
    assert run(filled, "push").exit_code == 0
    assert not compare(filled, aleph, COLLECTION)
    assert len(rows(filled, aleph)) == len(EVERYTHING)


@pytest.mark.parametrize("after", [False, True])
def test_when_aleph_goes_away_a_push_mends_all(filled: Site, aleph: Aleph, after: bool) -> None:
    made_before = names(aleph.collection(COLLECTION))
    # The check of the key and the looks before it are answered.
    aleph.fail_next("drop", times=100, method="DELETE", after=after)
    result = run(filled, "collections", "empty", COLLECTION, "--yes", COLLECTION, "--wait", "1")
    aleph.heal()
    assert result.exit_code in (0, 1)
    assert run(filled, "push").exit_code == 0
    assert not compare(filled, aleph, COLLECTION)
    assert set(names(aleph.collection(COLLECTION))) == set(made_before)
