"""A whole request as one zip file: complete, the same each time, and safe to unpack."""

import csv
import hashlib
import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import InfoRequest
from foi.archive.reading import ReadAttachment
from foi.pages.download import Archive, safe_name
from foi.site import Site
from tests.conftest import Running, add_body, add_person, add_request
from tests.pages.scene import PDF, answer, attachments, file

MARCH = datetime(2026, 3, 2, 10, 0, 30, tzinfo=UTC)


class Desk:
    """A request with answers, and its zip file."""

    def __init__(self, web: webtest.TestApp, running: Running, db: Session) -> None:
        self.web, self.site, self.db = web, running.site, db
        self.person = add_person(db, "Ada Fenn")
        self.request: InfoRequest = add_request(
            db, add_body(db, "Fenby Town Council"), "Lamp posts", person=self.person, at=MARCH
        )

    def answer(self, text: str, *files: tuple[bytes, str], **more: Any) -> Any:
        kept = [file(self.site, content, name) for content, name in files]
        return answer(self.db, self.request, text, files=kept, **more)

    @property
    def path(self) -> str:
        return f"/request/{self.request.url_title}/download"

    def get(self, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.get(self.path, headers=named)

    def unpacked(self) -> zipfile.ZipFile:
        """Give the zip file, checked by the standard library."""
        made = zipfile.ZipFile(io.BytesIO(self.get().body))
        assert made.testzip() is None
        return made

    def manifest(self) -> list[dict[str, str]]:
        text = self.unpacked().read("manifest.csv").decode()
        return list(csv.DictReader(io.StringIO(text)))

    def letters(self) -> str:
        return self.unpacked().read("correspondence.txt").decode()


@pytest.fixture
def desk(web: webtest.TestApp, shared: Running, db: Session) -> Desk:
    return Desk(web, shared, db)


def test_it_holds_the_correspondence_the_json_and_every_file(desk: Desk) -> None:
    desk.answer("Please find two files.", (PDF, "reply.pdf"), (b"a,b\n", "lämps.csv"), at=MARCH)
    made = desk.unpacked()
    assert made.namelist() == [
        "correspondence.txt",
        "request.json",
        "manifest.csv",
        "attachments/02-2026-03-02/reply.pdf",
        "attachments/02-2026-03-02/lämps.csv",
    ]
    assert made.read("attachments/02-2026-03-02/reply.pdf") == PDF
    slug = desk.request.url_title
    assert made.read("request.json") == desk.web.get(f"/request/{slug}.json").body
    first, second = desk.manifest()
    assert first["path"] == "attachments/02-2026-03-02/reply.pdf"
    assert first["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (first["status"], int(first["size"])) == ("included", len(PDF))
    assert desk.web.get(second["url"].removeprefix("http://foi.test")).body == b"a,b\n"


def test_the_correspondence_is_in_order_with_dates_and_names(desk: Desk) -> None:
    desk.answer("There are twelve.", (PDF, "reply.pdf"), at=MARCH + timedelta(days=3))
    casework.annotate(desk.db, desk.request, desk.person, "Thank you.")
    desk.db.flush()
    text = desk.letters()
    order = [
        "Lamp posts",
        "To: Fenby Town Council",
        "1. Ada Fenn asked, 2 March 2026",
        "How many lamp posts",
        "2. Fenby Town Council answered, 5 March 2026",
        "There are twelve.",
        f"reply.pdf, {len(PDF)} bytes: attachments/02-2026-03-05/reply.pdf",
        "Note by Ada Fenn",
        "Thank you.",
    ]
    assert [text.find(each) for each in order] == sorted(text.find(each) for each in order)
    assert -1 not in [text.find(each) for each in order]


def test_its_length_is_told_and_it_is_the_same_each_time(desk: Desk) -> None:
    desk.answer("Twelve.", (PDF, "reply.pdf"), (b"", "empty.txt"))
    first = desk.get()
    assert int(first.headers["Content-Length"]) == len(first.body)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=False):
        assert desk.get().body == first.body
    head = desk.web.head(desk.path)
    assert head.body == b""
    assert dict(head.headers) == dict(first.headers)
    assert first.headers["Content-Type"] == "application/zip"
    assert first.headers["Content-Disposition"].startswith('attachment; filename="lamp_posts.zip"')
    assert first.headers["X-Robots-Tag"] == "noindex"
    assert desk.web.get(f"{desk.path}.zip").body == first.body


def test_it_is_not_sent_twice_and_its_tag_moves_with_it(desk: Desk) -> None:
    desk.answer("Twelve.", (PDF, "reply.pdf"))
    etag = desk.get().headers["ETag"]
    kept = {"If-None-Match": etag}
    assert desk.web.get(desk.path, headers=kept, status=304).body == b""
    desk.answer("Thirteen.")
    assert desk.web.get(desk.path, headers=kept, status=200).headers["ETag"] != etag


def test_dates_are_those_of_the_messages(desk: Desk) -> None:
    desk.answer("Twelve.", (PDF, "a.pdf"), at=datetime(2026, 7, 1, 10, 0, 30, tzinfo=UTC))
    desk.answer("Old.", (PDF, "b.pdf"), at=datetime(1975, 7, 1, tzinfo=UTC))
    made = {info.filename: info.date_time for info in desk.unpacked().infolist()}
    assert made["attachments/02-2026-07-01/a.pdf"] == (2026, 7, 1, 11, 0, 30)
    assert made["attachments/03-1975-07-01/b.pdf"][:3] == (1980, 7, 1)


class TestNames:
    def test_two_of_one_name_are_told_apart_whatever_their_letters(self, desk: Desk) -> None:
        names = ("reply.pdf", "REPLY.pdf", "reply.pdf")
        desk.answer("x", *((PDF, name) for name in names), at=MARCH)
        assert [n.rpartition("/")[2] for n in desk.unpacked().namelist()[3:]] == [
            "reply.pdf", "REPLY (2).pdf", "reply (3).pdf",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("../../etc/passwd.pdf", "passwd.pdf"),
            ("..\\..\\boot.pdf", "boot.pdf"),
            ("/etc/cron.pdf", "cron.pdf"),
            ("..", "file.pdf"),
            ("C:evil.pdf", "C_evil.pdf"),
            ("CON.pdf", "_CON.pdf"),
            ("nul .tar.pdf", "_nul .tar.pdf"),
            ("com1.pdf", "_com1.pdf"),
            ("common.pdf", "common.pdf"),
            ("a\x00b\r\n.pdf", "ab.pdf"),
            ("trailing. ", "trailing.pdf"),
            ("\u202efdp.exe.pdf", "fdp.exe.pdf"),
        ],
    )
    def test_no_name_leaves_its_folder_or_troubles_a_system(self, name: str, kept: str) -> None:
        shown = ReadAttachment(1, 1, 1, name, "application/pdf", 1, "0" * 64, "")
        assert safe_name(shown, set()) == kept

    def test_long_names_fit_every_file_system(self) -> None:
        taken: set[str] = set()
        for _ in range(12):
            shown = ReadAttachment(1, 1, 1, "報" * 300, "application/pdf", 1, "0" * 64, "")
            name = safe_name(shown, taken)
            assert len(name.encode()) <= 255
            assert name.endswith(".pdf")
        assert len(taken) == 12

    def test_a_name_that_is_a_formula_is_a_text_in_the_manifest(self, desk: Desk) -> None:
        desk.answer("x", (PDF, "=HYPERLINK(1).pdf"))
        assert desk.manifest()[0]["name"] == "'=HYPERLINK(1).pdf"


class TestWhatIsNotThere:
    def test_what_is_withheld_leaves_its_place_and_the_reason(self, desk: Desk) -> None:
        kept = desk.answer("Shownword", (PDF, "hidden.pdf"), (PDF, "shown.pdf"))
        gone = desk.answer("Secretword", (b"Secretbytes", "secretname.txt"))
        casework.hide(desk.db, attachments(desk.db, kept)[0], "desk", reason="Names a child.")
        casework.hide(desk.db, gone, "desk", reason="By order of a court.")
        desk.db.flush()
        whole = desk.get().body
        for secret in (b"Secret", b"secretname", b"hidden.pdf"):
            assert secret not in whole
        text = desk.letters()
        assert "[Names a child.]" in text
        assert "[By order of a court.]" in text
        first, second = desk.manifest()
        assert (first["path"], first["status"]) == ("", "withheld")
        assert first["reason"] == "Names a child."
        assert second["status"] == "included"

    def test_a_file_out_of_reach_is_named_and_the_zip_is_whole(self, desk: Desk) -> None:
        lost = casework.File("lost.pdf", "application/pdf", 5, "f" * 64)
        far = casework.File("far.xls", "application/vnd.ms-excel", 9, None, "https://a.test/1")
        answer(desk.db, desk.request, files=[lost, far, file(desk.site, PDF, "here.pdf")])
        assert [row["status"] for row in desk.manifest()] == [
            "not available", "not held", "included",
        ]  # fmt: skip
        assert desk.manifest()[1]["original_url"] == "https://a.test/1"
        assert next(n for n in desk.unpacked().namelist() if "pdf" in n).endswith("/here.pdf")
        assert "lost.pdf, 5 bytes (not available)" in desk.letters()

    def test_a_hidden_request_has_none_and_one_by_link_has(self, desk: Desk) -> None:
        desk.answer("x", (PDF, "a.pdf"))
        casework.hide(desk.db, desk.request, "desk", prominence="backpage")
        desk.db.flush()
        assert desk.get().status_int == 200
        casework.hide(desk.db, desk.request, "desk", reason="By order.")
        desk.db.flush()
        assert "By order." in desk.web.get(desk.path, status=403)

    def test_other_names_of_the_request_lead_on(self, desk: Desk) -> None:
        asked = f"/request/{desk.request.id}/download"
        assert desk.web.get(asked, status=301).location == f"http://foi.test{desk.path}"
        desk.web.get("/request/none/download", status=404)


class TestSending:
    def test_a_client_that_goes_away_leaves_no_file_open(self, site: Site) -> None:
        kept = file(site, b"x" * 300_000, "a.txt")
        archive = Archive()
        assert kept.sha256 is not None
        archive.add_blob("a.txt", MARCH, site.blobs, kept.sha256)
        pieces = iter(archive)
        next(pieces)
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]  # or pytest fails on the ResourceWarning
        with pytest.raises(StopIteration):
            next(pieces)

    def test_large_files_have_the_length_that_was_told(self, site: Site) -> None:
        kept = file(site, b"x", "a.txt")
        assert kept.sha256 is not None
        for size in (100, (1 << 32) + 5):
            with site.blobs.path(kept.sha256).open("r+b") as blob:
                blob.truncate(size)
            archive = Archive()
            archive.add_blob("a.txt", MARCH, site.blobs, kept.sha256)
            archive.add("b.txt", MARCH, b"after it")
            fixed = 30 + 5 + 16 + 46 + 5  # headers, name and descriptor of one small member
            rest = len(archive) - size - fixed - 8 - 22
            large = 20 + 8 + 20 + 12 + 76  # zip64: local, descriptor, directory, offset, end
            assert rest == fixed + (large if size > 100 else 0)
