"""Signing in: what is needed, what is never told, and how often one may try."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
import webtest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from foi.accounts import passwords, register, sessions, throttling
from foi.accounts.models import Account, AccountSession
from foi.archive.models import Event
from foi.desk import frame
from foi.site import Site
from tests.accounts.people import EMAIL, PASSWORD, add_account, browser, csrf_of, sign_in
from tests.conftest import Running, start


def events(site: Site, kind: str) -> list[str]:
    """What was done, of one kind of event, in order."""
    with site.sessions.reading() as db:
        rows = db.execute(select(Event.params).where(Event.kind == kind).order_by(Event.id))
        return [params["did"] for (params,) in rows]


def token_of(app: webtest.TestApp) -> str:
    """The token that a browser holds."""
    return str(app.cookies[sessions.COOKIE])


def test_an_administrator_signs_in_and_is_at_the_desk(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    answer = sign_in(app, email="  warden@desk.EXAMPLE ")
    assert answer.location == "/desk"
    assert "The desk" in app.get("/desk")
    assert events(site, "sign_in") == ["signed_in"]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    app: webtest.TestApp, account: Account
) -> None:
    cookie = sign_in(app).headers["Set-Cookie"]
    assert cookie.startswith("foi_session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "this site is on http"
    assert "Max-Age" not in cookie, "it ends with the browser"


def test_over_https_the_cookie_is_sent_over_https_only(tmp_path: Path, migrated: bytes) -> None:
    made: Running = start(tmp_path / "tls", migrated, **{"site.url": "https://foi.test"})
    add_account(made.site)
    app = webtest.TestApp(made.app, extra_environ={"HTTP_HOST": "foi.test"})
    assert "; secure" in sign_in(app).headers["Set-Cookie"].lower()
    made.close()


def test_the_database_holds_neither_password_nor_token(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    sign_in(app)
    with site.engine.connect() as connection:
        held = repr(connection.exec_driver_sql("SELECT * FROM account_session").all())
        held += repr(connection.exec_driver_sql("SELECT * FROM account").all())
        told = repr(connection.exec_driver_sql("SELECT * FROM event").all())
    assert token_of(app) not in held
    assert PASSWORD not in held
    assert "$argon2id$" in held
    assert "desk.example" not in told.lower()


@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "three lamps in the fog"), ("nobody@desk.example", PASSWORD), ("", ""), (EMAIL, "")],
)
def test_every_way_of_being_wrong_has_one_answer(
    app: webtest.TestApp, account: Account, email: str, password: str
) -> None:
    answer = sign_in(app, email, password, status=403)
    assert "The e-mail address, the password or the code is wrong." in answer
    assert "Set-Cookie" not in answer.headers
    assert app.get("/desk").location == "/sign-in?next=/desk"


def test_an_unknown_account_takes_as_long_as_a_wrong_password(
    app: webtest.TestApp, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    real = passwords._HASHER.verify

    class Watching:
        def verify(self, held: str, password: str) -> bool:
            looked.append("$".join(held.split("$")[:4]))
            return real(held, password)

        hash = staticmethod(passwords._HASHER.hash)

    monkeypatch.setattr(passwords, "_HASHER", Watching())
    sign_in(app, EMAIL, "a wrong password", status=403)
    sign_in(app, "nobody@desk.example", "a wrong password", status=403)
    assert len(looked) == 2
    assert looked[0] == looked[1], "hashed with the same parameters"


def test_a_new_token_at_every_sign_in_ends_the_former_one(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    app.set_cookie(sessions.COOKIE, "chosen-by-somebody-else")
    sign_in(app)
    first = token_of(app)
    assert first != "chosen-by-somebody-else"
    thief = browser(app)
    thief.set_cookie(sessions.COOKIE, "chosen-by-somebody-else")
    assert thief.get("/desk").status_code == 302

    app.post("/sign-out", {"csrf": csrf_of(app.get("/desk"))}, status=303)
    app.set_cookie(sessions.COOKIE, first)
    assert app.get("/desk").status_code == 302, "the session ended here, not in the browser only"
    assert events(site, "sign_in") == ["signed_in", "signed_out"]


def test_signing_in_again_in_one_browser_leaves_one_session(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    sign_in(app)
    former = token_of(app)
    csrf = csrf_of(app.get("/desk"))
    app.post("/sign-in", {"email": EMAIL, "password": PASSWORD, "csrf": csrf}, status=303)
    assert token_of(app) != former
    with site.sessions.reading() as db:
        assert db.scalar(select(func.count()).select_from(AccountSession)) == 1


def test_a_session_ends_when_idle_and_after_its_longest_time(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    begun = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    with time_machine.travel(begun, tick=False) as clock:
        sign_in(app)
        clock.shift(sessions.IDLE - timedelta(minutes=1))
        assert app.get("/desk").status_code == 200
        clock.shift(sessions.IDLE - timedelta(minutes=1))
        assert app.get("/desk").status_code == 200, "it was in use meanwhile"
        clock.shift(sessions.IDLE)
        assert app.get("/desk").status_code == 302

        sign_in(app)
        ends = datetime.now(UTC) + sessions.LONGEST
        while datetime.now(UTC) + timedelta(hours=1) < ends:
            assert app.get("/desk").status_code == 200
            clock.shift(timedelta(hours=1))
        clock.shift(timedelta(hours=1))
        assert app.get("/desk").status_code == 302, "in use or not"


def test_a_revoked_session_is_over_at_once(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    sign_in(app)
    with site.sessions.writing() as db:
        register.end_sessions(db, db.get_one(Account, account.id), "desk")
    assert app.get("/desk").status_code == 302


def test_a_disabled_account_is_out_and_stays_out(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    sign_in(app)
    with site.sessions.writing() as db:
        db.execute(update(Account).values(disabled_at=datetime.now(UTC)))
    assert app.get("/desk").status_code == 302
    sign_in(app, status=403)


def test_an_account_without_the_role_is_refused(app: webtest.TestApp, site: Site) -> None:
    add_account(site, "reader@desk.example", roles=())
    sign_in(app, "reader@desk.example")
    for path in ("/desk", "/desk/audit", "/desk/bodies/new"):
        assert "not one of those that run this site" in app.get(path, status=403)
    app.post("/desk/queue/retry", {}, status=403)


def test_after_too_many_tries_nobody_gets_in_for_a_while(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    with time_machine.travel(datetime(2026, 3, 2, 9, 0, tzinfo=UTC), tick=False) as clock:
        for _ in range(site.settings.account_sign_ins):
            sign_in(app, password="a wrong password", status=403)
        answer = sign_in(app, status=429)
        assert 0 < int(answer.headers["Retry-After"]) <= 901
        sign_in(browser(app), status=429)
        assert events(site, "sign_in") == ["throttled"], "told to the desk once"
        clock.shift(throttling.WINDOW)
        sign_in(app)


def test_unknown_accounts_are_counted_alike(
    app: webtest.TestApp, site: Site, account: Account
) -> None:
    for _ in range(site.settings.account_sign_ins):
        sign_in(app, "Nobody@desk.example", "a wrong password", status=403)
    sign_in(app, "nobody@desk.example", "a wrong password", status=429)
    sign_in(app)


def test_an_address_that_tries_many_accounts_is_stopped(
    app: webtest.TestApp, site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(site.settings.__dict__, "address_sign_ins", 3)
    app.extra_environ["REMOTE_ADDR"] = "2001:db8::1"
    for number in range(3):
        sign_in(app, f"nobody{number}@desk.example", "a wrong password", status=403)
    app.extra_environ["REMOTE_ADDR"] = "2001:db8::2"  # of the same network
    sign_in(app, status=429)
    app.extra_environ["REMOTE_ADDR"] = "192.0.2.7"
    sign_in(app)


def test_no_limit_is_a_setting(
    app: webtest.TestApp, site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(site.settings.__dict__, "account_sign_ins", 0)
    monkeypatch.setitem(site.settings.__dict__, "address_sign_ins", 0)
    for _ in range(12):
        sign_in(app, password="a wrong password", status=403)
    sign_in(app)


def test_being_right_is_not_counted(app: webtest.TestApp, site: Site, account: Account) -> None:
    for _ in range(site.settings.account_sign_ins + 2):
        sign_in(browser(app))


def test_tries_at_once_are_all_counted(site: Site) -> None:
    for expected in range(1, site.settings.account_sign_ins + 1):
        with site.sessions.writing() as db:
            counted = throttling.count(db, site.settings, "a@b.example", "192.0.2.1")
        assert counted == (0, False), expected
    with site.sessions.writing() as db:
        seconds, tripped = throttling.count(db, site.settings, "a@b.example", "192.0.2.1")
    assert seconds > 0
    assert tripped


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\nb",
        "/\u65e5\u672c",
        "desk",
        "/" + "a" * 3000,
    ],
)
def test_signing_in_leads_nowhere_else(
    app: webtest.TestApp, account: Account, target: str
) -> None:
    form = app.get("/sign-in", {"next": target}).forms[0]
    assert form["next"].value == "/desk"
    answer = app.post("/sign-in", {"email": EMAIL, "password": PASSWORD, "next": target})
    assert answer.location == "/desk"


def test_signing_in_leads_to_where_one_wanted_to_go(
    app: webtest.TestApp, account: Account
) -> None:
    asked = app.get("/desk/audit?kind=sign_in&actor=desk")
    form = asked.follow().forms[0]
    form["email"], form["password"] = EMAIL, PASSWORD
    assert form.submit().location == "/desk/audit?kind=sign_in&actor=desk"


@given(st.text())
def test_no_text_leads_off_the_site(text: str) -> None:
    path = frame.local_path(text)
    assert path.startswith("/")
    assert path[1:2] not in ("/", "\\")
    assert all("!" <= letter <= "~" for letter in path), "what a header can hold, and no blank"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://foi.test.evil.example"},
    ],
)
def test_another_site_cannot_sign_anybody_in(
    app: webtest.TestApp, account: Account, headers: dict[str, str]
) -> None:
    assert "from another site" in sign_in(app, status=403, headers=headers)
    sign_in(app, headers={"Sec-Fetch-Site": "same-origin", "Origin": "null"})
    sign_in(browser(app), headers={"Origin": "http://foi.test"})


def test_another_site_cannot_sign_anybody_out(app: webtest.TestApp, account: Account) -> None:
    """A browser sends such a form without the cookie (SameSite), but heeds what it is answered."""
    answer = browser(app).post("/sign-out", {}, {"Sec-Fetch-Site": "cross-site"}, status=403)
    assert "Set-Cookie" not in answer.headers
    assert "Set-Cookie" in browser(app).post("/sign-out", {}, status=303).headers


def test_the_form_is_kept_by_nobody(app: webtest.TestApp, account: Account) -> None:
    page = app.get("/sign-in")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["X-Robots-Tag"] == "noindex"
    wrong = sign_in(app, "<script>alert(1)</script>", "wrong", status=403)
    assert "<script>" not in wrong
    assert wrong.html.find("input", {"name": "password"}).get("value") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 12"),
        ("a" * 300, "at most 200"),
        ("aaaaaaaaaaaaaaaa", "guessed at once"),
        ("a@desk.example", "guessed at once"),
    ],
)
def test_passwords_that_are_not_taken(site: Site, password: str, why: str) -> None:
    with pytest.raises(passwords.Unfit, match=why), site.sessions.writing() as db:
        register.add_account(db, "desk", email="A@desk.example", password=password)


def test_the_same_letters_are_the_same_password() -> None:
    assert passwords.verify(
        passwords.make_hash("Fenlächeln am Abend"), "Fenla\u0308cheln am Abend"
    )


@pytest.mark.parametrize("email", ["nobody", "a@", "a b@desk.example"])
def test_addresses_that_are_none(site: Site, email: str) -> None:
    with pytest.raises(register.Unusable, match="not an e-mail"), site.sessions.writing() as db:
        register.add_account(db, "desk", email=email, password=PASSWORD)


def test_one_address_has_one_account(site: Site, account: Account) -> None:
    with pytest.raises(register.Unusable, match="already"), site.sessions.writing() as db:
        register.add_account(db, "desk", email=EMAIL.upper(), password=PASSWORD)


def test_no_password_holds_up_other_writers(
    app: webtest.TestApp, site: Site, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(held: str | None, password: str) -> bool:
        begun = time.monotonic()
        with site.sessions.writing() as db:  # would wait for the lock that signing in held
            register.record(db, account, "desk", "elsewhere")
        assert time.monotonic() - begun < 5
        return True

    monkeypatch.setattr(passwords, "verify", slow)
    sign_in(app)
