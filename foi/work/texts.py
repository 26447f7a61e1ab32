"""Reads the text of attachments, once for each file, so that it can be searched, and converts them
to HTML, so that they can be read in the browser.

Both are slow and files come from strangers, so they are done by the worker, in a process of its
own with limits (`foi.archive.text`, `foi.archive.conversion`). What came of it is kept by SHA-256:
the same file elsewhere costs nothing. Given up: a request is found by its letters some seconds
before it is by its attachments.
"""

import time
from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.blobs import BlobStore
from foi.archive.conversion import VERSION, Converted, convert, converts
from foi.archive.models import Attachment, ExtractedText, FileView, Message
from foi.archive.text import extract
from foi.db import Sessions
from foi.work.consumers import Later, Outcome

SPAN = 120.0
"""Seconds after which a batch leaves its remaining subjects for the next one."""

_REASON = 500
_BATCH = 200

_SHOWN = (
    Attachment.sha256.is_not(None),
    Attachment.prominence == "normal",
    Attachment.erased_at.is_(None),
    Message.prominence == "normal",
    Message.erased_at.is_(None),
)


class TextsConsumer:
    """Gives every attachment of a request that is held and shown its text and its view, then has
    the request indexed again.

    The scope `texts:7` is raised for request 7: pages that tell of texts or views are of it. (Its
    scope `request:7` cannot be, since its positions are ids of events: one more could be the next
    id.)
    """

    name = "texts"
    subjects = frozenset({"request"})
    batch = 20

    def __init__(
        self, sessions: Sessions, blobs: BlobStore, *, seconds: float = 30, megabytes: int = 1024
    ) -> None:
        self._sessions, self._blobs = sessions, blobs
        self._seconds, self._megabytes = seconds, megabytes

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Read the files of these requests that have not been read yet."""
        outcome: dict[str, Exception | None] = {}
        until = time.monotonic() + SPAN
        for subject in subjects:
            if time.monotonic() > until:
                outcome[subject] = Later(0.0, "others took long to read")
                continue
            for sha256, media_type in self._unread(int(subject.partition(":")[2])):
                try:
                    self.read(sha256, media_type)
                except FileNotFoundError:
                    outcome[subject] = FileNotFoundError(f"the file {sha256} is not kept")
        return outcome

    def _unread(self, request_id: int) -> list[tuple[str, str]]:
        with self._sessions.reading() as db:
            rows = db.execute(
                select(
                    Attachment.sha256,
                    Attachment.media_type,
                    ExtractedText.state,
                    FileView.version,
                )
                .join(Message, Message.id == Attachment.message_id)
                .outerjoin(ExtractedText, ExtractedText.sha256 == Attachment.sha256)
                .outerjoin(FileView, FileView.sha256 == Attachment.sha256)
                .where(Message.request_id == request_id, *_SHOWN)
            )
            return _each_once(
                (row.sha256, row.media_type)
                for row in rows
                if row.state is None or (converts(row.media_type) and row.version != VERSION)
            )

    def read(self, sha256: str, media_type: str) -> None:
        """Read and convert a file, keep what came of it, and have the requests that hold it
        indexed again.

        FileNotFoundError when it is not kept.
        """
        path = self._blobs.path(sha256)
        found = extract(path, media_type, seconds=self._seconds, megabytes=self._megabytes)
        view = (
            convert(path, media_type, seconds=self._seconds, megabytes=self._megabytes)
            if converts(media_type)
            else None
        )
        values = {
            "state": found.state,
            "text": found.text.replace("\0", ""),
            "reason": (found.reason or "")[:_REASON],
            "extracted_at": ledger.now(),
        }
        with self._sessions.writing() as db:
            ledger.lock(db)  # whoever erases the file comes before this, or removes what it keeps
            requests = _holding(db, sha256)
            if not requests:  # erased while it was being read
                return
            insert = ledger.upserting(db, ExtractedText).values(sha256=sha256, **values)
            db.execute(insert.on_conflict_do_update(index_elements=["sha256"], set_=values))
            if view is not None:
                _keep_view(db, sha256, view)
            ledger.bump(db, *(f"texts:{number}" for number in requests))
            ledger.owe(db, (f"request:{number}" for number in requests), ["search"])

    def read_all(self, progress: Callable[[int], None] = lambda count: None) -> int:
        """Read every file anew, whatever came of it before; give their number."""
        count, last = 0, ""
        while batch := self._batch(last):
            for sha256, media_type in batch:
                self.read(sha256, media_type)
                count += 1
                progress(count)
            last = batch[-1][0]
        return count

    def _batch(self, last: str) -> list[tuple[str, str]]:
        with self._sessions.reading() as db:
            rows = db.execute(
                select(Attachment.sha256, Attachment.media_type)
                .join(Message, Message.id == Attachment.message_id)
                .where(*_SHOWN, Attachment.sha256 > last)
                .group_by(Attachment.sha256, Attachment.media_type)
                .order_by(Attachment.sha256)
                .limit(_BATCH)
            )
            return _each_once((row.sha256, row.media_type) for row in rows)


def _each_once(files: Iterable[tuple[str | None, str]]) -> list[tuple[str, str]]:
    """Give each file once; of several types that it goes by, one that is converted."""
    chosen: dict[str, str] = {}
    for sha256, media_type in files:
        if sha256 and (sha256 not in chosen or converts(media_type)):
            chosen[sha256] = media_type
    return list(chosen.items())


def _keep_view(db: Session, sha256: str, view: Converted) -> None:
    values = {
        "state": view.state,
        "html": view.html,
        "reason": (view.reason or "")[:_REASON],
        "version": VERSION,
        "made_at": ledger.now(),
    }
    insert = ledger.upserting(db, FileView).values(sha256=sha256, **values)
    db.execute(insert.on_conflict_do_update(index_elements=["sha256"], set_=values))


def _holding(db: Session, sha256: str) -> Iterable[int]:
    """Give the requests that have a file."""
    return db.scalars(
        select(Message.request_id)
        .join(Attachment, Attachment.message_id == Message.id)
        .where(Attachment.sha256 == sha256)
        .distinct()
        .order_by(Message.request_id)
    ).all()
