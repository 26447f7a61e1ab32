"""A small site with something of everything, and what several tests need to look at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import webtest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.columns import Base
from foi.archive.filetypes import clean_name, sniff_file
from foi.archive.models import Annotation, Attachment, Body, InfoRequest, Message, Person
from foi.pages import links
from foi.search.consumer import SearchConsumer
from foi.site import Site
from foi.work.worker import work_once
from tests.conftest import Running, add_body, add_request, start

EVIL = "<script>alert('x')</script> & \"quoted\""
PDF = b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PAGE = b"<!doctype html><html><body><script>alert(1)</script></body></html>"


def file(site: Site, data: bytes, name: str) -> casework.File:
    """Keep bytes and give the file to attach."""
    blob = site.blobs.put(BytesIO(data))
    media_type = sniff_file(site.blobs.path(blob.sha256), name)
    return casework.File(clean_name(name, media_type), media_type, blob.size, blob.sha256)


def answer(
    db: Session, request: InfoRequest, text: str = "There are twelve.", **more: Any
) -> Message:
    """Let the authority answer."""
    message = casework.correspond(
        db, request, f"body:{request.body_id}", direction="response", text=text, **more
    )
    db.flush()
    return message


def attachments(db: Session, message: Message) -> list[Attachment]:
    """Give a message's attachments in order."""
    return db.query(Attachment).filter_by(message_id=message.id).order_by(Attachment.number).all()


def attachment_url(request: InfoRequest, attachment: Attachment) -> str:
    """Give the path of an attachment."""
    return links.attachment_path(
        request.url_title, attachment.message_id, attachment.number, attachment.name
    )


@dataclass
class Scene:
    """Everything that `furnish` made."""

    body: Body
    person: Person
    request: InfoRequest
    answer: Message
    annotation: Annotation
    backpage: InfoRequest
    hidden: InfoRequest
    anonymous: InfoRequest


def furnish(site: Site, db: Session) -> Scene:
    """Make an authority with requests in every condition, with evil text wherever text can be."""
    body = add_body(
        db,
        f"Fenby {EVIL}",
        notes=f"Notes {EVIL}",
        home_page="javascript:alert(1)",
        request_email="foi@fenby.test",
        tag_texts=["council", f"evil:{EVIL.replace(' ', '')}"],
    )
    person = casework.add_person(db, "import", name=f"Ada {EVIL}", about=f"About {EVIL}")
    db.flush()
    request = add_request(
        db,
        body,
        f"Lamp posts {EVIL}",
        text=f"Dear Council,\n\nHow many? {EVIL}\n\nAda",
        person=person,
        tag_texts=["lamps", f"ref:{EVIL.replace(' ', '')}"],
        at=datetime(2026, 3, 2, 10, 0, tzinfo=UTC),
    )
    message = answer(
        db,
        request,
        f"Twelve. {EVIL} https://fenby.test/a?b=1&c=2\n> {EVIL}\n> b\n> c\n",
        files=[
            file(site, PDF, "reply.pdf"),
            file(site, SVG, "drawing.svg"),
            file(site, b"a,b\n1,2\n", "<script>&.csv"),
            casework.File(
                "far.xls", "application/vnd.ms-excel", 5000, None, "javascript:alert(1)"
            ),
        ],
    )
    casework.classify(db, request, "desk", "partially_successful", message=message)
    annotation = casework.annotate(db, request, person, f"Thank you. {EVIL}")
    backpage = add_request(db, body, "Backpage matter", person=person)
    casework.hide(db, backpage, "desk", prominence="backpage", reason="Not of wider interest.")
    hidden = add_request(db, body, "Hidden matter", person=person)
    casework.hide(db, hidden, "desk", reason=f"By order of a court. {EVIL}")
    anonymous = add_request(
        db,
        body,
        "Anonymous matter",
        external_user_name=EVIL,
        external_url="javascript:alert(1)",
    )
    db.flush()
    return Scene(body, person, request, message, annotation, backpage, hidden, anonymous)


def build_index(site: Site) -> None:
    """Bring the search index up to date, as the worker does."""
    [consumer] = [each for each in site.consumers.all if isinstance(each, SearchConsumer)]
    consumer.prepare()
    while work_once(site, consumer):
        pass


@dataclass
class Town:
    """A furnished site whose writes are committed; for tests that only read."""

    app: webtest.TestApp
    running: Running
    names: dict[str, str]
    """Slugs and numbers to fill into addresses."""


@contextmanager
def open_town(folder: Path, migrated: bytes, **ini: str) -> Iterator[Town]:
    """Start a site and furnish it."""
    running = start(folder, migrated, **ini)
    with running.site.sessions.writing() as db:
        scene = furnish(running.site, db)
        names = {
            "body": scene.body.url_name,
            "person": scene.person.url_name,
            "request": scene.request.url_title,
            "backpage": scene.backpage.url_title,
            "hidden": scene.hidden.url_title,
            "anonymous": scene.anonymous.url_title,
            "message": str(scene.answer.id),
        }
    build_index(running.site)
    try:
        yield Town(
            webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"}), running, names
        )
    finally:
        running.close()


def dump(db: Session) -> dict[str, list[tuple[Any, ...]]]:
    """Give every row of every table."""
    return {
        name: sorted((tuple(map(repr, row)) for row in db.execute(table.select())), key=repr)
        for name, table in Base.metadata.tables.items()
    }


@contextmanager
def statements(engine: Engine, db: Session | None = None) -> Iterator[list[str]]:
    """Note every statement that SQLite is given, its values filled in, by the engine's connections
    and the session's; not what begins and ends transactions.
    """
    seen: list[str] = []
    traced: list[Any] = []

    def note(statement: str) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")):
            seen.append(statement)

    def trace(connection: Any, *_: Any) -> None:
        traced.append(connection)
        connection.set_trace_callback(note)

    if db is not None:
        trace(db.connection().connection.dbapi_connection)
    event.listen(engine.pool, "checkout", trace)
    try:
        yield seen
    finally:
        event.remove(engine.pool, "checkout", trace)
        for connection in traced:
            connection.set_trace_callback(None)


def plan_of(engine: Engine, statement: str) -> str:
    """Give SQLite's plan for a statement."""
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        return "; ".join(row[3] for row in rows)
