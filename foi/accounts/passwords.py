"""Passwords: argon2id by argon2-cffi with its own parameters (RFC 9106, low memory).

Length is asked for and nothing else (NIST SP 800-63B, section 3.1.1): rules about kinds of
characters make passwords worse.
"""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 200
_HASHER = PasswordHasher()


class Unfit(ValueError):
    """A password that is not taken; the text says why."""


def make_hash(password: str, email: str = "") -> str:
    """Give the hash of a new password; Unfit for one that is too short, too long or too plain."""
    password = _plain(password)
    if len(password) < SHORTEST:
        raise Unfit(f"A password needs at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Unfit(f"A password has at most {LONGEST} characters.")
    if len(set(password)) < 5 or password.casefold() == email.casefold():
        raise Unfit("This password would be guessed at once.")
    return _HASHER.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Tell whether this is the password; where there is no account, or no sense in trying, it
    takes as long to say no.
    """
    password = _plain(password[: LONGEST * 4])
    try:
        return _HASHER.verify(password_hash or _nobodys(), password) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def renewed(password_hash: str, password: str) -> str:
    """Give the hash to keep of a password that was right: a new one if the present one was made
    with other parameters than today's.
    """
    if _HASHER.check_needs_rehash(password_hash):
        return _HASHER.hash(_plain(password))
    return password_hash


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")


def _plain(password: str) -> str:
    """Give a password as every keyboard writes it: the same letters are the same characters."""
    return unicodedata.normalize("NFKC", password)
