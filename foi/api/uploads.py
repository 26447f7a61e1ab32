"""The files of one call, between the form and the archive.

They are hashed while they arrive and lie beside the blob store, without an address, until the
call is found good: a call that is refused or breaks off leaves nothing behind. Limits hold for
each file, for all files of a call, and for all that the requests to one authority hold.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from foi.archive.blobs import Staged, TooLarge
from foi.archive.casework import File
from foi.archive.filetypes import UNKNOWN, clean_name, sniff_file
from foi.archive.models import Attachment, InfoRequest, Message
from foi.problems import Problem
from foi.site import Site

_MOST_FILES = 200
_attachment, _message, _request = (
    Attachment.__table__.c,
    Message.__table__.c,
    InfoRequest.__table__.c,
)


@dataclass(frozen=True)
class Upload:
    """A file that has arrived, by the name that the client gave it."""

    filename: str
    staged: Staged


class Tray:
    """Takes the files of one call; `keep` gives them to the archive, `discard` drops the rest."""

    def __init__(self, site: Site) -> None:
        self._site, self.size = site, 0
        self.uploads: list[Upload] = []

    def take(self, filename: str, content: Iterable[bytes]) -> None:
        """Take one file; 413 when it is too large, alone or with those before it."""
        if len(self.uploads) == _MOST_FILES:
            raise Problem(413, f"There are more than {_MOST_FILES} files.")
        settings = self._site.settings
        staged = self._site.blobs.stage(settings.attachment_limit)
        self.uploads.append(Upload(filename, staged))
        try:
            for piece in content:
                self.size += len(piece)
                if settings.request_limit and self.size > settings.request_limit:
                    raise Problem(
                        413,
                        f"The files are together larger than {settings.request_limit:,} bytes; "
                        "send them with several messages.",
                    )
                staged.write(piece)
            staged.seal()
        except TooLarge as large:
            raise Problem(
                413, f"“{clean_name(filename, UNKNOWN)}” is larger than {large.limit:,} bytes."
            ) from None

    def hashes(self) -> list[tuple[str, str]]:
        """Give the name and SHA-256 of each file."""
        return [(upload.filename, upload.staged.blob.sha256) for upload in self.uploads]

    def keep(self) -> list[File]:
        """Put every file into the blob store, each with its name made safe and the type that its
        content has.
        """
        files = []
        for upload in self.uploads:
            media_type = sniff_file(upload.staged.seal(), upload.filename)
            blob = upload.staged.keep()
            name = clean_name(upload.filename, media_type)
            files.append(File(name, media_type, blob.size, blob.sha256))
        return files

    def discard(self) -> None:
        """Leave nothing of what was not kept."""
        for upload in self.uploads:
            upload.staged.discard()
        self.uploads = []


def check_room(db: Session, site: Site, body_id: int, tray: Tray) -> None:
    """Refuse with 413 what would take an authority beyond its limit; the same bytes count once."""
    limit = site.settings.authority_limit
    if not limit or not tray.uploads:
        return
    held = (
        select(_attachment.sha256, _attachment.size)
        .join(Message.__table__, _message.id == _attachment.message_id)
        .join(InfoRequest.__table__, _request.id == _message.request_id)
        .where(_request.body_id == body_id, _attachment.sha256.is_not(None))
        .distinct()
    )
    fresh = {upload.staged.blob for upload in tray.uploads}
    hashes = [blob.sha256 for blob in fresh]
    known = set(
        db.scalars(
            held.with_only_columns(_attachment.sha256).where(_attachment.sha256.in_(hashes))
        )
    )
    total = db.scalar(select(func.coalesce(func.sum(held.subquery().c.size), 0))) or 0
    total += sum(blob.size for blob in fresh if blob.sha256 not in known)
    if total > limit:
        raise Problem(
            413,
            f"With these files those of your authority would be larger than {limit:,} bytes "
            "together; ask the people who run this site for more room.",
        )
