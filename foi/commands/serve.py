"""`foi serve`: the site and its worker in one process."""

import contextlib
import gc
import json
import logging
import signal
import socket
import sys
import threading
from dataclasses import replace
from typing import Any

import click
from sqlalchemy import select

from foi import configure, migrations
from foi.archive import casework
from foi.archive.models import Delivery
from foi.cli import Context, put_together
from foi.commands.opening import ACTOR, reading, writing
from foi.demo import load as load_demo
from foi.demo import things_to_try
from foi.server import serving
from foi.settings import Settings, local_address
from foi.site import Site
from foi.work import duties, outbox
from foi.work.worker import Worker, drain

log = logging.getLogger(__name__)


@click.command()
@click.option("--host", help="Address to listen on (setting server.host).")
@click.option(
    "--port", type=int, help="Port to listen on (setting server.port); 0 takes a free one."
)
@click.option(
    "--demo",
    is_flag=True,
    help="Load the demo content first, if the site is empty, and say what to try.",
)
@click.option(
    "--upgrade/--no-upgrade",
    default=True,
    show_default=True,
    help="Bring the database up to date first.",
)
@click.pass_obj
def serve(ctx: Context, host: str | None, port: int | None, demo: bool, upgrade: bool) -> None:
    """Serve the site, and do the owed work in threads beside it (setting worker.embedded).

    Prints the address once it listens; `/health` answers 200 from then on.
    """
    listening = _listen(host or ctx.settings.host, ctx.settings.port if port is None else port)
    click.get_current_context().call_on_close(listening.close)
    settings = _at(ctx.settings, listening.getsockname()[1])
    config = put_together(configure, settings)
    app = config.make_wsgi_app()
    site: Site = config.registry["foi.site"]
    if upgrade:
        migrations.upgrade(site.engine, settings)
    elif migrations.current(site.engine) != migrations.head():
        raise click.UsageError(
            "The database is not of this release's schema: run `foi upgrade` first."
        )
    site.consumers.prepare()
    if demo:
        load_demo(site)
    # It warns of every request that waits for a thread for a moment: noise, not news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = serving(app, listening, settings)
    worker = Worker(site) if settings.worker else None
    if worker:
        worker.start()
    click.echo(things_to_try(site) if demo else settings.site_url)
    sys.stdout.flush()
    _run(server)
    if worker:
        worker.stop()
    site.close()


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else is done; 0 takes a free one."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as taken:
        raise click.UsageError(f"Cannot listen on {host}, port {port}: {taken}.") from None
    return listening


def _at(settings: Settings, port: int) -> Settings:
    """Let a site without an address of its own know the port it really has."""
    if settings.site_url != local_address(settings.port):
        return settings
    return replace(settings, port=port, site_url=local_address(port))


def _run(server: Any) -> None:
    """Serve until interrupted or told to end."""
    # What is there by now stays: the collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        server.run()
    server.close()


def _interrupt(*_: object) -> None:
    raise SystemExit(0)


@click.command()
@click.option("--once", is_flag=True, help="End when nothing is due any more.")
@click.option(
    "--parked",
    is_flag=True,
    help="Show what was given up after many attempts, and why; do no work.",
)
@click.option(
    "--retry",
    metavar="[NUMBER]",
    is_flag=False,
    flag_value="all",
    help="Make what was given up due again, or the one that --parked shows under NUMBER; do no "
    "work.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def work(ctx: Context, once: bool, parked: bool, retry: str | None, as_json: bool) -> None:
    """Do the owed work (index, texts, bridge ...) in a process of its own; any number may run."""
    if retry is not None:
        with writing(ctx) as (_, db):
            number = outbox.retry(db, _numbers(retry))
            if number:
                casework.note(db, ACTOR, "retried", number=number)
        click.echo(number)
    elif parked:
        _show_parked(ctx, as_json)
    else:
        site: Site = ctx.site()
        site.consumers.prepare()
        if once:
            duties.perform(site)
            click.echo(drain(site))
        else:
            _work_on(site)
        site.close()


def _show_parked(ctx: Context, as_json: bool) -> None:
    with reading(ctx) as (_, db):
        rows = [
            {
                "id": d.id,
                "consumer": d.consumer,
                "subject": d.subject,
                "attempts": d.attempts,
                "error": d.error,
            }
            for d in db.scalars(select(Delivery).where(Delivery.parked).order_by(Delivery.id))
        ]
    if as_json:
        click.echo(json.dumps(rows))
    for row in [] if as_json else rows:
        tried = f"tried {row['attempts']} times"
        what = f"{row['id']}: {row['consumer']} {row['subject']}"
        click.echo(f"{what} ({tried}): {row['error']}")
    sys.exit(1 if rows else 0)


def _work_on(site: Site) -> None:
    """Work until interrupted or told to end."""
    worker = Worker(site)
    worker.start()
    click.echo("Working. End with Ctrl-C.", err=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with contextlib.suppress(KeyboardInterrupt):
        stop.wait()
    worker.stop()


def _numbers(retry: str) -> list[int] | None:
    """Read which deliveries to try again; None for all."""
    if retry == "all":
        return None
    if not (retry.isascii() and retry.isdigit() and len(retry) < 10):
        raise click.UsageError(f"--retry {retry}: this is no number that --parked shows.")
    return [int(retry)]


commands = [serve, work]
