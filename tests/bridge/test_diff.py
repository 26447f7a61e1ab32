"""`foi bridge diff` as its users meet it: what a push would do, and why."""

import json
from typing import Any

from foi.archive import casework
from foi.archive.models import Attachment, Body, InfoRequest, Message
from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.commands import run
from tests.bridge.conftest import Open, joined
from tests.bridge.records import (
    COLLECTION,
    EVERYTHING,
    held,
    hide,
    make,
    names,
    release,
    writes,
)


def diff(site: Site, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Give the exit status, and the changes of the only collection by foreign_id."""
    result = run(site, "diff", "--json", *words)
    (found,) = json.loads(result.stdout)["collections"]
    assert found["collection"] == COLLECTION
    return result.exit_code, {each["foreign_id"]: each for each in found["changes"]}


def test_before_the_first_push_all_is_new_and_nothing_is_made(site: Site, aleph: Aleph) -> None:
    make(site)
    status, found = diff(site)
    assert status == 1
    assert {each["action"] for each in found.values()} == {"send"}
    assert {why for each in found.values() for why in each["why"]} == {"new"}
    assert len(found) == len(EVERYTHING) + 1  # and the collection itself
    assert writes(aleph) == []


def test_after_a_push_nothing_differs(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    result = run(site, "diff")
    assert result.exit_code == 0
    assert f"unchanged: {len(EVERYTHING)}" in result.stdout


def test_each_change_says_why_and_push_counts_the_same(site: Site, aleph: Aleph) -> None:
    made = make(site)
    run(site, "push")
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.edit_request(db, request, "desk", title="Halibut quotas")
        body = db.get_one(Body, made.body)
        casework.edit_body(db, body, "desk", tag_texts=["central", "sea"])
        db.get_one(Attachment, made.minutes).name = "protocol.txt"
        other = held(site, b"year,quota\n2020,6\n", "quotas.csv", "text/csv")
        db.get_one(Attachment, made.quotas).sha256 = other.sha256
    aleph.reset_calls()
    status, found = diff(site)
    assert status == 1
    folder = found[f"request-{made.request}"]
    assert (folder["action"], folder["why"]) == ("rewrite", ["changed properties"])
    assert {"title", "fileName"} <= set(folder["properties"])
    assert "author" not in folder["properties"]
    (changed,) = [each for each in found.values() if each["kind"] == "body"]
    assert changed["properties"] == ["classification"]
    files = {each["name"]: each for each in found.values() if each["kind"] == "attachment"}
    assert (files["quotas.csv"]["action"], files["quotas.csv"]["why"]) == ("send", ["other bytes"])
    assert files["protocol.txt"]["why"] == ["renamed, was minutes.txt"]
    assert writes(aleph) == []
    counted = json.loads(run(site, "push", "--dry-run", "--json").stdout)
    assert (counted["sent"], counted["withdrawn"]) == (len(found), 0)
    assert run(site, "push").exit_code == 0
    assert diff(site) == (0, {})


def test_what_is_hidden_is_withdrawn_and_what_returns_is_sent(site: Site, aleph: Aleph) -> None:
    made = make(site)
    run(site, "push")
    hide(site, Message, made.answer)
    status, found = diff(site)
    going = {name: each for name, each in found.items() if each["action"] == "withdraw"}
    assert status == 1
    assert sorted(each["kind"] for each in going.values()) == [
        "attachment",
        "attachment",
        "message",
    ]
    assert {why for each in going.values() for why in each["why"]} == {"no longer public"}
    said = run(site, "diff").stdout
    assert "withdraw attachment" in said
    assert "(quotas.csv): no longer public" in said
    run(site, "push")
    release(site, Message, made.answer)
    _, found = diff(site)
    assert {found[name]["why"][0] for name in going} == {"new"}


def test_one_request_is_looked_at_alone(site: Site, aleph: Aleph) -> None:
    made = make(site)
    run(site, "push")
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.edit_request(db, request, "desk", tag_texts=["cod"])
    status, found = diff(site, "--request", "turbot_quotas")
    assert (status, list(found)) == (1, [f"request-{made.request}"])
    assert found[f"request-{made.request}"]["properties"] == ["keywords", "modifiedAt"]
    assert run(site, "diff", "--request", "nonsense").exit_code == 2


def test_what_was_made_for_a_former_collection_is_not_believed(site: Site, aleph: Aleph) -> None:
    make(site)
    run(site, "push")
    number = aleph.collection(COLLECTION).id
    with aleph.server.store.lock:
        aleph.server.purge(number)
        aleph.server.store.collections.drop(number)
    status, found = diff(site)
    assert (status, len(found)) == (1, len(EVERYTHING) + 1)
    counted = json.loads(run(site, "push", "--dry-run", "--json").stdout)
    assert counted["sent"] == len(EVERYTHING)
    run(site, "push")
    assert set(names(aleph.collection(COLLECTION))) == EVERYTHING


def test_other_words_about_the_collection_are_a_difference(open_: Open, aleph4: Aleph) -> None:
    first = joined(open_, aleph4, site__name="Open Fish")
    make(first)
    run(first, "push")
    second = joined(open_, aleph4, site__name="Open Sea")
    status, found = diff(second)
    assert status == 1
    assert found[COLLECTION]["why"] == ["described otherwise in the settings"]


def test_a_collection_that_is_not_named_any_more_goes_as_a_whole(
    open_: Open, aleph4: Aleph
) -> None:
    first = joined(open_, aleph4)
    make(first)
    run(first, "push")
    other = open_(
        aleph__host=aleph4.url, aleph__api_key=aleph4.user_key, aleph__collection="foi_other"
    )
    result = run(other, "diff", "--collection", COLLECTION)
    assert result.exit_code == 1
    assert result.stdout.count("the settings do not name this collection any more") == len(
        EVERYTHING
    )


def test_nobodys_key_is_a_sentence(open_: Open, aleph4: Aleph) -> None:
    result = run(joined(open_, aleph4, key="nobodys-key"), "diff")
    assert result.exit_code == 2
    assert "nobodys-key" not in result.output
