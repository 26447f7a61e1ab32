"""How often somebody may try to sign in: counted by account and by network address, in the
database, so that all processes count together.

The count is made before the password is looked at and is its own small write, so that many tries
at once are all counted. An account that does not exist is counted alike.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from foi.accounts.models import SignInAttempts
from foi.archive import ledger
from foi.settings import Settings

WINDOW = timedelta(minutes=15)


def count(db: Session, settings: Settings, email_key: str, address: str) -> tuple[int, bool]:
    """Count a try; give the seconds to wait, 0 when it may be made, and whether this is the first
    one at the account that may not. `address` is what is counted as one caller.
    """
    moment = ledger.now()
    db.execute(
        delete(SignInAttempts)
        .where(SignInAttempts.since <= moment - WINDOW)
        .execution_options(synchronize_session=False)
    )
    held = {
        _account(email_key): settings.account_sign_ins,
        _address(address): settings.address_sign_ins,
    }
    limits = {source: most for source, most in held.items() if most}
    rows = _raise(db, limits) if limits else []
    over = [row for row in rows if row.tries > limits[row.source]]
    if not over:
        return 0, False
    ends = max(row.since for row in over) + WINDOW
    tripped = any(
        row.source == _account(email_key) and row.tries == limits[row.source] + 1 for row in over
    )
    return max(1, int((ends - moment).total_seconds()) + 1), tripped


def _raise(db: Session, limits: Mapping[str, int]) -> list[Any]:
    insert = ledger.upserting(db, SignInAttempts)
    held = SignInAttempts.__table__.c
    statement = (
        insert.values(
            [{"source": key, "tries": 1, "since": ledger.now()} for key in sorted(limits)]
        )
        .on_conflict_do_update(index_elements=["source"], set_={"tries": held.tries + 1})
        .returning(held.source, held.tries, held.since)
    )
    return list(db.execute(statement))


def forgive(db: Session, email_key: str, address: str | None = None) -> None:
    """Forget the tries at an account, and one of those from an address: it was the right one."""
    db.execute(
        delete(SignInAttempts)
        .where(SignInAttempts.source == _account(email_key))
        .execution_options(synchronize_session=False)
    )
    if address is not None:
        db.execute(
            update(SignInAttempts)
            .where(SignInAttempts.source == _address(address), SignInAttempts.tries > 0)
            .values(tries=SignInAttempts.tries - 1)
            .execution_options(synchronize_session=False)
        )


def _account(email_key: str) -> str:
    return hashlib.sha256(f"account:{email_key}".encode("utf-8", "replace")).hexdigest()


def _address(address: str) -> str:
    return hashlib.sha256(f"address:{address}".encode()).hexdigest()
