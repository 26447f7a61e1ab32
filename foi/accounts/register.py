"""Verbs on accounts: adding one, its password, roles and second factor; each is told to the desk
in an event that holds the account's number and nothing of it.
"""

from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from foi.accounts import passwords, sessions, throttling, totp
from foi.accounts.models import Account, AccountRole, RecoveryCode
from foi.archive import ledger
from foi.archive.keys import Keys
from foi.archive.kinds import Kind

ADMINISTRATOR = "administrator"
ROLES = (ADMINISTRATOR,)


class Unusable(ValueError):
    """What was given cannot be done with; the text says why."""


def email_key(email: str) -> str:
    """Give what an address is found by."""
    return email.strip().casefold()[:320]


def find(db: Session, email: str) -> Account | None:
    """Give the account of an e-mail address."""
    return db.scalar(select(Account).where(Account.email_key == email_key(email)))


def roles_of(account: Account) -> frozenset[str]:
    """Give what an account is."""
    return frozenset(held.role for held in account.roles)


def add_account(
    db: Session, actor: str, *, email: str, password: str, roles: tuple[str, ...] = ()
) -> Account:
    """Add an account; Unusable for an address that is none or taken, passwords.Unfit for the
    password.
    """
    try:
        email = validate_email(email.strip(), check_deliverability=False).normalized
    except EmailNotValidError as wrong:
        raise Unusable(f"This is not an e-mail address: {wrong}") from None
    if find(db, email) is not None:
        raise Unusable("There is an account with this e-mail address already.")
    account = Account(
        email=email,
        email_key=email_key(email),
        password_hash=passwords.make_hash(password, email),
        created_at=ledger.now(),
        roles=[AccountRole(role=role) for role in roles],
    )
    db.add(account)
    db.flush()
    record(db, account, actor, "added", roles=list(roles))
    return account


def record(
    db: Session,
    account: Account,
    actor: str,
    did: str,
    *,
    kind: Kind = Kind.ACCOUNT_EDIT,
    **params: Any,
) -> None:
    """Tell the desk what was done to or by an account."""
    ledger.record(db, ledger.happening(kind, actor, account=account.id, did=did, **params))


def grant(db: Session, account: Account, role: str, actor: str) -> bool:
    """Give an account a role; tell whether it had it not."""
    if role in roles_of(account):
        return False
    account.roles.append(AccountRole(role=role))
    record(db, account, actor, "role_granted", role=role)
    return True


def withdraw(db: Session, account: Account, role: str, actor: str) -> bool:
    """Take a role from an account and end its sessions; tell whether it had it."""
    held = [each for each in account.roles if each.role == role]
    if not held:
        return False
    account.roles.remove(held[0])
    sessions.end(db, account.id)
    record(db, account, actor, "role_withdrawn", role=role)
    return True


def set_password(
    db: Session, account: Account, password: str, actor: str, *, spare: int | None = None
) -> None:
    """Give an account another password and end its sessions, but for the one to `spare`; tries at
    the old one are forgotten.
    """
    account.password_hash = passwords.make_hash(password, account.email)
    sessions.end(db, account.id, spare=spare)
    throttling.forgive(db, account.email_key)
    record(db, account, actor, "password_changed")


def disable(db: Session, account: Account, actor: str) -> bool:
    """Keep an account from signing in and end its sessions; tell whether that was new."""
    if account.disabled_at is not None:
        return False
    account.disabled_at = ledger.now()
    sessions.end(db, account.id)
    record(db, account, actor, "disabled")
    return True


def enable(db: Session, account: Account, actor: str) -> bool:
    """Let an account sign in again; tell whether that was new."""
    if account.disabled_at is None:
        return False
    account.disabled_at = None
    record(db, account, actor, "enabled")
    return True


def end_sessions(
    db: Session,
    account: Account,
    actor: str,
    *,
    only: int | None = None,
    spare: int | None = None,
) -> int:
    """End sessions of an account: one, all but one, or all; give how many."""
    ended = sessions.end(db, account.id, only=only, spare=spare)
    if ended:
        record(db, account, actor, "sessions_ended", kind=Kind.SIGN_IN, number=ended)
    return ended


def begin_totp(db: Session, account: Account) -> None:
    """Prepare a second factor with a secret that was never shown; it is asked for once it is
    turned on.
    """
    if account.totp_on:
        raise Unusable("The second factor is on already.")
    account.totp_generation, account.totp_step = account.totp_generation + 1, 0
    db.flush()


def turn_totp_on(
    db: Session, account: Account, keys: Keys, code: str, actor: str
) -> list[str] | None:
    """Turn the second factor on, if the code shows that the app has its secret; give recovery
    codes.
    """
    if account.totp_on or not account.totp_generation:
        raise Unusable("There is no second factor to turn on.")
    if not totp.accept(db, keys, account, code):
        return None
    account.totp_on = True
    codes = totp.make_recovery_codes(db, account)
    record(db, account, actor, "second_factor_on")
    return codes


def turn_totp_off(db: Session, account: Account, actor: str) -> bool:
    """Turn the second factor off; tell whether it was on. Its secret is never used again."""
    if not account.totp_on:
        return False
    account.totp_on = False
    db.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    record(db, account, actor, "second_factor_off")
    return True
