"""Nothing that is not public is in the manifest; what is public is."""

import dataclasses
import hashlib
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from sqlalchemy import select

from bridge.items import Manifest, Source
from bridge.manifest import manifests
from bridge.schemata import country_of, language_of, schema_of
from foi.archive import casework
from foi.archive.casework import File
from foi.archive.columns import Base
from foi.archive.models import Annotation, Body, InfoRequest, Message, Person
from foi.settings import load
from foi.site import Site, open_site
from foi.work.fanout import Fanout
from tests.bridge.conftest import Open
from tests.bridge.records import DAY, make
from tests.contract.world import STEPS, Step, World

FATES = strategies.sampled_from(["shown", "hidden", "requester_only", "erased", "released"])
FILES = strategies.lists(strategies.tuples(FATES, strategies.booleans()), max_size=2)
LETTERS = strategies.lists(
    strategies.tuples(strategies.sampled_from(["request", "response"]), FATES, FILES),
    min_size=1,
    max_size=4,
)
REQUESTS = strategies.sampled_from(["shown", "backpage", "hidden", "requester_only", "released"])
REQUESTERS = strategies.sampled_from(["registered", "external", "nameless"])
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One archive that grows with every example."""
    folder: Path = tmp_path_factory.mktemp("archive")
    site = open_site(load({"data": str(folder)}, {}))
    Base.metadata.create_all(site.engine)
    yield site
    site.close()


class Writer:
    """Writes one request by casework and remembers which of its words are for the public."""

    def __init__(self, site: Site, db: Any) -> None:
        self.site, self.db = site, db
        self.public: set[str] = set()
        self.private: set[str] = set()

    def word(self, public: bool) -> str:
        """Make up a word that is nowhere else, with an address that no one may see."""
        number = next(NUMBERS)
        (self.public if public else self.private).add(f"word{number}x")
        self.private.add(f"p{number}@private.example")
        return f"word{number}x (p{number}@private.example)"

    def fate(self, thing: Any, fate: str) -> None:
        """Let a thing be hidden, erased, or hidden and released."""
        if fate == "erased":
            casework.erase(self.db, thing, "desk", reason=self.word(False))
        elif fate != "shown":
            prominence = "hidden" if fate == "released" else fate
            casework.hide(self.db, thing, "desk", prominence=prominence, reason=self.word(False))
        if fate == "released":
            casework.release(self.db, thing, "desk")

    def file(self, public: bool, held: bool) -> File:
        """Make a file whose name and content are nowhere else."""
        name = self.word(public) + ".txt"
        if not held:
            link = "https://x.example/" + self.word(public).partition(" ")[0]
            return File(name, "text/plain", 5, None, link)
        blob = self.site.blobs.put(io.BytesIO(name.encode()))
        hashes = {blob.sha256, hashlib.sha1(name.encode()).hexdigest()}
        if public:
            self.public.add(blob.sha256)
        else:
            self.private |= hashes
        return File(name, "text/plain", blob.size, blob.sha256)


def is_shown(fate: str) -> bool:
    return fate in ("shown", "released")


def write(writer: Writer, fate: str, requester: str, letters: list[Any]) -> InfoRequest:
    """Write a request with letters of these fates."""
    db, listed = writer.db, is_shown(fate)
    body = casework.add_body(db, "desk", name="Body", request_email="body@private.example")
    writer.private.add("body@private.example")
    person = None
    if requester == "registered":
        person = casework.add_person(
            db, "desk", name=writer.word(listed), about="a@private.example"
        )
    request = casework.open_request(
        db,
        "desk",
        body=body,
        title=writer.word(listed),
        text=writer.word(listed),
        person=person,
        external_user_name=writer.word(listed) if requester == "external" else None,
        tag_texts=[writer.word(listed)],
        at=DAY,
    )
    for direction, letter_fate, files in letters:
        shown = listed and is_shown(letter_fate)
        attached = [writer.file(shown and is_shown(f), held) for f, held in files]
        message = casework.correspond(
            db,
            request,
            "desk",
            direction=direction,
            text=writer.word(shown),
            files=attached,
            at=DAY,
        )
        db.flush()
        db.refresh(message, ["attachments"])
        for attachment, (file_fate, _) in zip(message.attachments, files, strict=True):
            writer.fate(attachment, file_fate)
        writer.fate(message, letter_fate)
    writer.fate(request, fate)
    db.flush()
    return request


@settings(max_examples=30, deadline=None)
@given(fate=REQUESTS, requester=REQUESTERS, letters=LETTERS)
def test_only_what_is_public_is_in_it(
    archive: Site, fate: str, requester: str, letters: list[Any]
) -> None:
    with archive.sessions.writing() as db:
        writer = Writer(archive, db)
        request = write(writer, fate, requester, letters)
        subjects = [f"request:{request.id}", f"body:{request.body_id}"]
        subjects += [f"person:{request.person_id}"] if request.person_id else []
        found = manifests(db, Source(archive, "foi_test", archive.calendar.today()), subjects)
    text = repr([dataclasses.asdict(manifest) for manifest in found.values()])
    assert [word for word in writer.private if word in text] == []
    assert [word for word in writer.public if word not in text] == []
    assert bool(found[subjects[0]].items) == is_shown(fate)
    assert found[subjects[1]].items


def test_parents_and_references_are_in_the_manifest(archive: Site) -> None:
    made = make(archive)
    with archive.sessions.reading() as db:
        source = Source(archive, "foi_test", archive.calendar.today())
        found = manifests(db, source, [f"request:{made.request}"])[f"request:{made.request}"]
        needed = manifests(db, source, found.needs)
    known = {item.foreign_id for manifest in needed.values() for item in manifest.items}
    for item in found.items:
        if item.document:
            assert item.parent in known | {""}
            known.add(item.foreign_id)
    for item in found.items:
        for targets in item.references.values():
            assert set(targets) <= known


def test_an_external_requester_is_a_name_and_no_entity(archive: Site) -> None:
    with archive.sessions.writing() as db:
        body = casework.add_body(db, "desk", name="Body")
        request = casework.open_request(
            db, "desk", body=body, title="T", text="x", external_user_name="A. Visitor", at=DAY
        )
        db.flush()
        subject = f"request:{request.id}"
        source = Source(archive, "foi_test", archive.calendar.today())
        found = manifests(db, source, [subject])[subject]
    letter = next(item for item in found.items if item.kind == "message")
    assert letter.properties["from"] == ("A. Visitor",)
    assert letter.references["emitters"] == ()
    assert [item.properties["role"] for item in found.items if item.kind == "link"] == [
        ("authority",)
    ]
    assert found.needs == (f"body:{request.body_id}",)


def test_what_is_unknown_is_an_empty_manifest(archive: Site) -> None:
    with archive.sessions.reading() as db:
        source = Source(archive, "foi_test", archive.calendar.today())
        found = manifests(db, source, ["request:999999", "person:999999"])
    assert found == {s: Manifest(s) for s in ("request:999999", "person:999999")}


@pytest.mark.parametrize(
    ("media_type", "schema"),
    [
        ("application/pdf", "Pages"),
        ("text/csv; charset=utf-8", "Table"),
        ("text/plain", "PlainText"),
        ("image/png", "Image"),
        ("application/x-unheard-of", "Document"),
    ],
)
def test_a_file_has_the_schema_of_its_media_type(media_type: str, schema: str) -> None:
    assert schema_of(media_type) == schema


def test_locale_and_jurisdiction_become_codes() -> None:
    assert language_of("en-GB") == "eng"
    assert language_of("xx") is None
    assert country_of("GB-SCT") == "gb"


def test_no_sequence_of_verbs_lets_out_what_may_not_be_read(open_: Open) -> None:
    """Words of letters and notes that the public may not read, and those alone, stay inside."""
    archive = open_()
    archive.consumers.add(Fanout(archive))

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def run(steps: list[Step]) -> None:
        db = archive.sessions.make(writing=True)
        try:
            world = World(archive, db)
            for step in steps:
                world.do(step)
            subjects = [
                f"{kind}:{number}"
                for kind, model in (("body", Body), ("person", Person), ("request", InfoRequest))
                for number in db.scalars(select(model.id))
            ]
            source = Source(archive, "foi_test", archive.calendar.today())
            found = manifests(db, source, subjects).values()
            text = repr([dataclasses.asdict(manifest) for manifest in found])
            for word, row in world.words_of.items():
                out = not isinstance(row, Annotation) and world._shown(row)
                if out:
                    letter_id = getattr(row, "message_id", row.id)
                    request_id = db.get_one(Message, letter_id).request_id
                    out = db.get_one(InfoRequest, request_id).prominence == "normal"
                assert (word in text) is out, word
        finally:
            db.rollback()
            db.close()

    run()
