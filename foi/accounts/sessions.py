"""Signed-in browsers: a cookie that holds a random token, and a row that holds its SHA-256.

A session ends when it has not been used for IDLE, and after LONGEST in any case (OWASP Session
Management); every sign-in makes a new token, whatever the browser brought along. Reading a page
moves `seen_at` in steps of TOUCH, in a small write of its own.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from foi.accounts.models import Account, AccountSession
from foi.archive import ledger
from foi.site import Site, site_of

COOKIE = "foi_session"
IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
TOUCH = timedelta(minutes=5)
_LONGEST_TOKEN = 100
_LONGEST_BROWSER = 200


@dataclass(frozen=True)
class Found:
    """A session that is good, and whose it is."""

    id: int
    account: Account
    seen_at: datetime


def begin(db: Session, account: Account, browser: str, former: str = "") -> str:
    """Begin a session and give its token, which is kept nowhere; end the one that the browser
    had.
    """
    moment = ledger.now()
    db.execute(
        delete(AccountSession).where(
            or_(
                AccountSession.sha256 == _digest(former),
                AccountSession.ends_at <= moment,
                AccountSession.seen_at <= moment - IDLE,
            )
        )
    )
    token = secrets.token_urlsafe(32)
    shown = "".join(c for c in browser if c.isprintable())[:_LONGEST_BROWSER]
    db.add(
        AccountSession(
            sha256=_digest(token),
            account_id=account.id,
            browser=shown.encode("utf-8", "replace").decode(),
            created_at=moment,
            seen_at=moment,
            ends_at=moment + LONGEST,
        )
    )
    return token


def _good() -> tuple:  # type: ignore[type-arg]
    moment = ledger.now()
    return (
        AccountSession.ends_at > moment,
        AccountSession.seen_at > moment - IDLE,
    )


def find(db: Session, token: str) -> Found | None:
    """Give the session of a token; None when there is none, it is over, or its account is
    disabled.
    """
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    row = db.execute(
        select(AccountSession, Account)
        .join(Account, Account.id == AccountSession.account_id)
        .where(AccountSession.sha256 == _digest(token), Account.disabled_at.is_(None), *_good())
    ).one_or_none()
    return Found(row[0].id, row[1], row[0].seen_at) if row else None


def touch(site: Site, found: Found) -> None:
    """Note that a session is in use, if that was not noted lately."""
    moment = ledger.now()
    if moment - found.seen_at >= TOUCH:
        with site.sessions.writing() as db:
            db.execute(
                update(AccountSession)
                .where(AccountSession.id == found.id)
                .values(seen_at=moment)
                .execution_options(synchronize_session=False)
            )


def of_account(db: Session, account_id: int) -> list[AccountSession]:
    """Give the sessions of an account that are good, the one used last first."""
    mine = AccountSession.account_id == account_id
    newest = (AccountSession.seen_at.desc(), AccountSession.id.desc())
    return list(db.scalars(select(AccountSession).where(mine, *_good()).order_by(*newest)))


def end(db: Session, account_id: int, *, only: int | None = None, spare: int | None = None) -> int:
    """End sessions of an account: one, all but one, or all; give how many."""
    statement = delete(AccountSession).where(AccountSession.account_id == account_id)
    if only is not None:
        statement = statement.where(AccountSession.id == only)
    if spare is not None:
        statement = statement.where(AccountSession.id != spare)
    statement = statement.execution_options(synchronize_session=False)
    return db.execute(statement).rowcount  # type: ignore[attr-defined, no-any-return]


def token_of(request: Request) -> str:
    """Give the token that a browser sends, "" when it sends none."""
    given: str = request.cookies.get(COOKIE, "")
    return given


def give(request: Request, response: Response, token: str) -> None:
    """Let the browser have a token until it is closed, and no script see it; over https only
    where the site is.
    """
    secure = site_of(request).settings.site_url.startswith("https:")
    response.set_cookie(
        COOKIE, token, path="/", secure=secure, httponly=True, samesite="Lax", overwrite=True
    )


def take(request: Request, response: Response) -> None:
    """Let the browser forget its token."""
    secure = site_of(request).settings.site_url.startswith("https:")
    response.set_cookie(
        COOKIE, "", max_age=0, path="/", secure=secure, httponly=True, samesite="Lax"
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
