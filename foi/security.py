"""Who is asking, and what they may do: the session of the browser, as Pyramid's security policy.

Only views that ask for `request.identity` look; the public pages never do, so that their bytes are
the same for everybody.
"""

from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import ISecurityPolicy
from pyramid.request import Request, RequestLocalCache
from zope.interface import implementer

from foi.accounts import register, sessions
from foi.accounts.signing import actor_of
from foi.site import site_of

DESK = "desk"
"""The permission to work at the desk."""
_ROLES = {DESK: register.ADMINISTRATOR}


@dataclass(frozen=True)
class Identity:
    """A signed-in account."""

    account_id: int
    email: str
    roles: frozenset[str]
    session_id: int
    actor: str
    """Its name in the event log."""

    def may(self, permission: str) -> bool:
        """Tell whether it may do something."""
        return _ROLES.get(permission) in self.roles


@implementer(ISecurityPolicy)
class SessionPolicy:
    """Takes an identity from the session cookie, once for each request."""

    def __init__(self) -> None:
        self._known = RequestLocalCache(_look)

    def identity(self, request: Request) -> Identity | None:
        """Give who is asking; None when nobody is signed in."""
        found: Identity | None = self._known.get_or_create(request)
        return found

    def authenticated_userid(self, request: Request) -> int | None:
        """Give the account's number."""
        found = self.identity(request)
        return found.account_id if found else None

    def permits(self, request: Request, context: Any, permission: str) -> bool:
        """Tell whether whoever is asking may do something."""
        found = self.identity(request)
        return found is not None and found.may(permission)

    def remember(self, request: Request, userid: Any, **more: Any) -> list[tuple[str, str]]:
        """Give no headers: sessions are begun by signing in and by nothing else."""
        return []

    def forget(self, request: Request, **more: Any) -> list[tuple[str, str]]:
        """Give no headers: sessions are ended by signing out."""
        return []


def _look(request: Request) -> Identity | None:
    """Look the session up in a read of its own, before any write begins."""
    token = sessions.token_of(request)
    if not token:
        return None
    site = site_of(request)
    with site.sessions.reading() as db:
        found = sessions.find(db, token)
        if found is None:
            return None
        account = found.account
        identity = Identity(
            account.id,
            account.email,
            register.roles_of(account),
            found.id,
            actor_of(account),
        )
    sessions.touch(site, found)
    return identity


def includeme(config: Configurator) -> None:
    """Set the policy."""
    config.set_security_policy(SessionPolicy())
