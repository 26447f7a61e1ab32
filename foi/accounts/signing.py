"""Signing in: counted first, then the password, then the second factor; one answer for every way
of being wrong, and no write lock held while a password is being worked on.
"""

from dataclasses import dataclass, field

from foi.accounts import passwords, register, sessions, throttling, totp
from foi.accounts.models import Account
from foi.archive.kinds import Kind
from foi.site import Site


class Wrong(Exception):
    """E-mail address, password or code is wrong; which of them is not said."""


class TooMany(Exception):
    """There were too many tries; the next one may be made after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many tries; {seconds} seconds to wait")
        self.seconds = seconds


@dataclass(frozen=True)
class Attempt:
    """What somebody gives who wants to sign in."""

    email: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str
    browser: str
    former: str = field(repr=False)
    """The token that the browser had, if any: its session ends."""


def sign_in(site: Site, attempt: Attempt) -> str:
    """Begin a session and give its token; Wrong or TooMany otherwise."""
    key = register.email_key(attempt.email)
    with site.sessions.writing() as db:
        seconds, tripped = throttling.count(db, site.settings, key, attempt.address)
        known = register.find(db, key) if tripped else None
        if known is not None:
            register.record(db, known, actor_of(known), "throttled", kind=Kind.SIGN_IN)
    if seconds:
        raise TooMany(seconds)
    with site.sessions.reading() as db:
        found = register.find(db, key)
        held = found.password_hash if found is not None else None
    if not passwords.verify(held, attempt.password) or held is None:
        raise Wrong
    return _begin(site, attempt, key, held)


def _begin(site: Site, attempt: Attempt, key: str, held: str) -> str:
    kept = passwords.renewed(held, attempt.password)
    with site.sessions.writing() as db:
        account = register.find(db, key)
        if account is None or account.disabled_at or account.password_hash != held:
            raise Wrong
        if account.totp_on and not totp.accept(db, site.keys, account, attempt.code):
            raise Wrong
        account.password_hash = kept
        token = sessions.begin(db, account, attempt.browser, attempt.former)
        throttling.forgive(db, key, attempt.address)
        register.record(db, account, actor_of(account), "signed_in", kind=Kind.SIGN_IN)
    return token


def sign_out(site: Site, token: str) -> None:
    """End the session of a token, if there is one."""
    with site.sessions.writing() as db:
        found = sessions.find(db, token)
        if found is not None and sessions.end(db, found.account.id, only=found.id):
            actor = actor_of(found.account)
            register.record(db, found.account, actor, "signed_out", kind=Kind.SIGN_IN)


def actor_of(account: Account) -> str:
    """Give the name under which an account stands in the event log."""
    return f"account:{account.id}"
