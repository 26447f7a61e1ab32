"""Bad lines are refused with their number and every reason, and never cost a good one."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from foi.site import Site
from tests.archive.test_import_requests import bring, everything, line, open_archive, reasons

LETTER = {"direction": "request"}


@pytest.fixture
def site(tmp_path: Path, migrated: bytes) -> Iterator[Site]:
    opened = open_archive(tmp_path / "site", migrated)
    yield opened
    opened.close()


def lettered(**members: Any) -> dict[str, Any]:
    return line(messages=[LETTER | members])


NEXT_WEEK = (datetime.now(UTC) + timedelta(days=7)).isoformat()

BAD: list[tuple[Any, str]] = [
    (b"{\n", "not JSON"),
    (b"[]\n", "not a JSON object"),
    (b'"\xff"\n', "not UTF-8"),
    (b"[" * 100_000 + b"\n", "nested too deeply"),
    (b'{"source": "a", "source": "b"}\n', "'source' is there twice"),
    (b'{"title": 9223372036854775808}\n', "beyond 64 bits"),
    (b'{"title": ' + b"9" * 5000 + b"}\n", "beyond 64 bits"),
    (b'{"title": NaN}\n', "NaN is not JSON"),
    (b'{"title": "' + b"x" * (16 << 20) + b'"}\n', "longer than 16,777,216 bytes"),
    (b"\xfe" * 40 + b"\n", "not UTF-8"),
    ({}, "source: is missing; authority: is missing; title: is missing"),
    (line(source=None), "source: is missing"),
    (line(source=" "), "source: is blank"),
    (line(source_ref=""), "source_ref: is missing, as is url"),
    (line(title=7), "title: is not a text"),
    (line(title="a\0b"), "title: holds what is no text"),
    (line(title="\ud800"), "title: holds what is no text"),
    (line(title="x" * 2001), "title: is longer than 2,000 characters"),
    (line(titel="a"), "titel: is no member of the format"),
    (line(authority=None), "authority: is missing"),
    (line(authority={}), "authority: has neither url_name nor name"),
    (line(authority="Über"), "authority.url_name: 'Über' is not made of"),
    (line(authority={"name": "A", "jurisdiction": "ZZ"}), "authority.jurisdiction: 'ZZ' is not"),
    (line(authority={"name": "A", "home_page": "javascript:alert(1)"}), "is not an http or https"),
    (line(url="ftp://a.test/"), "url: 'ftp://a.test/' is not an http or https address"),
    (line(url_title="list"), "url_title: 'list' cannot be the name"),
    (line(url_title="123"), "url_title: '123' cannot be the name"),
    (line(requester={"registered": True}), "requester.name: is missing"),
    (
        line(requester={"name": "A", "url_name": "a"}),
        "requester.url_name: is only for a registered",
    ),
    (line(requester={"name": "A", "registered": "yes"}), "requester.registered: is neither true"),
    (line(via="post"), "via: 'post' is not one of site, api, import"),
    (line(state="waiting_response_overdue"), "state: 'waiting_response_overdue' is not one of"),
    (line(prominence="secret"), "prominence: 'secret' is not one of"),
    (line(prominence_reason="x"), "prominence_reason: is given although"),
    (line(tags=["two words"]), "tags: 'two words' is not a tag"),
    (line(tags="one"), "tags: is not a list"),
    (line(tags=["a"] * 1001), "tags: holds more than 1,000"),
    (line(created_at=2024), "created_at: is not a date in a text"),
    (line(created_at="2024-02-30"), "created_at: '2024-02-30' is not a date"),
    (line(created_at="2024-01-01T10:00:00"), "created_at: '2024-01-01T10:00:00' needs its time"),
    (line(created_at="1301-01-01"), "created_at: '1301-01-01' is before 1990"),
    (line(created_at=NEXT_WEEK), "has yet to come"),
    (line(created_at="9999"), "created_at: '9999' has yet to come"),
    (line(created_at="0001-01-01T00:00:00+23:00"), "is not a date"),
    (line(states=[{"at": "2024", "state": "rejected"}]), "states.0.at: must be known to the day"),
    (
        line(states=[{"state": "no"}]),
        "states.0.at: is missing; states.0.state: 'no' is not one of",
    ),
    (line(messages={}), "messages: is not a list"),
    (line(messages=[LETTER, {"direction": "out"}]), "messages.1.direction: 'out' is not one of"),
    (line(messages=[7]), "messages.0: is not an object"),
    (lettered(body=["a"]), "messages.0.body: is not a text"),
    (lettered(prominence="backpage"), "messages.0.prominence: 'backpage' is not one of"),
    (lettered(prominence_reason="x"), "messages.0.prominence_reason: is given although"),
    (lettered(kind="followup"), "messages.0.kind: can only be initial here"),
    (
        line(messages=[LETTER, LETTER | {"kind": "initial"}]),
        "messages.1.kind: can only be followup or clarification or internal_review here",
    ),
    (line(messages=[LETTER | {"ref": "2"}, LETTER]), "messages.1.ref: '2' is there twice"),
    (line(annotations=[{"body": "x"}]), "annotations.0.person: is missing"),
    (line(annotations=[{"body": " ", "person": {"name": "A"}}]), "annotations.0.body: is blank"),
    (lettered(attachments=[{}]), "messages.0.attachments.0: has neither a file nor a name"),
    (lettered(attachments=[{"name": "a", "size": -1}]), "size: is not a whole number of bytes"),
    (lettered(attachments=[{"name": "a", "size": True}]), "size: is not a whole number of bytes"),
    (lettered(attachments=[{"file": "a.txt", "size": 1}]), "size and link are not wanted"),
    (
        lettered(attachments=[{"file": "none.txt"}]),
        "attachments.0.file: there is no file 'none.txt'",
    ),
    (lettered(attachments=[{"file": "/etc/passwd"}]), "is not a path within the folder"),
    (lettered(attachments=[{"file": "../secret"}]), "is not a path within the folder"),
    (lettered(attachments=[{"file": "in/../../secret"}]), "is not a path within the folder"),
    (lettered(attachments=[{"file": "..\\secret"}]), "is not a path within the folder"),
    (lettered(attachments=[{"file": "c:\\secret"}]), "is not a path within the folder"),
    (lettered(attachments=[{"file": "a\0"}]), "holds what is no text"),
    (lettered(attachments=[{"file": "."}]), "is not a file"),
    (lettered(attachments=[{"file": "pipe"}]), "is not a file"),
    (lettered(attachments=[{"file": "out"}]), "leads out of the folder"),
    (lettered(attachments=[{"file": "folder/secret"}]), "leads out of the folder"),
    (lettered(attachments=[{"file": "loop"}]), "there is no file 'loop'"),
    (lettered(attachments=[{"file": "a.txt/b"}]), "there is no file 'a.txt/b'"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of an import file, with ways out of it."""
    (tmp_path / "secret").write_text("not yours")
    made = tmp_path / "files"
    made.mkdir()
    (made / "a.txt").write_text("A list.")
    os.mkfifo(made / "pipe")
    (made / "out").symlink_to(tmp_path / "secret")
    (made / "folder").symlink_to(tmp_path)
    (made / "loop").symlink_to(made / "loop")
    (made / "within").symlink_to(made / "a.txt")
    return made


def test_every_bad_line_is_refused_by_number_and_reason(site: Site, folder: Path) -> None:
    """All in one file, a good line after each: none of the good ones is lost, no bad one leaves a
    trace.
    """
    good = [line(source="good", source_ref=str(n)) for n in range(len(BAD))]
    mixed = [each for bad, fine in zip(BAD, good, strict=True) for each in (bad[0], fine)]
    report = bring(site, folder, *mixed)
    assert report.created == len(BAD)
    assert [number for number, _ in reasons(report)] == list(range(1, 2 * len(BAD), 2))
    wrong = [
        (expected, told)
        for (_, expected), (_, told) in zip(BAD, reasons(report), strict=True)
        if expected not in told
    ]
    assert wrong == []
    with_bad = [row[1:] for row in everything(site) if row[0] in ("request", "body", "message")]
    assert len(with_bad) == 2 * len(BAD) + 1


def test_every_reason_of_a_line_is_given_at_once(site: Site, tmp_path: Path) -> None:
    told = lettered(sent_at="soon", attachments=[{"file": "../a"}]) | {"state": "x", "extra": 1}
    ((_, reason),) = reasons(bring(site, tmp_path, told))
    for path in ("messages.0.sent_at", "messages.0.attachments.0.file", "state", "extra"):
        assert f"{path}: " in reason


def test_a_link_that_stays_in_the_folder_is_followed(site: Site, folder: Path) -> None:
    assert bring(site, folder, lettered(attachments=[{"file": "within"}])).refused == []


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, migrated: bytes) -> None:
    (tmp_path / "big.txt").write_text("x" * 101)
    (tmp_path / "fits.txt").write_text("x" * 100)
    site = open_archive(tmp_path / "site", migrated, **{"limits.attachment": "100"})
    ((_, reason),) = reasons(bring(site, tmp_path, lettered(attachments=[{"file": "big.txt"}])))
    assert reason == "messages.0.attachments.0.file: the file is larger than 100 bytes"
    assert bring(site, tmp_path, lettered(attachments=[{"file": "fits.txt"}])).created == 1
    site.close()


def test_a_reason_can_be_printed_whatever_the_line_holds(site: Site, tmp_path: Path) -> None:
    told = line(via="\x1b[2J" + "x" * 2000, **{"\ud800" * 900: 1})
    ((_, reason),) = reasons(bring(site, tmp_path, told))
    assert reason.isprintable()
    assert len(reason) <= 500
    assert reason.encode()


def test_a_last_line_without_its_end_and_a_byte_order_mark(site: Site, tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + json.dumps(line()).encode()
    assert bring(site, tmp_path, data).created == 1
