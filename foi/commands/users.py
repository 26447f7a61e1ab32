"""`foi user`: accounts of people who sign in. Passwords are asked for, or read from standard
input; none is ever printed or given as an argument.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.accounts import register
from foi.accounts.models import Account
from foi.cli import Context
from foi.commands.opening import ACTOR, reading, writing

user = click.Group("user", help="Accounts of people who sign in.")
admin = click.Group("admin", help="Who may work at the desk.")
sessions = click.Group("sessions", help="Browsers that are signed in.")
second_factor = click.Group("second-factor", help="Codes at sign-in.")
for group in (admin, sessions, second_factor):
    user.add_command(group)
_EMAIL = click.argument("email")


def _account(db: Session, email: str) -> Account:
    account = register.find(db, email)
    if account is None:
        raise click.UsageError("There is no account with this e-mail address.")
    return account


def _password() -> str:
    """Ask for a password on the terminal, twice; without one, read a line of standard input."""
    if sys.stdin.isatty():
        asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


@admin.command("add")
@_EMAIL
@click.pass_obj
def admin_add(ctx: Context, email: str) -> None:
    """Make EMAIL an administrator; a new account's password is asked for, or is the first line
    of standard input.
    """
    with reading(ctx) as (_, db):
        known = register.find(db, email) is not None
    password = "" if known else _password()
    with writing(ctx) as (site, db):
        if known:
            register.grant(db, _account(db, email), register.ADMINISTRATOR, ACTOR)
        else:
            roles = (register.ADMINISTRATOR,)
            register.add_account(db, ACTOR, email=email, password=password, roles=roles)
    click.echo(f"Sign in at {site.url('/sign-in')}", err=True)


@admin.command("remove")
@_EMAIL
@click.pass_obj
def admin_remove(ctx: Context, email: str) -> None:
    """Let EMAIL be an administrator no longer, and sign it out everywhere."""
    with writing(ctx) as (_, db):
        _tell(register.withdraw(db, _account(db, email), register.ADMINISTRATOR, ACTOR))


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_accounts(ctx: Context, as_json: bool) -> None:
    """List the accounts: address, roles, whether a code is asked for, whether disabled."""
    with reading(ctx) as (_, db):
        rows: list[dict[str, Any]] = [
            {
                "id": account.id,
                "email": account.email,
                "roles": sorted(register.roles_of(account)),
                "second_factor": account.totp_on,
                "disabled": account.disabled_at is not None,
            }
            for account in db.scalars(select(Account).order_by(Account.id))
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        marks = [
            *row["roles"],
            *(["second factor"] if row["second_factor"] else []),
            *(["disabled"] if row["disabled"] else []),
        ]
        click.echo(f"{row['id']}  {row['email']}  {', '.join(marks)}".rstrip())


@user.command("password")
@_EMAIL
@click.pass_obj
def password(ctx: Context, email: str) -> None:
    """Give EMAIL another password, and sign it out everywhere; the password is asked for, or is
    the first line of standard input.
    """
    fresh = _password()
    with writing(ctx) as (_, db):
        register.set_password(db, _account(db, email), fresh, ACTOR)


@sessions.command("revoke")
@_EMAIL
@click.pass_obj
def revoke(ctx: Context, email: str) -> None:
    """Sign EMAIL out everywhere; print how many sessions were ended."""
    with writing(ctx) as (_, db):
        click.echo(register.end_sessions(db, _account(db, email), ACTOR))


@second_factor.command("remove")
@_EMAIL
@click.pass_obj
def second_factor_remove(ctx: Context, email: str) -> None:
    """Ask EMAIL for no code at sign-in any more: for whoever has lost both telephone and recovery
    codes.
    """
    with writing(ctx) as (_, db):
        _tell(register.turn_totp_off(db, _account(db, email), ACTOR))


def _switch(name: str, verb: Callable[[Session, Account, str], bool], help: str) -> None:
    @user.command(name, help=help)
    @_EMAIL
    @click.pass_obj
    def switch(ctx: Context, email: str) -> None:
        with writing(ctx) as (_, db):
            _tell(verb(db, _account(db, email), ACTOR))


_switch("disable", register.disable, "Keep EMAIL from signing in, and sign it out everywhere.")
_switch("enable", register.enable, "Let EMAIL sign in again.")


def _tell(changed: bool) -> None:
    if not changed:
        click.echo("Nothing to change.", err=True)


commands: list[click.Command] = [user]
