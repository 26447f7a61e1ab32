"""The export on the web: `/data/index.json`, `/data/entities.ftm.json` and files by their SHA-1.

The worker keeps it up (`bridge.keeping`). What has been withdrawn since it was made is refused at
once: a file that no shown attachment has any more, and the entities as a whole until they are made
anew without it.
"""

import hashlib
from io import BytesIO
from pathlib import Path

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from bridge import export_index
from bridge.catalogue import FTM, HOME
from bridge.export import CATALOGUE, ENTITIES, FILES
from foi.addresses import get
from foi.archive import reading
from foi.archive.kinds import WITHDRAWALS
from foi.archive.models import Attachment, Event, InfoRequest, Message
from foi.pages import files
from foi.pages.redirects import to
from foi.problems import Problem, tell
from foi.site import site_of

SECONDS = 600
"""How long after a change the worker has made the export anew, at most."""
_BEING_MADE = "The export is being made. Please try again in a few minutes."


def catalogue(request: Request) -> Response:
    """The catalogue: what there is, how large, and from when."""
    _, folder = _present(request)
    try:
        content = (folder / CATALOGUE).read_bytes()
    except FileNotFoundError:
        raise _BeingMade from None
    digest = hashlib.sha256(content).hexdigest()
    # Not the file once more: by now it may be another than the digest stands for.
    kind = "application/json"
    return files.serve(request, CATALOGUE, kind, digest, lambda: BytesIO(content), False)


def entities(request: Request) -> Response:
    """The entities, one a line."""
    about, folder = _present(request)
    return _serve(request, ENTITIES, FTM, about["checksum"], folder / ENTITIES)


def file(request: Request) -> Response:
    """A file that the present export names and that is shown to this moment."""
    sha1, beginning = request.matchdict["sha1"], request.matchdict["beginning"]
    folder = site_of(request).settings.export_folder
    known = export_index.find(folder, sha1) if sha1.startswith(beginning) else []
    if not known:
        raise HTTPNotFound("The export has no such file.")
    for each in known:
        if _is_shown(request.db, each.sha256):
            path = folder / FILES / beginning / sha1
            return _serve(request, sha1, each.media_type, sha1, path)
    raise Problem(410, "This file has been withdrawn.")


def _present(request: Request) -> tuple[dict[str, str], Path]:
    """Give what the export says of itself and its folder; 503 while it holds what has been
    withdrawn, or there is none.
    """
    folder = site_of(request).settings.export_folder
    about = export_index.about(folder)
    if "position" not in about or _has_withdrawn(request.db, int(about["position"])):
        raise _BeingMade
    return about, folder


class _BeingMade(Exception):
    """There is no export that may be served at the moment."""


def _on_being_made(_: Exception, request: Request) -> Response:
    response = tell(request, 503, [_BEING_MADE])
    response.headers["Retry-After"] = str(SECONDS // 2)
    return response


def _has_withdrawn(db: Session, position: int) -> bool:
    """Tell whether anything but a note was hidden or erased after an event."""
    event = Event.__table__.c
    gone = (
        event.id > position, event.kind.in_(WITHDRAWALS), event.annotation_id.is_(None)
    )  # fmt: skip
    return bool(db.scalar(select(exists().where(*gone))))


def _is_shown(db: Session, sha256: str) -> bool:
    """Tell whether the public can see an attachment with these bytes in a listed request."""
    asked = (
        select(Message.id)
        .join(Attachment, Attachment.message_id == Message.id)
        .join(InfoRequest, InfoRequest.id == Message.request_id)
        .where(
            Attachment.sha256 == sha256,
            Attachment.prominence == "normal",
            Attachment.erased_at.is_(None),
            Message.prominence == "normal",
            Message.erased_at.is_(None),
            reading.listed(),
        )
        .limit(1)
    )
    found = reading.messages_by_id(db, db.scalars(asked))
    return any(each.sha256 == sha256 for m in found.values() for each in m.attachments)


def _serve(request: Request, name: str, media_type: str, digest: str, path: Path) -> Response:
    return files.serve(request, name, media_type, digest, lambda: path.open("rb"), False)


def includeme(config: Configurator) -> None:
    """Serve the export."""
    config.add_exception_view(_on_being_made, context=_BeingMade)
    for spelling in (HOME, f"{HOME}/"):
        get(config, f"data:{spelling}", spelling, to(f"{HOME}/{CATALOGUE}"))
    get(config, "data-catalogue", f"{HOME}/{CATALOGUE}", catalogue)
    get(config, "data-entities", f"{HOME}/{ENTITIES}", entities)
    get(
        config,
        "data-file",
        f"{HOME}/{FILES}/{{beginning:[0-9a-f]{{2}}}}/{{sha1:[0-9a-f]{{40}}}}",
        file,
    )
