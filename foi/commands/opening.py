"""What commands on the archive have in common: the site opened for one transaction and closed
whatever happens, and authorities by the part of their address.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import Body
from foi.cli import Context
from foi.desk.forms import sentence
from foi.site import Site

ACTOR = "desk"
"""Under which name the command line stands in the event log."""


@contextmanager
def reading(ctx: Context) -> Iterator[tuple[Site, Session]]:
    """Read in one transaction."""
    site: Site = ctx.site()
    try:
        with site.sessions.reading() as db:
            yield site, db
    finally:
        site.close()


@contextmanager
def writing(ctx: Context) -> Iterator[tuple[Site, Session]]:
    """Write in one transaction; what the archive cannot take ends the command with exit code 2."""
    site: Site = ctx.site()
    try:
        with site.sessions.writing() as db:
            yield site, db
    except ValueError as wrong:
        raise click.UsageError(sentence(str(wrong))) from None
    finally:
        site.close()


def body_of(db: Session, slug: str) -> Body:
    """Give the authority of this slug; exit code 2 when there is none."""
    found = db.scalar(select(Body).where(Body.url_name == slug))
    if found is None:
        raise click.UsageError(f"There is no authority {slug!r}.")
    return found
