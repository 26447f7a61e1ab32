"""A small archive to push: an authority, a requester, letters, answers and attachments."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from foi.archive import casework
from foi.archive.casework import File
from foi.archive.models import Attachment, Body, InfoRequest, Message, Person
from foi.site import Site
from tests.aleph import Aleph, CollectionView

COLLECTION = "foi_test"
DAY = datetime(2024, 3, 4, 10, 30, tzinfo=UTC)
QUOTAS = b"year,quota\n2020,5\n2021,7\n"
MINUTES = b"Minutes of the fish committee.\n"

EVERYTHING = {
    "PublicBody Ministry of Fish",
    "Person Jane Doe",
    "Documentation authority",
    "Documentation requester",
    "Folder Turbot quotas",
    "Email foi_test-1",
    "Email foi_test-2",
    "Table quotas.csv",
    "PlainText minutes.txt",
}
"""What Aleph holds after a push, by `names`."""


@dataclass(frozen=True)
class Made:
    """The numbers of what was made."""

    body: int
    person: int
    request: int
    letter: int
    answer: int
    quotas: int
    minutes: int


def held(site: Site, content: bytes, name: str, media_type: str) -> File:
    """Keep bytes in the site's files and give the file to attach."""
    blob = site.blobs.put(io.BytesIO(content))
    return File(name, media_type, blob.size, blob.sha256)


def make(site: Site) -> Made:
    """Make one request with a letter, and an answer that holds two files and knows a third."""
    files = [
        held(site, QUOTAS, "quotas.csv", "text/csv"),
        held(site, MINUTES, "minutes.txt", "text/plain"),
        File("map.pdf", "application/pdf", 12_345, None, "https://fish.example/map.pdf"),
    ]
    with site.sessions.writing() as db:
        body = casework.add_body(
            db,
            "desk",
            name="Ministry of Fish",
            short_name="MoF",
            home_page="https://fish.example/",
            request_email="foi@fish.example",
            tag_texts=["central", "charity:123"],
        )
        person = casework.add_person(db, "desk", name="Jane Doe")
        request = casework.open_request(
            db,
            f"person:{person.id}",
            body=body,
            person=person,
            title="Turbot quotas",
            text="Please send the quotas. Write to jane@doe.example or 07700 900123.",
            tag_texts=["fish"],
            at=DAY,
        )
        answer = casework.correspond(
            db,
            request,
            f"body:{body.id}",
            direction="response",
            text="Here they are.",
            state="successful",
            files=files,
            at=DAY + timedelta(days=3),
        )
        db.flush()
        return numbers(site, db, body, person, request, answer)


def numbers(site, db, body, person, request, answer) -> Made:  # type: ignore[no-untyped-def]
    """Give the numbers of what `make` made."""
    letter = select(Message.id).where(Message.request_id == request.id).order_by(Message.id)
    files = select(Attachment.id).where(Attachment.message_id == answer.id)
    first, second, _ = db.scalars(files.order_by(Attachment.number))
    return Made(body.id, person.id, request.id, db.scalar(letter), answer.id, first, second)


def hide(site: Site, model: type, number: int) -> None:
    """Hide a request, message or attachment."""
    with site.sessions.writing() as db:
        casework.hide(db, db.get_one(model, number), "desk")


def lose_files(site: Site) -> None:
    """Let the bytes of every attachment be gone."""
    for sha256 in list(site.blobs.each()):
        site.blobs.path(sha256).unlink()


def release(site: Site, model: type, number: int) -> None:
    """Show again what was hidden."""
    with site.sessions.writing() as db:
        casework.release(db, db.get_one(model, number), "desk")


def names(view: CollectionView) -> dict[str, str]:
    """Give what can be searched: schema and id by the name that says most."""
    found = {}
    for id_, row in view.indexed.items():
        properties = row["properties"]
        name = next(
            properties[prop][0]
            for prop in ("messageId", "title", "name", "role", "sourceUrl")
            if properties.get(prop)
        )
        found[f"{row['schema']} {name}"] = id_
    return found


def writes(server: Aleph) -> list[str]:
    """Give the calls that change something, oldest first: `POST ingest`, `DELETE entities`."""
    return [
        f"{call.method} {call.path.rstrip('/').split('/')[-1 if call.method == 'POST' else -2]}"
        for call in server.calls
        if call.method in ("POST", "PUT", "DELETE")
    ]


__all__ = [
    "COLLECTION",
    "DAY",
    "EVERYTHING",
    "MINUTES",
    "QUOTAS",
    "Attachment",
    "Body",
    "InfoRequest",
    "Made",
    "Message",
    "Person",
    "held",
    "hide",
    "lose_files",
    "make",
    "names",
    "release",
    "writes",
]
