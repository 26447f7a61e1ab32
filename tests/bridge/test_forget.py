"""`foi bridge forget` as its users meet it: receipts go, Aleph stays, and `reconcile` mends."""

import json

import pytest
from click.testing import CliRunner

from bridge import turnstile
from bridge.cli import commands
from foi.archive.models import Message
from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.commands import Context, run
from tests.bridge.conftest import rows
from tests.bridge.records import COLLECTION, EVERYTHING, hide, make, names, writes


def held(site: Site) -> int:
    (found,) = json.loads(run(site, "status", "--json").stdout)["targets"]
    return sum(sum(each["held"].values()) for each in found["collections"])


def test_receipts_go_and_reconcile_finds_them_again(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    before = names(aleph.collection(COLLECTION))
    aleph.reset_calls()
    result = run(site, "forget", "--yes")
    assert result.exit_code == 0
    assert "reconcile" in result.stdout
    assert held(site) == 0
    assert aleph.calls == []
    found = json.loads(run(site, "reconcile", "--json", "--wait", "5").stdout)
    assert found["collections"][0]["problems"] == []
    assert held(site) == len(EVERYTHING)
    assert names(aleph.collection(COLLECTION)) == before
    assert "POST ingest" not in writes(aleph)
    assert len(rows(site, aleph)) == len(EVERYTHING)


def test_what_was_hidden_meanwhile_goes_with_reconcile(site: Site, aleph: Aleph) -> None:
    made = make(site)
    run(site, "push")
    run(site, "forget", "--yes")
    hide(site, Message, made.answer)
    run(site, "push")
    assert "Email foi_test-2" in names(aleph.collection(COLLECTION))
    run(site, "reconcile", "--wait", "5")
    assert "Email foi_test-2" not in names(aleph.collection(COLLECTION))


def test_one_request_is_forgotten_alone(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    result = run(site, "forget", "--request", "turbot_quotas", "--yes", "--json")
    assert json.loads(result.stdout) == {
        "collections": [{"collection": COLLECTION, "forgotten": len(EVERYTHING) - 2}]
    }
    assert held(site) == 2
    assert run(site, "push").exit_code == 0
    assert len(rows(site, aleph)) == len(EVERYTHING)


@pytest.mark.parametrize(("said", "left", "status"), [("y\n", 0, 0), ("n\n", 9, 2), ("", 9, 2)])
def test_it_asks_first_and_says_what_it_means(
    site: Site, aleph: Aleph, said: str, left: int, status: int
) -> None:
    make(site)
    run(site, "push")
    result = CliRunner().invoke(commands[0], ["forget"], obj=Context(site), input=said)
    assert result.exit_code == status
    assert "is not withdrawn there" in result.stderr
    assert held(site) == left


def test_it_stands_back_while_somebody_pushes(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    with turnstile.alone(site.settings.data_folder):
        result = run(site, "forget", "--yes")
    assert result.exit_code == 2
    assert "under way" in result.stderr
    assert held(site) == len(EVERYTHING)


def test_aleph_need_not_answer(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    aleph.fail_next("503", times=1000)
    assert run(site, "forget", "--collection", COLLECTION, "--yes").exit_code == 0
    aleph.heal()
    assert held(site) == 0


def test_an_unknown_collection_or_request_is_a_sentence(site: Site) -> None:
    assert "'foi_no'" in run(site, "forget", "--collection", "foi_no", "--yes").stderr
    assert run(site, "forget", "--request", "nonsense", "--yes").exit_code == 2
