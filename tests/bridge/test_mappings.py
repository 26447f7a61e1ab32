"""`foi bridge mappings`: entities from the tables that authorities have sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.aleph import Aleph as Client
from foi.site import Site
from tests.aleph import Aleph, CollectionView
from tests.bridge.commands import refused, run, told
from tests.bridge.conftest import HASTY
from tests.bridge.records import COLLECTION, Attachment, Made, hide

GOOD: dict[str, Any] = {
    "year": {
        "schema": "Event",
        "keys": ["year"],
        "properties": {"name": {"column": "year"}, "summary": {"template": "Quota: {{quota}}"}},
    }
}
YAML = """
fish_quotas:
  label: Quotas
  queries:
    - csv_url: https://fish.example/quotas.csv
      entities:
        owner:
          schema: Person
          key: quota
          properties:
            name:
              column: quota
        firm:
          schema: Company
          keys: [year]
          properties:
            name: {column: year}
        owning:
          schema: Ownership
          keys: [year, quota]
          properties:
            owner: {entity: owner}
            asset: {entity: firm}
"""


@pytest.fixture
def place(pushed: Site, aleph: Aleph) -> CollectionView:
    return aleph.collection(COLLECTION)


def file(tmp_path: Path, content: Any, name: str = "mapping.json") -> str:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def kinds(place: CollectionView) -> list[str]:
    return [row["schema"] for row in place.indexed.values()]


def test_a_mapping_is_added_then_run_then_removed(
    pushed: Site, place: CollectionView, tmp_path: Path
) -> None:
    made = told(pushed, "mappings", "add", file(tmp_path, GOOD), "--table", "quotas.csv")
    assert (made["schemata"], made["state"]) == (["Event"], "pending")
    assert "Event" not in kinds(place)
    ran = told(pushed, "mappings", "run", made["id"], "--wait", "5")
    assert (ran["done"], ran["state"], ran["loaded"]) == (True, "successful", {"Event": 2})
    assert kinds(place).count("Event") == 2
    listed = told(pushed, "mappings", "list")
    assert [each["id"] for each in listed["mappings"]] == [made["id"]]
    assert [each["name"] for each in listed["tables"]] == ["quotas.csv"]
    told(pushed, "mappings", "remove", made["id"])
    assert "Event" not in kinds(place)
    assert "no mappings" in run(pushed, "mappings", "list").stdout


def test_a_mapping_is_added_by_the_tables_id_and_run_at_once(
    pushed: Site, place: CollectionView, tmp_path: Path
) -> None:
    (table,) = (id_ for id_, row in place.indexed.items() if row["schema"] == "Table")
    result = run(pushed, "mappings", "add", file(tmp_path, GOOD), "--table", table, "--run")
    assert result.exit_code == 0
    assert "there are: 2 Event" in result.stdout
    other = next(id_ for id_, row in place.indexed.items() if row["schema"] == "Folder")
    said = refused(pushed, "mappings", "add", file(tmp_path, GOOD), "--table", other)
    assert "no Table" in said
    said = refused(pushed, "mappings", "add", file(tmp_path, GOOD), "--table", "no.csv")
    assert "no table 'no.csv'" in said


def test_an_answer_that_is_lost_makes_no_second_mapping(
    pushed: Site, aleph: Aleph, tmp_path: Path
) -> None:
    path = file(tmp_path, GOOD)
    first = told(pushed, "mappings", "add", path, "--table", "quotas.csv")
    aleph.fail_next("drop", after=True, method="POST", path="mappings")
    second = told(pushed, "mappings", "add", path, "--table", "quotas.csv")
    listed = told(pushed, "mappings", "list")["mappings"]
    assert {each["id"] for each in listed} == {first["id"], second["id"]}
    assert len(listed) == 2


def test_the_key_does_not_follow_to_the_file_store(
    pushed: Site, aleph: Aleph, tmp_path: Path
) -> None:
    aleph.reset_calls()
    told(pushed, "mappings", "add", file(tmp_path, GOOD), "--table", "quotas.csv")
    read = [call for call in aleph.calls if call.path.endswith("/archive")]
    sent_on = aleph.server.dialect.resolve_links
    assert {call.role_id for call in read} == {"1" if sent_on else "5"}


def test_a_dataset_of_followthemoney_is_read_from_yaml(
    pushed: Site, place: CollectionView, tmp_path: Path
) -> None:
    path = file(tmp_path, YAML, "mapping.yml")
    made = told(pushed, "mappings", "add", path, "--table", "quotas.csv")
    assert made["schemata"] == ["Company", "Ownership", "Person"]


def changed(**more: Any) -> dict[str, Any]:
    return {"year": {**GOOD["year"], **more}}


WOULD_NOT_DO: tuple[tuple[Any, str], ...] = (
    ({}, "names no entities"),
    ([], "is no mapping"),
    ({"year": 1}, "year: is not an object"),
    (changed(schema="Fish"), "knows no schema Fish"),
    (changed(schema="Interval"), "never shows"),
    (changed(keys=[]), "either keys or id_column"),
    (changed(keys=["year"], id_column="year"), "either keys or id_column"),
    (changed(properties={}), "has no properties"),
    (changed(properties={"fin": {"column": "year"}}), "year.fin: the schema has no such"),
    (changed(properties={"name": "year"}), "year.name: is not an object"),
    (changed(properties={"name": {}}), "says nothing of where"),
    (changed(properties={"name": {"colum": "year"}}), "there is no colum"),
    (changed(properties={"name": {"entity": "year"}}), "is no reference"),
    (changed(properties={"organizer": {"entity": "x"}}), "no entity x in the mapping"),
    (changed(properties={"organizer": {"entity": "year"}}), "must be a Organization"),
    (changed(properties={"involved": {"entity": "year"}}), "in a ring"),
    ("{", "cannot be read"),
    ('{"queries": [{}, {}]}', "has 2 queries"),
)


def test_what_would_not_do_is_named_and_not_sent(
    pushed: Site, aleph: Aleph, tmp_path: Path
) -> None:
    aleph.reset_calls()
    for query, said in WOULD_NOT_DO:
        path = file(tmp_path, query)
        assert said in refused(pushed, "mappings", "add", path, "--table", "quotas.csv")
    assert not [call for call in aleph.calls if call.method != "GET"]


def test_all_faults_are_named_at_once(pushed: Site, tmp_path: Path) -> None:
    bad = changed(properties={"fin": {"column": "year"}, "gill": {"column": "year"}})
    said = refused(pushed, "mappings", "add", file(tmp_path, bad), "--table", "quotas.csv")
    assert "year.fin" in said
    assert "year.gill" in said


def test_columns_that_the_table_does_not_have_are_named(pushed: Site, tmp_path: Path) -> None:
    bad = changed(keys=["yaer"], properties={"name": {"template": "{{qouta}}"}})
    said = refused(pushed, "mappings", "add", file(tmp_path, bad), "--table", "quotas.csv")
    assert "quotas.csv has no column qouta, yaer; it has year, quota" in said


def test_an_unknown_mapping_is_a_sentence(pushed: Site) -> None:
    for word in ("run", "remove"):
        assert "no mapping '77'" in refused(pushed, "mappings", word, "77")
        assert "no mapping 'x/..'" in refused(pushed, "mappings", word, "x/..")


def test_what_a_mapping_has_loaded_is_told_apart_from_what_is_foreign(
    pushed: Site, aleph: Aleph, place: CollectionView, made: Made, tmp_path: Path
) -> None:
    query = file(tmp_path, YAML, "mapping.yml")
    told(pushed, "mappings", "add", query, "--table", "quotas.csv", "--run")
    (verified,) = told(pushed, "verify")["collections"]
    assert (verified["mapped"], verified["foreign"], verified["problems"]) == (6, 0, [])
    (table,) = (id_ for id_, row in place.indexed.items() if row["schema"] == "Table")
    (text,) = (id_ for id_, row in place.indexed.items() if row["schema"] == "PlainText")
    theirs = [
        {"id": f"theirs{n}", "schema": "Person", "properties": {"name": ["X"], "proof": [proof]}}
        for n, proof in enumerate((text, "elsewhere"))
    ]
    Client(aleph.url, aleph.user_key, HASTY).bulk(place.id, theirs)
    (verified,) = told(pushed, "verify", status=1)["collections"]
    assert (verified["mapped"], verified["foreign"]) == (6, 2)
    hide(pushed, Attachment, made.quotas)
    assert run(pushed, "push").exit_code == 0
    assert table not in place.indexed
    assert not {"Company", "Ownership"} & set(kinds(place))


def test_a_load_that_does_not_end_is_told(pushed: Site, aleph: Aleph, tmp_path: Path) -> None:
    made = told(pushed, "mappings", "add", file(tmp_path, GOOD), "--table", "quotas.csv")
    with aleph.server.store.lock:
        aleph.server.pipeline.queue(aleph.collection(COLLECTION).id, "ingest", stuck=True)
    result = run(pushed, "mappings", "run", made["id"], "--wait", "0.3")
    assert result.exit_code == 1
    assert "has not finished" in result.stdout
