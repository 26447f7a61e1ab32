"""`foi body`, `foi request`, `foi message`, `foi attachment`, `foi annotation`: what the desk does
with them, for the command line; each is told to the desk's audit alike.
"""

import json
from collections.abc import Callable
from typing import IO, Any

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.casework import format_tag, tags_of
from foi.archive.casework.names import is_taken
from foi.archive.categories import all_categories, format_categories
from foi.archive.history import BodyVersion
from foi.archive.importing.authorities import FIELDS as COLUMNS
from foi.archive.importing.categories import read_categories
from foi.archive.importing.values import check_slug, check_tags, one_line, web_address
from foi.archive.models import Annotation, Attachment, InfoRequest, Message
from foi.archive.states import PART_PROMINENCE, REQUEST_PROMINENCE, STATES
from foi.cli import Context
from foi.commands.opening import ACTOR, body_of, reading, writing
from foi.desk.forms import reason as read_reason

body = click.Group("body", help="Authorities: add, edit, tag.")
request = click.Group("request", help="Requests: edit, move, tag, describe, hide.")
_REASON = click.option("--reason", default="", help="Why; the public reads it.")
_SLUG = click.argument("slug")
_ADD = click.option("--add", multiple=True, metavar="TAG", help="A tag to give; repeatable.")
_REMOVE = click.option("--remove", multiple=True, metavar="TAG", help="A tag to take; repeatable.")


def _request(db: Session, slug: str) -> InfoRequest:
    found = db.scalar(select(InfoRequest).where(InfoRequest.url_title == slug))
    if found is None:
        raise click.UsageError(f"There is no request {slug!r}.")
    return found


def _fields(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of an authority."""
    for name, _ in reversed(COLUMNS.values()):
        if name != "name":
            command = click.option(f"--{name.replace('_', '-')}", name)(command)
    return click.option("--url-name", help="The part of its address.")(command)


def _read(given: dict[str, str | None]) -> Any:
    """Read the fields that were given, as an import reads its columns."""
    readers = dict(COLUMNS.values())
    read = {}
    for name, text in given.items():
        if text is not None:
            try:
                read[name] = readers[name](text)
            except ValueError as wrong:
                raise click.UsageError(f"--{name.replace('_', '-')}: {wrong}") from None
    return read


def _check_free(db: Session, url_name: str | None, own_id: int | None) -> str | None:
    """Give the slug that is wished for; exit code 2 when another authority has or had it."""
    slug = check_slug(url_name) if url_name else None
    if slug and is_taken(db, "body", slug, own_id):
        raise click.UsageError(f"There is, or was, an authority {slug!r} already.")
    return slug


@body.command("add")
@click.argument("name")
@_fields
@click.pass_obj
def body_add(ctx: Context, /, name: str, url_name: str | None, **given: str | None) -> None:
    """Add an authority called NAME; print its url_name."""
    fields = _read({"name": name, **given})
    if not fields["name"]:
        raise click.UsageError("An authority needs a name.")
    with writing(ctx) as (_, db):
        slug = _check_free(db, url_name, None)
        made = casework.add_body(db, ACTOR, url_name=slug, **fields)
        db.flush()
        casework.note(db, ACTOR, "body_added", body=made)
        shown = made.url_name
    click.echo(shown)


@body.command("edit")
@_SLUG
@click.option("--name")
@_fields
@click.pass_obj
def body_edit(ctx: Context, /, slug: str, url_name: str | None, **given: str | None) -> None:
    """Change what is said of the authority SLUG; print the fields that differ."""
    fields = _read(given)
    with writing(ctx) as (_, db):
        found = body_of(db, slug)
        wanted = _check_free(db, url_name, found.id)
        with casework.act(db, ACTOR, "body_edited", body=found):
            changed = casework.edit_body(db, found, ACTOR, url_name=wanted, **fields)
    click.echo(" ".join(changed))


@body.command("tag")
@_SLUG
@_ADD
@_REMOVE
@click.pass_obj
def body_tag(ctx: Context, slug: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Give tags to the authority SLUG and take tags from it; print those that it has."""
    with writing(ctx) as (_, db):
        found = body_of(db, slug)
        wanted = _tags(db, "body", found.id, add, remove)
        with casework.act(db, ACTOR, "body_edited", body=found):
            casework.edit_body(db, found, ACTOR, tag_texts=wanted)
    click.echo("\n".join(wanted))


def _tags(
    db: Session, kind: str, number: int, add: tuple[str, ...], remove: tuple[str, ...]
) -> list[str]:
    held = [format_tag(*pair) for pair in tags_of(db, kind, number)]
    return check_tags([tag for tag in (*held, *add) if tag not in remove])


@body.command("versions")
@_SLUG
@click.pass_obj
def body_versions(ctx: Context, slug: str) -> None:
    """Print the former records of the authority SLUG, the newest first, as JSON Lines."""
    with reading(ctx) as (_, db):
        former = db.scalars(
            select(BodyVersion)
            .where(BodyVersion.body_id == body_of(db, slug).id)
            .order_by(BodyVersion.version.desc())
        )
        for one in former:
            told = {"version": one.version, "until": one.until.isoformat(), **one.record}
            click.echo(json.dumps(told, ensure_ascii=False))


@body.command("categories")
@click.option(
    "--set",
    "text",
    type=click.File(encoding="utf-8"),
    help="Make those in this file the categories; - reads standard input.",
)
@click.pass_obj
def body_categories(ctx: Context, text: IO[str] | None) -> None:
    """Print the titled groups of tags by which authorities are found: a line for each title, then
    `- tag words` for each of its tags.
    """
    if text is not None:
        with writing(ctx) as (_, db):
            casework.set_categories(db, ACTOR, read_categories(text.read()))
    with reading(ctx) as (_, db):
        shown = format_categories(all_categories(db))
    click.echo(shown)


@request.command("edit")
@_SLUG
@click.option("--title")
@click.option("--external-url")
@click.pass_obj
def request_edit(ctx: Context, slug: str, title: str | None, external_url: str | None) -> None:
    """Change the title or the address elsewhere of the request SLUG; print the slug it has."""
    with writing(ctx) as (_, db):
        found = _request(db, slug)
        title = one_line(title) if title is not None else None
        if title == "":
            raise click.UsageError("A request needs a title.")
        address = web_address(external_url) if external_url is not None else None
        with casework.act(db, ACTOR, "request_edited", request=found, body=found.body):
            casework.edit_request(db, found, ACTOR, title=title, external_url=address)
        shown = found.url_title
    click.echo(shown)


@request.command("move")
@_SLUG
@click.argument("body")
@click.pass_obj
def request_move(ctx: Context, slug: str, body: str) -> None:
    """Move the request SLUG to the authority BODY."""
    with writing(ctx) as (_, db):
        found, target = _request(db, slug), body_of(db, body)
        with casework.act(db, ACTOR, "request_moved", request=found, body=target):
            casework.move(db, found, target, ACTOR)


@request.command("tag")
@_SLUG
@_ADD
@_REMOVE
@click.pass_obj
def request_tag(ctx: Context, slug: str, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Give tags to the request SLUG and take tags from it; print those that it has."""
    with writing(ctx) as (_, db):
        found = _request(db, slug)
        wanted = _tags(db, "request", found.id, add, remove)
        with casework.act(db, ACTOR, "request_edited", request=found, body=found.body):
            casework.edit_request(db, found, ACTOR, tag_texts=wanted)
    click.echo("\n".join(wanted))


@request.command("state")
@_SLUG
@click.argument("state", type=click.Choice(list(STATES)))
@click.pass_obj
def request_state(ctx: Context, slug: str, state: str) -> None:
    """Say how the request SLUG stands."""
    with writing(ctx) as (_, db):
        found = _request(db, slug)
        with casework.act(
            db, ACTOR, "request_described", request=found, body=found.body, state=state
        ):
            casework.classify(db, found, ACTOR, state)


@request.command("hide")
@_SLUG
@click.option(
    "--prominence",
    type=click.Choice(REQUEST_PROMINENCE[1:]),
    default="hidden",
    show_default=True,
)
@_REASON
@click.pass_obj
def request_hide(ctx: Context, slug: str, prominence: str, reason: str) -> None:
    """Show less of the request SLUG."""
    with writing(ctx) as (_, db):
        found = _request(db, slug)
        why = read_reason(reason)
        with casework.act(
            db, ACTOR, "hide", request=found, body=found.body, prominence=prominence, reason=why
        ):
            casework.hide(db, found, ACTOR, prominence=prominence, reason=why)


@request.command("release")
@_SLUG
@click.pass_obj
def request_release(ctx: Context, slug: str) -> None:
    """Show the request SLUG normally again."""
    with writing(ctx) as (_, db):
        found = _request(db, slug)
        with casework.act(db, ACTOR, "release", request=found, body=found.body):
            casework.release(db, found, ACTOR)


def _part_group(kind: str, model: type[Any], what: str) -> click.Group:
    """Make the commands on one kind of part of a request; each is known by its number."""
    group = click.Group(kind, help=f"{kind.capitalize()}s: hide, release, erase.")
    number = click.argument("number", type=click.IntRange(1, 2**31 - 1))

    def do(ctx: Context, wanted: int, did: str, reason: str, **more: Any) -> None:
        with writing(ctx) as (_, db):
            part = db.get(model, wanted)
            if part is None:
                raise click.UsageError(f"There is no {kind} {wanted}.")
            why = read_reason(reason)
            owner = db.get_one(Message, part.message_id) if kind == "attachment" else part
            found = db.get_one(InfoRequest, owner.request_id)
            told: dict[str, Any] = {kind: part}
            with casework.act(db, ACTOR, did, request=found, body=found.body, reason=why, **told):
                if did == "release":
                    casework.release(db, part, ACTOR)
                elif did == "hide":
                    casework.hide(db, part, ACTOR, reason=why, **more)
                else:
                    casework.erase(db, part, ACTOR, reason=why)

    @group.command("hide", help=f"Hide {what} NUMBER.")
    @number
    @click.option(
        "--prominence", type=click.Choice(PART_PROMINENCE[1:]), default="hidden", show_default=True
    )
    @_REASON
    @click.pass_obj
    def hide(ctx: Context, number: int, prominence: str, reason: str) -> None:
        do(ctx, number, "hide", reason, prominence=prominence)

    @group.command("release", help=f"Show {what} NUMBER normally again.")
    @number
    @click.pass_obj
    def release(ctx: Context, number: int) -> None:
        do(ctx, number, "release", "")

    @group.command("erase", help=f"Erase {what} NUMBER for good; it cannot be brought back.")
    @number
    @_REASON
    @click.pass_obj
    def erase(ctx: Context, number: int, reason: str) -> None:
        do(ctx, number, "erase", reason)

    return group


commands: list[click.Command] = [
    body,
    request,
    _part_group("message", Message, "the message"),
    _part_group("attachment", Attachment, "the attachment"),
    _part_group("annotation", Annotation, "the annotation"),
]
