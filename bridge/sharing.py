"""`foi bridge permissions`: who may read and write a collection in Aleph, and letting people in.

Aleph leaves out in silence what it does not allow, so each change is looked at afterwards. What it
gives up: making groups, which is the work of Aleph's admins.
"""

import click

from bridge.choosing import one
from bridge.cli import bridge, which, within
from bridge.config import Unusable
from bridge.target import Target
from bridge.telling import Context, as_json, opened, show
from bridge.wire import AlephError, Json
from bridge.workspace import EVERYONE, USERS, Workspace

_PUBLIC = {"everyone": EVERYONE, "users": USERS}
_PRIVATE = "an investigation is never public in Aleph, and only an admin can make a dataset of it"


@bridge.group("permissions", invoke_without_command=True)
@click.pass_context
def permissions(context: click.Context) -> None:
    """Say who may read a collection in Aleph, and let people in or out."""
    if context.invoked_subcommand is None:
        context.invoke(list_command)


@permissions.command("list")
@within
@which
@as_json
@click.pass_obj
def list_command(
    context: Context,
    collection: str | None = None,
    target: str | None = None,
    as_json: bool = False,
) -> None:
    """List who may read and write a collection, and which groups could be let in."""
    with opened(context) as site, one(site, target, collection) as meant:
        rows = Workspace(meant.aleph).permissions(meant.collection_id)
        _tell(meant, rows, as_json)


@permissions.command("grant")
@click.argument("who")
@click.option("--write", is_flag=True, help="Let them write as well, and so change and delete.")
@within
@which
@as_json
@click.pass_obj
def grant_command(
    context: Context,
    who: str,
    write: bool,
    collection: str | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Let WHO read a collection: a group's name, a person's e-mail address, a role's number,
    `users` (all who are logged in) or `everyone`.

    The last two publish it, which needs the key of an admin of Aleph.
    """
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        role, email = _role(space, meant.collection_id, who)
        if role in _PUBLIC.values():
            if write:
                raise Unusable("what is public can be read by all and written by nobody of them")
            _publish(meant, space)
        rows = space.permit(meant.collection_id, role, read=True, write=write, email=email)
        held = next((row for row in rows if row["id"] == role), None)
        if held is None or not held["read"] or held["write"] < write:
            raise Unusable(
                f"Aleph has not let {who} in, and does not say why: most likely there is no such "
                "role, or it wants a person's whole e-mail address"
            )
        _tell(meant, rows, as_json)


@permissions.command("revoke")
@click.argument("who")
@within
@which
@as_json
@click.pass_obj
def revoke_command(
    context: Context, who: str, collection: str | None, target: str | None, as_json: bool
) -> None:
    """Take from WHO the right to read and write a collection; named as for `grant`."""
    with opened(context) as site, one(site, target, collection) as meant:
        space = Workspace(meant.aleph)
        before = space.permissions(meant.collection_id)
        role = _known(before, who) or _role(space, meant.collection_id, who)[0]
        if not any(row["id"] == role and (row["read"] or row["write"]) for row in before):
            raise Unusable(f"{who} has no right of their own in {meant.collection}")
        if role == space.holder().id:
            raise Unusable(
                f"{who} is whose key the bridge has: without that right it could not go on"
            )
        rows = space.permit(meant.collection_id, role, read=False, write=False)
        if any(row["id"] == role and row["read"] for row in rows):
            raise Unusable(f"Aleph has not taken the right from {who}, and does not say why")
        _tell(meant, rows, as_json)


def _publish(meant: Target, space: Workspace) -> None:
    """Make a dataset of an investigation, if need be; Unusable when the key is no admin's."""
    about = meant.aleph.call("GET", f"collections/{meant.collection_id}")
    if not (about.get("casefile") or about.get("category") == "casefile"):
        return
    fields = dict(meant.place.fields)
    if space.holder().admin is False:
        raise Unusable(
            f"only an admin of Aleph may publish: {_PRIVATE}; with the key of one, this command "
            "does both"
        )
    meant.aleph.update_collection(meant.collection_id, fields)
    about = meant.aleph.call("GET", f"collections/{meant.collection_id}")
    if about.get("casefile") or about.get("category") == "casefile":
        raise Unusable(f"Aleph has left it as it was: {_PRIVATE}")


def _known(rows: list[Json], who: str) -> str:
    """Give the role of those listed that a number or name means; empty when there is none."""
    found = {row["id"] for row in rows if row["id"] == who}
    found |= {row["id"] for row in rows if row["name"].casefold() == who.casefold()}
    return found.pop() if len(found) == 1 else ""


def _role(space: Workspace, number: str, who: str) -> tuple[str, str]:
    """Give the number of a role and, of a person named by it, the e-mail address.

    Unusable when nobody or more than one is meant.
    """
    if who in _PUBLIC:
        return _PUBLIC[who], ""
    role = "" if "@" in who else _known(space.permissions(number), who)
    if role or who.isdigit():
        return role or who, ""
    try:
        people = space.people(who)
    except AlephError as error:
        if error.status not in (400, 404):
            raise
        people = []
    exact = [each for each in people if str(each.get("name")).casefold() == who.casefold()]
    found = exact if len(exact) == 1 else people
    if not found:
        raise Unusable(
            f"Aleph knows nobody as {who!r}: give a group's name as `foi bridge permissions list` "
            "shows it, a person's whole e-mail address, or a role's number"
        )
    if len(found) > 1:
        names = ", ".join(f"{each.get('label')} ({each.get('id')})" for each in found[:10])
        raise Unusable(f"{who!r} may be several: {names}; give the number")
    return str(found[0].get("id")), who if "@" in who else ""


def _tell(meant: Target, rows: list[Json], as_json: bool) -> None:
    rows = sorted(rows, key=lambda row: (not row["read"], row["type"], row["name"]))
    members = {
        "collection": meant.collection,
        "number": meant.collection_id,
        "public": any(row["id"] == EVERYONE and row["read"] for row in rows),
        "roles": rows,
    }
    show(
        members if as_json else None,
        f"Collection {meant.collection} of {meant.aleph.host}",
        *(f"  {_rights(row):<15} {row['type']:<6} {row['id']:>5}  {row['name']}" for row in rows),
    )


def _rights(row: Json) -> str:
    rights = [name for name in ("read", "write") if row[name]]
    return " and ".join({"read": "reads", "write": "writes"}[each] for each in rights) or "-"
