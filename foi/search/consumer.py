"""Keeps the index in agreement with the rows, and raises the version under which searches are
served.
"""

from collections.abc import Sequence

from foi.archive import ledger
from foi.db import Sessions
from foi.search import documents
from foi.search.engine import NAME, Busy, Document, SearchEngine
from foi.search.rebuild import rebuild
from foi.work.consumers import Later, Outcome

WHOLE = "index:whole"
"""The subject that stands for an index that is not there."""

_PAUSE = 5.0
_AT_ONCE = 10_000_000
"""Characters of documents above which a batch is written in parts, for the sake of memory."""


class SearchConsumer:
    """Indexes each subject as it is now; what is withdrawn, hidden or erased vanishes.

    When there is no index that can be read, all of it is built, so a lost one heals by itself.
    """

    name = NAME
    subjects = frozenset({"request", "body", "person"})
    batch = 100

    def __init__(self, sessions: Sessions, engine: SearchEngine) -> None:
        self._sessions, self._engine = sessions, engine

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Put the documents of these subjects in the place of what the index has of them."""
        try:
            if not self._engine.exists():
                rebuild(self._sessions, self._engine)
            else:
                self._replace([each for each in subjects if each != WHOLE])
        except Busy as busy:
            raise Later(_PAUSE, str(busy)) from busy
        return {}

    def _replace(self, subjects: Sequence[str]) -> None:
        waiting: list[str] = []
        found: list[Document] = []
        with self._sessions.reading() as db:
            for subject in subjects:
                waiting.append(subject)
                found += documents.of(db, subject)
                if sum(each.size for each in found) > _AT_ONCE:
                    self._engine.replace(waiting, found)
                    waiting, found = [], []
        if waiting:
            self._engine.replace(waiting, found)
        with self._sessions.writing() as db:
            ledger.bump(db, NAME)

    def prepare(self) -> None:
        """See to it that there is an index: an empty one while nothing has happened on the site,
        else have the worker build it; called when a site or its worker starts.
        """
        if self._engine.exists():
            return
        with self._sessions.reading() as db:
            fresh = ledger.newest(db) == 0
        if fresh:
            self._engine.replace((), ())
        else:
            with self._sessions.writing() as db:
                ledger.owe(db, [WHOLE], [self.name])
