"""Who did what: the desk's own events, the newest first; a reading of the event log."""

from typing import Any

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select

from foi.accounts.models import Account
from foi.archive.kinds import DESK_ONLY, Audience, Kind
from foi.archive.models import Body, Event, InfoRequest
from foi.desk import frame
from foi.desk.forms import Form, whole

WORDS = {
    Kind.KEY_ROTATED: "Key replaced",
    Kind.KEY_CARRIED: "Former key accepted",
    Kind.KEY_SHOWN: "Key shown",
    Kind.DESK_ACT: "Act",
    Kind.SIGN_IN: "Sign-in",
    Kind.ACCOUNT_EDIT: "Account",
}
_OFFICES = {"desk": "The command line", "import": "An import", "clock": "The calendar"}


def page(request: Request) -> Response:
    """The desk's events, of one actor or kind if asked for."""
    db = request.db
    actor, kind = (request.GET.get(name, "").strip() for name in ("actor", "kind"))
    conditions: list[Any] = [Event.audience == Audience.DESK]
    if actor:
        conditions.append(Event.actor == actor)
    if kind in {each.value for each in DESK_ONLY}:
        conditions.append(Event.kind == Kind(kind))
    before = Form(request.GET).read("before", whole, 0)
    if before:
        conditions.append(Event.id < before)
    rows = db.execute(
        select(
            Event.id,
            Event.kind,
            Event.actor,
            Event.recorded_at,
            Event.params,
            Event.request_id,
            Event.body_id,
            Event.message_id,
            Event.attachment_id,
            InfoRequest.title,
            Body.name,
        )
        .outerjoin(InfoRequest, InfoRequest.id == Event.request_id)
        .outerjoin(Body, Body.id == Event.body_id)
        .where(*conditions)
        .order_by(Event.id.desc())
        .limit(frame.SHOWN + 1)
    ).all()
    shown, last = frame.cut(rows)
    return frame.show(
        request,
        "audit",
        "Audit",
        rows=[(row, _what(row)) for row in shown],
        before=last.id if last else None,
        actor=actor,
        kind=kind,
        kinds={each.value: WORDS[each] for each in WORDS},
        names=_names(request) | _OFFICES,
    )


def _names(request: Request) -> dict[str, str]:
    """Give the e-mail addresses of accounts by the names under which they act."""
    rows = request.db.execute(select(Account.id, Account.email))
    return {f"account:{number}": email for number, email in rows}


def _what(row: Any) -> tuple[str, str]:
    """Give in words what was done, and its circumstances."""
    params = dict(row.params or {})
    did = str(params.pop("did", "")).replace("_", " ")
    said = "; ".join(
        f"{name}: {' '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in params.items()
    )
    return f"{WORDS[row.kind]}: {did}" if did else WORDS[row.kind], said
