"""The administrator of the tests, who has an account but is not signed in."""

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from foi.accounts import passwords
from foi.accounts.models import Account
from foi.site import Site
from tests.accounts.people import add_account


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost next to nothing here; with what parameters they are hashed is argon2's."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher.from_parameters(CHEAPEST))
    passwords._nobodys.cache_clear()


@pytest.fixture
def account(site: Site) -> Account:
    """An administrator's account."""
    return add_account(site)
