"""The second factor: set up, asked for, never taken twice, and done without once lost."""

from datetime import UTC, datetime

import pyotp
import pytest
import time_machine
import webtest
from sqlalchemy import select

from foi.accounts import totp
from foi.accounts.models import Account
from foi.archive.keys import Keys
from foi.archive.models import Event
from foi.site import Site
from tests.accounts.people import PASSWORD, browser, csrf_of, form_to, sign_in

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def set_up(app: webtest.TestApp) -> tuple[pyotp.TOTP, list[str]]:
    """Turn the second factor on as somebody would; give their app and recovery codes."""
    page = form_to(app.get("/desk/account"), "/desk/account/second-factor").submit()
    secret = page.html.select_one("code.secret").text.replace(" ", "")
    link = page.html.find("a", string="this link")["href"]
    assert link.startswith("otpauth://totp/")
    assert f"secret={secret}" in link
    phone = pyotp.TOTP(secret)
    form = form_to(page, "/desk/account/second-factor/on")
    form["code"] = phone.now()
    done = form.submit()
    return phone, [code.text for code in done.html.select(".codes code")]


def test_once_on_a_code_is_needed_and_each_is_taken_once(
    app: webtest.TestApp, account: Account
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(app)
        phone, _ = set_up(app)
        other = browser(app)
        sign_in(other, status=403)
        sign_in(other, code="000000", status=403)
        sign_in(other, code=phone.now(), status=403)  # it turned the factor on: used up
        clock.shift(30)
        sign_in(other, code=f" {phone.now()[:3]} {phone.now()[3:]}")
        sign_in(browser(app), code=phone.now(), status=403)


def test_a_code_is_good_one_step_early_or_late(app: webtest.TestApp, account: Account) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(app)
        phone, _ = set_up(app)
        clock.shift(300)
        moment = datetime.now(UTC).timestamp()
        sign_in(browser(app), code=phone.at(int(moment) - 60), status=403)
        sign_in(browser(app), code=phone.at(int(moment) - 30))
        sign_in(browser(app), code=phone.at(int(moment) + 30))
        sign_in(browser(app), code=phone.at(int(moment)), status=403)  # older than one taken


def test_a_recovery_code_stands_in_once(app: webtest.TestApp, account: Account) -> None:
    sign_in(app)
    _, codes = set_up(app)
    assert len(set(codes)) == totp.CODES
    sign_in(browser(app), code=codes[0].upper())
    sign_in(browser(app), code=codes[0], status=403)
    sign_in(browser(app), code=codes[1].replace("-", ""))
    assert "6 recovery codes are left" in app.get("/desk/account")


def test_the_database_holds_no_secret(app: webtest.TestApp, site: Site, account: Account) -> None:
    sign_in(app)
    phone, codes = set_up(app)
    with site.engine.connect() as connection:
        held = "".join(
            repr(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
            for table in ("account", "recovery_code", "event")
        )
    assert phone.secret not in held
    assert not [code for code in codes if code in held or code.replace("-", "") in held]


def test_a_wrong_first_code_turns_nothing_on(app: webtest.TestApp, account: Account) -> None:
    sign_in(app)
    page = form_to(app.get("/desk/account"), "/desk/account/second-factor").submit()
    form = form_to(page, "/desk/account/second-factor/on")
    form["code"] = "12345"
    again = form.submit(status=422)
    assert "not the app’s present code" in again
    assert page.html.select_one("code.secret").text == again.html.select_one("code.secret").text
    sign_in(browser(app))


def test_turning_it_off_asks_for_the_password(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    sign_in(app)
    first, _ = set_up(app)
    form = form_to(app.get("/desk/account"), "/desk/account/second-factor/off")
    form["present-off"] = "a wrong password"
    assert "not your present password" in form.submit(status=422)
    form["present-off"] = PASSWORD
    form.submit(status=303)
    sign_in(browser(app))
    with site.sessions.reading() as db:
        told = db.scalars(select(Event.params).where(Event.kind == "account_edit")).all()
    assert [each["did"] for each in told] == ["added", "second_factor_on", "second_factor_off"]
    second, _ = set_up(app)
    assert second.secret != first.secret


def test_it_cannot_be_set_up_anew_while_it_is_on(app: webtest.TestApp, account: Account) -> None:
    sign_in(app)
    set_up(app)
    csrf = csrf_of(app.get("/desk/account"))
    for path in ("", "/on"):
        answer = app.post(
            f"/desk/account/second-factor{path}", {"csrf": csrf, "code": "123456"}, status=422
        )
        assert "second factor" in answer


def test_the_factor_outlives_a_new_site_secret(site: Site, account: Account) -> None:
    with site.sessions.writing() as db:
        mine = db.get_one(Account, account.id)
        mine.totp_generation = 1
        phone = pyotp.TOTP(totp.secret(site.keys, mine))
        rotated = Keys(b"another secret of enough characters", (site.keys.secret,))
        assert totp.accept(db, rotated, mine, phone.now())
        assert not totp.accept(db, Keys(b"yet another secret, not the former"), mine, phone.now())


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "abcdef", "\ud800"])
def test_what_is_no_code_is_none(site: Site, account: Account, code: str) -> None:
    with site.sessions.writing() as db:
        assert not totp.accept(db, site.keys, db.get_one(Account, account.id), code)
