"""Who sits at the desk in tests: an administrator, and a browser that is signed in."""

from typing import Any

import webtest

from foi.accounts import register
from foi.accounts.models import Account
from foi.site import Site

EMAIL = "Warden@Desk.example"
PASSWORD = "three lamps in the fen"


def add_account(
    site: Site, email: str = EMAIL, roles: tuple[str, ...] = (register.ADMINISTRATOR,)
) -> Account:
    """Add an account that is committed."""
    with site.sessions.writing() as db:
        return register.add_account(db, "desk", email=email, password=PASSWORD, roles=roles)


def browser(app: webtest.TestApp) -> webtest.TestApp:
    """Give another browser, with cookies of its own."""
    return webtest.TestApp(app.app, extra_environ=dict(app.extra_environ))


def sign_in(
    app: webtest.TestApp, email: str = EMAIL, password: str = PASSWORD, **more: Any
) -> webtest.TestResponse:
    """Fill in the form and send it."""
    page = app.get("/sign-in")
    form = page.forms[0]
    form["email"], form["password"] = email, password
    status, headers = more.pop("status", 303), more.pop("headers", None)
    for name, value in more.items():
        form[name] = value
    return form.submit(status=status, headers=headers)


def csrf_of(page: webtest.TestResponse) -> str:
    """Give the token in the first form of a page."""
    return str(page.html.find("input", {"name": "csrf"})["value"])


def form_to(page: webtest.TestResponse, action: str) -> webtest.Form:
    """Give the form that is sent to an address."""
    (found,) = {
        id(f): f for f in page.forms.values() if f.action.partition("#")[0] == action
    }.values()
    return found
