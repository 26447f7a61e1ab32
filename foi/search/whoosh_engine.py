"""The embedded engine: a Whoosh index in a folder, nothing to install or run.

The folder holds `current`, the name of the index in use, so that a rebuild beside it takes its
place by one rename; `writing.lock` and `rebuilding.lock`, which the system frees when a process
dies; and the index. Each process keeps its segments open and looks for a newer commit at most five
times a second. Given up: Whoosh does not fsync, so a power cut may cost the index
(docs/decisions/0003-search-engine.md); it is then built again.
"""

import fcntl
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from whoosh.filedb.filestore import FileStorage
from whoosh.index import TOC, FileIndex

from foi.search import whoosh_spelling
from foi.search.engine import Busy, Cursor, Document, Hits, Kind, SearchUnavailable, Sort
from foi.search.tree import Node
from foi.search.whoosh_answer import Wanted, answer
from foi.search.whoosh_format import FORMAT, codec, make_schema, merging, row
from foi.search.whoosh_segment import Files, Segment
from foi.search.words import ENGLISH, Language

_log = logging.getLogger(__name__)

Snapshot = tuple[tuple[Segment, frozenset[int]], ...]


class WhooshEngine:
    """A `SearchEngine` in a folder.

    `seconds` bound a query, `patience` the wait for another writer; every `look_every` seconds it
    looks for a newer commit. `fresh_site`, asked when there is no index, says whether none is due.
    An index in words of another language is not read.
    """

    def __init__(
        self,
        folder: Path,
        *,
        language: Language = ENGLISH,
        seconds: float = 0.6,
        patience: float = 30.0,
        look_every: float = 0.2,
        fresh_site: Callable[[], bool] = lambda: False,
    ) -> None:
        self._folder, self._language = folder, language
        self._seconds, self._patience, self._look_every = seconds, patience, look_every
        self._fresh_site = fresh_site
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._seen: tuple[str, int] | None = None
        self._snapshot: Snapshot = ()

    def exists(self) -> bool:
        """Tell whether there is an index that this release can read."""
        try:
            self._refresh(at_once=True)
        except SearchUnavailable:
            return False
        return self._name() is not None

    def count(self) -> int:
        """Give the number of documents."""
        return sum(segment.size - len(deleted) for segment, deleted in self._refresh())

    def find(
        self,
        query: Node | None,
        *,
        kind: Kind | str = Kind.ALL,
        sort: Sort | str = Sort.RELEVANT,
        limit: int = 25,
        offset: int = 0,
        behind: Cursor | None = None,
        ahead: Cursor | None = None,
        collapse: bool = False,
        facets: date | None = None,
        bare: bool = False,
    ) -> Hits:
        """Find documents; within `seconds` and as long as snippets take, whatever the query."""
        if query is None:
            return Hits((), 0, True)
        wanted = Wanted(
            query, Kind(kind), Sort(sort), limit, offset, behind, ahead, collapse, facets, bare
        )
        with _telling():
            return answer(self._refresh(), wanted, self._language, self._seconds)

    def telling_words(self, text: str, count: int) -> tuple[str, ...]:
        """Give the words of a text that set it apart from other documents."""
        with _telling():
            return whoosh_spelling.telling(self._refresh(), text[:_READ], count, self._language)

    def replace(self, owners: Iterable[str], documents: Iterable[Document]) -> None:
        """Drop everything of these owners and put the documents, in one commit."""
        gone = [f"owner:{owner}" for owner in owners]
        with self._alone("writing.lock", self._patience), _telling():
            if self._name() is None:
                self._install(_make(self._folder, self._prefix))
            snapshot = self._refresh(at_once=True)
            with _writing(_index(self._folder / (self._name() or ""))) as writer:
                stored = {segment.segment_id(): segment for segment in writer.segments}
                for segment, deleted in snapshot:
                    for term in gone:
                        for number in segment.having(term) - deleted:
                            stored[segment.name].delete_document(number)
                for document in documents:
                    writer.add_document(**row(document, self._language))
            self._refresh(at_once=True)

    def rebuild(
        self, documents: Iterable[Document], before_swap: Callable[[], None] = lambda: None
    ) -> int:
        """Build a new index beside the present one and put it in its place."""
        count = 0
        with self._alone("rebuilding.lock", _GLANCE):
            self._sweep()
            name = _make(self._folder, self._prefix)
            with _writing(_index(self._folder / name)) as writer:
                for document in documents:
                    writer.add_document(**row(document, self._language))
                    count += 1
            _fsync(self._folder / name)
            with self._alone("writing.lock", self._patience):
                before_swap()
                self._install(name)
            self._sweep()
        self._refresh(at_once=True)
        return count

    def close(self) -> None:
        """Let go of the open segments."""
        with self._lock:
            self._snapshot, self._seen = (), None
            self._looked = float("-inf")

    @property
    def _prefix(self) -> str:
        """What the name of an index begins with that this engine can read."""
        return f"{_PREFIX}{self._language.code}-"

    def _name(self) -> str | None:
        """Give the name of the index in use; None when this release can read none."""
        before = ""
        while True:
            try:
                name = (self._folder / "current").read_text().strip()
            except FileNotFoundError:
                return None
            if (self._folder / name).is_dir():
                return name if name.startswith(self._prefix) else None
            if name == before:
                return None
            before = name  # it may have been swapped away just now

    def _newest(self) -> tuple[str, int]:
        """Give the index in use and the number of its newest commit."""
        name = self._name()
        if name is None:
            raise SearchUnavailable(
                "The search index is being built."
                if self._rebuilding()
                else "There is no search index; `foi rebuild search` makes one."
            )
        return name, TOC._latest_generation(FileStorage(str(self._folder / name)), _INDEX)

    def _refresh(self, at_once: bool = False) -> Snapshot:
        """Give the newest commit that was seen; look for a newer one, if not done just now."""
        with self._lock:
            if at_once or time.monotonic() - self._looked >= self._look_every:
                with _telling():
                    self._look()
                self._looked = time.monotonic()
            return self._snapshot

    def _look(self) -> None:
        if self._name() is None and self._fresh_site():
            self._snapshot, self._seen = (), None
            return
        while (newest := self._newest()) != self._seen:
            try:
                self._take(newest)
            except Exception:
                # Files of a commit go when the next one is made; otherwise it is damaged.
                if self._newest() == newest:
                    raise

    def _take(self, newest: tuple[str, int]) -> None:
        """Open a commit, with what is open already."""
        name, generation = newest
        same = self._seen is not None and self._seen[0] == name
        known = {segment.name: segment for segment, _ in self._snapshot if same}
        deletions = dict(self._snapshot)
        folder = self._folder / name
        with closing(Files(folder)) as files:
            commit = TOC.read(files, _INDEX, gen=generation, schema=_SCHEMA)
        snapshot = []
        for stored in commit.segments:
            segment = known.get(stored.segment_id()) or Segment(folder, _SCHEMA, stored)
            deleted = deletions.get(segment, frozenset())
            if len(deleted) != stored.deleted_count():
                deleted = frozenset(stored.deleted_docs())
            snapshot.append((segment, deleted))
        self._snapshot, self._seen = tuple(snapshot), newest

    def _install(self, name: str) -> None:
        new = self._folder / f".current-{secrets.token_hex(4)}"
        new.write_text(name)
        _fsync(self._folder)
        new.replace(self._folder / "current")

    def _sweep(self) -> None:
        """Delete the indexes that are not in use."""
        used = self._name()
        for folder in self._folder.glob("index-*"):
            if folder.name != used:
                shutil.rmtree(folder, ignore_errors=True)

    def _rebuilding(self) -> bool:
        """Tell whether a rebuild is under way."""
        try:
            with self._alone("rebuilding.lock", 0.0):
                return False
        except Busy:
            return True

    @contextmanager
    def _alone(self, lock: str, patience: float) -> Iterator[None]:
        """Hold a lock file; Busy when another process or thread does not let go of it in time."""
        self._folder.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + patience
        with (self._folder / lock).open("w") as held:
            while True:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise Busy(
                            f"Another process is {lock.partition('.')[0]} the search index."
                        ) from None
                    time.sleep(0.02)
            yield


_INDEX = "MAIN"
_READ = 20_000
"""Characters of a text in which telling words are looked for."""
_GLANCE = 0.5
"""Seconds within which whoever only looks whether somebody is rebuilding has looked."""
_PREFIX = f"index-{FORMAT}-"
_SCHEMA = make_schema()


def _make(folder: Path, prefix: str) -> str:
    """Make an empty index in a folder of its own and give its name."""
    name = prefix + secrets.token_hex(6)
    (folder / name).mkdir(parents=True)
    FileIndex.create(FileStorage(str(folder / name)), _SCHEMA)
    return name


def _index(folder: Path) -> Any:
    return FileIndex(FileStorage(str(folder)), schema=_SCHEMA)


@contextmanager
def _writing(index: Any) -> Iterator[Any]:
    """Write to an index; all of it counts at the end of the block, or nothing."""
    writer = index.writer(timeout=10.0, codec=codec(), compound=False)
    try:
        yield writer
    except BaseException:
        writer.cancel()
        raise
    writer.commit(mergetype=merging)


@contextmanager
def _telling() -> Iterator[None]:
    """Turn whatever a damaged index brings about into SearchUnavailable."""
    try:
        yield
    except SearchUnavailable:
        raise
    except Exception as error:
        _log.exception("the search index cannot be used")
        raise SearchUnavailable(
            "The search index cannot be used; `foi rebuild search` makes a new one."
        ) from error


def _fsync(folder: Path) -> None:
    """Have the files of a folder, and the folder itself, on disk."""
    for path in [*folder.glob("*"), folder]:
        if path.is_file() or path == folder:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
