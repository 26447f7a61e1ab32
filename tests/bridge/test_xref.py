"""`foi bridge xref`: who is in other collections, too."""

import csv
import io
from pathlib import Path

import pytest

from foi.site import Site
from tests.aleph import Aleph
from tests.aleph.client import Client, entity
from tests.bridge.commands import refused, run, told
from tests.bridge.records import COLLECTION, Made


@pytest.fixture
def compared(site: Site, made: Made, aleph: Aleph) -> Site:
    """A site whose people are in a leak as well, and compared with it."""
    assert run(site, "push").exit_code == 0
    leak = Client(aleph, foreign_id="leak")
    leak.make(label="=A leak")
    leak.load(
        entity("one", "Person", name=["Jane Doe"]),
        entity("two", "PublicBody", name=["Ministry of Fish"]),
        entity("three", "Person", name=["Somebody Else"]),
    )
    aleph.wait_until_idle()
    found = told(site, "xref", "start", "--wait", "5")
    assert found == {"collection": COLLECTION, "done": True, "matches": 2}
    return site


def test_matches_are_listed_with_where_they_are(compared: Site) -> None:
    found = told(compared, "xref", "show")["matches"]
    assert {each["match"] for each in found} == {"Jane Doe", "Ministry of Fish"}
    assert {(each["score"], each["collection"]) for each in found} == {(0.99, "=A leak")}
    assert "0.99  Jane Doe = Jane Doe (Person) in =A leak" in run(compared, "xref", "show").stdout
    assert len(told(compared, "xref", "show", "--limit", "1")["matches"]) == 1
    assert told(compared, "xref", "show", "--least", "0.995")["matches"] == []


def test_csv_holds_no_formulas(compared: Site) -> None:
    rows = list(csv.DictReader(io.StringIO(run(compared, "xref", "show", "--csv").stdout)))
    assert len(rows) == 2
    assert {row["collection"] for row in rows} == {"'=A leak"}
    assert all(row["entity_id"] and row["match_id"] for row in rows)


def test_alephs_own_spreadsheet_is_saved(compared: Site, tmp_path: Path, aleph: Aleph) -> None:
    file = tmp_path / "matches.xlsx"
    result = run(compared, "xref", "show", "--xlsx", str(file))
    assert result.exit_code == 0
    assert file.read_bytes()[:2] == b"PK"
    assert [each.name for each in tmp_path.iterdir() if each.name != "var"] == ["matches.xlsx"]
    (made,) = aleph.server.store.exports.values()
    assert file.read_bytes() == aleph.server.store.files[made["content_hash"]]


def test_a_spreadsheet_that_breaks_off_leaves_nothing(
    compared: Site, tmp_path: Path, aleph: Aleph
) -> None:
    aleph.fail_next("404", path="archive")
    file = tmp_path / "matches.xlsx"
    assert "404" in refused(compared, "xref", "show", "--xlsx", str(file))
    assert [each.name for each in tmp_path.iterdir() if each.name != "var"] == []
    missing = str(tmp_path / "no" / "matches.xlsx")
    assert "no folder" in refused(compared, "xref", "show", "--xlsx", missing)


def test_a_deadline_is_kept(site: Site, made: Made, aleph: Aleph) -> None:
    assert run(site, "push").exit_code == 0
    number = aleph.collection(COLLECTION).id
    with aleph.server.store.lock:
        aleph.server.pipeline.queue(number, "ingest", stuck=True)
    result = run(site, "xref", "start", "--wait", "0.3")
    assert result.exit_code == 1
    assert "still at it" in result.stdout


def test_nothing_found_is_an_empty_list(site: Site, made: Made) -> None:
    assert run(site, "push").exit_code == 0
    assert told(site, "xref", "show")["matches"] == []
    assert refused(site, "xref", "show", "--csv", "--json")
