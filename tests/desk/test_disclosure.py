"""A disclosure log at the desk: guessed, looked at, put right, imported as it was seen."""

from pathlib import Path

import html5lib
import pytest
import webtest
from sqlalchemy import select

from foi.archive.models import Event, InfoRequest
from foi.desk import disclosure, keeping
from foi.site import Site
from tests.accounts.people import form_to
from tests.archive.disclosure_files import write_xlsx
from tests.conftest import add_body

LOG = (
    "No;Subject;Date received;Outcome\n1;Ducks;02/01/2024;Refused\n"
    "2;<b>Geese</b>;05/01/2024;Other\n"
)


@pytest.fixture(autouse=True)
def _fenby(site: Site) -> None:
    with site.sessions.writing() as db:
        add_body(db, url_name="fenby")


def upload(
    desk: webtest.TestApp, content: bytes, body: str = "fenby", name: str = "log.csv", **more: int
) -> webtest.TestResponse:
    form = form_to(desk.get("/desk/requests/log"), "/desk/requests/log")
    form["body"] = body
    form["attachment"] = webtest.Upload(name, content)
    return form.submit(**more)


def requests(site: Site) -> list[InfoRequest]:
    with site.sessions.reading() as db:
        found = list(db.scalars(select(InfoRequest).order_by(InfoRequest.id)))
        db.expunge_all()
        return found


def test_a_log_is_looked_at_put_right_and_imported(desk: webtest.TestApp, site: Site) -> None:
    assert "/desk/requests/log" in desk.get("/desk/requests")
    page = upload(desk, LOG.encode())
    assert "2 created, 0 updated, 0 unchanged, 0 refused" in page
    html5lib.HTMLParser(strict=True).parse(page.body, transport_encoding="utf-8")
    assert "&lt;b&gt;Geese&lt;/b&gt;" in page
    form = form_to(page, "/desk/requests/log/apply")
    assert form["column-1"].value == "title"
    assert form["column-3"].value == "outcome"
    assert requests(site) == [], "nothing was changed yet"
    form["column-3"] = "department"
    form["order"] = "mdy"
    again = form.submit("do", value="import")
    assert again.status_int == 200, "what was not seen is shown first"
    assert requests(site) == []
    assert "department:refused" in again
    assert "2024-02-01" in again
    form = form_to(again, "/desk/requests/log/apply")
    assert form["column-3"].value == "department"
    assert "imported" in form.submit("do", value="import", status=303).follow()
    ducks, geese = requests(site)
    assert (ducks.title, geese.title, ducks.described_state) == ("Ducks", "<b>Geese</b>", None)
    with site.sessions.reading() as db:
        did = db.scalars(select(Event.params).order_by(Event.id.desc()).limit(1)).one()
    assert (did["did"], did["created"], did["refused"]) == ("imported", 2, 0)
    assert "0 created, 0 updated, 2 unchanged" in form.submit("do", value="look")


def test_only_what_was_held_in_this_session(desk: webtest.TestApp, site: Site) -> None:
    form = form_to(upload(desk, LOG.encode()), "/desk/requests/log/apply")
    form["sha256"] = "0" * 64
    assert "not been looked at in this session" in form.submit("do", value="look", status=422)
    form = form_to(upload(desk, LOG.encode()), "/desk/requests/log/apply")
    (blob,) = (path for path in site.blobs.folder.rglob("*") if path.is_file())
    blob.unlink()
    assert "not kept any more" in form.submit("do", value="import", status=422)


def test_a_log_that_was_looked_at_is_no_list_of_authorities(
    desk: webtest.TestApp, site: Site
) -> None:
    form = form_to(upload(desk, b"Name;Subject\nMarsh;Ducks\n"), "/desk/requests/log/apply")
    for seal in ("held", "seal"):
        fields = {name: form[name].value for name in ("csrf", "sha256")}
        fields["seal"] = form[seal].value
        page = desk.post("/desk/bodies/import/apply", fields, status=422)
        assert "not been looked at in this session" in page


def test_odd_numbers_of_columns_are_passed_over(desk: webtest.TestApp) -> None:
    form = form_to(upload(desk, LOG.encode()), "/desk/requests/log/apply")
    fields = dict(form.submit_fields("do")) | {"do": "look", "column-" + "9" * 5000: "title"}
    assert "2 created" in desk.post("/desk/requests/log/apply", fields)


def test_problems_are_told(
    desk: webtest.TestApp, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = form_to(desk.get("/desk/requests/log"), "/desk/requests/log")
    assert "Choose a file." in form.submit(status=422)
    page = upload(desk, LOG.encode(), body="nobody", status=422)
    assert "There is no authority &#39;nobody&#39; here." in page
    assert 'value="nobody"' in page, "what was written is still there"
    assert "names the authorities" in upload(desk, LOG.encode(), body="", status=422)
    page = upload(desk, b"PK\x03\x04 broken", status=422)
    assert "The file cannot be read as a spreadsheet: it is none, damaged, or" in page
    assert str(site.blobs.folder) not in page
    page = upload(desk, (LOG + "3;;05/01/2024;\n").encode())
    assert "Line 4: there is neither a title nor a text in it" in page
    form = form_to(page, "/desk/requests/log/apply")
    form["headings"] = "many"
    assert "not a number" in form.submit("do", value="look", status=422)
    monkeypatch.setattr(disclosure, "MOST_ROWS", 1)
    assert "more than 1 rows" in upload(desk, LOG.encode(), status=422)
    monkeypatch.setattr(keeping, "LARGEST", 10)
    assert "larger than 10 bytes" in upload(desk, LOG.encode(), status=422)


def test_a_workbook_whose_column_names_the_authority(
    desk: webtest.TestApp, site: Site, tmp_path: Path
) -> None:
    path = write_xlsx(
        tmp_path / "x.xlsx",
        {"A": [["Title", "Council", "Received"], ["Ducks", "Fenby Town Council", 45293]]},
    )
    page = upload(desk, path.read_bytes(), body="", name="x.xlsx")
    assert "2024-01-02" in page
    form_to(page, "/desk/requests/log/apply").submit("do", value="import", status=303)
    assert [request.title for request in requests(site)] == ["Ducks"]
