"""`foi key`: authorities' write keys."""

import sys
from collections.abc import Callable

import click
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.models import Body
from foi.cli import Context
from foi.commands.opening import ACTOR, body_of, writing


@click.group()
def key() -> None:
    """Show, rotate and carry over the keys with which authorities write."""


@key.command()
@click.argument("url_name")
@click.pass_obj
def show(ctx: Context, url_name: str) -> None:
    """Print the key of an authority, alone; that it was shown is recorded."""
    _print_key(ctx, url_name, casework.show_key)


@key.command()
@click.argument("url_name")
@click.pass_obj
def rotate(ctx: Context, url_name: str) -> None:
    """Make every key of an authority invalid and print the new one, alone."""
    _print_key(ctx, url_name, casework.rotate_key)


def _print_key(ctx: Context, url_name: str, verb: Callable[[Session, Body, str], None]) -> None:
    with writing(ctx) as (site, db):
        body = body_of(db, url_name)
        verb(db, body, ACTOR)
        made = site.keys.make(body.id, body.key_generation)
    click.echo(made)


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
    with writing(ctx) as (_, db):
        casework.carry_key(db, body_of(db, url_name), carried, ACTOR)


commands = [key]
