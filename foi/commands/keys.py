"""`foi key`: authorities' write keys."""

import sys

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Body
from foi.cli import Context
from foi.site import Site


@click.group()
def key() -> None:
    """Show, rotate and carry over the keys with which authorities write."""


def _body(db: Session, url_name: str) -> Body:
    body = db.scalar(select(Body).where(Body.url_name == url_name))
    if body is None:
        raise click.UsageError(f"There is no authority {url_name!r}.")
    return body


@key.command()
@click.argument("url_name")
@click.pass_obj
def show(ctx: Context, url_name: str) -> None:
    """Print the key of an authority, alone; that it was shown is recorded."""
    site: Site = ctx.site()
    with site.sessions.writing() as db:
        body = _body(db, url_name)
        casework.show_key(db, body, "desk")
        made = site.keys.make(body.id, body.key_generation)
    click.echo(made)
    site.close()


@key.command()
@click.argument("url_name")
@click.pass_obj
def rotate(ctx: Context, url_name: str) -> None:
    """Make every key of an authority invalid and print the new one, alone."""
    site: Site = ctx.site()
    with site.sessions.writing() as db:
        body = _body(db, url_name)
        casework.rotate_key(db, body, "desk")
        made = site.keys.make(body.id, body.key_generation)
    click.echo(made)
    site.close()


@key.command()
@click.argument("url_name")
@click.pass_obj
def carry(ctx: Context, url_name: str) -> None:
    """Accept the key that an authority had on an Alaveteli site; it is read from standard
    input.
    """
    carried = sys.stdin.readline().strip()
    if not 20 <= len(carried) <= 200 or not carried.isascii():
        raise click.UsageError("Standard input holds no key of 20 to 200 characters.")
    site: Site = ctx.site()
    with site.sessions.writing() as db:
        casework.carry_key(db, _body(db, url_name), carried, "desk")
    site.close()


commands = [key]
