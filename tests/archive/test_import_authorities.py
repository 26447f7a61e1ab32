"""Authorities from CSV in Alaveteli's columns: added, edited, left alone or refused."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from foi.archive import casework
from foi.archive.importing import Report, UnusableFile, import_authorities
from foi.archive.models import Body, Event
from foi.site import Site
from tests.archive.test_import_requests import everything, open_archive, reasons

HEADER = (
    "Internal ID,Name,Short name,URL name,Tags,Home page,Publication scheme,Disclosure log,"
    "Notes,Created at,Updated at,Version\n"
)
FENBY = (
    "7,Fenby Town Council,FTC,fenby,council market:tuesday,https://fenby.test,,"
    'https://fenby.test/log,"Open on\nTuesdays, too",2008-05-12 11:33:36 UTC,,3\n'
)


@pytest.fixture
def site(tmp_path: Path, migrated: bytes) -> Iterator[Site]:
    opened = open_archive(tmp_path / "site", migrated)
    yield opened
    opened.close()


def bring(site: Site, text: str | bytes) -> Report:
    path = site.settings.data_folder / "authorities.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_authorities(site, path, lambda done, total, report: None)


def bodies(site: Site) -> dict[str, Body]:
    with site.sessions.reading() as db:
        found = {body.url_name: body for body in db.scalars(select(Body).order_by(Body.id))}
        db.expunge_all()
        return found


@pytest.mark.parametrize(
    "file",
    [
        HEADER + FENBY,
        "\ufeff" + HEADER + FENBY,
        (HEADER + FENBY).replace("\n", "\r\n"),
        (HEADER + FENBY).removesuffix("\n"),
        "\n" + HEADER + "\n" + FENBY + "\n\n",
    ],
)
def test_a_row_arrives_whole(site: Site, file: str) -> None:
    assert bring(site, file).summary() == "1 created, 0 updated, 0 unchanged, 0 refused"
    body = bodies(site)["fenby"]
    assert (body.name, body.short_name) == ("Fenby Town Council", "FTC")
    assert (body.home_page, body.disclosure_log) == (
        "https://fenby.test",
        "https://fenby.test/log",
    )
    assert body.notes.split() == ["Open", "on", "Tuesdays,", "too"]
    assert body.created_at == datetime(2008, 5, 12, 11, 33, 36, tzinfo=UTC)
    with site.sessions.reading() as db:
        assert casework.tags_of(db, "body", body.id) == [("council", ""), ("market", "tuesday")]
    before = everything(site)
    assert bring(site, file).summary() == "0 created, 0 updated, 1 unchanged, 0 refused"
    assert everything(site) == before


def test_columns_come_in_any_order_and_only_name_must_be_there(site: Site) -> None:
    report = bring(site, "Request email,Jurisdiction,Name\nfoi@fenby.gov.uk,GB-SCT,Fenby (Town)\n")
    assert report.created == 1
    body = bodies(site)["fenby_town"]
    assert (body.request_email, body.jurisdiction) == ("foi@fenby.gov.uk", "GB-SCT")


def test_the_file_decides_the_columns_that_it_has_and_no_others(site: Site) -> None:
    bring(site, HEADER + FENBY)
    edited = "URL name,Name,Short name,Tags\nfenby,Fenby Council,,council\n"
    assert bring(site, edited).updated == 1
    body = bodies(site)["fenby"]
    assert (body.name, body.short_name) == ("Fenby Council", "")  # a blank cell is meant
    assert body.home_page == "https://fenby.test"  # there is no such column
    with site.sessions.reading() as db:
        event = db.scalars(select(Event).order_by(Event.id.desc()).limit(1)).one()
        assert (event.kind, event.params["changed"]) == (
            "body_edited",
            ["name", "short_name", "tags"],
        )
    assert bring(site, edited).unchanged == 1


def test_an_authority_is_known_by_its_former_name_too(site: Site) -> None:
    bring(site, HEADER + FENBY)
    with site.sessions.writing() as db:
        casework.edit_body(db, db.scalars(select(Body)).one(), "desk", url_name="fenby_tc")
    assert bring(site, HEADER + FENBY).unchanged == 1
    assert list(bodies(site)) == ["fenby_tc"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("www.fenby.test", "http://www.fenby.test"),
        ("ttps://fenby.test/a?b=c", "https://fenby.test/a?b=c"),
        ("htt://fenby.test", "http://fenby.test"),
        ("HTTP://fenby.test", "http://fenby.test"),
        ("fenby.test:8080/x", "http://fenby.test:8080/x"),
        (" ", ""),
    ],
)
def test_a_slip_in_an_address_is_put_right(site: Site, told: str, kept: str) -> None:
    file = f"Name,Home page\nFenby,{told}\n"
    assert bring(site, file).refused == []
    assert bodies(site)["fenby"].home_page == kept
    assert bring(site, file).unchanged == 1


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",x,,,", "Name: is blank"),
        ("A,Über,,,", "URL name: 'Über' is not made of a-z"),
        ("A,list,,,", "URL name: 'list' cannot be the name"),
        ("A,a,:x,,", "Tags: ':x' is not a tag"),
        ("A,a,,javascript:alert(1),", "Home page: 'javascript:alert(1)' is not an http or https"),
        ("A,a,,http://,", "Home page: 'http://' is not a web address"),
        ("A,a,,,next year", "Created at: 'next year' is not a date"),
        ("A,list,,ftp://x,", "URL name: 'list' cannot"),
        ("A,a,,", "has 4 cells where the first row has 5"),
        ('"A,a,,,', "not a row of CSV"),
        ('"A"b,a,,,', "not a row of CSV"),
        ("A\0,a,,,", "Name: holds what is no text"),
        (b"A\xff,a,,,", "Name: holds what is no text"),
        ("A" * 501 + ",a,,,", "Name: is longer than 500 characters"),
        ('"' + "A" * 140_000 + '",a,,,', "field larger than field limit"),
        ("A" * (1 << 20) + ",a,,,", "the line is longer than 1,048,576 bytes"),
        ("Fenby,fenby,,,", "line 2 holds the same authority"),
    ],
)
def test_a_bad_row_costs_no_other(site: Site, row: str | bytes, reason: str) -> None:
    data = row if isinstance(row, bytes) else row.encode()
    rest = b'Sallow Fen,sallow,,,\n"Holt, Upper",holt,,,\nMoor,moor,,,\n'
    header = b"Name,URL name,Tags,Home page,Created at\nFenby,fenby,,,\n"
    report = bring(site, header + data + b"\n" + rest)
    assert list(bodies(site)) == ["fenby", "sallow", "holt", "moor"]
    ((number, told),) = reasons(report)
    assert number == 3
    assert reason in told
    if b"ftp" in data:
        assert "Home page: 'ftp://x' is not" in told  # every reason at once


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("", "has no header row: it is empty"),
        ("Nom,Name\nA,A\n", "has columns that are not known here: 'Nom'"),
        ("Name,Name\nA,A\n", "has more than one column Name"),
        ("URL name\na\n", "has no column Name"),
        ('"Name', "has no header row: not a row of CSV"),
        (b"\xff\xfeN\0a\0m\0e\0\n\0", "has columns that are not known here"),
        (b"PK\x03\x04" + bytes(range(256)), "has columns that are not known here"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(
    site: Site, file: str | bytes, reason: str
) -> None:
    with pytest.raises(UnusableFile, match=r"authorities\.csv") as refused:
        bring(site, file)
    assert reason in str(refused.value)
    assert bodies(site) == {}


def test_an_export_can_be_brought_back(site: Site, tmp_path: Path) -> None:
    """A thousand rows, over several batches, with everything that CSV has to quote."""
    path = tmp_path / "export.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["Name", "URL name", "Notes", "Tags"])
        writer.writerows(
            [f'No. {n} "the", 1st\n', f"no_{n}", "a,b\r\nc", f"t{n} u"] for n in range(1000)
        )

    def run() -> Report:
        return import_authorities(site, path, lambda done, total, report: None)

    assert run().created == 1000
    assert run().unchanged == 1000
    assert bodies(site)["no_7"].name == 'No. 7 "the", 1st'
