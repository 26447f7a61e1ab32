"""Requests at the desk: editing, moving, describing, hiding, erasing."""

import pytest
import webtest
from sqlalchemy import select

from foi.archive import casework
from foi.archive.models import Attachment, Event, InfoRequest
from foi.site import Site
from tests.accounts.people import browser, csrf_of, form_to
from tests.conftest import add_body
from tests.pages.scene import PDF, Scene, furnish


@pytest.fixture
def scene(desk: webtest.TestApp, site: Site) -> Scene:
    """Something of everything."""
    with site.sessions.writing() as db:
        return furnish(site, db)


def told(site: Site, number: int = 1) -> list[tuple[str, str, dict[str, object]]]:
    """What the newest acts were, each with the public event before it."""
    with site.sessions.reading() as db:
        rows = db.scalars(select(Event).order_by(Event.id.desc()).limit(2 * number)).all()
        return [(str(e.kind), str(e.audience), e.params) for e in reversed(rows)]


def test_title_and_tags(desk: webtest.TestApp, site: Site, scene: Scene) -> None:
    form = form_to(desk.get("/desk/request/1"), "/desk/request/1")
    form["title"], form["tags"] = "Lamp posts in Fenby", "lamps area:fenby"
    assert "Saved." in form.submit(status=303).follow()
    stranger = browser(desk)
    assert "Lamp posts in Fenby" in stranger.get("/request/lamp_posts_in_fenby")
    former = stranger.get(f"/request/{scene.request.url_title}")
    assert former.location == "http://foi.test/request/lamp_posts_in_fenby"
    assert told(site) == [
        ("edit", "public", {"changed": ["title", "tags"]}),
        ("desk_act", "desk", {"did": "request_edited"}),
    ]
    form = form_to(desk.get("/desk/request/1"), "/desk/request/1")
    form["title"], form["tags"] = " ", ":"
    page = form.submit(status=422)
    assert {a["href"] for a in page.html.select(".summary a")} == {"#field-title", "#field-tags"}


def test_moving(desk: webtest.TestApp, site: Site, scene: Scene) -> None:
    with site.sessions.writing() as db:
        add_body(db, "Marsh Board")
    form = form_to(desk.get("/desk/request/1"), "/desk/request/1/move")
    form["body"] = "nowhere"
    assert "no authority with this address" in form.submit(status=422)
    form["body"] = "http://foi.test/body/marsh_board"
    assert "Moved" in form.submit(status=303).follow()
    with site.sessions.reading() as db:
        assert db.get_one(InfoRequest, 1).body_id == 2
    assert told(site)[0] == ("move_request", "public", {"from": 1})


def test_describing(desk: webtest.TestApp, site: Site, scene: Scene) -> None:
    form = form_to(desk.get("/desk/request/1"), "/desk/request/1/state")
    form["state"] = "vexatious"
    form.submit(status=303)
    assert told(site) == [
        ("status_update", "public", {"state": "vexatious"}),
        ("desk_act", "desk", {"did": "request_described", "state": "vexatious"}),
    ]
    csrf = csrf_of(desk.get("/desk"))
    page = desk.post("/desk/request/1/state", {"csrf": csrf, "state": "unknown"}, status=422)
    assert "Choose a state." in page


def test_hiding_and_showing_a_request(desk: webtest.TestApp, site: Site, scene: Scene) -> None:
    path = f"/request/{scene.request.url_title}"
    stranger = browser(desk)
    form = form_to(desk.get("/desk/request/1"), "/desk/request/1/prominence")
    form["prominence"], form["reason"] = "hidden", "By order of a court <b>"
    form.submit(status=303)
    assert "By order of a court &lt;b&gt;" in stranger.get(path, status=403)
    assert told(site)[-1] == (
        "desk_act",
        "desk",
        {"did": "hide", "prominence": "hidden", "reason": "By order of a court <b>"},
    )
    page = desk.get("/desk/request/1")
    assert "Hidden: shown to nobody but the desk" in page
    assert "Lamp posts" in desk.get("/desk/requests?prominence=hidden")
    form = form_to(page, "/desk/request/1/prominence")
    form["prominence"] = "normal"
    assert "Shown normally again." in form.submit(status=303).follow()
    assert stranger.get(path).status_code == 200
    form = form_to(desk.get("/desk/request/1"), "/desk/request/1/prominence")
    form["reason"] = "x" * 1001
    assert "longer than 1,000" in form.submit(status=422)
    csrf = csrf_of(page)
    desk.post("/desk/request/1/prominence", {"csrf": csrf, "prominence": "gone"}, status=422)


def test_a_file_is_had_hidden_or_not_but_by_the_desk_only(
    desk: webtest.TestApp, site: Site, scene: Scene
) -> None:
    with site.sessions.writing() as db:
        casework.hide(db, db.get_one(Attachment, 1), "desk", reason="It names a child.")
    link = desk.get("/desk/request/1").html.select_one("#attachment-1 a")
    assert link["href"] == "/desk/attachment/1/file"
    answer = desk.get(link["href"])
    assert answer.body == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.content_type == "application/octet-stream"
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert browser(desk).get(link["href"], status=302).location.startswith("/sign-in")
    with site.sessions.writing() as db:
        casework.erase(db, db.get_one(Attachment, 1), "desk")
    desk.get(link["href"], status=410)
    assert not desk.get("/desk/request/1").html.select("#attachment-1 a")


@pytest.mark.parametrize("kind", ["message", "attachment", "annotation"])
def test_hiding_releasing_and_erasing_a_part(
    desk: webtest.TestApp, site: Site, scene: Scene, kind: str
) -> None:
    number = {"message": scene.answer.id, "attachment": 1, "annotation": 1}[kind]
    word = {"message": "Twelve", "attachment": "reply.pdf", "annotation": "Thank you"}[kind]
    public, place = browser(desk), f"/desk/{kind}/{number}"
    path = f"/request/{scene.request.url_title}"
    assert word in public.get(path)
    form = form_to(desk.get("/desk/request/1"), f"{place}/hide")
    form["reason"] = "It names a child."
    answer = form.submit(status=303)
    assert answer.location.endswith(f"said=hide#{kind}-{number}")
    assert word not in public.get(path)
    page = answer.follow()
    assert word in page, "the desk sees what is hidden"
    assert "It names a child." in page
    form_to(page, f"{place}/release").submit(status=303)
    assert word in public.get(path)
    erasing = form_to(desk.get("/desk/request/1"), f"{place}/erase")
    page = erasing.submit(status=422)
    assert "cannot be brought back" in page.html.select_one(".summary").text
    assert word in public.get(path)
    erasing["sure"], erasing["reason"] = True, "A court said so."
    page = erasing.submit(status=303).follow()
    assert word not in page
    assert "Erased on" in page
    kinds = [event[0] for event in told(site, 3)]
    assert kinds == ["hide", "desk_act", "release", "desk_act", "erase", "desk_act"]
    audit = desk.get("/desk/audit?kind=desk_act")
    assert [p.text for p in audit.html.select(".line-title")] == [
        "Act: erase",
        "Act: release",
        "Act: hide",
    ]
    assert "reason: A court said so." in audit


def test_odd_acts_on_parts(desk: webtest.TestApp, scene: Scene) -> None:
    csrf = csrf_of(desk.get("/desk"))
    desk.post("/desk/message/99/hide", {"csrf": csrf}, status=404)
    desk.post("/desk/person/1/hide", {"csrf": csrf}, status=404)
    desk.post("/desk/message/1/hide", {"csrf": csrf, "prominence": "backpage"}, status=422)
    desk.post("/desk/message/1/hide", {"csrf": csrf, "reason": "x" * 1001}, status=422)


def test_finding(desk: webtest.TestApp, scene: Scene) -> None:
    def found(query: str) -> list[str]:
        page = desk.get(f"/desk/requests?{query}")
        return [a["href"] for a in page.html.select(".line-title a")]

    assert len(found("")) == 4
    assert found("q=BACKPAGE") == ["/desk/request/2"]
    assert found("q=3") == ["/desk/request/3"]
    assert found(f"q=http://foi.test/request/{scene.request.url_title}") == ["/desk/request/1"]
    assert found("state=partially_successful") == ["/desk/request/1"]
    assert found("before=3") == ["/desk/request/2", "/desk/request/1"]
    assert found("q=%25") == []
    assert len(found("state=nonsense&prominence=nonsense&before=x")) == 4
