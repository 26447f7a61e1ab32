"""The bridge's page at the desk: counts, failures, and sending again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import webtest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from sqlalchemy import select, update

from bridge.models import Receipt
from foi.accounts import passwords
from foi.archive import ledger
from foi.archive.models import Delivery, Event
from foi.site import Site
from foi.work import outbox
from tests.accounts.people import EMAIL, add_account, browser, csrf_of, sign_in
from tests.aleph import Aleph
from tests.bridge.conftest import linked, push_all
from tests.bridge.records import COLLECTION, Made, names
from tests.bridge.test_verify import verified
from tests.bridge.web import pushed, served
from tests.conftest import Running

PAGE = "/desk/bridge"
Desk = tuple[webtest.TestApp, Running, Made]


@pytest.fixture
def desk(
    tmp_path: Path, migrated: bytes, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A browser in which an administrator is signed in, and the site."""
    cheap = PasswordHasher.from_parameters(CHEAPEST)
    monkeypatch.setattr(passwords, "_HASHER", cheap)
    passwords._nobodys.cache_clear()
    with served(tmp_path / "site", migrated, aleph4) as (app, running, made):
        add_account(running.site)
        sign_in(app)
        yield app, running, made


def settle(site: Site) -> None:
    """Let nothing be owed, as after the worker's rounds."""
    with site.sessions.writing() as db:
        for delivery in db.scalars(select(Delivery)):
            db.delete(delivery)


def cells(page: webtest.TestResponse) -> list[str]:
    return [cell.text for cell in page.html.select(".grid tbody td")]


def owed(site: Site) -> list[tuple[str, str]]:
    with site.sessions.reading() as db:
        statement = select(Delivery.consumer, Delivery.subject).where(Delivery.parked.is_(False))
        return [tuple(row) for row in db.execute(statement.order_by(Delivery.subject))]


def acts(site: Site) -> list[dict[str, object]]:
    with site.sessions.reading() as db:
        told = db.scalars(select(Event.params).where(Event.kind == "desk_act"))
        return [each for each in told if each["did"] == "sent_to_aleph_again"]


def test_it_counts_what_is_there(desk: Desk, aleph4: Aleph) -> None:
    app, running, made = desk
    page = app.get(PAGE)
    assert "Nothing was sent yet" in page
    assert page.html.select_one(".tally dd").text == "3"  # an authority, a person, a request
    pushed(running.site)
    settle(running.site)
    page = app.get(PAGE)
    assert page.html.select_one(".tally dd").text == "0"
    assert cells(page) == ["9", "0", "0", "2 indexed"]
    assert verified(running.site).good
    assert cells(app.get(PAGE)) == ["9", "0", "0", "9 indexed"]
    with linked(running.site) as (target,):
        target.receipts.withdraw([f"request-{made.request}-att-{made.answer}-1"])
    assert cells(app.get(PAGE))[1:3] == ["0", "1"]
    assert app.get("/desk").html.find("a", href=PAGE).text == "Aleph"
    assert page.html.find("a", href=PAGE)["aria-current"] == "page"


def test_a_failure_is_named_and_sent_again(desk: Desk, aleph4: Aleph) -> None:
    app, running, made = desk
    aleph4.poison("quotas.csv")
    push_all(running.site)
    settle(running.site)
    page = app.get(PAGE)
    (line,) = page.html.select("#failed .lines li")
    assert line.select_one("a")["href"] == f"/desk/request/{made.request}"
    assert line.select_one("a").text == "Turbot quotas"
    assert "quotas.csv: failed, Processing failed on purpose" in line.text
    aleph4.cure("quotas.csv")
    (button,) = [f for f in page.forms.values() if "receipt" in f.fields]
    assert "It will be tried again" in button.submit(status=303).follow()
    assert owed(running.site) == [("aleph", f"request:{made.request}")]
    assert acts(running.site) == [{"did": "sent_to_aleph_again", "number": 1}]
    page = app.get(PAGE)
    assert not page.html.select("#failed .lines li")
    for _ in range(3):  # it is deleted first, and Aleph must be done with that
        push_all(running.site)
    assert verified(running.site).good
    assert "Table quotas.csv" in names(aleph4.collection(COLLECTION))
    assert "Document quotas.csv" not in names(aleph4.collection(COLLECTION))


def test_what_was_lost_and_what_is_stale_is_sent_again(desk: Desk, aleph4: Aleph) -> None:
    app, running, made = desk
    aleph4.poison("minutes.txt", "lost")
    push_all(running.site, wait=1.0)
    settle(running.site)
    with running.site.sessions.writing() as db:
        every = update(Receipt)
        db.execute(every.where(Receipt.file_name == "minutes.txt").values(state="lost"))
        db.execute(every.where(Receipt.kind == "body").values(state="stale", digest="x"))
    aleph4.cure("minutes.txt")
    page = app.get(PAGE)
    assert len(page.html.select("#failed .lines li")) == 2
    everything = next(f for f in page.forms.values() if f.action == f"{PAGE}/retry")
    everything.submit(status=303)
    assert owed(running.site) == [
        ("aleph", f"body:{made.body}"), ("aleph", f"request:{made.request}"),
    ]  # fmt: skip
    assert push_all(running.site).complete
    assert verified(running.site).good
    assert everything.submit(status=303).headers["Location"] == f"{PAGE}?said=same"


def test_a_delivery_that_was_given_up_is_due_again(desk: Desk) -> None:
    app, running, made = desk
    subject = f"request:{made.request}"
    with running.site.sessions.writing() as db:
        for delivery in db.scalars(select(Delivery).where(Delivery.subject == subject)):
            delivery.attempts, delivery.error = 8, "Partly: <b>quotas.csv</b>: too large"
            delivery.parked = True
    page = app.get(PAGE)
    (line,) = page.html.select("#stuck .lines li")
    assert "Given up after 8 attempts" in line.text
    assert "&lt;b&gt;quotas.csv&lt;/b&gt;: too large" in page
    (button,) = [f for f in page.forms.values() if "delivery" in f.fields]
    button.submit(status=303)
    assert ("aleph", subject) in owed(running.site)
    with running.site.sessions.reading() as db:
        # Whatever else was given up is none of the bridge's business.
        others = outbox.counts(db)
    assert others["search"]["parked"] == 1
    assert others["aleph"]["parked"] == 0


def test_a_delivery_that_waits_is_left_to_the_worker(desk: Desk) -> None:
    app, running, made = desk
    with running.site.sessions.writing() as db:
        ours = Delivery.subject == f"request:{made.request}"
        for delivery in db.scalars(select(Delivery).where(ours, Delivery.consumer == "aleph")):
            delivery.attempts, delivery.error = 2, "Aleph does not answer"
            delivery.due_at = ledger.now()
    page = app.get(PAGE)
    assert "To be tried again on" in page.html.select_one("#stuck").text
    assert not [f for f in page.forms.values() if "delivery" in f.fields]


def test_it_is_there_when_aleph_is_not(desk: Desk, aleph4: Aleph) -> None:
    app, running, _ = desk
    aleph4.poison("quotas.csv")
    push_all(running.site)
    aleph4.reset_calls()
    page = app.get(PAGE)
    (button,) = [f for f in page.forms.values() if "receipt" in f.fields]
    button.submit(status=303).follow()
    assert aleph4.calls == []


def test_only_those_who_run_the_site_may_and_with_its_own_form(desk: Desk) -> None:
    app, running, _ = desk
    stranger = browser(app)
    assert "/sign-in" in stranger.get(PAGE, status=302).headers["Location"]
    assert "/sign-in" in stranger.post(f"{PAGE}/retry", status=302).headers["Location"]
    app.post(f"{PAGE}/retry", {"csrf": "made-up"}, status=403)
    app.post(f"{PAGE}/retry", status=403)
    token = csrf_of(app.get(PAGE))
    app.post(
        f"{PAGE}/retry", {"csrf": token}, headers={"Origin": "https://evil.example"}, status=403
    )
    add_account(running.site, "clerk@desk.example", roles=())
    clerk = browser(app)
    sign_in(clerk, "clerk@desk.example")
    clerk.get(PAGE, status=403)
    assert acts(running.site) == []


def test_a_number_that_is_none_sends_nothing(desk: Desk, aleph4: Aleph) -> None:
    app, running, _ = desk
    aleph4.poison("quotas.csv")
    push_all(running.site)
    token = csrf_of(app.get(PAGE))
    for fields in ({"receipt": "all"}, {"receipt": "999999"}, {"delivery": "1e3"}):
        app.post(f"{PAGE}/retry", {"csrf": token, **fields}, status=303)
    assert acts(running.site) == []
    assert len(app.get(PAGE).html.select("#failed .lines li")) == 1


def test_who_did_it_stands_in_the_audit(desk: Desk, aleph4: Aleph) -> None:
    app, running, _ = desk
    aleph4.poison("quotas.csv")
    push_all(running.site)
    app.post(f"{PAGE}/retry", {"csrf": csrf_of(app.get(PAGE))}, status=303)
    assert "sent to aleph again" in app.get("/desk/audit").text
    assert EMAIL.lower() in app.get("/desk/audit").text.lower()
