"""The second factor: one-time codes by the clock (RFC 6238, by pyotp), and codes to recover with.

Its secret is made, as authorities' keys are, from the site's own secret and the account's number
and generation, so that no database holds it (docs/decisions/0008-accounts.md). A code is taken
once only, and one step of the clock early or late.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime

import pyotp
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from foi.accounts.models import Account, RecoveryCode
from foi.archive.keys import Keys

STEP = 30
CODES = 8
"""How many recovery codes are given out at once."""
_EITHER_WAY = 1


def secret(keys: Keys, account: Account) -> str:
    """Give what the app on the telephone is to be told, in base 32."""
    return _secret(keys.secret, account.id, account.totp_generation)


def _secret(key: bytes, account_id: int, generation: int) -> str:
    told = f"foi-totp:{account_id}:{generation}".encode()
    return base64.b32encode(hmac.new(key, told, hashlib.sha256).digest()[:20]).decode()


def link(keys: Keys, account: Account, site_name: str) -> str:
    """Give the address that opens an authenticator app with the secret (Key Uri Format)."""
    made = pyotp.TOTP(secret(keys, account))
    return made.provisioning_uri(name=account.email, issuer_name=site_name)


def accept(db: Session, keys: Keys, account: Account, code: str) -> bool:
    """Take a code, of the app or a recovery code; tell whether it was good. It is used up."""
    digits = "".join(code.split()).replace("-", "")
    if digits.isascii() and digits.isdigit() and len(digits) == 6:
        return _take_step(db, account, _step_of(keys, account, digits))
    gone = db.execute(
        delete(RecoveryCode).where(
            RecoveryCode.sha256 == _digest(account, digits),
            RecoveryCode.account_id == account.id,
        )
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def _step_of(keys: Keys, account: Account, digits: str) -> int | None:
    """Give the step of the clock whose code this is, made with the present or a former secret."""
    present = int(datetime.now(UTC).timestamp()) // STEP
    found = None
    for key in (keys.secret, *keys.former):
        maker = pyotp.HOTP(_secret(key, account.id, account.totp_generation))
        for step in range(present - _EITHER_WAY, present + _EITHER_WAY + 1):
            if hmac.compare_digest(maker.at(step), digits):
                found = step
    return found


def _take_step(db: Session, account: Account, step: int | None) -> bool:
    if step is None:
        return False
    taken = db.execute(
        update(Account)
        .where(Account.id == account.id, Account.totp_step < step)
        .values(totp_step=step)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def make_recovery_codes(db: Session, account: Account) -> list[str]:
    """Give new recovery codes in place of all former ones; they cannot be shown again."""
    db.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    made = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
    db.execute(
        insert(RecoveryCode),
        [{"sha256": _digest(account, code), "account_id": account.id} for code in made],
    )
    return ["-".join(code[i : i + 4] for i in range(0, 16, 4)) for code in made]


def _digest(account: Account, code: str) -> str:
    told = f"{account.id}:{code.lower()}".encode("utf-8", "replace")
    return hashlib.sha256(told).hexdigest()
