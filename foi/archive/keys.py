"""Authorities' write keys: signatures, not stored secrets.

`k` = the body's id, its key generation and an HMAC-SHA256 over both with a secret that is in
neither database nor repository. So a key can be read again at any time by who may, rotating one is
`generation + 1`, and a stolen database holds none (docs/decisions/0004-keys.md). Keys carried over
from an Alaveteli site are kept as SHA-256.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from foi.archive.models import Body, CarriedKey

_LONGEST = 200
_body, _carried = Body.__table__.c, CarriedKey.__table__.c
_GENERATION = select(_body.key_generation).where(_body.id == bindparam("body"))
_CARRIED = select(_carried.body_id).where(_carried.sha256 == bindparam("digest"))


@dataclass(frozen=True)
class Keys:
    """Makes and checks keys with the present secret; `former` ones are still accepted."""

    secret: bytes = field(repr=False)
    former: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """Read the secrets, the present one in the first line; make the file (mode 0600) when
        there is none.
        """
        if not path.exists():
            _make_secret(path)
        lines = [line.strip().encode() for line in path.read_text().splitlines() if line.strip()]
        if not lines or any(len(line) < 32 for line in lines):
            raise ValueError(f"{path} must hold secrets of at least 32 characters, one a line")
        return cls(lines[0], tuple(lines[1:]))

    def make(self, body_id: int, generation: int) -> str:
        """Give the key of an authority; letters, digits, `-` and `_` only."""
        return f"{body_id}-{_sign(self.secret, body_id, generation)}"

    def owner(self, db: Session, key: str) -> int | None:
        """Give the id of the authority whose key this is; None when it is nobody's.

        Blanks are taken for `+`, which is what an unencoded `+` of a carried key arrives as
        (Alaveteli does so).
        """
        if len(key) > _LONGEST or not key.isascii():
            return None
        body_id, _, signature = key.strip().partition("-")
        if body_id.isdigit() and len(body_id) < 10:
            generation = db.scalar(_GENERATION, {"body": int(body_id)})
            for secret in (self.secret, *self.former) if generation is not None else ():
                if hmac.compare_digest(signature, _sign(secret, int(body_id), generation)):
                    return int(body_id)
        carried = key.strip("\r\n\t").replace(" ", "+")
        digest = hashlib.sha256(carried.encode()).hexdigest()
        return db.scalar(_CARRIED, {"digest": digest})


def _make_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mode 0600
    with os.fdopen(descriptor, "w") as out:
        out.write(secrets.token_urlsafe(48) + "\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        with contextlib.suppress(
            FileExistsError
        ):  # another process was first: its secret is the one
            os.link(name, path)
    finally:
        os.unlink(name)


def _sign(secret: bytes, body_id: int, generation: int | None) -> str:
    mac = hmac.new(secret, f"foi-key:{body_id}:{generation}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
