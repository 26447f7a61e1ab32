"""`foi upgrade`: the database's schema."""

import click

from foi import migrations
from foi.cli import Context
from foi.site import Site


@click.command()
@click.option(
    "--check", is_flag=True, help="Only tell: exit code 1 when there is something to do."
)
@click.pass_obj
def upgrade(ctx: Context, check: bool) -> None:
    """Bring the database to this release's schema, and print its revision; harmless to run
    again.
    """
    site: Site = ctx.site(ready=False)
    if not check:
        migrations.upgrade(site.engine, ctx.settings)
    state = migrations.current(site.engine)
    click.echo(state or "empty")
    site.close()
    if state != migrations.head():
        raise SystemExit(1)


commands = [upgrade]
