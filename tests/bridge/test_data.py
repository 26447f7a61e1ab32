"""The export on the web: what is served, how, and for how long."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import webtest

from bridge.export import export
from bridge.export_index import making
from bridge.keeping import keep_up
from foi.archive import casework
from foi.archive.models import Attachment, InfoRequest, Message
from foi.cli import main
from foi.work import duties
from tests.bridge.records import DAY, MINUTES, QUOTAS, Made, held, hide, lose_files, release
from tests.bridge.web import served
from tests.conftest import Running

Data = tuple[webtest.TestApp, Running, Made]


@pytest.fixture
def data(tmp_path: Path, migrated: bytes) -> Iterator[Data]:
    """A site that publishes its export, which the worker has made once."""
    ini = {"bridge.publish": "true", "aleph.collection": "foi_test"}
    with served(tmp_path / "site", migrated, None, **ini) as (app, running, made):
        duties.perform(running.site)
        yield app, running, made


def address(content: bytes) -> str:
    sha1 = hashlib.sha1(content).hexdigest()
    return f"/data/files/{sha1[:2]}/{sha1}"


def test_the_catalogue_tells_what_there_is(data: Data) -> None:
    app, *_ = data
    answer = app.get("/data/index.json")
    assert answer.content_type == "application/json"
    (dataset,) = answer.json["datasets"]
    assert dataset["name"] == "foi_test"
    assert dataset["entity_count"] == 9
    assert dataset["thing_count"] == 7
    (resource,) = dataset["resources"]
    entities = app.get("/data/entities.ftm.json")
    assert resource["url"] == "http://foi.test/data/entities.ftm.json"
    assert resource["checksum"] == hashlib.sha1(entities.body).hexdigest()
    assert resource["size"] == len(entities.body)
    assert resource["mime_type"] == entities.content_type == "application/json+ftm"
    assert resource["timestamp"] == dataset["updated_at"] == answer.json["updated_at"]
    for path in ("/data", "/data/"):
        assert app.get(path, status=301).headers["Location"].endswith("/data/index.json")


def test_entities_are_served_as_they_are(data: Data) -> None:
    app, running, _ = data
    answer = app.get("/data/entities.ftm.json")
    path = running.site.settings.export_folder / "entities.ftm.json"
    assert answer.body == path.read_bytes()
    known = {"If-None-Match": answer.headers["ETag"]}
    assert app.get("/data/entities.ftm.json", headers=known, status=304).body == b""
    part = app.get("/data/entities.ftm.json", headers={"Range": "bytes=0-9"}, status=206)
    assert part.body == answer.body[:10]
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_catalogue_that_somebody_has_removed_is_awaited(data: Data) -> None:
    app, running, _ = data
    folder = running.site.settings.export_folder
    for name in ("index.json", "entities.ftm.json"):
        (folder / name).unlink()
        app.get(f"/data/{name}", status=503)


def test_files_are_found_by_the_hash_of_their_entity(data: Data) -> None:
    app, _, _ = data
    for line in app.get("/data/entities.ftm.json").text.splitlines():
        properties = json.loads(line)["properties"]
        for sha1 in properties.get("contentHash", []):
            answer = app.get(f"/data/files/{sha1[:2]}/{sha1}")
            assert hashlib.sha1(answer.body).hexdigest() == sha1
            assert answer.content_type in properties["mimeType"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["ETag"] == f'"{sha1}"'
            assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert app.get(address(QUOTAS)).body == QUOTAS


def test_parts_of_files(data: Data) -> None:
    app, _, _ = data
    part = app.get(address(MINUTES), headers={"Range": "bytes=3-6"}, status=206)
    assert part.body == MINUTES[3:7]
    assert part.headers["Content-Range"] == f"bytes 3-6/{len(MINUTES)}"
    app.get(address(MINUTES), headers={"Range": "bytes=999-"}, status=416)
    known = {"If-None-Match": app.get(address(MINUTES)).headers["ETag"]}
    app.get(address(MINUTES), headers=known, status=304)
    assert app.head(address(MINUTES)).headers["Content-Length"] == str(len(MINUTES))


def test_only_what_the_export_names_is_served(data: Data) -> None:
    app, running, made = data
    sha1 = hashlib.sha1(QUOTAS).hexdigest()
    file = held(running.site, b"not yet exported", "late.txt", "text/plain")
    with running.site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.correspond(db, request, "desk", direction="response", text="x", files=[file])
    for path in (
        address(b"not yet exported"),
        address(b"nothing"),
        f"/data/files/00/{sha1}",
        f"/data/files/{sha1[:2]}/{sha1.upper()}",
        f"/data/files/{sha1[:2]}/../{sha1}",
        "/data/.index.sqlite",
        "/data/.lock",
        "/data/files/",
        f"/data/files/{sha1[:2]}",
    ):
        app.get(path, status=404)
    duties.perform(running.site)
    assert app.get(address(b"not yet exported")).body == b"not yet exported"


def test_what_is_withdrawn_is_refused_at_once_and_gone_with_the_next_export(data: Data) -> None:
    app, running, made = data
    hide(running.site, Attachment, made.quotas)
    assert "withdrawn" in app.get(address(QUOTAS), status=410)
    assert app.get(address(MINUTES)).body == MINUTES
    for path in ("/data/entities.ftm.json", "/data/index.json"):
        answer = app.get(path, status=503)
        assert int(answer.headers["Retry-After"]) > 0
    duties.perform(running.site)
    app.get(address(QUOTAS), status=404)
    assert "quotas.csv" not in app.get("/data/entities.ftm.json")
    release(running.site, Attachment, made.quotas)
    duties.perform(running.site)
    assert app.get(address(QUOTAS)).body == QUOTAS


@pytest.mark.parametrize("what", ["message", "request", "backpage"])
def test_a_file_goes_with_its_letter_or_request(data: Data, what: str) -> None:
    app, running, made = data
    with running.site.sessions.writing() as db:
        if what == "message":
            casework.hide(db, db.get_one(Message, made.answer), "desk")
        elif what == "request":
            casework.hide(db, db.get_one(InfoRequest, made.request), "desk")
        else:
            request = db.get_one(InfoRequest, made.request)
            casework.hide(db, request, "desk", prominence="backpage")
    app.get(address(QUOTAS), status=410)
    app.get("/data/entities.ftm.json", status=503)
    duties.perform(running.site)
    app.get(address(QUOTAS), status=404)
    assert "quotas.csv" not in app.get("/data/entities.ftm.json")


def test_bytes_that_another_letter_shows_stay(data: Data) -> None:
    app, running, made = data
    copy = held(running.site, QUOTAS, "again.csv", "text/csv")
    with running.site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.correspond(db, request, "desk", direction="response", text="x", files=[copy])
    duties.perform(running.site)
    hide(running.site, Attachment, made.quotas)
    assert app.get(address(QUOTAS)).body == QUOTAS


def test_a_hidden_note_keeps_nobody_waiting(data: Data) -> None:
    app, running, made = data
    with running.site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        person = casework.add_person(db, "desk", name="Reader")
        db.flush()
        note = casework.annotate(db, request, person, "A note", at=DAY)
        db.flush()
        casework.hide(db, note, "desk")
    app.get("/data/entities.ftm.json")


def test_markup_is_no_page_of_this_site(data: Data) -> None:
    app, running, made = data
    page = b"<html><script>alert(1)</script></html>"
    file = held(running.site, page, "page.html", "text/html")
    with running.site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        casework.correspond(db, request, "desk", direction="response", text="x", files=[file])
    duties.perform(running.site)
    answer = app.get(address(page))
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_an_unchanged_archive_is_not_exported_again(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, running, made = data
    assert not keep_up(running.site)
    with running.site.sessions.writing() as db:
        casework.classify(db, db.get_one(InfoRequest, made.request), "desk", "rejected")
    assert keep_up(running.site)
    assert not keep_up(running.site)


def test_no_file_is_read_twice(data: Data) -> None:
    app, running, _ = data
    sizes = {sha: running.site.blobs.path(sha).stat().st_size for sha in running.site.blobs.each()}
    for sha256, size in sizes.items():  # the same size, so only whoever reads them can tell
        running.site.blobs.path(sha256).chmod(0o644)
        running.site.blobs.path(sha256).write_bytes(b"-" * size)
    folder = running.site.settings.export_folder
    done = export(running.site, "foi_test", folder)
    assert (done.changed, done.written, done.removed) == (False, 0, 0)
    assert app.get(address(QUOTAS)).body == QUOTAS


def test_the_index_can_be_lost_and_damaged(data: Data) -> None:
    app, running, _ = data
    index = running.site.settings.export_folder / ".index.sqlite"
    index.unlink()
    app.get(address(QUOTAS), status=404)
    app.get("/data/index.json", status=503)
    duties.perform(running.site)
    assert app.get(address(QUOTAS)).body == QUOTAS
    index.write_bytes(b"not a database at all, and longer than its header would be" * 9)
    duties.perform(running.site)
    assert app.get(address(QUOTAS)).body == QUOTAS


def test_bytes_that_are_missing_cost_only_their_entity(data: Data) -> None:
    app, running, _ = data
    lose_files(running.site)
    assert export(running.site, "foi_test", running.site.settings.export_folder).missing
    app.get(address(QUOTAS), status=404)
    assert app.get("/data/index.json").json["datasets"][0]["entity_count"] == 7


def test_one_export_at_a_time(data: Data) -> None:
    _, running, made = data
    hide(running.site, Attachment, made.quotas)
    with making(running.site.settings.export_folder):
        assert not keep_up(running.site)
    assert keep_up(running.site)


def test_before_the_first_export(tmp_path: Path, migrated: bytes) -> None:
    ini = {"bridge.publish": "true"}
    with served(tmp_path / "site", migrated, None, **ini) as (app, _, _):
        assert "being made" in app.get("/data/index.json", status=503)
        app.get("/data/entities.ftm.json", status=503)
        app.get(address(QUOTAS), status=404)


def test_the_command_keeps_the_published_folder(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    app, running, made = data
    hide(running.site, Attachment, made.quotas)
    monkeypatch.setenv("FOI_DATA", str(running.site.settings.data_folder))
    monkeypatch.setenv("FOI_ALEPH_COLLECTION", "foi_test")
    monkeypatch.setenv("FOI_SITE_URL", "http://foi.test")
    refused = CliRunner().invoke(main, ["bridge", "export"])
    assert refused.exit_code == 2
    assert "bridge.publish" in refused.output
    monkeypatch.setenv("FOI_BRIDGE_PUBLISH", "true")
    done = CliRunner().invoke(main, ["bridge", "export", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["removed"] == 1
    app.get(address(QUOTAS), status=404)
    assert "quotas.csv" not in app.get("/data/entities.ftm.json")
