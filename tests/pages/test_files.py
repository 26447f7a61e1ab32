"""Attachments: their bytes whole and in ranges, under their names, and harmless whatever they
hold.
"""

from typing import Any
from urllib.parse import unquote

import pytest
import webtest
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import InfoRequest
from tests.conftest import Running, add_request
from tests.pages.scene import PAGE, PDF, SVG, answer, attachment_url, attachments, file

TEXT = b"0123456789" * 1000


class Desk:
    """Puts files on the site and gets them."""

    def __init__(self, web: webtest.TestApp, running: Running, db: Session) -> None:
        self.web, self.site, self.db = web, running.site, db
        self.request: InfoRequest = add_request(db)

    def attach(self, content: bytes, name: str) -> str:
        """Attach a file to a new answer and give its path."""
        message = answer(self.db, self.request, files=[file(self.site, content, name)])
        [attachment] = attachments(self.db, message)
        return attachment_url(self.request, attachment)

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.get(path, headers=named, status=status)


@pytest.fixture
def desk(web: webtest.TestApp, shared: Running, db: Session) -> Desk:
    return Desk(web, shared, db)


def test_a_file_comes_as_it_was(desk: Desk) -> None:
    path = desk.attach(TEXT, "numbers.txt")
    answered = desk.get(path)
    assert answered.body == TEXT
    assert answered.headers["Content-Length"] == "10000"
    assert answered.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert answered.headers["Accept-Ranges"] == "bytes"
    assert answered.headers["ETag"]
    head = desk.web.head(path)
    assert head.body == b""
    assert dict(head.headers) == dict(answered.headers)


def test_an_empty_file_comes_as_it_was(desk: Desk) -> None:
    path = desk.attach(b"", "empty.txt")
    assert desk.get(path).body == b""
    assert desk.get(path, 416, Range="bytes=0-").headers["Content-Range"] == "bytes */0"
    assert desk.get(path, 416, Range="bytes=-1").headers["Content-Range"] == "bytes */0"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (PAGE, "page.html"),
        (PAGE, "page.txt"),
        (PAGE, "page.png"),
        (SVG, "drawing.svg"),
        (SVG, "drawing.png"),
        (b'<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"/>', "page.xhtml"),
        (b"alert(1)", "script.js"),
        (b"MZ\x90\x00" + b"\x00" * 100, "setup.exe"),
        (b"\x00\x01\x02", "unknown"),
    ],
)
def test_what_could_run_is_a_download_and_never_of_a_type_that_runs(
    desk: Desk, content: bytes, name: str
) -> None:
    answered = desk.get(desk.attach(content, name))
    kind = answered.headers["Content-Type"].lower()
    if not kind.startswith("text/plain"):
        assert answered.headers["Content-Disposition"].startswith("attachment;")
    assert not any(each in kind for each in ("html", "xml", "svg", "javascript"))
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answered.headers["Content-Security-Policy"]
    assert "default-src 'none'" in answered.headers["Content-Security-Policy"]
    assert answered.body == content


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (PDF, "a.pdf", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 30, "a.png", "image/png"),
        (b"Hello", "a.txt", "text/plain; charset=UTF-8"),
    ],
)
def test_what_is_harmless_is_shown(desk: Desk, content: bytes, name: str, kind: str) -> None:
    answered = desk.get(desk.attach(content, name))
    assert answered.headers["Content-Disposition"].startswith("inline;")
    assert answered.headers["Content-Type"] == kind
    assert answered.headers["X-Content-Type-Options"] == "nosniff"


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "plain.pdf",
            "with blank.pdf",
            "Übersicht 報告.pdf",
            "100%25 sure;x=y.pdf",
            "it's (final) & more.pdf",
            "a#b+c~d,e=f.pdf",
            "𝄞.pdf",
        ],
    )
    def test_a_name_reaches_every_browser(self, desk: Desk, name: str) -> None:
        path = desk.attach(PDF, name)
        disposition = desk.get(path).headers["Content-Disposition"]
        assert unquote(disposition.partition("filename*=UTF-8''")[2]) == name
        plain = disposition.split('"')[1]
        assert plain.isascii()
        assert plain.endswith(".pdf")

    @pytest.mark.parametrize(
        "name", ['qu"ote.pdf', "line\r\nSet-Cookie: x=1.pdf", "back\\slash.pdf", "a\x00b.pdf"]
    )
    def test_what_would_break_a_header_does_not_get_there(self, desk: Desk, name: str) -> None:
        # An import may bring names that the write API would have cleaned.
        kept = file(desk.site, PDF, "a.pdf")
        imported = casework.File(name, kept.media_type, kept.size, kept.sha256)
        message = answer(desk.db, desk.request, files=[imported])
        [attachment] = attachments(desk.db, message)
        answered = desk.web.get(attachment_url(desk.request, attachment), expect_errors=True)
        assert answered.status_int < 500
        assert "Set-Cookie" not in answered.headers
        disposition = answered.headers.get("Content-Disposition", "")
        assert "\n" not in disposition
        assert disposition.count('"') in (0, 2)

    def test_another_name_leads_to_the_right_one(self, desk: Desk) -> None:
        path = desk.attach(PDF, "right name.pdf")
        wrong = path.rpartition("/")[0] + "/wrong.html"
        assert desk.get(wrong, 301).location == f"http://foi.test{path}"

    def test_a_name_with_an_address_is_masked(self, desk: Desk) -> None:
        path = desk.attach(PDF, "for ada@fenby.test only.pdf")
        assert "ada@fenby.test" not in path or desk.get(path, 301).location
        page = desk.web.get(f"/request/{desk.request.url_title}")
        assert "ada@fenby.test" not in page
        [link] = page.html.select('a[href*="/attach/1/"]')
        answered = desk.get(link["href"])
        assert answered.body == PDF
        assert "fenby" not in answered.headers["Content-Disposition"]


class TestRanges:
    @pytest.mark.parametrize(
        ("asked", "first", "last"),
        [
            ("bytes=0-0", 0, 0),
            ("bytes=0-99", 0, 99),
            ("bytes=9990-", 9990, 9999),
            ("bytes=9990-20000", 9990, 9999),
            ("bytes=-10", 9990, 9999),
            ("bytes=-20000", 0, 9999),
            ("bytes=5-999999999999999999", 5, 9999),
            ("Bytes=1-2", 1, 2),
            (" bytes=1-2 ", 1, 2),
        ],
    )
    def test_a_part(self, desk: Desk, asked: str, first: int, last: int) -> None:
        answered = desk.get(desk.attach(TEXT, "a.txt"), None, Range=asked)  # type: ignore[arg-type]
        assert answered.body == TEXT[first : last + 1]
        if last - first < 9999:
            assert answered.status_int == 206
            assert answered.headers["Content-Range"] == f"bytes {first}-{last}/10000"
        assert answered.headers["Content-Length"] == str(last - first + 1)
        assert answered.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        "asked",
        ["bytes=0-1,5-6", "bytes=", "bytes=-", "bytes", "lines=1-2", "bytes=a-b", "bytes=1-2-3",
         "bytes=0-" + "9" * 30, "bytes=٣-٤", ""],
    )  # fmt: skip
    def test_what_is_no_single_range_gets_all_of_it(self, desk: Desk, asked: str) -> None:
        path = desk.attach(TEXT, "a.txt")
        answered = desk.web.get(path, headers={"Range": asked.encode().decode("latin-1")})
        assert answered.status_int == 200
        assert answered.body == TEXT

    @pytest.mark.parametrize(
        "asked", ["bytes=10000-", "bytes=99999-100000", "bytes=-0", "bytes=9-5"]
    )
    def test_a_part_beyond_the_end(self, desk: Desk, asked: str) -> None:
        answered = desk.get(desk.attach(TEXT, "a.txt"), 416, Range=asked)
        assert answered.headers["Content-Range"] == "bytes */10000"
        assert answered.body == b""

    def test_a_part_only_of_what_one_has_the_beginning_of(self, desk: Desk) -> None:
        path = desk.attach(TEXT, "a.txt")
        etag = desk.get(path).headers["ETag"]
        assert desk.get(path, 206, Range="bytes=5-", If_Range=etag).body == TEXT[5:]
        for other in ('"other"', f"W/{etag}", "Sat, 21 Nov 2026 10:00:00 GMT"):
            assert desk.get(path, 200, Range="bytes=5-", If_Range=other).body == TEXT

    def test_head_of_a_part(self, desk: Desk) -> None:
        answered = desk.web.head(desk.attach(TEXT, "a.txt"), headers={"Range": "bytes=0-9"})
        assert answered.body == b""
        assert answered.headers["Content-Length"] == "10"


class TestConditions:
    def test_nothing_is_sent_twice(self, desk: Desk) -> None:
        path = desk.attach(TEXT, "a.txt")
        etag = desk.get(path).headers["ETag"]
        for asked in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            answered = desk.get(path, 304, If_None_Match=asked)
            assert answered.body == b""
            assert answered.headers["ETag"] == etag
            assert answered.headers.get("Content-Length") is None
        assert desk.get(path, 200, If_None_Match='"x"').body == TEXT
        assert desk.get(path, 304, If_None_Match=etag, Range="bytes=0-1").body == b""

    def test_a_copy_kept_by_a_browser_does_not_outlive_its_hiding(self, desk: Desk) -> None:
        path = desk.attach(TEXT, "a.txt")
        answered = desk.get(path)
        assert "must-revalidate" in answered.headers["Cache-Control"]
        assert "max-age=0" in answered.headers["Cache-Control"]
        casework.hide(desk.db, desk.request, "desk")
        desk.db.flush()
        desk.get(path, 403, If_None_Match=answered.headers["ETag"])


def test_bytes_that_cannot_be_reached_are_no_crash(desk: Desk) -> None:
    message = answer(
        desk.db, desk.request, files=[casework.File("a.pdf", "application/pdf", 5, "f" * 64)]
    )
    [attachment] = attachments(desk.db, message)
    answered = desk.get(attachment_url(desk.request, attachment), 503)
    assert "cannot be reached" in answered


def test_a_file_that_is_known_but_not_held_is_named_with_its_original(desk: Desk) -> None:
    known = casework.File("far.xls", "application/vnd.ms-excel", 5000, None, "https://a.test/1")
    message = answer(desk.db, desk.request, files=[known])
    [attachment] = attachments(desk.db, message)
    page = desk.web.get(f"/request/{desk.request.url_title}")
    assert "far.xls" in page
    assert page.html.find("a", href="https://a.test/1")
    [shown] = desk.web.get(f"/request/{desk.request.url_title}.json").json["messages"][1][
        "attachments"
    ]
    assert shown["url"] is None
    assert shown["original_url"] == "https://a.test/1"
    assert "does not hold" in desk.get(attachment_url(desk.request, attachment), 404)


def test_crawlers_leave_files_of_a_backpage_request_alone(desk: Desk) -> None:
    path = desk.attach(PDF, "a.pdf")
    assert "X-Robots-Tag" not in desk.get(path).headers
    casework.hide(desk.db, desk.request, "desk", prominence="backpage")
    desk.db.flush()
    assert desk.get(path).headers["X-Robots-Tag"] == "noindex"
