"""Webhooks at the desk and on the command line."""

import json
import re
from pathlib import Path

import pytest
import webtest
from click.testing import CliRunner, Result
from sqlalchemy import select

from foi.archive.kinds import Kind
from foi.archive.models import Event
from foi.cli import main
from foi.site import Site
from foi.webhooks import signing
from foi.webhooks.models import Webhook
from tests.accounts.people import add_account, browser, csrf_of, form_to, sign_in
from tests.conftest import add_body
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_webhooks import row, work, write

pytestmark = pytest.mark.thorough


@pytest.fixture
def desk(app: webtest.TestApp, site: Site) -> webtest.TestApp:
    """A browser in which an administrator is signed in."""
    add_account(site)
    sign_in(app)
    return app


def acts(site: Site) -> list[str]:
    """What the desk is told of what was done with webhooks."""
    with site.sessions.reading() as db:
        rows = db.scalars(select(Event.params).where(Event.kind == Kind.DESK_ACT))
        return [each["did"] for each in rows if each["did"].startswith("webhook")]


def test_from_adding_to_removing(desk: webtest.TestApp, site: Site, receiver: Receiver) -> None:
    write(site)
    form = form_to(desk.get("/desk/webhooks"), "/desk/webhooks")
    form["url"], form["body"], form["kinds"] = receiver.url, "fenby", "sent response"
    page = form.submit().follow()
    here = "/desk/webhooks/1"
    assert page.request.path == here
    assert "Nothing was sent yet" in page
    assert "whsec_" not in page

    shown = form_to(page, f"{here}/secret").submit()
    assert signing.secret(site.keys, row(site, 1)) in shown
    assert "no-store" in shown.headers["Cache-Control"]

    write(site, title="Another")
    form_to(desk.get(here), f"{here}/test").submit()
    work(site)
    assert sorted(receiver.types()) == ["sent", "test"]
    page = desk.get(here)
    assert "204" in page
    (again,) = {f.action: f for f in page.forms.values() if f.action == f"{here}/resend"}.values()
    again.submit()
    work(site)
    assert receiver.types().count("sent") == 2

    form_to(page, f"{here}/disable").submit()
    assert "Disabled" in desk.get(here)
    enabling = form_to(desk.get(here), f"{here}/enable")
    enabling["skip"] = True
    enabling.submit()
    assert "Disabled" not in desk.get(here)
    fresh = form_to(page, f"{here}/rotate").submit()
    assert signing.secret(site.keys, row(site, 1)) in fresh
    assert receiver.url in desk.get("/desk/webhooks")
    form_to(page, f"{here}/remove").submit().follow()
    desk.get(here, status=404)
    assert acts(site) == [
        "webhook_added", "webhook_secret_shown", "webhook_tested", "webhook_resent",
        "webhook_disabled", "webhook_enabled", "webhook_rotated", "webhook_removed",
    ]  # fmt: skip


def test_what_is_filled_in_wrong_is_told_all_at_once(desk: webtest.TestApp, site: Site) -> None:
    form = form_to(desk.get("/desk/webhooks"), "/desk/webhooks")
    form["url"], form["body"], form["kinds"] = "ftp://x/<b>", "nobody", "sent key_shown"
    page = form.submit()
    assert len(page.html.find(role="alert").find_all("li")) == 3
    assert "key_shown" in page
    assert "<b>" not in page
    with site.sessions.reading() as db:
        assert db.scalars(select(Webhook)).all() == []


def test_nobody_but_administrators(desk: webtest.TestApp, site: Site, receiver: Receiver) -> None:
    form = form_to(desk.get("/desk/webhooks"), "/desk/webhooks")
    form["url"] = receiver.url
    page = form.submit().follow()
    stranger = browser(desk)
    for path in ("/desk/webhooks", "/desk/webhooks/1"):
        assert "/sign-in" in stranger.get(path, status=302).location
    for do in ("secret", "rotate", "disable", "remove", "test"):
        stranger.post(f"/desk/webhooks/1/{do}", {"csrf": csrf_of(page)}, status=302)
        desk.post(f"/desk/webhooks/1/{do}", {}, status=403)
    desk.post("/desk/webhooks/99/remove", {"csrf": csrf_of(page)}, status=404)
    desk.post("/desk/webhooks/1/explode", {"csrf": csrf_of(page)}, status=404)
    assert acts(site) == ["webhook_added"]


def run(site: Site, *words: str, code: int = 0) -> Result:
    """Run `foi webhook` on a site, allowed to send to this machine."""
    environ = {
        "FOI_DATA": str(site.settings.data_folder),
        "FOI_WEBHOOKS_ALLOW_PRIVATE": "true",
        "FOI_SITE_URL": "http://foi.test",
    }
    done = CliRunner().invoke(main, ["webhook", *words], env=environ)
    assert done.exit_code == code, done.output
    return done


def test_on_the_command_line(site: Site, receiver: Receiver, tmp_path: Path) -> None:
    with site.sessions.writing() as db:
        add_body(db, "Fenby")
    added = run(site, "add", receiver.url, "--body", "fenby", "--kinds", "sent,response")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", added.stdout)
    secret = added.stdout.strip()
    assert run(site, "secret", "1").stdout.strip() == secret
    (told,) = json.loads(run(site, "list", "--json").stdout)
    assert (told["body"], told["kinds"], told["failures"]) == ("fenby", ["sent", "response"], 0)
    assert "fenby (sent,response): works" in run(site, "list").stdout

    write(site)
    work(site)
    event_id = receiver.got[0].json["data"]["id"]
    assert "204" in run(site, "resend", "1", str(event_id)).stdout
    assert "204" in run(site, "test", "1").stdout
    assert receiver.types() == ["sent", "sent", "test"]
    assert all(got.signed_with(secret) for got in receiver.got)
    receiver.answers = [500]
    run(site, "test", "1", code=1)
    lines = run(site, "log", "1").stdout.splitlines()
    assert len(lines) == 4
    assert " test - 500 " in lines[0]
    assert json.loads(run(site, "log", "1", "--json").stdout)[3]["event"] == event_id

    fresh = run(site, "rotate", "1").stdout.strip()
    assert fresh not in ("", secret)
    run(site, "disable", "1")
    assert "disabled: turned off" in run(site, "list").stdout
    run(site, "enable", "1", "--skip")
    run(site, "remove", "1")
    assert run(site, "list").stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ("add", "https://hooks.example/"),
        ("add", "https://hooks.example/", "--all", "--body", "fenby"),
        ("add", "https://hooks.example/", "--body", "nobody"),
        ("add", "gopher://hooks.example/", "--all"),
        ("add", "https://hooks.example/", "--all", "--kinds", "sent,nonsense"),
        ("remove", "7"),
        ("log", "7"),
        ("test", "7"),
        ("resend", "7", "1"),
        ("enable", "7"),
        ("secret", "7"),
    ],
)
def test_what_cannot_be_done_is_said_with_code_2(site: Site, words: tuple[str, ...]) -> None:
    done = run(site, *words, code=2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
