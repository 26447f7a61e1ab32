"""Accounts, their roles, sessions and recovery codes, and the attempts to sign in.

Nothing here opens a door by itself: passwords are kept as argon2 hashes, sessions and recovery
codes as SHA-256, and the secret of a second factor is not kept at all (see `totp`).
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from foi.archive.columns import Base
from foi.archive.models import Person


class Account(Base):
    """Somebody who can sign in. Its e-mail address is shown to its owner and the desk only."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    """The address case-folded: by it the account is found."""
    password_hash: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), unique=True)
    """Under whose name it makes requests, if it does."""
    totp_generation: Mapped[int] = mapped_column(default=0)
    """How often a second factor has been set up: part of what its secret is made from."""
    totp_on: Mapped[bool] = mapped_column(default=False)
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The time step of the newest code that was taken; none is taken twice."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    person: Mapped[Person | None] = relationship(lazy="raise_on_sql")
    roles: Mapped[list["AccountRole"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin"
    )


class AccountRole(Base):
    """What an account is besides an account: `administrator`."""

    __tablename__ = "account_role"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str] = mapped_column(String(24), primary_key=True)


class AccountSession(Base):
    """One signed-in browser; its cookie holds what `sha256` is of."""

    __tablename__ = "account_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    browser: Mapped[str] = mapped_column(default="")
    """What the browser called itself at sign-in, for the list of sessions."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code that stands in for the second factor once."""

    __tablename__ = "recovery_code"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )


class SignInAttempts(Base):
    """How often somebody has tried to sign in of late, by account and by address of the network;
    `source` is a digest that names neither.
    """

    __tablename__ = "sign_in_attempts"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    tries: Mapped[int]
    since: Mapped[datetime]
