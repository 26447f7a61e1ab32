"""`foi demo`: the demo content."""

import click

from foi.cli import Context
from foi.demo import load
from foi.site import Site


@click.command()
@click.pass_obj
def demo(ctx: Context) -> None:
    """Load the demo content, if the site is empty; print how many requests were made."""
    site: Site = ctx.site()
    click.echo(load(site))
    site.close()


commands = [demo]
