"""What waits for somebody, who did what, and one's own account."""

from datetime import UTC, datetime

import pytest
import webtest
from sqlalchemy import select

from foi.accounts import sessions
from foi.archive import casework, ledger
from foi.archive.models import Delivery, Event, ExtractedText
from foi.site import Site
from tests.accounts.people import EMAIL, PASSWORD, browser, csrf_of, form_to, sign_in
from tests.conftest import add_request
from tests.pages.scene import PDF, answer, file


def park(site: Site, *subjects: str) -> None:
    """Let deliveries be given up."""
    with site.sessions.writing() as db:
        ledger.owe(db, subjects, ["search"])
        for delivery in db.scalars(select(Delivery).where(Delivery.subject.in_(subjects))):
            delivery.parked, delivery.attempts = True, 8
            delivery.error = "OSError: <b>no room</b>"


def test_requests_that_ask_for_attention(desk: webtest.TestApp, site: Site) -> None:
    with site.sessions.writing() as db:
        for state in ("attention_requested", "requires_admin", "error_message", "rejected"):
            casework.classify(db, add_request(db, title=f"It is {state}"), "desk", state)
    page = desk.get("/desk/queue")
    assert [a.text for a in page.html.select(".lines .line-title a")] == [
        "It is attention_requested",
        "It is requires_admin",
        "It is error_message",
    ]
    assert desk.get("/desk").html.select_one(".tally dd").text == "3"


def test_owed_work_that_was_given_up(desk: webtest.TestApp, site: Site) -> None:
    park(site, "request:7", "request:8", "request:9")
    page = desk.get("/desk/queue")
    assert "OSError: &lt;b&gt;no room&lt;/b&gt;" in page
    assert "Tried 8 times" in page
    forms = [form for form in page.forms.values() if form.action == "/desk/queue/retry"]
    assert len(forms) == 4
    assert "It will be tried again" in forms[1].submit(status=303).follow()
    with site.sessions.reading() as db:
        assert db.scalars(select(Delivery.subject).where(Delivery.parked.is_(True))).all() == [
            "request:8",
            "request:9",
        ]
    forms[0].submit(status=303)
    assert "Nothing was different" in forms[0].submit(status=303).follow()
    with site.sessions.reading() as db:
        told = db.scalars(select(Event.params).where(Event.kind == "desk_act")).all()
    assert told == [{"did": "retried", "number": 1}, {"did": "retried", "number": 2}]


def test_a_delivery_that_is_no_number_retries_nothing(desk: webtest.TestApp, site: Site) -> None:
    park(site, "request:7")
    csrf = csrf_of(desk.get("/desk"))
    desk.post("/desk/queue/retry", {"csrf": csrf, "delivery": "all"}, status=303)
    with site.sessions.reading() as db:
        assert db.scalar(select(Delivery.parked).where(Delivery.subject == "request:7"))


def test_files_that_could_not_be_read(desk: webtest.TestApp, site: Site) -> None:
    with site.sessions.writing() as db:
        held = file(site, PDF, "reply.pdf")
        answer(db, add_request(db), files=[held])
        db.add(
            ExtractedText(
                sha256=held.sha256 or "",
                state="failed",
                reason="it is broken",
                extracted_at=datetime.now(UTC),
            )
        )
    page = desk.get("/desk/queue")
    assert page.html.select_one("#texts a")["href"] == "/desk/request/1#attachment-1"
    assert "it is broken" in page


def test_the_audit_says_who_did_what(desk: webtest.TestApp, site: Site) -> None:
    with site.sessions.writing() as db:
        for number in range(60):
            casework.note(db, "desk", "retried", number=number)
    first = desk.get("/desk/audit")
    assert first.html.select(".line-title")[0].text == "Act: retried"
    assert "The command line" in first
    assert len(first.html.select(".lines li")) == 50
    older = desk.get(first.html.find("a", rel="next")["href"])
    assert [p.text for p in older.html.select(".line-title")][-2:] == [
        "Sign-in: signed in",
        "Account: added",
    ]
    mine = desk.get("/desk/audit?actor=account:1")
    assert len(mine.html.select(".lines li")) == 1
    assert "Warden@desk.example" in mine
    assert "Nothing." in desk.get("/desk/audit?kind=key_shown")
    assert len(desk.get("/desk/audit?kind=nonsense").html.select(".lines li")) == 50


def test_browsers_are_listed_and_signed_out(desk: webtest.TestApp, site: Site) -> None:
    phone, tablet = browser(desk), browser(desk)
    sign_in(phone, headers={"User-Agent": "Phone <b>"})
    sign_in(tablet, headers={"User-Agent": "Tablet"})
    page = desk.get("/desk/account")
    assert "Phone &lt;b&gt;" in page
    forms = [f for f in page.forms.values() if f.action == "/desk/account/sessions/end"]
    assert len(forms) == 3
    forms[0].submit(status=303)  # the one used last: the tablet
    assert tablet.get("/desk").status_code == 302
    assert phone.get("/desk").status_code == 200
    forms[-1].submit(status=303)
    assert phone.get("/desk").status_code == 302
    assert desk.get("/desk").status_code == 200


def test_nobody_ends_the_sessions_of_others(desk: webtest.TestApp, site: Site) -> None:
    from tests.accounts.people import add_account

    add_account(site, "other@desk.example")
    other = browser(desk)
    sign_in(other, "other@desk.example")
    form = {"csrf": csrf_of(other.get("/desk")), "session": "1"}
    other.post("/desk/account/sessions/end", form, status=303)
    assert desk.get("/desk").status_code == 200


def test_a_session_that_is_no_number_ends_none(desk: webtest.TestApp, site: Site) -> None:
    phone = browser(desk)
    sign_in(phone)
    form = {"csrf": csrf_of(desk.get("/desk")), "session": "all"}
    desk.post("/desk/account/sessions/end", form, status=303)
    assert phone.get("/desk").status_code == 200


def test_changing_the_password(desk: webtest.TestApp, site: Site) -> None:
    elsewhere = browser(desk)
    sign_in(elsewhere)
    form = form_to(desk.get("/desk/account"), "/desk/account/password")
    form["present"], form["fresh"] = "a wrong password", "another lamp in the fen"
    page = form.submit(status=422)
    assert "not your present password" in page
    assert "another lamp" not in page
    form["present"], form["fresh"] = PASSWORD, "short"
    assert "at least 12" in form.submit(status=422)
    form["fresh"] = "another lamp in the fen"
    assert "Your password was changed" in form.submit(status=303).follow()
    assert elsewhere.get("/desk").status_code == 302
    sign_in(elsewhere, status=403)
    sign_in(elsewhere, password="another lamp in the fen")


def test_the_present_password_cannot_be_tried_without_end(
    desk: webtest.TestApp, site: Site
) -> None:
    form = form_to(desk.get("/desk/account"), "/desk/account/password")
    for _ in range(site.settings.account_sign_ins):
        form["present"] = "a wrong password"
        form.submit(status=422)
    form["present"], form["fresh"] = PASSWORD, "another lamp in the fen"
    assert "too many tries" in form.submit(status=422)


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "é"])
def test_odd_cookies_are_nobodys(app: webtest.TestApp, token: str) -> None:
    headers = {"Cookie": f"{sessions.COOKIE}={token}"}
    assert app.get("/desk", headers=headers).status_code == 302
    assert EMAIL not in app.get("/sign-in", headers=headers)
