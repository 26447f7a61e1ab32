"""What the tests of search do again and again: open a request, answer it, search."""

import io
import zipfile
from typing import Any

from sqlalchemy import select

from foi.archive import casework
from foi.archive.casework import File
from foi.archive.models import (
    InfoRequest,
    Version,
)
from foi.search.engine import SearchEngine
from foi.search.query import parse
from foi.site import Site
from tests.conftest import add_request


def found(engine: SearchEngine, text: str, **how: Any) -> list[str]:
    """Give the keys of what is found, once the index has been looked at anew."""
    engine.exists()
    return [hit.key for hit in engine.find(parse(text).tree, **how).list]


def kinds(engine: SearchEngine, text: str) -> list[str]:
    """Give what sorts of thing are found."""
    return sorted({key.partition(":")[0] for key in found(engine, text)})


def hold(site: Site, name: str, data: bytes, media_type: str) -> File:
    """Keep a file and describe it."""
    blob = site.blobs.put(io.BytesIO(data))
    return File(name, media_type, blob.size, blob.sha256)


def docx(text: str) -> bytes:
    """Make a small Word document."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as parts:
        parts.writestr("[Content_Types].xml", "<Types/>")
        parts.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p>'
            "</w:body></w:document>",
        )
    return made.getvalue()


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def open_one(site: Site, **more: Any) -> int:
    """Open a request and give its id."""
    with site.sessions.writing() as db:
        return add_request(db, **more).id


def answer(site: Site, request_id: int, text: str, *files: File, **more: Any) -> int:
    """Let the authority answer; give the message's id."""
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, request_id)
        message = casework.correspond(
            db, request, "import", direction="response", text=text, files=files, **more
        )
        db.flush()
        return message.id


def position(site: Site, scope: str) -> int:
    """Give how far a scope has come."""
    with site.sessions.reading() as db:
        return db.scalar(select(Version.position).where(Version.scope == scope)) or 0
