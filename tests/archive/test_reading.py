"""What the public may read: masks, and that what is withheld leaves only its place."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from foi.archive import casework, ledger, reading
from foi.archive.casework import File
from foi.archive.models import Annotation, Attachment, ExtractedText, InfoRequest, Message
from tests.conftest import add_person, add_request

SECRET = "Aunt Emily's recipe"
SHA = "5" * 64


@pytest.mark.parametrize(
    "text",
    [
        "ada.fenn+foi@example.org",
        "_ada@example.org_",
        "ada@example.org1",
        "<mailto:ada@example.co.uk>",
        "ada@sub-domain.a.b.c.d.e.f.g.h.i.example.org",
        "-" * 70 + "ada@example.org",
        "ada@example.xn--p1ai",
        "ада@пример.рф",
        "o'fenn@example.org",
        "ADA@EXAMPLE.ORG.",
    ],
)
def test_an_address_is_taken_out_however_it_is_set(text: str) -> None:
    masked = reading.mask(f"Write to {text}, please")
    assert "[email address]" in masked
    assert "@" not in masked
    assert "example.org" not in masked.lower()


@pytest.mark.parametrize(
    "text",
    [
        "07700 900123",
        "07700900123",
        "(07700) 900 123",
        "+44 7700 900 123",
        "+44 (0) 7700-900-123",
        "0044 7700 900123",
        "447700900123",
        "07700\u00a0900\u2013123",
        "Mobile: 0131 496 0123",
        "mob no. (01632) 960 123",
    ],
)
def test_a_mobile_number_is_taken_out_however_it_is_set(text: str) -> None:
    masked = reading.mask(f"Ring {text}.")
    assert "[mobile number]" in masked
    assert not any(letter.isdigit() for letter in masked)


@pytest.mark.parametrize(
    "text",
    [
        "Council reference 12307700900123",
        "020 7946 0123",
        "07-12-2025 10:30",
        "07/12/2025, £7,700,900.12",
        "The mobile library has 12 vans",
        "twitter @fenby, 3 @ £4.50, a@b",
        "07700\n900123",
    ],
)
def test_what_is_no_address_and_no_mobile_number_stays(text: str) -> None:
    assert reading.mask(text) == text


@given(
    st.text(),
    st.from_regex(r"[a-z0-9_.+\-]{1,80}@([a-z0-9\-]{1,20}\.){1,4}[a-z]{2,10}", fullmatch=True),
    st.text(),
)
def test_no_address_leaks_between_any_texts(before: str, address: str, after: str) -> None:
    assert address not in reading.mask(before + address + after)


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    once = reading.mask(text)
    assert reading.mask(once) == once


@pytest.mark.parametrize(
    "piece", ["a@", "a.b@c.", "x", "07", "0 7 ", "mob ", "a@b-", "@a.1", "7 ", "+44(0)", "-@-"]
)
def test_masking_takes_time_in_proportion(piece: str) -> None:
    began = time.process_time()
    reading.mask(piece * (600_000 // len(piece)))
    assert time.process_time() - began < 2


@pytest.fixture
def told(db: Session) -> InfoRequest:
    """A request whose answer, attachment and annotation hold a secret."""
    request = add_request(db)
    casework.correspond(
        db,
        request,
        "desk",
        direction="response",
        text=SECRET,
        files=[
            File(f"{SECRET}.pdf", "application/pdf", 9, SHA),
            File("form.pdf", "application/pdf", None, None, f"https://example.org/{SECRET}"),
        ],
    )
    casework.annotate(db, request, add_person(db), SECRET)
    db.add(ExtractedText(sha256=SHA, state="done", text=SECRET, extracted_at=ledger.now()))
    db.flush()
    return request


def _everything(db: Session, request: InfoRequest) -> str:
    """Give all that can be read of a request, as one text."""
    messages = reading.correspondence(db, request.id)
    attachments = [attachment for message in messages for attachment in message.attachments]
    texts = reading.attachment_texts(db, attachments)
    return repr((messages, texts, reading.annotations_of(db, request.id)))


def _withhold(db: Session, request: InfoRequest, how: str) -> None:
    parts = [
        *db.query(Message).filter_by(request_id=request.id, direction="response"),
        *db.query(Attachment).join(Message).filter(Message.request_id == request.id),
        *db.query(Annotation).filter_by(request_id=request.id),
    ]
    for part in parts:
        if how == "erased":
            casework.erase(db, part, "desk", reason="By order.")
        else:
            casework.hide(db, part, "desk", prominence=how, reason="By order.")
    db.flush()


@pytest.mark.parametrize("how", ["hidden", "requester_only", "erased"])
def test_what_is_withheld_leaves_its_place_and_the_reason_only(
    db: Session, told: InfoRequest, how: str
) -> None:
    assert _everything(db, told).count(SECRET) == 5
    _withhold(db, told, how)
    read = _everything(db, told)
    assert SECRET not in read
    assert SHA not in read
    answer = reading.correspondence(db, told.id)[-1]
    assert (answer.text, answer.withheld, answer.attachments) == (None, "By order.", ())
    assert reading.annotations_of(db, told.id) == []


def test_an_attachment_that_is_withheld_alone_leaves_its_number(
    db: Session, told: InfoRequest
) -> None:
    first = db.query(Attachment).filter_by(sha256=SHA).one()
    casework.hide(db, first, "desk", reason="Ring 07700 900123 or write to ada@example.org.")
    db.flush()
    hidden, shown = reading.correspondence(db, told.id)[-1].attachments
    assert (hidden.number, hidden.name, hidden.sha256, hidden.held) == (1, "", None, False)
    assert hidden.withheld == "Ring [mobile number] or write to [email address]."
    assert (shown.number, shown.name, shown.withheld) == (2, "form.pdf", None)
    casework.release(db, first, "desk")
    db.flush()
    assert reading.correspondence(db, told.id)[-1].attachments[0].sha256 == SHA


def test_nothing_is_erased_from_the_rows_by_hiding(db: Session, told: InfoRequest) -> None:
    before = _everything(db, told)
    _withhold(db, told, "hidden")
    for model in (Message, Attachment, Annotation):
        for part in db.query(model).filter(model.prominence != "normal"):
            casework.release(db, part, "desk")
    db.flush()
    assert _everything(db, told) == before


@pytest.mark.parametrize("what", ["message", "attachment"])
def test_without_a_reason_the_kind_of_thing_is_named(what: str) -> None:
    assert reading.why_withheld("hidden", "", None, what) == f"This {what} has been hidden."
    assert reading.why_withheld("normal", "", ledger.now(), what) == (
        f"This {what} has been erased."
    )
    assert reading.why_withheld("normal", "", None, what) is None
