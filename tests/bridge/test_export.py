"""What an export holds, that a second one changes only what differs, and that `ftm` takes it."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bridge.export import ENTITIES, export
from bridge.export_index import Busy, making
from bridge.items import sha1_of
from foi.archive import casework
from foi.archive.filetypes import MEDIA_TYPES
from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.conftest import Open
from tests.bridge.records import (
    COLLECTION,
    MINUTES,
    QUOTAS,
    Attachment,
    InfoRequest,
    Made,
    held,
    hide,
    lose_files,
    make,
)

ALEPHCLIENT = os.environ.get("ALEPHCLIENT") or shutil.which("alephclient")
FTM = os.environ.get("FTM") or shutil.which("ftm")


@pytest.fixture
def site(open_: Open) -> Site:
    return open_()


@pytest.fixture
def made(site: Site) -> Made:
    return make(site)


def read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / ENTITIES).read_text().splitlines()]


def stamps(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_it_holds_the_manifest_and_the_files(site: Site, made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    done = export(site, COLLECTION, folder)
    entities = read(folder)
    by_schema = {e["schema"]: e for e in entities}
    assert done.entities == len(entities) == len({e["id"] for e in entities}) == 9
    folder_, answer, table = (by_schema[name] for name in ("Folder", "Email", "Table"))
    assert answer["properties"]["parent"] == [folder_["id"]]
    assert table["properties"]["parent"] == [answer["id"]]
    assert table["properties"]["ancestors"] == [folder_["id"], answer["id"]]
    assert table["properties"]["contentHash"] == [hashlib.sha1(QUOTAS).hexdigest()]
    assert table["properties"]["fileSize"] == [str(len(QUOTAS))]
    assert table["properties"]["mimeType"] == ["text/csv"]
    for content in (QUOTAS, MINUTES):
        sha1 = hashlib.sha1(content).hexdigest()
        assert (folder / "files" / sha1[:2] / sha1).read_bytes() == content
    known = {e["id"] for e in entities}
    for entity in entities:
        for name in ("document", "entity", "parent", "ancestors", "emitters", "recipients"):
            assert set(entity["properties"].get(name, [])) <= known


def test_a_second_export_touches_nothing(site: Site, made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(site, COLLECTION, folder)
    before = stamps(folder)
    done = export(site, COLLECTION, folder)
    assert stamps(folder) == before
    assert (done.changed, done.written, done.removed) == (False, 0, 0)


def test_what_differs_is_rewritten_and_what_is_gone_goes(
    site: Site, made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export(site, COLLECTION, folder)
    before = stamps(folder)
    hide(site, Attachment, made.quotas)
    file = held(site, b"more", "more.txt", "text/plain")
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.correspond(
            db, request, "desk", direction="response", text="More.", files=[file], state="rejected"
        )
    done = export(site, COLLECTION, folder)
    assert (done.changed, done.written, done.removed) == (True, 1, 1)
    after = stamps(folder)
    kept = f"files/{hashlib.sha1(MINUTES).hexdigest()[:2]}/{hashlib.sha1(MINUTES).hexdigest()}"
    assert after[kept] == before[kept]
    assert not any(hashlib.sha1(QUOTAS).hexdigest() in name for name in after)
    assert "quotas.csv" not in (folder / ENTITIES).read_text()


def test_a_file_whose_bytes_are_missing_is_named(site: Site, made: Made, tmp_path: Path) -> None:
    lose_files(site)
    done = export(site, COLLECTION, tmp_path / "out")
    assert done.missing == [f"request-{made.request}-att-{made.answer}-{n}" for n in (1, 2)]
    assert {e["schema"] for e in read(tmp_path / "out")}.isdisjoint({"Table", "PlainText"})


@pytest.mark.skipif(
    not FTM, reason="no `ftm` (PyPI followthemoney) on PATH or in the variable FTM"
)
def test_ftm_accepts_it_whole(site: Site, made: Made, tmp_path: Path) -> None:
    folder, checked = tmp_path / "out", tmp_path / "checked.json"
    files = [
        held(site, name.encode(), f"file.{name}", media_type)
        for media_type, name in MEDIA_TYPES.items()
    ]
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.correspond(db, request, "desk", direction="response", text="All.", files=files)
    export(site, COLLECTION, folder)
    for command in ("validate", "aggregate"):
        arguments = [str(FTM), command, "-i", str(folder / ENTITIES), "-o", str(checked)]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        # What it does not understand it leaves out: nothing may be missing or changed.
        assert comparable(checked) == comparable(folder / ENTITIES)


CATALOGUE = """
import json, sys
from followthemoney.dataset import DataCatalog, Dataset
found = json.load(sys.stdin)
(dataset,) = DataCatalog(Dataset, found).datasets
print(json.dumps(dataset.to_dict()))
"""


@pytest.mark.skipif(not FTM, reason="no `ftm` (PyPI followthemoney) to be found")
def test_followthemoney_reads_the_catalogue(open_: Open, tmp_path: Path) -> None:
    site = open_(bridge__publish="true", site__url="https://foi.example")
    make(site)
    export(site, COLLECTION, tmp_path / "out")
    given = (tmp_path / "out" / "index.json").read_text()
    python = Path(str(FTM)).resolve().with_name("python")
    done = subprocess.run(
        [python, "-c", CATALOGUE], input=given, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    read_, (written,) = json.loads(done.stdout), json.loads(given)["datasets"]
    for name in ("name", "title", "summary", "url", "updated_at", "entity_count", "thing_count"):
        assert read_[name] == written[name]
    (resource,) = read_["resources"]
    assert written["resources"][0].items() <= resource.items()


@pytest.mark.skipif(not ALEPHCLIENT, reason="no `alephclient` on PATH or in ALEPHCLIENT")
def test_alephclient_writes_it_and_streams_it_back(
    site: Site, made: Made, aleph: Aleph, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export(site, COLLECTION, folder)

    def client(command: str, given: str = "") -> str:
        done = subprocess.run(
            [str(ALEPHCLIENT), command, "--foreign-id", "copied"],
            input=given,
            env=os.environ | aleph.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    given = (folder / ENTITIES).read_text()
    client("write-entities", given)
    streamed = {}
    for line in client("stream-entities").splitlines():
        entity = json.loads(line)
        streamed[entity["id"].partition(".")[0]] = entity
    written = {entity["id"]: entity for entity in read(folder)}
    assert streamed.keys() == written.keys()
    for id_, entity in written.items():
        assert streamed[id_]["schema"] == entity["schema"]
        for name in ("title", "name", "sourceUrl", "keywords", "bodyText", "date"):
            assert sorted(streamed[id_]["properties"].get(name, [])) == sorted(
                entity["properties"].get(name, [])
            )


def test_the_catalogue_says_when_the_entities_changed_last(
    site: Site, made: Made, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export(site, COLLECTION, folder)
    os.utime(folder / ENTITIES, (1_700_000_000, 1_700_000_000))
    assert not export(site, COLLECTION, folder).changed
    catalogue = json.loads((folder / "index.json").read_text())
    assert catalogue["updated_at"] == "2023-11-14T22:13:20"
    assert "url" not in catalogue["datasets"][0]["resources"][0]  # it is published nowhere
    hide(site, Attachment, made.quotas)
    assert export(site, COLLECTION, folder).changed
    assert json.loads((folder / "index.json").read_text())["updated_at"] > "2026"


def test_files_that_have_been_read_are_not_read_again(
    site: Site, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_: list[str] = []
    monkeypatch.setattr("bridge.export.sha1_of", lambda p: read_.append(p.name) or sha1_of(p))
    export(site, COLLECTION, tmp_path / "out")
    assert len(read_) == 2
    file = held(site, b"more", "more.txt", "text/plain")
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.correspond(db, request, "desk", direction="response", text="x", files=[file])
    export(site, COLLECTION, tmp_path / "out")
    assert len(read_) == 3
    shutil.rmtree(tmp_path / "out" / "files")
    assert export(site, COLLECTION, tmp_path / "out").written == 3
    assert len(read_) == 3


def test_an_export_that_was_broken_off_is_gone_on_with(
    site: Site, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no room")

    folder = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("bridge.export._settle", broken)
        with pytest.raises(OSError, match="no room"):
            export(site, COLLECTION, folder)
    assert export(site, COLLECTION, folder).entities == 9


def test_two_exports_into_one_folder(site: Site, made: Made, tmp_path: Path) -> None:
    export(site, COLLECTION, tmp_path / "out")
    with making(tmp_path / "out"), pytest.raises(Busy):
        export(site, COLLECTION, tmp_path / "out")


def comparable(path: Path) -> dict[str, Any]:
    """Give entities by id, but media types by number only: `ftm` has its own spelling of some."""
    found = map(json.loads, path.read_text().splitlines())
    return {
        e["id"]: (
            e["schema"],
            {n: len(v) if n == "mimeType" else sorted(v) for n, v in e["properties"].items()},
        )
        for e in found
    }
