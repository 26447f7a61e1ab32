"""`foi user`: the first administrator and whatever else happens to accounts; nothing secret is
printed.
"""

import json
from pathlib import Path

import click.testing
import pytest
import webtest
from sqlalchemy import select

from foi.archive.models import Event
from foi.cli import main
from foi.site import Site
from tests.accounts.people import EMAIL, PASSWORD, sign_in

pytestmark = pytest.mark.thorough


@pytest.fixture
def foi(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run a command on the site of the test."""
    monkeypatch.setenv("FOI_DATA", str(tmp_path / "site"))
    monkeypatch.setenv("FOI_SITE_URL", "http://foi.test")

    def run(*arguments: str, given: str = "", code: int = 0) -> click.testing.Result:
        done = click.testing.CliRunner().invoke(main, ["user", *arguments], input=given)
        assert done.exit_code == code, done.output
        assert PASSWORD not in done.output
        return done

    return run


def test_the_first_administrator(app: webtest.TestApp, foi) -> None:  # type: ignore[no-untyped-def]
    done = foi("admin", "add", EMAIL, given=f"{PASSWORD}\n")
    assert done.stdout == ""
    assert done.stderr == "Sign in at http://foi.test/sign-in\n"
    sign_in(app)
    assert app.get("/desk").status_code == 200
    assert EMAIL.lower() in foi("list").output.lower()
    (told,) = json.loads(foi("list", "--json").stdout)
    assert told["roles"] == ["administrator"]
    assert not told["second_factor"]


def test_an_administrator_is_made_of_an_account_that_is_there(app: webtest.TestApp, foi) -> None:  # type: ignore[no-untyped-def]
    foi("admin", "add", EMAIL, given=f"{PASSWORD}\n")
    sign_in(app)
    foi("admin", "remove", EMAIL)
    assert app.get("/desk").status_code == 302
    sign_in(app)
    app.get("/desk", status=403)
    foi("admin", "add", EMAIL)
    assert app.get("/desk").status_code == 200
    assert "Nothing to change" in foi("enable", EMAIL).output


def test_passwords_sessions_and_disabling(app: webtest.TestApp, site: Site, foi) -> None:  # type: ignore[no-untyped-def]
    foi("admin", "add", EMAIL, given=f"{PASSWORD}\n")
    sign_in(app)
    assert foi("sessions", "revoke", EMAIL).stdout == "1\n"
    sign_in(app)
    foi("password", EMAIL, given="another lamp in the fen\n")
    assert app.get("/desk").status_code == 302
    sign_in(app, status=403)
    sign_in(app, password="another lamp in the fen")
    foi("disable", EMAIL)
    sign_in(app, password="another lamp in the fen", status=403)
    foi("enable", EMAIL)
    sign_in(app, password="another lamp in the fen")
    assert "Nothing to change" in foi("second-factor", "remove", EMAIL).output
    with site.sessions.reading() as db:
        did = [row.params["did"] for row in db.scalars(select(Event).order_by(Event.id))]
    assert did == [
        "added",
        "signed_in",
        "sessions_ended",
        "signed_in",
        "password_changed",
        "signed_in",
        "disabled",
        "enabled",
        "signed_in",
    ]


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        (("admin", "add", "nobody"), f"{PASSWORD}\n", "not an e-mail address"),
        (("admin", "add", EMAIL), "short\n", "at least 12"),
        (("admin", "add", EMAIL), "", "at least 12"),
        (("password", EMAIL), f"{PASSWORD}\n", "no account"),
        (("sessions", "revoke", EMAIL), "", "no account"),
    ],
)
def test_what_cannot_be_done_says_why(foi, arguments, given: str, said: str) -> None:  # type: ignore[no-untyped-def]
    assert said in foi(*arguments, given=given, code=2).output
