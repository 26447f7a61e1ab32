"""Authorities from a CSV file, looked at before anything is changed.

The file is kept among the files, where the sweep takes it after a day since no row names it; what
leads from preview to import is its SHA-256, signed with the session, so that nobody can have
imported what they have not seen.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.accounts import sessions
from foi.archive import casework
from foi.archive.importing import Report, UnusableFile, import_authorities
from foi.archive.importing.rehearsal import Rehearsal
from foi.archive.kinds import Kind
from foi.archive.models import Body, Event
from foi.desk import frame
from foi.site import site_of

LARGEST = 8 << 20
"""Bytes of a file that is imported here; larger ones are for `foi import authorities`."""
_SHOWN = 200


@dataclass
class Looked(Rehearsal):
    """A rehearsal that notes what would become of authorities."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)
    """Of each authority that would change: its name, what would happen, and to which fields."""

    def look(self, db: Session, before: int) -> None:
        """Note the changes of one transaction."""
        rows = db.execute(
            select(Event.kind, Event.params, Body.name)
            .join(Body, Body.id == Event.body_id)
            .where(Event.id > before)
            .order_by(Event.id)
            .limit(max(0, _SHOWN - len(self.lines)))
        )
        for kind, params, name in rows:
            words = "new" if kind == Kind.BODY_ADDED else "changed"
            self.lines.append((name, words, ", ".join(params.get("changed", ()))))


def ask(request: Request) -> Response:
    """The form."""
    return _form(request)


def _form(request: Request, wrong: str = "", status: int = 200) -> Response:
    return frame.show(
        request,
        "import",
        "Import authorities",
        status=422 if wrong else status,
        errors={"attachment": wrong} if wrong else {},
        largest=LARGEST,
    )


def preview(request: Request) -> Response:
    """Keep the file, import it and take that back; show what would change."""
    site = site_of(request)
    tray = request.sent.tray
    if not tray.uploads:
        return _form(request, "Choose a CSV file.")
    if tray.size > LARGEST:
        return _form(request, f"The file is larger than {LARGEST:,} bytes.")
    sha256 = tray.keep()[0].sha256
    assert sha256 is not None, "it was kept just now"
    path = site.blobs.path(sha256)
    rehearsal = Looked(site, site.blobs)
    try:
        report = import_authorities(rehearsal, path, quietly)
    except UnusableFile as unusable:
        return _form(request, str(unusable).replace(str(path), "The file"))
    return frame.show(
        request,
        "preview",
        "What the file would change",
        report=report,
        lines=rehearsal.lines,
        more=max(0, report.created + report.updated - len(rehearsal.lines)),
        sha256=sha256,
        seal=seal_of(request, sha256),
    )


def apply(request: Request) -> Response:
    """Import the file that was looked at."""
    site, given = site_of(request), request.sent.fields
    sha256 = given.get("sha256", "")
    seal = given.get("seal", "").encode("utf-8", "replace")
    if not hmac.compare_digest(seal_of(request, sha256).encode(), seal):
        return _form(request, "This file has not been looked at in this session.")
    if not site.blobs.holds(sha256):
        return _form(request, "The file is not kept any more. Please choose it again.")
    report = import_authorities(site, site.blobs.path(sha256), quietly)
    casework.note(
        request.db,
        request.identity.actor,
        "imported",
        sha256=sha256,
        created=report.created,
        updated=report.updated,
        refused=len(report.refused),
    )
    return frame.onward("/desk/bodies", "imported")


def seal_of(request: Request, seen: str) -> str:
    """Give the proof that something, such as a file by its SHA-256, was seen in this session."""
    token = sessions.token_of(request).encode()
    told = f"foi-import:{seen}".encode("utf-8", "replace")
    return hmac.new(token, told, hashlib.sha256).hexdigest()


def quietly(done: int, total: int, report: Report) -> None:
    """Say nothing of how far the import has come."""
