"""`foi webhook`: who is told of events as they happen."""

import json
import sys
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import Body
from foi.cli import Context
from foi.commands.opening import ACTOR, body_of, reading, writing
from foi.site import Site
from foi.webhooks import log, register, signing
from foi.webhooks.consumer import Webhooks
from foi.webhooks.models import Webhook

webhook = click.Group("webhook", help="Addresses that are told of events as they happen.")
_ID = click.argument("number", metavar="ID", type=click.IntRange(1, 2**31 - 1))


def _hook(db: Session, number: int) -> Webhook:
    hook = db.get(Webhook, number)
    if hook is None:
        raise click.UsageError(f"There is no webhook {number}.")
    return hook


@webhook.command()
@click.argument("url")
@click.option("--body", "slug", metavar="URL_NAME", help="Tell of this authority's requests.")
@click.option("--all", "everything", is_flag=True, help="Tell of everything public.")
@click.option("--kinds", default="", help="Kinds of event, joined by commas; left out: all.")
@click.pass_obj
def add(ctx: Context, url: str, slug: str | None, everything: bool, kinds: str) -> None:
    """Tell URL of what happens from now on, and print the secret to verify it with, alone."""
    if everything == bool(slug):
        raise click.UsageError("Say either --body URL_NAME or --all.")
    with writing(ctx) as (site, db):
        body = body_of(db, slug) if slug else None
        wanted = [kind.strip() for kind in kinds.split(",") if kind.strip()]
        hook = register.add(db, ACTOR, url=url, body=body, kinds=wanted)
        number, secret = hook.id, signing.secret(site.keys, hook)
    click.echo(f"Webhook {number}. Its secret:", err=True)
    click.echo(secret)


@webhook.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_all(ctx: Context, as_json: bool) -> None:
    """Show every webhook and how it fares."""
    with reading(ctx) as (_, db):
        rows = db.execute(
            select(Webhook, Body.url_name)
            .outerjoin(Body, Body.id == Webhook.body_id)
            .order_by(Webhook.id)
        )
        told = [_told(hook, slug) for hook, slug in rows]
    if as_json:
        click.echo(json.dumps(told))
        return
    for each in told:
        standing = "works"
        if each["failures"]:
            standing = f"failing since {each['failing_since']}"
        if each["disabled_at"]:
            standing = f"disabled: {each['disabled_why']}"
        kinds = ",".join(each["kinds"]) or "every kind"
        click.echo(f"{each['id']} {each['url']} {each['body'] or 'all'} ({kinds}): {standing}")


def _told(hook: Webhook, slug: str | None) -> dict[str, Any]:
    return {
        "id": hook.id,
        "url": hook.url,
        "body": slug,
        "kinds": hook.kinds,
        "since": hook.since,
        "failures": hook.failures,
        "failing_since": hook.failing_since.isoformat() if hook.failing_since else None,
        "disabled_at": hook.disabled_at.isoformat() if hook.disabled_at else None,
        "disabled_why": hook.disabled_why,
    }


@webhook.command()
@_ID
@click.pass_obj
def remove(ctx: Context, number: int) -> None:
    """Remove a webhook and its log."""
    with writing(ctx) as (_, db):
        register.remove(db, ACTOR, _hook(db, number))


@webhook.command()
@_ID
@click.pass_obj
def secret(ctx: Context, number: int) -> None:
    """Print a webhook's secret, alone."""
    _print_secret(ctx, number, register.show_secret)


@webhook.command()
@_ID
@click.pass_obj
def rotate(ctx: Context, number: int) -> None:
    """Give a webhook a new secret and print it, alone; the former one signs as well for three
    days.
    """
    _print_secret(ctx, number, register.rotate)


def _print_secret(
    ctx: Context, number: int, verb: Callable[[Session, str, Webhook], None]
) -> None:
    with writing(ctx) as (site, db):
        hook = _hook(db, number)
        verb(db, ACTOR, hook)
        made = signing.secret(site.keys, hook)
    click.echo(made)


@webhook.command()
@_ID
@click.pass_obj
def disable(ctx: Context, number: int) -> None:
    """Send nothing to a webhook until it is enabled."""
    with writing(ctx) as (_, db):
        register.disable(db, ACTOR, _hook(db, number), register.TURNED_OFF)


@webhook.command()
@_ID
@click.option("--skip", is_flag=True, help="Leave out what it has missed.")
@click.pass_obj
def enable(ctx: Context, number: int, skip: bool) -> None:
    """Send to a webhook again, from where it left off."""
    with writing(ctx) as (_, db):
        register.enable(db, ACTOR, _hook(db, number), skip=skip)


@webhook.command("log")
@_ID
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show_log(ctx: Context, number: int, as_json: bool) -> None:
    """Show what was sent to a webhook and what it answered, the newest first."""
    with reading(ctx) as (_, db):
        _hook(db, number)
        rows = [
            {
                "event": tried.event_id,
                "type": tried.what,
                "at": tried.attempted_at.isoformat(timespec="seconds"),
                "status": tried.status,
                "milliseconds": tried.milliseconds,
                "told": tried.told,
            }
            for tried in log.latest(db, number, log.MOST)
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        answered = row["status"] or "-"
        click.echo(
            f"{row['at']} {row['type']} {row['event'] or '-'} {answered} "
            f"{row['milliseconds']} ms {str(row['told'])[:80]!r}"
        )


@webhook.command()
@_ID
@click.argument("event", type=click.IntRange(1))
@click.pass_obj
def resend(ctx: Context, number: int, event: int) -> None:
    """Send a webhook event number EVENT once more, now; exit code 1 when it is not taken."""
    _send(ctx, number, event)


@webhook.command()
@_ID
@click.pass_obj
def test(ctx: Context, number: int) -> None:
    """Send a webhook a test, now; exit code 1 when it is not taken."""
    _send(ctx, number, None)


def _send(ctx: Context, number: int, event_id: int | None) -> None:
    site: Site = ctx.site()
    try:
        with site.sessions.reading() as db:
            _hook(db, number)
        answer = Webhooks(site).send_once(number, event_id)
    finally:
        site.close()
    if answer is None:
        raise click.UsageError(f"Event {event_id} is not one that webhook {number} may be told.")
    click.echo(f"{answer.status or '-'} {answer.milliseconds} ms {answer.told!r}")
    sys.exit(0 if answer.taken else 1)


commands = [webhook]
