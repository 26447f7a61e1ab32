"""The index agrees with the archive: what is written is found, what is withdrawn is not."""

import pytest
from sqlalchemy import func, select

from foi.archive import casework
from foi.archive.casework import File
from foi.archive.models import (
    Annotation,
    Attachment,
    Body,
    ExtractedText,
    InfoRequest,
    Message,
    Person,
)
from foi.search.engine import SearchEngine
from foi.search.query import parse
from foi.search.rebuild import rebuild
from foi.site import Site
from foi.work.texts import TextsConsumer
from foi.work.worker import drain
from tests.conftest import add_body, add_person, add_request
from tests.search.ways import DOCX, answer, docx, found, hold, kinds, open_one, position


def test_letters_titles_authorities_people_and_annotations_are_found(
    site: Site, engine: SearchEngine
) -> None:
    with site.sessions.writing() as db:
        body = add_body(db, "Harrow Mere Council", short_name="HMC", notes="<p>Sluices</p>")
        ada = add_person(db, "Ada Fenn")
        request = add_request(db, body=body, title="Lamp posts", person=ada, text="In Mill Lane?")
        casework.annotate(db, request, ada, "Ask about bollards too.")
    answer(site, 1, "Seventeen herons.")
    drain(site)
    assert kinds(engine, "sluices") == ["body"]
    assert kinds(engine, "ada") == ["person"]
    assert kinds(engine, "hmc") == ["body", "event"]
    assert len(found(engine, "bollards variety:comment commented_by:ada_fenn")) == 1
    assert len(found(engine, "herons variety:response")) == 1
    assert len(found(engine, '"mill lane" requested_by:ada_fenn requested_from:hmc')) == 1
    assert len(found(engine, "title:x OR lamp request:lamp_posts")) == 3


def test_what_is_taken_away_is_no_longer_found(site: Site, engine: SearchEngine) -> None:
    first, second = open_one(site, title="One", text="xanthous"), open_one(site, title="Two")
    hidden = answer(site, second, "yaffle")
    erased = answer(site, second, "zeugma")
    with site.sessions.writing() as db:
        person = add_person(db)
        note = casework.annotate(db, db.get_one(InfoRequest, second), person, "wherry")
        db.flush()
        note_id = note.id
    drain(site)
    for word in ("xanthous", "yaffle", "zeugma", "wherry"):
        assert len(found(engine, word)) == 1
    with site.sessions.writing() as db:
        casework.hide(db, db.get_one(InfoRequest, first), "desk")
        casework.hide(db, db.get_one(Message, hidden), "desk")
        casework.erase(db, db.get_one(Message, erased), "desk")
        casework.erase(db, db.get_one(Annotation, note_id), "desk")
    drain(site)
    for word in ("xanthous", "yaffle", "zeugma", "wherry"):
        assert found(engine, word) == []
    with site.sessions.writing() as db:
        casework.release(db, db.get_one(InfoRequest, first), "desk")
    drain(site)
    assert len(found(engine, "xanthous")) == 1


@pytest.mark.parametrize("prominence", ["backpage", "requester_only", "hidden"])
def test_only_listed_requests_are_found(site: Site, engine: SearchEngine, prominence: str) -> None:
    number = open_one(site, text="xanthous")
    with site.sessions.writing() as db:
        casework.hide(db, db.get_one(InfoRequest, number), "desk", prominence=prominence)
    drain(site)
    assert found(engine, "xanthous") == []


def test_addresses_and_mobile_numbers_are_not_found(site: Site, engine: SearchEngine) -> None:
    open_one(site, text="Write to ada.fenn@example.org or ring 07700 900123, thanks.")
    drain(site)
    (hit,) = engine.find(parse("thanks").tree).list
    assert "[email address]" in hit.snippet
    assert found(engine, "fenn") == found(engine, "900123") == []


def test_the_text_of_attachments_is_found(site: Site, engine: SearchEngine) -> None:
    number = open_one(site)
    answer(
        site,
        number,
        "See attached.",
        hold(site, "a.txt", b"a plain saltmarsh", "text/plain"),
        hold(site, "b.csv", b"place,count\nsandbank,7\n", "text/csv"),
        hold(site, "c.html", b"<p>The <b>mud</b>flats<script>evil()</script>", "text/html"),
        hold(site, "d.docx", docx("tidal creeks"), DOCX),
        hold(site, "e.png", b"\x89PNG\r\n\x1a\n", "image/png"),
    )
    drain(site)
    for number, words in enumerate(("saltmarsh", "sandbank", "mudflats", "tidal creek"), 1):
        (hit,) = engine.find(parse(words).tree).list
        assert hit.attachment == number
        assert "<mark>" in hit.snippet
    assert found(engine, "evil") == []
    assert len(found(engine, "filetype:docx filetype:odt")) == 1
    assert found(engine, "filetype:odt") == []


def test_a_file_is_read_once_wherever_it_is(site: Site, engine: SearchEngine) -> None:
    file = hold(site, "a.txt", b"saltmarsh", "text/plain")
    for title in ("One", "Two"):
        answer(site, open_one(site, title=title), "See attached.", file)
    drain(site)
    with site.sessions.reading() as db:
        rows = db.execute(select(ExtractedText.state, ExtractedText.text)).all()
    assert rows == [("text", "saltmarsh")]
    assert len(found(engine, "saltmarsh")) == 2
    assert position(site, "texts:1") == position(site, "texts:2") == 1


def test_a_hidden_attachment_is_neither_read_nor_found(site: Site, engine: SearchEngine) -> None:
    number = open_one(site)
    answer(site, number, "See attached.", hold(site, "wherry.txt", b"saltmarsh", "text/plain"))
    with site.sessions.writing() as db:
        casework.hide(db, db.scalars(select(Attachment)).one(), "desk")
    drain(site)
    assert found(engine, "saltmarsh") == found(engine, "wherry") == []
    with site.sessions.reading() as db:
        assert db.scalar(select(func.count()).select_from(ExtractedText)) == 0
    with site.sessions.writing() as db:
        casework.release(db, db.scalars(select(Attachment)).one(), "desk")
    drain(site)
    assert len(found(engine, "saltmarsh wherry")) == 1


def test_a_file_that_is_missing_is_told_and_does_not_stop_the_others(site: Site) -> None:
    number = open_one(site)
    gone = File("gone.txt", "text/plain", 3, "0" * 64)
    answer(site, number, "Attached.", gone, hold(site, "a.txt", b"saltmarsh", "text/plain"))
    texts = next(each for each in site.consumers.all if isinstance(each, TextsConsumer))
    outcome = texts.deliver([f"request:{number}", "request:999"])
    assert list(outcome) == [f"request:{number}"]
    assert isinstance(outcome[f"request:{number}"], FileNotFoundError)
    with site.sessions.reading() as db:
        assert db.scalars(select(ExtractedText.text)).all() == ["saltmarsh"]


def test_states_are_found_as_they_were_and_as_they_are(site: Site, engine: SearchEngine) -> None:
    number = open_one(site)
    answer(site, number, "heron one", state="partially_successful")
    answer(site, number, "heron two", state="rejected")
    answer(site, number, "heron three")
    drain(site)
    one, two, three = sorted(
        found(engine, "heron", sort="newest"), key=lambda key: int(key.removeprefix("event:"))
    )
    assert found(engine, "status:partially_successful") == [one]
    assert found(engine, "status:rejected") == [two]
    assert three not in found(engine, "status:rejected OR status:successful")
    with site.sessions.writing() as db:
        casework.classify(db, db.get_one(InfoRequest, number), "desk", "successful")
    drain(site)
    assert found(engine, "status:successful") == [three]
    assert set(found(engine, "latest_status:successful")) >= {one, two, three}
    assert found(engine, "heron", sort="described")[0] == three


def test_an_imported_request_has_the_state_it_came_with(site: Site, engine: SearchEngine) -> None:
    open_one(site, title="Known", state="successful", text="heron")
    open_one(site, title="Unknown", state=None, text="heron")
    drain(site)
    (known,) = found(engine, "status:successful")
    assert found(engine, "heron latest_status:successful") == [known]
    assert found(engine, "status:waiting_response") == []


def test_new_names_of_authorities_and_people_reach_their_requests(
    site: Site, engine: SearchEngine
) -> None:
    with site.sessions.writing() as db:
        ada = add_person(db, "Ada Fenn")
        body = add_body(db, "Old Mere Council", tag_texts=["mere"])
        add_request(db, body=body, person=ada, text="heron")
    drain(site)
    assert len(found(engine, "requested_by:ada_fenn requested_from:old_mere_council heron")) == 1
    with site.sessions.writing() as db:
        casework.edit_person(db, db.scalars(select(Person)).one(), "desk", name="Ada Reed")
        body = db.scalars(select(Body)).one()
        casework.edit_body(
            db, body, "desk", url_name="new_mere", name="New Mere Council", tag_texts=["pond:7"]
        )
    drain(site)
    assert found(engine, "requested_from:old_mere_council") == []
    assert len(found(engine, "requested_by:ada_reed requested_from:new_mere heron")) == 1
    assert len(found(engine, "request_public_body_tag:pond new mere heron")) == 1


def test_every_change_of_the_index_gives_searches_a_new_version(
    site: Site, engine: SearchEngine
) -> None:
    seen = [position(site, "search")]
    number = open_one(site)
    drain(site)
    seen.append(position(site, "search"))
    answer(site, number, "heron")
    drain(site)
    seen.append(position(site, "search"))
    rebuild(site.sessions, engine)
    seen.append(position(site, "search"))
    assert seen == sorted(set(seen))
