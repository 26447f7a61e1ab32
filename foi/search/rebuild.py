"""Builds the index anew while the site serves and the archive changes.

The documents are read in many short snapshots, so what changes meanwhile may be in the new index
or not; all of it is owed to the consumer again before the new index takes the old one's place,
while nobody can write: whatever is dealt with from then on is dealt with in the new one.
"""

from collections.abc import Callable, Iterable, Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.models import InfoRequest
from foi.archive.queries import naming
from foi.db import Sessions
from foi.search import documents
from foi.search.engine import NAME, Document, SearchEngine

_BATCH = 500


def rebuild(
    sessions: Sessions,
    engine: SearchEngine,
    progress: Callable[[int], None] = lambda count: None,
) -> int:
    """Build a new index and give the number of its documents; `progress` hears how many there are
    so far. Busy when another rebuild is under way.
    """
    with sessions.reading() as db:
        start = ledger.newest(db)
    count = engine.rebuild(
        _counted(documents.every(sessions), progress), lambda: owe_since(sessions, start)
    )
    with sessions.writing() as db:
        ledger.bump(db, NAME)
    return count


def _counted(each: Iterable[Document], progress: Callable[[int], None]) -> Iterator[Document]:
    for count, document in enumerate(each, start=1):
        yield document
        progress(count)


def owe_since(sessions: Sessions, start: int) -> None:
    """Owe the index a look at whatever the events after `start` have changed."""
    while True:
        with sessions.reading() as db:
            events = db.scalars(ledger.since(start, _BATCH)).all()
            if not events:
                return
            start = events[-1].id
            subjects = {subject for event in events for subject in ledger.subjects(event)}
            reached = {other for subject in subjects for other in reaching(db, subject)}
        with sessions.writing() as db:
            ledger.owe(db, sorted(subjects | reached), [NAME])


def reaching(db: Session, subject: str) -> Iterator[str]:
    """Give the requests whose documents mention an authority or a person."""
    kind, _, number = subject.partition(":")
    if kind in ("body", "person"):
        for request_id in db.scalars(select(InfoRequest.id).where(naming(kind, int(number)))):
            yield f"request:{request_id}"
