"""Consumers of the archive's own: a change to an authority or person reaches its requests; erased
files go.
"""

from collections.abc import Sequence

from sqlalchemy import delete, exists, select

from foi.archive import ledger
from foi.archive.models import Attachment, ExtractedText, InfoRequest
from foi.archive.queries import naming
from foi.site import Site
from foi.work.consumers import Later, Outcome

_BATCH = 500
_GRACE = 600.0
"""Seconds within which whoever has kept a file has committed the row that names it."""


class Fanout:
    """Owes a look at each request of a changed authority or person, a batch at a time.

    Its own subjects are `body:3`, and `body:3:after:700` for what is left after request 700.
    """

    name = "fanout"
    subjects = frozenset({"body", "person"})
    batch = 10

    def __init__(self, site: Site) -> None:
        self._site = site

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Owe the next batch of each subject's requests."""
        for subject in subjects:
            self._spread(subject)
        return {}

    def _spread(self, subject: str) -> None:
        kind, number, *after = subject.split(":")
        least = int(after[1]) if after else 0
        with self._site.sessions.writing() as db:
            ids = db.scalars(
                select(InfoRequest.id)
                .where(naming(kind, int(number)), InfoRequest.id > least)
                .order_by(InfoRequest.id)
                .limit(_BATCH)
            ).all()
            ledger.owe(db, (f"request:{request_id}" for request_id in ids))
            if len(ids) == _BATCH:
                ledger.owe(db, [f"{kind}:{number}:after:{ids[-1]}"], [self.name])


class Files:
    """Removes the bytes and the text of a file (`file:<sha256>`) that was erased, once nothing
    else names it.

    A file that somebody has kept within the last minutes may be about to be named again: it is
    looked at later.
    """

    name = "files"
    subjects: frozenset[str] = frozenset()
    batch = 50

    def __init__(self, site: Site) -> None:
        self._site = site

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Remove those that no attachment names."""
        return {subject: self._remove(subject.removeprefix("file:")) for subject in subjects}

    def _remove(self, sha256: str) -> Exception | None:
        with self._site.sessions.writing() as db:
            ledger.lock(db)
            if db.scalar(select(exists().where(Attachment.sha256 == sha256))):
                return None
            db.execute(delete(ExtractedText).where(ExtractedText.sha256 == sha256))
            if self._site.blobs.drop(sha256, _GRACE) or not self._site.blobs.holds(sha256):
                return None
        return Later(_GRACE, "kept again a moment ago")
