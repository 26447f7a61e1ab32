"""Authorities at the desk."""

import pytest
import webtest
from sqlalchemy import select

from foi.archive import ledger
from foi.archive.models import Body, Event
from foi.desk import keeping
from foi.site import Site
from tests.accounts.people import browser, csrf_of, form_to
from tests.conftest import add_body, add_request


def acts(site: Site) -> list[tuple[str, str, str]]:
    """Every event but sign-ins: kind, actor, what was done."""
    with site.sessions.reading() as db:
        rows = db.scalars(select(Event).where(Event.kind != "sign_in").order_by(Event.id))
        return [(str(e.kind), e.actor, e.params.get("did", "")) for e in rows]


@pytest.fixture
def fenby(desk: webtest.TestApp, site: Site) -> Body:
    """An authority that is there already."""
    with site.sessions.writing() as db:
        return add_body(db, request_email="foi@fenby.test", tag_texts=["council"])


def test_adding_one(desk: webtest.TestApp, site: Site) -> None:
    form = form_to(desk.get("/desk/bodies/new"), "/desk/bodies/new")
    form["name"], form["tags"] = "  Marsh   Drainage Board ", "board area:marsh"
    form["home_page"], form["jurisdiction"] = "marsh.example", "IE"
    page = form.submit(status=303).follow()
    assert "Added." in page
    assert "Marsh Drainage Board" in desk.get("/body/marsh_drainage_board")
    assert desk.get("/body/marsh_drainage_board.json").json["tags"] == [
        ["board", None],
        ["area", "marsh"],
    ]
    assert acts(site)[-2:] == [
        ("body_added", "account:1", ""),
        ("desk_act", "account:1", "body_added"),
    ]


def test_everything_that_is_wrong_is_said_at_once_beside_its_field(
    desk: webtest.TestApp, fenby: Body, site: Site
) -> None:
    before = acts(site)
    form = form_to(desk.get("/desk/bodies/new"), "/desk/bodies/new")
    form["name"], form["url_name"], form["tags"] = "", "fenby_town_council", ":"
    form["home_page"], form["request_email"] = "javascript:alert(1)", "nobody"
    form["notes"] = "<b>kept</b>"
    page = form.submit(status=422)
    wrong = [a["href"] for a in page.html.select(".summary a")]
    assert sorted(wrong) == [
        "#field-home_page",
        "#field-name",
        "#field-request_email",
        "#field-tags",
        "#field-url_name",
    ]
    for target in wrong:
        field = page.html.find(id=target[1:])
        assert field["aria-invalid"] == "true"
        assert page.html.find(id=field["aria-describedby"].split()[-1]).text
    assert page.html.find("title").text.startswith("Error: ")
    assert page.forms[1]["notes"].value.strip() == "<b>kept</b>"
    assert acts(site) == before


def test_editing_keeps_the_former_record_and_its_address(
    desk: webtest.TestApp, site: Site, fenby: Body
) -> None:
    form = form_to(desk.get("/desk/body/1"), "/desk/body/1")
    form["name"], form["url_name"], form["tags"] = "Fenby City Council", "fenby", "council city"
    form["request_email"] = "answers@fenby.example"
    assert "Saved." in form.submit(status=303).follow()
    assert browser(desk).get("/body/fenby_town_council").location == "http://foi.test/body/fenby"
    page = desk.get("/desk/body/1/versions")
    rows = [[cell.text for cell in row.select("th,td")] for row in page.html.select("tbody tr")]
    assert ["name", "Fenby Town Council", "Fenby City Council"] in rows
    assert ["request email", "foi@fenby.test", "answers@fenby.example"] in rows
    assert ["tags", "council", "council city"] in rows
    assert "fenby_town_council" in page
    assert acts(site)[-2:] == [
        ("body_edited", "account:1", ""),
        ("desk_act", "account:1", "body_edited"),
    ]
    before = acts(site)
    same = form_to(desk.get("/desk/body/1"), "/desk/body/1").submit(status=303).follow()
    assert "Nothing was different" in same
    assert acts(site) == before


def test_two_who_edit_at_once_do_not_undo_each_other(desk: webtest.TestApp, fenby: Body) -> None:
    mine = form_to(desk.get("/desk/body/1"), "/desk/body/1")
    theirs = form_to(desk.get("/desk/body/1"), "/desk/body/1")
    theirs["name"] = "Fenby City Council"
    theirs.submit(status=303)
    mine["notes"] = "Write by post."
    page = mine.submit(status=422)
    assert "Somebody else has changed this authority meanwhile" in page
    form_to(page, "/desk/body/1").submit(status=303)


def test_finding_by_name_mail_and_tag(desk: webtest.TestApp, site: Site, fenby: Body) -> None:
    with site.sessions.writing() as db, ledger.gathering(db):
        for number in range(60):
            add_body(db, f"Parish {number:02}", tag_texts=[f"area:{number % 2}"])
    first = desk.get("/desk/bodies")
    assert len(first.html.select(".lines li")) == 50
    second = desk.get(first.html.find("a", rel="next")["href"])
    assert len(second.html.select(".lines li")) == 11
    assert "Fenby" in desk.get("/desk/bodies?q=FOI@fenby")
    assert len(desk.get("/desk/bodies?tag=area:1").html.select(".lines li")) == 30
    assert len(desk.get("/desk/bodies?tag=area&q=parish 0").html.select(".lines li")) == 10
    assert "There is none." in desk.get("/desk/bodies?q=%25")
    desk.get("/desk/bodies?after=x", status=400)
    tags = desk.get("/desk/tags")
    assert [
        [cell.text for cell in row.select("th, td")][:3] for row in tags.html.select("tbody tr")
    ] == [
        ["area", "60", "2"],
        ["council", "1", ""],
    ]


def test_a_key_is_seen_when_asked_for_only_and_that_is_recorded(
    desk: webtest.TestApp, site: Site, fenby: Body
) -> None:
    key = site.keys.make(1, 1)
    assert key not in desk.get("/desk/body/1")
    shown = form_to(desk.get("/desk/body/1"), "/desk/body/1/key/show").submit()
    assert shown.html.select_one(".secret code").text == key
    assert shown.headers["Cache-Control"] == "private, no-store"
    assert key not in "".join(a.get("href", "") for a in shown.html.select("a"))
    assert acts(site)[-1][:2] == ("key_shown", "account:1")
    assert key not in desk.get("/desk/audit")

    form = form_to(desk.get("/desk/body/1"), "/desk/body/1/key/rotate")
    assert "Tick the box" in form.submit(status=422)
    form["sure"] = True
    done = form.submit(status=303)
    fresh = site.keys.make(1, 2)
    assert fresh not in done.location
    page = done.follow()
    assert fresh not in page
    assert acts(site)[-1][:2] == ("key_rotated", "account:1")
    with site.sessions.reading() as db:
        assert site.keys.owner(db, key) is None
        assert site.keys.owner(db, fresh) == 1


def test_use_of_the_write_api_is_counted_from_the_log(
    desk: webtest.TestApp, site: Site, fenby: Body
) -> None:
    assert "No authority has written of late" in desk.get("/desk/use")
    letter = '{"title": "Grit", "body": "How much?", "external_user_name": "Ada"}'
    for _ in range(3):
        browser(desk).post("/api/v2/request", {"k": site.keys.make(1, 1), "request_json": letter})
    with site.sessions.writing() as db:
        add_request(db, db.get_one(Body, 1))
    cells = desk.get("/desk/use").html.select("tbody td")
    assert [cell.text for cell in cells] == ["3", "–", "–", "–", "–", "–"]
    assert [c.text for c in desk.get("/desk/body/1").html.select("tbody td")][:2] == ["3", "0"]


CSV = (
    "Name,URL name,Tags,Notes\n"
    "Fenby Town Council,fenby_town_council,council city,\n"
    "Marsh Board,marsh,board,<script>alert(1)</script>\n"
    "Broken,list,,\n"
)


def test_a_file_is_looked_at_before_anything_changes(
    desk: webtest.TestApp, site: Site, fenby: Body
) -> None:
    form = form_to(desk.get("/desk/bodies/import"), "/desk/bodies/import")
    form["attachment"] = webtest.Upload("a.csv", CSV.encode(), "text/csv")
    before = acts(site)
    page = form.submit()
    assert "1 created, 1 updated, 0 unchanged, 1 refused" in page
    rows = [[c.text for c in row.select("th,td")] for row in page.html.select("tbody tr")]
    assert sorted(rows) == [
        ["Fenby Town Council", "changed", "tags"],
        ["Marsh Board", "new", ""],
    ]
    assert "Line 4" in page
    assert acts(site) == before
    desk.get("/body/marsh", status=404)

    apply = form_to(page, "/desk/bodies/import/apply")
    other = {"csrf": csrf_of(page), "sha256": "0" * 64, "seal": apply["seal"].value}
    assert "not been looked at" in desk.post("/desk/bodies/import/apply", other, status=422)
    assert "imported" in apply.submit(status=303).follow()
    assert "<script>" not in desk.get("/body/marsh")
    assert acts(site)[-1] == ("desk_act", "account:1", "imported")
    assert apply["sha256"].value in desk.get("/desk/audit")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no header row"),
        (b"Name,Nonsense\nA,B\n", "columns that are not known here"),
        (b"\xff\xfe\n", "not known here"),
        (b"Name\n" + b"A" * 600, "larger than 500 bytes"),
    ],
)
def test_a_file_that_is_none_says_why(
    desk: webtest.TestApp,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    said: str,
) -> None:
    monkeypatch.setattr(keeping, "LARGEST", 500)
    form = form_to(desk.get("/desk/bodies/import"), "/desk/bodies/import")
    form["attachment"] = webtest.Upload("a.csv", content, "text/csv")
    page = form.submit(status=422)
    assert said in page
    assert str(site.settings.data_folder) not in page


def test_no_file_at_all(desk: webtest.TestApp) -> None:
    form = form_to(desk.get("/desk/bodies/import"), "/desk/bodies/import")
    assert "Choose a CSV file." in form.submit(status=422)


LOCAL = (
    "Local government\n- council Councils & <b>more</b>\n- gss:E1\n- nobody Has this\n\n"
    "Health\n- nhs Hospitals\n\nEmpty\n- gss:E9"
)


def test_categories_stand_above_the_public_list_at_once(
    desk: webtest.TestApp, site: Site, fenby: Body
) -> None:
    assert not desk.get("/body/list").html.select(".categories")
    page = desk.get("/desk/tags")
    with site.sessions.writing() as db:
        add_body(db, "Fen Trust", tag_texts=["nhs", "gss:E1", "gss:E2"])
    form = form_to(page, "/desk/tags")
    form["categories"] = LOCAL.replace("\n", "\r\n") + "\r\n"
    assert "Saved." in form.submit(status=303).follow()
    public = desk.get("/body/list").html.select_one(".categories")
    assert [h.text for h in public.select("h2")] == ["Local government", "Health"]
    assert [(a.text, a["href"]) for a in public.select("a")] == [
        ("Councils & <b>more</b>", "/body/list/council"),
        ("gss:E1", "/body/list/gss%3AE1"),
        ("Hospitals", "/body/list/nhs"),
    ]
    told = desk.get("/body/list.json").json["categories"]
    assert told[1] == {
        "title": "Health",
        "tags": [{"tag": "nhs", "name": "Hospitals", "url": site.url("/body/list/nhs")}],
    }
    form = form_to(desk.get("/desk/tags"), "/desk/tags")
    assert form["categories"].value.replace("\r\n", "\n") == LOCAL
    assert "Nothing was different" in form.submit(status=303).follow()
    form["categories"] = ""
    form.submit(status=303)
    assert not desk.get("/body/list").html.select(".categories")
    assert [did for _, _, did in acts(site)].count("categories_set") == 2


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("- council", "Line 1: a tag stands before the first title."),
        ("Local\n- ", "is not a tag"),
        ("Local\nLocal", "Line 2: “Local” stands there twice."),
        ("\n".join(f"Title {n}" for n in range(101)), "more than 100 categories"),
    ],
)
def test_categories_that_are_none_say_why(desk: webtest.TestApp, text: str, wrong: str) -> None:
    form = form_to(desk.get("/desk/tags"), "/desk/tags")
    form["categories"] = text
    page = form.submit(status=422)
    assert wrong in page.html.select_one(".wrong").text
    assert not desk.get("/body/list").html.select(".categories")
