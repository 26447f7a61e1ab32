"""Files by content: kept once, whole or not at all, and dropped only when nobody can want them."""

import hashlib
import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foi.archive import casework
from foi.archive.blobs import SPARED, BlobStore, TooLarge
from foi.archive.casework import File
from foi.archive.models import Delivery, Message
from foi.site import Site
from foi.work import duties
from foi.work.worker import drain
from tests.conftest import add_request

LETTER = b"Forty-one lamp posts."
NAME = hashlib.sha256(LETTER).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    """An empty store."""
    return BlobStore(tmp_path / "files")


def _files(store: BlobStore) -> list[Path]:
    return sorted(path for path in store.folder.rglob("*") if path.is_file())


def _age(store: BlobStore, sha256: str, seconds: float = SPARED + 60) -> None:
    then = time.time() - seconds
    os.utime(store.path(sha256), (then, then))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.binary(max_size=64), max_size=8))
def test_every_content_is_kept_once_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    store = BlobStore(tmp_path_factory.mktemp("files"))
    blobs = [store.put(io.BytesIO(content)) for content in contents]
    assert list(store.each()) == sorted({blob.sha256 for blob in blobs})
    assert len(_files(store)) == len(set(contents))
    for content, blob in zip(contents, blobs, strict=True):
        assert (blob.sha256, blob.size) == (hashlib.sha256(content).hexdigest(), len(content))
        with store.open(blob.sha256) as stream:
            assert stream.read() == content
        assert not store.damaged(blob.sha256)


def test_what_is_too_large_leaves_nothing(store: BlobStore) -> None:
    assert store.put(io.BytesIO(LETTER), limit=len(LETTER)).size == len(LETTER)
    store.drop(NAME, aged=-1)
    with pytest.raises(TooLarge, match="larger than 20 bytes"):
        store.put(io.BytesIO(LETTER), limit=len(LETTER) - 1)
    assert _files(store) == []


def test_a_stream_that_breaks_leaves_nothing(store: BlobStore) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError("the line went dead")
            return super().read(5)

    with pytest.raises(OSError, match="went dead"):
        store.put(Broken(LETTER))
    assert _files(store) == []


def test_many_writers_of_one_content_agree(store: BlobStore) -> None:
    content = os.urandom(300_000)
    begin, kept = threading.Barrier(6), []

    def put() -> None:
        begin.wait()
        kept.append(store.put(io.BytesIO(content)).sha256)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(kept) == {hashlib.sha256(content).hexdigest()}
    assert len(_files(store)) == 1
    assert not store.damaged(kept[0])


@pytest.mark.parametrize(
    "name", ["", "a" * 63, "A" * 64, "g" * 64, "../" + "a" * 61, "a" * 64 + "\n", "\u0661" * 64]
)
def test_no_name_but_a_sha256_leads_anywhere(store: BlobStore, name: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        store.path(name)


def test_damage_is_found(store: BlobStore) -> None:
    store.put(io.BytesIO(LETTER))
    store.path(NAME).write_bytes(LETTER[:-1] + b"!")
    assert store.damaged(NAME)


def test_only_what_is_aged_is_dropped_and_touching_makes_young(store: BlobStore) -> None:
    store.put(io.BytesIO(LETTER))
    assert (list(store.aged()), store.drop(NAME)) == ([], 0)
    _age(store, NAME)
    assert list(store.aged()) == [NAME]
    store.put(io.BytesIO(LETTER))  # kept again: touched
    assert (list(store.aged()), store.drop(NAME)) == ([], 0)
    assert store.holds(NAME)
    _age(store, NAME)
    assert (store.drop(NAME), store.drop(NAME)) == (1, 0)
    assert _files(store) == []
    assert (store.holds(NAME), list(store.aged())) == (False, [])


def test_a_file_that_is_kept_while_it_is_dropped_is_there_afterwards(store: BlobStore) -> None:
    """A row may be written once `put` has returned: a sweep in between spares the file."""
    for _ in range(30):
        store.put(io.BytesIO(LETTER))
        _age(store, NAME)
        begin = threading.Barrier(2)

        def drop(begin: threading.Barrier = begin) -> None:
            begin.wait()
            store.drop(NAME)

        sweeper = threading.Thread(target=drop)
        sweeper.start()
        begin.wait()
        store.put(io.BytesIO(LETTER))
        sweeper.join()
        assert store.holds(NAME)
    assert not store.damaged(NAME)


def test_what_killed_writers_left_goes_after_a_day(store: BlobStore) -> None:
    old, young = store.folder / ".new-old", store.folder / ".new-young"
    for path in (old, young):
        path.write_bytes(b"half a fi")
    then = time.time() - SPARED - 60
    os.utime(old, (then, then))
    store.drop_leftovers()
    assert (old.exists(), young.exists()) == (False, True)


def test_strange_files_in_the_folder_are_left_alone(store: BlobStore) -> None:
    store.put(io.BytesIO(LETTER))
    stray = store.path(NAME).parent / ".DS_Store"
    stray.write_bytes(b"")
    os.utime(stray, (0, 0))
    _age(store, NAME)
    assert list(store.each()) == list(store.aged()) == [NAME]


def test_a_copy_takes_only_what_is_missing(store: BlobStore, tmp_path: Path) -> None:
    copy = BlobStore(tmp_path / "copy")
    store.put(io.BytesIO(LETTER))
    assert store.copy_to(copy) == 1
    store.put(io.BytesIO(b"more"))
    assert store.copy_to(copy) == 1
    assert list(copy.each()) == list(store.each())


def _answered(site: Site, times: int) -> list[int]:
    """Keep one file and let answers name it."""
    blob = site.blobs.put(io.BytesIO(LETTER))
    with site.sessions.writing() as db:
        request = add_request(db)
        made = [
            casework.correspond(
                db,
                request,
                "desk",
                direction="response",
                text="Here.",
                files=[File("lamps.txt", "text/plain", blob.size, blob.sha256)],
            )
            for _ in range(times)
        ]
        db.flush()
        return [message.id for message in made]


def _erase(site: Site, message_id: int) -> None:
    with site.sessions.writing() as db:
        casework.erase(db, db.get_one(Message, message_id), "desk")


def test_an_erased_file_goes_when_the_last_message_that_names_it_goes(site: Site) -> None:
    first, second = _answered(site, 2)
    _age(site.blobs, NAME)
    _erase(site, first)
    drain(site)
    assert site.blobs.holds(NAME)
    _erase(site, second)
    drain(site)
    assert not site.blobs.holds(NAME)


def test_an_erased_file_that_is_just_being_kept_again_stays(site: Site) -> None:
    """Its bytes are in the store, the row that names them is yet to come and must find them."""
    (message_id,) = _answered(site, 1)
    _age(site.blobs, NAME)
    _erase(site, message_id)
    blob = site.blobs.put(io.BytesIO(LETTER))
    drain(site)
    with site.sessions.writing() as db:
        add_request(db, files=[File("again.txt", "text/plain", blob.size, blob.sha256)])
    assert site.blobs.holds(NAME)
    with site.sessions.reading() as db:
        owed = db.query(Delivery).filter_by(consumer="files").one()
        assert (owed.parked, owed.attempts) == (False, 0)


@pytest.mark.parametrize(
    ("named", "aged", "swept"), [(False, True, 1), (False, False, 0), (True, True, 0)]
)
def test_the_sweep_takes_what_is_old_and_named_by_nothing(
    site: Site, named: bool, aged: bool, swept: int
) -> None:
    if named:
        _answered(site, 1)
    site.blobs.put(io.BytesIO(LETTER))
    if aged:
        _age(site.blobs, NAME)
    assert duties.sweep(site) == swept
    assert site.blobs.holds(NAME) is (swept == 0)


def test_sweeps_at_once_do_not_disturb_each_other_or_writers(site: Site) -> None:
    names = [site.blobs.put(io.BytesIO(os.urandom(9))).sha256 for _ in range(30)]
    for name in names:
        _age(site.blobs, name)
    swept: list[int] = []
    failed: list[BaseException] = []

    def guarded(task: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            try:
                task()
            except BaseException as problem:
                failed.append(problem)

        return run

    def keep() -> None:
        for _ in range(60):
            site.blobs.put(io.BytesIO(os.urandom(9)))

    tasks = [lambda: swept.append(duties.sweep(site))] * 2 + [keep]
    threads = [threading.Thread(target=guarded(task)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(swept) == 30
    assert len(list(site.blobs.each())) == 60
