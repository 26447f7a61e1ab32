"""Authorities from a CSV file, looked at before anything is changed (see `keeping`)."""

from dataclasses import dataclass, field

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.importing import UnusableFile, import_authorities
from foi.archive.importing.rehearsal import Rehearsal
from foi.archive.kinds import Kind
from foi.archive.models import Body, Event
from foi.desk import frame, keeping
from foi.desk.forms import sentence
from foi.site import site_of

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


def _form(request: Request, wrong: str = "") -> Response:
    return frame.show(
        request,
        "import",
        "Import authorities",
        status=422 if wrong else 200,
        errors={"attachment": sentence(wrong)} if wrong else {},
        largest=keeping.LARGEST,
    )


def preview(request: Request) -> Response:
    """Keep the file, import it and take that back; show what would change."""
    site = site_of(request)
    try:
        sha256 = keeping.keep(request, "CSV file")
    except UnusableFile as unusable:
        return _form(request, str(unusable))
    path = site.blobs.path(sha256)
    rehearsal = Looked(site, site.blobs)
    try:
        report = import_authorities(rehearsal, path, keeping.quietly)
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
        seal=keeping.seal(request, _seen(sha256)),
    )


def apply(request: Request) -> Response:
    """Import the file that was looked at."""
    site, given = site_of(request), request.sent.fields
    sha256 = given.get("sha256", "")
    try:
        keeping.check_held(request, _seen(sha256), given.get("seal", ""), sha256)
    except UnusableFile as unusable:
        return _form(request, str(unusable))
    report = import_authorities(site, site.blobs.path(sha256), keeping.quietly)
    keeping.note(request, sha256, report)
    return frame.onward("/desk/bodies", "imported")


def _seen(sha256: str) -> str:
    return f"authorities:{sha256}"
