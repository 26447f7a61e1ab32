"""Making the index anew: by itself when it is lost, by command, while the site changes."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from foi.archive import casework
from foi.archive.models import (
    Body,
    Delivery,
    ExtractedText,
    InfoRequest,
    Person,
)
from foi.cli import main
from foi.search import documents
from foi.search.consumer import SearchConsumer
from foi.search.engine import SearchEngine
from foi.search.rebuild import rebuild
from foi.site import Site
from foi.work.worker import drain
from tests.conftest import add_body, add_person, add_request
from tests.search.ways import answer, found, hold, open_one


def test_a_lost_index_is_built_again_by_the_worker(
    site: Site, engine: SearchEngine, tmp_path: Path
) -> None:
    open_one(site, text="heron")
    drain(site)
    (site.settings.search_folder / "current").unlink()
    consumer = SearchConsumer(site.sessions, engine)
    assert not engine.exists()
    consumer.prepare()
    drain(site)
    assert len(found(engine, "heron")) == 1
    consumer.prepare()
    with site.sessions.reading() as db:
        assert db.scalar(select(func.count()).select_from(Delivery)) == 0


def test_large_batches_are_written_in_parts(
    site: Site, engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.replace((), ())
    monkeypatch.setattr("foi.search.consumer._AT_ONCE", 300)
    for turn in range(6):
        open_one(site, title=f"Request {turn}", text="heron " * 40)
    drain(site)
    assert len(found(engine, "heron")) == 6


def test_a_new_site_has_an_empty_index(site: Site, engine: SearchEngine) -> None:
    consumer = SearchConsumer(site.sessions, engine)
    assert found(engine, "heron") == []
    consumer.prepare()
    open_one(site, text="heron")
    assert found(engine, "heron") == []
    drain(site)
    assert len(found(engine, "heron")) == 1


def test_everything_can_be_read_in_batches(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.sessions.writing() as db:
        body = add_body(db)
        for turn in range(7):
            add_request(db, body=body, title=f"Request {turn}")
            add_person(db, f"Person {turn}")
    monkeypatch.setattr(documents, "BATCH", 3)
    keys = [document.key for document in documents.every(site.sessions)]
    assert len(keys) == len(set(keys)) == 1 + 7 + 7


def test_what_changes_during_a_rebuild_is_not_lost(site: Site, engine: SearchEngine) -> None:
    with site.sessions.writing() as db:
        body, person = add_body(db, "Old Mere Council"), add_person(db)
        for turn in range(3):
            add_request(db, body=body, person=person, title=f"Request {turn}", text="heron")
    drain(site)
    changed = False

    def change(count: int) -> None:
        """Change, behind the rebuild's back, what it has read already."""
        nonlocal changed
        if count == 5 and not changed:
            changed = True
            with site.sessions.writing() as db:
                request = db.get_one(InfoRequest, 1)
                casework.annotate(db, request, db.scalars(select(Person)).one(), "bollards")
                casework.hide(db, db.get_one(InfoRequest, 2), "desk")
                body = db.scalars(select(Body)).one()
                casework.edit_body(db, body, "desk", name="New Mere Council", url_name="new")
            drain(site)  # into the old index
            assert len(found(engine, "bollards")) == 1

    rebuild(site.sessions, engine, change)
    assert changed
    drain(site)
    assert len(found(engine, "bollards")) == 1
    assert len(found(engine, "heron")) == 2
    assert len(found(engine, "new mere requested_from:new kind heron OR heron")) == 2
    assert found(engine, "requested_from:old_mere_council") == []


def test_the_site_goes_on_changing_through_rebuilds(site: Site, engine: SearchEngine) -> None:
    numbers = [open_one(site, title=f"Request {n}", text="heron") for n in range(4)]
    drain(site)
    done = threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        while not done.is_set():
            try:
                drain(site)
            except Exception as error:
                failures.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    for turn in range(4):
        answer(site, numbers[turn], f"bollards {turn}")
        rebuild(site.sessions, engine)
        answer(site, numbers[turn], f"bollards {turn}")
    done.set()
    worker.join()
    drain(site)
    assert failures == []
    assert len(found(engine, "bollards")) == 8
    assert engine.count() == sum(1 for _ in documents.every(site.sessions))


def run(site: Site, *arguments: str) -> Any:
    """Run a command on a site."""
    environ = {"FOI_DATA": str(site.settings.data_folder), "FOI_SITE_URL": "http://foi.test"}
    return CliRunner().invoke(main, arguments, env=environ, catch_exceptions=False)


def test_the_commands_tell_how_much_there_was(site: Site, engine: SearchEngine) -> None:
    number = open_one(site, text="heron")
    answer(site, number, "Attached.", hold(site, "a.txt", b"saltmarsh", "text/plain"))
    result = run(site, "rebuild", "search")
    assert (result.exit_code, result.stdout) == (0, "3\n")
    assert len(found(engine, "heron")) == 1
    drain(site)
    with site.sessions.writing() as db:
        db.scalars(select(ExtractedText)).one().text = "as an older reader had it"
    result = run(site, "rebuild", "texts", "--json")
    assert json.loads(result.stdout) == {"files": 1}
    drain(site)
    assert len(found(engine, "saltmarsh")) == 1
    assert json.loads(run(site, "rebuild", "search", "--json").stdout) == {"documents": 3}


def test_a_second_rebuild_at_once_fails_with_a_sentence(site: Site, engine: SearchEngine) -> None:
    open_one(site)

    def second(count: int) -> None:
        if count == 1:
            result = run(site, "rebuild", "search")
            assert result.exit_code == 1
            assert "rebuilding the search index" in result.stderr

    assert rebuild(site.sessions, engine, second) == 2
