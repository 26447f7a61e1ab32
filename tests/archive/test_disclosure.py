"""Disclosure logs as authorities keep them: read, understood, imported, and a second time without
a change.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from foi.archive import casework
from foi.archive.disclosure.logs import Choices, Log, import_log, open_log
from foi.archive.disclosure.preview import first_records, rehearse_log
from foi.archive.importing import Report, UnusableFile
from foi.archive.models import InfoRequest, Message
from foi.site import Site
from tests.archive.disclosure_files import write_ods, write_xlsx
from tests.archive.test_import_requests import everything, open_archive, reasons

COUNCIL = """FOI Reference,Subject,Date received,Response date,Outcome,Exemptions,Directorate,Link
FOI-1,Grit bins,03/01/2024,17/01/2024,Disclosed in full,,Roads,https://fenby.test/log/1
FOI-2,Lamp posts,04/01/2024,05/02/2024,Partially disclosed,"s.40(2), Section 43",Roads,
FOI-3,Bowling green,05/01/2024,,,,Parks & Leisure,
"""


@pytest.fixture
def site(tmp_path: Path, migrated: bytes) -> Iterator[Site]:
    opened = open_archive(tmp_path / "site", migrated)
    with opened.sessions.writing() as db:
        casework.add_body(db, "import", name="Fenby Town Council", url_name="fenby")
        casework.add_body(
            db, "import", name="Wicken Water Board", short_name="WWB", url_name="wicken"
        )
    yield opened
    opened.close()


def quietly(done: int, total: int, report: Report) -> None:
    """No progress is shown."""


def understand(site: Site, path: Path, content: str | bytes | None = None, **more: Any) -> Log:
    """Write a log, unless it is there, and give what is understood of it."""
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if "body_column" not in more:
        more = {"body": "fenby", **more}
    with site.sessions.reading() as db:
        return open_log(db, site.calendar, path, Choices(**more))


def bring(site: Site, path: Path, content: str | bytes | None = None, **more: Any) -> Report:
    return import_log(site, understand(site, path, content, **more), quietly)


def tally(report: Report) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, len(report.refused)


def requests(site: Site) -> list[InfoRequest]:
    with site.sessions.reading() as db:
        loading = selectinload(InfoRequest.messages).selectinload(Message.attachments)
        found = list(db.scalars(select(InfoRequest).options(loading).order_by(InfoRequest.id)))
        db.expunge_all()
        return found


def taken(log: Log) -> dict[str, str]:
    return {column.label: column.field for column in log.columns}


def test_a_council_s_log(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    assert tally(bring(site, path, COUNCIL)) == (3, 0, 0, 0)
    full, part, waiting = requests(site)
    assert (full.title, full.source_ref, full.described_state) == (
        "Grit bins",
        "FOI-1",
        "successful",
    )
    assert full.source_url == "https://fenby.test/log/1"
    first, answer = full.messages
    assert (first.direction, first.body, f"{first.sent_at:%d %B}") == (
        "request",
        None,
        "03 January",
    )
    assert (answer.direction, answer.body, f"{answer.sent_at:%d %B}") == (
        "response",
        None,
        "17 January",
    )
    assert part.described_state == "partially_successful"
    with site.sessions.reading() as db:
        tags = [casework.format_tag(*pair) for pair in casework.tags_of(db, "request", part.id)]
    assert tags == ["department:roads", "exemption:40(2)", "exemption:43"]
    assert waiting.described_state is None
    assert len(waiting.messages) == 1
    assert waiting.due_on is not None, "the deadline counts from the day it was received"


def test_a_second_run_changes_nothing(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    bring(site, path, COUNCIL)
    before = everything(site)
    assert tally(bring(site, path)) == (0, 0, 3, 0)
    assert everything(site) == before


def test_changed_rows_update_and_new_answers_are_added(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    bring(site, path, COUNCIL)
    changed = COUNCIL.replace("Grit bins", "Grit bins in winter").replace(
        "FOI-3,Bowling green,05/01/2024,,,", "FOI-3,Bowling green,05/01/2024,30/01/2024,Refused,"
    )
    assert tally(bring(site, path, changed)) == (0, 2, 1, 0)
    full, _, answered = requests(site)
    assert full.title == "Grit bins in winter"
    assert answered.described_state == "rejected"
    assert [message.direction for message in answered.messages] == ["request", "response"]


def test_what_was_sent_is_not_rewritten(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    bring(site, path, COUNCIL)
    report = bring(site, path, COUNCIL.replace("03/01/2024", "02/01/2024"))
    assert tally(report) == (0, 0, 2, 1)
    assert reasons(report)[0][0] == 2
    assert "differs from what is stored" in reasons(report)[0][1]


def test_a_rehearsal_changes_nothing(site: Site, tmp_path: Path) -> None:
    log = understand(site, tmp_path / "log.csv", COUNCIL)
    before, files = everything(site), sorted(site.blobs.folder.rglob("*"))
    assert tally(rehearse_log(site, log, quietly)) == (3, 0, 0, 0)
    assert everything(site) == before
    assert sorted(site.blobs.folder.rglob("*")) == files
    assert first_records(log)[1] | {"tags": None} == {
        "line": 3,
        "authority": "fenby",
        "reference": "FOI-2",
        "title": "Lamp posts",
        "state": "Partially successful",
        "received": "2024-01-04",
        "answered": "2024-02-05",
        "text": None,
        "answer": None,
        "link": "",
        "files": [],
        "law": "foi",
        "tags": None,
    }


def test_a_bad_line_costs_no_good_one(site: Site, tmp_path: Path) -> None:
    lines = [
        "Ref,Title,Date received,Date closed,Status",
        "1,Good,2024-01-02,2024-01-20,Granted",
        "2,,2024-01-02,,Granted",
        "3,Slip,2024-13-45,2224-01-01,Granted",
        '4,"Quote "in" the middle,2024-01-02,,Granted',
        "5,Too, many, commas,2024-01-02,2024-01-20,Granted",
        "January 2024,,,,",
        "1,Good,2024-01-02,2024-01-20,Granted",
        *(f"{n},Also good {n},2024-01-02,2024-01-20,Granted" for n in range(10, 40)),
    ]
    report = bring(site, tmp_path / "log.csv", "\n".join(lines))
    assert report.created == 31
    assert [line for line, _ in reasons(report)] == [3, 4, 5, 6, 7, 8]
    why = dict(reasons(report))
    assert why[3] == "there is neither a title nor a text in it"
    assert why[4].startswith(
        "Date received: '2024-13-45' is not a date; Date closed: '2224-01-01'"
    )
    assert why[5].startswith("not a row of CSV")
    assert why[6].startswith("has 7 cells where there are 5 headings")
    assert why[7] == "only one cell is filled: is it a heading between the rows?"
    assert why[8] == "line 2 holds the same request"


def test_without_references_title_and_date_tell_requests_apart(site: Site, tmp_path: Path) -> None:
    text = "Title,Date\nPonds,1 May 2023\nPonds,2 May 2023\nPonds,1 May 2023\n"
    path = tmp_path / "log.csv"
    assert tally(bring(site, path, text)) == (2, 0, 0, 1)
    assert tally(bring(site, path, text)) == (0, 0, 2, 1)
    assert tally(bring(site, path, text, source="parks")) == (2, 0, 0, 1)


def test_completed_requests_in_two_languages(site: Site, tmp_path: Path) -> None:
    heading = (
        "year,month,request_number,summary_en,summary_fr,disposition,pages,comments_en,"
        "owner_org,owner_org_title\n"
    )
    long = "All briefing notes on the ferry to Wicken Island, with their annexes, " * 3
    rows = (
        f'2023,4,A-2022-00017,"{long}","Toutes les notes",Disclosed in part,124,,wwb,WWB\n'
        "2023,5,A-2022-00018,,Les notes sur le quai,Communication totale,7,,wwb,WWB\n"
        "2023,6,A-2022-00019,Notes on geese,,All exempted,0,,elsewhere,Elsewhere\n"
    )
    report = bring(site, tmp_path / "ati.csv", heading + rows, body_column="owner_org_title")
    assert reasons(report) == [(4, "owner_org_title: there is no authority 'Elsewhere' here")]
    ferry, quay = requests(site)
    assert ferry.title.endswith("…")
    assert len(ferry.title) <= 110
    assert ferry.messages[0].body == long.strip()
    assert quay.messages[0].body == "Les notes sur le quai"
    assert (ferry.described_state, quay.described_state) == ("partially_successful", "successful")
    assert [message.sent_at for message in ferry.messages] == [None, None], (
        "only the month is known"
    )
    assert f"{ferry.created_at:%Y-%m}" in ("2023-03", "2023-04"), "and gives its place in lists"


def test_banners_blank_rows_and_repeated_headings(site: Site, tmp_path: Path) -> None:
    text = (
        "Fenby Town Council;;;\r\nDisclosure log 2023, published quarterly;;;\r\n;;;\r\n"
        ";Our ref;Information requested;Date;Date\r\n;;;;\r\n"
        ";17;Minutes of the p\xe2t\xe9 committee;5.6.2023;19.6.2023\r\n"
        ";Our ref;Information requested;Date;Date\r\n"
        ";18;Café tenders;6.6.2023;20.6.2023\r\n"
    )
    log = understand(site, tmp_path / "log.txt", text.encode("cp1252"))
    assert taken(log) == {
        "column 1": "ignore",
        "Our ref": "reference",
        "Information requested": "title",
        "Date": "received",
        "Date (2)": "answered",
    }
    assert "Read as Windows-1252 text with semicolons between the cells." in log.said
    assert "The headings are on line 4." in log.said
    assert tally(import_log(site, log, quietly)) == (2, 0, 0, 0)
    assert requests(site)[0].title == "Minutes of the pâté committee"


@pytest.mark.parametrize(
    ("mark", "codec"), [("\ufeff", "utf-8"), ("\ufeff", "utf-16-le"), ("", "utf-8")]
)
def test_character_sets_and_tabs(site: Site, tmp_path: Path, mark: str, codec: str) -> None:
    text = mark + "Reference\tTitle\tOutcome\n9\tÉtangs\tWithheld\n"
    log = understand(site, tmp_path / "log.csv", text.encode(codec))
    assert taken(log) == {"Reference": "reference", "Title": "title", "Outcome": "outcome"}
    assert first_records(log)[0]["title"] == "Étangs"


def test_no_headings_at_all(site: Site, tmp_path: Path) -> None:
    text = "".join(
        f"F{n},Repairs of the bridge number {n},{n}/2/2023,{n + 1}/3/2023,Refused\n"
        for n in range(1, 28)
    )
    log = understand(site, tmp_path / "log.csv", text)
    assert list(taken(log).values()) == ["reference", "title", "received", "answered", "outcome"]
    assert {column.sure for column in log.columns} == {"guess"}
    assert "No row of headings was found" in log.said[1]
    assert len(log.records) == 27


def test_values_correct_headings(site: Site, tmp_path: Path) -> None:
    text = (
        "ID,Request,Response,Name,Contact details\n"
        "1,How many ducks are there?,https://fenby.test/ducks.pdf,Ada Fenn,ada@fenn.test\n"
        "2,How many geese are there?,https://fenby.test/my geese.pdf,Ben Holt,ben@holt.test\n"
    )
    log = understand(site, tmp_path / "log.csv", text)
    assert list(taken(log).values()) == ["reference", "title", "files", "personal", "personal"]
    import_log(site, log, quietly)
    ducks, geese = requests(site)
    (file,) = ducks.messages[1].attachments
    assert (file.name, file.link, file.sha256) == (
        "ducks.pdf",
        "https://fenby.test/ducks.pdf",
        None,
    )
    assert geese.messages[1].attachments[0].link == "https://fenby.test/my%20geese.pdf"
    assert "Fenn" not in json.dumps(log.records)
    assert "fenn.test" not in json.dumps(log.records)


def test_a_state_may_be_of_a_country(site: Site, tmp_path: Path) -> None:
    log = understand(site, tmp_path / "log.csv", "Title,State\nDucks,Ohio\nGeese,Utah\n")
    assert taken(log) == {"Title": "title", "State": "ignore"}


def test_what_is_not_understood_is_named(site: Site, tmp_path: Path) -> None:
    text = (
        "Ref,Title,Outcome,Legislation,Link\n1,Ducks,Sent to the mayor,EIRs,see below\n"
        "2,Geese,Sent to the mayor,Other,\n3,Swans,Refused - cost,FOISA,\n"
        "4,Herons,Awaiting classification,,\n5,Coots,N/A,,\n"
    )
    log = understand(site, tmp_path / "log.csv", text, columns=[("link", "Link")])
    assert "Outcome: not understood, so not known: “Sent to the mayor” (2)." in log.said
    assert "Legislation: not understood, so not known: “Other” (1)." in log.said
    assert "Link: not understood, so not known: “see below” (1)." in log.said
    import_log(site, log, quietly)
    ducks, geese, swans, herons, coots = requests(site)
    assert (ducks.described_state, ducks.law_used) == (None, "eir")
    assert (geese.law_used, swans.described_state, coots.described_state) == (
        "foi",
        "rejected",
        None,
    )
    assert herons.awaiting_description
    told = understand(
        site, tmp_path / "log.csv", outcomes={"sent to the Mayor": "partially_successful"}
    )
    assert tally(import_log(site, told, quietly)) == (0, 2, 3, 0)


def test_authorities_are_found_by_any_name_but_never_added(site: Site, tmp_path: Path) -> None:
    with site.sessions.writing() as db:
        for slug in ("one", "two"):
            casework.add_body(db, "import", name="Twin Parish", url_name=slug)
    text = "Title,Council\nA,fenby town COUNCIL\nB,wicken\nC,WWB\nD,Nowhere\nE,\nF,Twin Parish\n"
    log = understand(site, tmp_path / "log.csv", text, body_column="council")
    assert [record["authority"] for _, record in log.records] == ["fenby", "wicken", "wicken"]
    assert reasons(log.refused) == [
        (5, "Council: there is no authority 'Nowhere' here"),
        (6, "Council: is blank"),
        (7, "Council: 'Twin Parish' is the name of several authorities: one, two"),
    ]


def test_files_in_a_folder(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    (folder / "2023").mkdir(parents=True)
    (folder / "2023" / "ducks.txt").write_text("Ninety ducks.")
    (tmp_path / "secret.txt").write_text("not for anybody")
    text = (
        "Ref,Title,Files\n1,Ducks,2023/ducks.txt\n2,Geese,../secret.txt\n3,Swans,gone.txt\n"
        "4,Herons,2023/ducks.txt; https://fenby.test/herons.pdf\n"
    )
    report = bring(site, tmp_path / "log.csv", text, files=folder)
    assert [line for line, _ in reasons(report)] == [3, 4]
    assert "not a path within the folder" in reasons(report)[0][1]
    ducks, herons = requests(site)
    assert ducks.messages[1].attachments[0].sha256 is not None
    assert herons.messages[1].attachments[0].link == "https://fenby.test/herons.pdf"
    assert tally(bring(site, tmp_path / "log.csv", files=folder))[2] == 2
    plain = bring(site, tmp_path / "log.csv", source="names only")
    assert tally(plain) == (4, 0, 0, 0)
    assert requests(site)[2].messages[1].attachments[0].sha256 is None


def test_a_workbook(site: Site, tmp_path: Path) -> None:
    rows = [
        ["Disclosure log", None, None, None],
        [],
        ["Reference", "Team", "Request summary", "Received"],
        ["W-1", "Roads", "Potholes in the lane", 45293],
        ["W-2", None, '=CONCATENATE("a ", "result")', 45294],
    ]
    path = write_xlsx(
        tmp_path / "log.xlsx",
        {"Notes": [["Kept by hand"]], "2024": rows, "Private": [*rows, *rows, *rows]},
        merged=("B4:B5",),
        hidden=("Private",),
    )
    log = understand(site, path)
    assert log.said[:3] == [
        "The sheet “2024” was read.",
        "Not read: the sheets Notes.",
        "Not looked at: hidden sheets, 1 of them.",
    ]
    first, second = first_records(log)
    assert (first["line"], first["received"], first["title"]) == (
        4,
        "2024-01-02",
        "Potholes in the lane",
    )
    assert second["tags"] == ["department:roads"], "a merged cell holds for every row it spans"
    assert second["title"] == "as it was kept", "formulas are not worked out"
    with pytest.raises(UnusableFile, match="no visible sheet 'Private'; there are: Notes, 2024"):
        understand(site, path, sheet="Private")


def test_an_open_document_spreadsheet(site: Site, tmp_path: Path) -> None:
    path = write_ods(tmp_path / "log.ods", [["Ref", "Title"], ["1", "Ducks"], ["2", "Geese"]])
    assert tally(bring(site, path)) == (2, 0, 0, 0)


def test_files_that_cannot_be_used(site: Site, tmp_path: Path) -> None:
    bomb = write_xlsx(tmp_path / "bomb.xlsx", {"S": [["Title"]]}, claimed=600 << 20)
    for content, why in (
        (b"", "is empty"),
        (b"\n \n,,\n", "is empty"),
        (b"PK\x03\x04 and no more", "cannot be read as a spreadsheet: it is none, damaged"),
        (b"\x7fELF" + bytes(range(256)) * 40, "neither text nor a spreadsheet"),
        (b"<html><table><tr><td>Title</td></tr></table>", "is a web page or XML"),
        (b"Ref,Outcome\n1,Refused\n", "no column was found for the title or the text"),
    ):
        with pytest.raises(UnusableFile, match=why):
            understand(site, tmp_path / "bad.csv", content)
    with pytest.raises(UnusableFile, match="unpacks to more than 512 MB"):
        understand(site, bomb)
    for more, why in (
        ({"body": "nobody"}, "no authority 'nobody' here"),
        ({"body": "fenby", "body_column": "Subject"}, "say whose requests these are"),
        ({"body_column": "Nowhere"}, "there is no column 'Nowhere'; the columns are: FOI Ref"),
        ({"columns": [("colour", "Subject")]}, "'colour' is no field"),
        ({"outcomes": {"x": "sunny"}}, "x=sunny: the states are"),
        ({"headings": 99}, "line 99 is blank or not there"),
        ({"source": " "}, "name of the log"),
    ):
        with pytest.raises(UnusableFile, match=why):
            understand(site, tmp_path / "log.csv", COUNCIL, **more)


def test_limits(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from foi.archive.disclosure import reading

    many = "Title,Ref\n" + "Ducks," + "x" * 100_001 + "\nGeese,2\n" + "," * 300 + "1\n"
    report = bring(site, tmp_path / "log.csv", many)
    assert reasons(report) == [
        (2, "has a cell of more than 100,000 characters"),
        (4, "has more than 200 cells"),
    ]
    monkeypatch.setattr(reading, "MOST_ROWS", 2)
    with pytest.raises(UnusableFile, match="more than 2 rows"):
        understand(site, tmp_path / "log.csv")
    monkeypatch.setattr(reading, "LARGEST", 1 << 10)
    with pytest.raises(UnusableFile, match="is larger than"):
        understand(site, tmp_path / "log.csv")


def test_a_person_s_word_goes_before_guesses(site: Site, tmp_path: Path) -> None:
    text = "Kind,Area,Thing\nDucks,North,A long time ago\nGeese,South,Yesterday\n"
    told = [("title", "Kind"), ("department", "#2"), ("text", "Thing")]
    log = understand(site, tmp_path / "log.csv", text, columns=told, headings=1)
    assert [column.sure for column in log.columns] == ["told"] * 3
    assert [record["title"] for record in first_records(log)] == ["Ducks", "Geese"]
    log = understand(site, tmp_path / "log.csv", columns=told[:1], headings=1)
    assert taken(log)["Area"] == "department"
