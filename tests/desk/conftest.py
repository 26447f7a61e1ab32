"""An administrator at the desk of a fresh site."""

import pytest
import webtest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from foi.accounts import passwords
from foi.site import Site
from tests.accounts.people import add_account, sign_in


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost next to nothing here; with what parameters they are hashed is argon2's."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher.from_parameters(CHEAPEST))
    passwords._nobodys.cache_clear()


@pytest.fixture
def desk(app: webtest.TestApp, site: Site) -> webtest.TestApp:
    """A browser in which an administrator is signed in."""
    add_account(site)
    sign_in(app)
    return app
