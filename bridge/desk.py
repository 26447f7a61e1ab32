"""The bridge at the desk: what each Aleph holds, what is owed to it, what failed, and a button to
try again.

It reads and writes receipts and owed work only, so that it is there when Aleph is not. What it
gives up: knowing more than the last push and verification found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.orm import Session

from bridge.config import Remote
from bridge.models import Receipt
from bridge.receipts import scope_of
from foi.archive import casework, ledger
from foi.archive.models import Body, Delivery, InfoRequest, Person
from foi.desk import frame
from foi.desk.forms import Form, whole
from foi.work import outbox

HOME = f"{frame.HOME}/bridge"
WRONG = ("failed", "lost", "stale")
"""States of a receipt after which sending again may help."""
SHOWN = 200
"""Collections of one Aleph that are listed; there may be one for each authority."""
_RECEIPT: Any = Receipt.__table__
_TABLE = _RECEIPT.c
_DELIVERY: Any = Delivery.__table__.c
_DOCUMENTS = ("request", "message", "attachment")


@dataclass
class Line:
    """The counts of one collection."""

    collection: str
    held: int
    unfinished: int
    withdrawing: int
    states: dict[str, int] = field(default_factory=dict)


@dataclass
class Shown:
    """One Aleph as the page shows it."""

    remote: Remote
    lines: list[Line]
    owed: int
    parked: int
    more: bool
    """Whether there are further collections."""


class Views:
    """The pages of the bridge for these Alephs."""

    def __init__(self, remotes: Sequence[Remote]) -> None:
        self._remotes = tuple(remotes)
        self._consumers = {remote.host: remote.consumer for remote in remotes}

    def page(self, request: Request) -> Response:
        """Every Aleph, and what failed."""
        db = request.db
        counts = outbox.counts(db)
        wrong, more = frame.cut(_wrong(db, [each.host for each in self._remotes]))
        stuck, further = frame.cut(_stuck(db, list(self._consumers.values())))
        subjects = {row.subject for row in (*wrong, *stuck)}
        return frame.show(
            request,
            "bridge",
            "Aleph",
            alephs=[_shown(db, remote, counts) for remote in self._remotes],
            wrong=wrong,
            stuck=stuck,
            more=more is not None or further is not None,
            named=_named(db, subjects),
        )

    def retry(self, request: Request) -> Response:
        """Send one thing again, or all that failed."""
        form, db = Form(request.sent.fields), request.db
        receipt = form.read("receipt", whole, None)
        delivery = form.read("delivery", whole, None)
        if form.errors:
            return frame.onward(HOME)
        everything = receipt is None and delivery is None
        number = 0
        if everything or receipt is not None:
            number += self._send_again(db, None if everything else receipt)
        if everything or delivery is not None:
            number += self._due_now(db, None if everything else delivery)
        if number:
            casework.note(db, request.identity.actor, "sent_to_aleph_again", number=number)
        return frame.onward(HOME, "retried" if number else "same")

    def _send_again(self, db: Session, only: int | None) -> int:
        """Let receipts say that these need sending, and owe it; give how many.

        What Aleph could not read is withdrawn first: read at last, it would be found twice, under
        its new schema and under the old one. The worker sends it once it is gone.
        """
        among = _amiss([each.host for each in self._remotes])
        one = [] if only is None else [_TABLE.id == only]
        rows = db.execute(
            select(_TABLE.id, _TABLE.target, _TABLE.subject, _TABLE.kind, _TABLE.state).where(
                *among, *one
            )
        ).all()
        spoilt = [r.id for r in rows if r.state == "failed" and r.kind in _DOCUMENTS]
        lost = [r.id for r in rows if r.state == "lost" and r.kind in _DOCUMENTS]
        rest = sorted({r.id for r in rows} - {*spoilt, *lost})
        again = {"digest": "", "state": "", "reason": "", "stamp": ""}
        _set(db, spoilt, again | {"withdrawn_at": ledger.now(), "sha256": ""})
        _set(db, lost, again | {"remote_id": "", "sha256": ""})
        _set(db, rest, again)
        self._look(db, {(row.target, row.subject) for row in rows})
        return len(rows)

    def _look(self, db: Session, places: Iterable[tuple[str, str]]) -> None:
        """Let pages and the worker look at subjects again: the latter at the whole of each."""
        wanted = sorted(places)
        for host, consumer in self._consumers.items():
            subjects = [subject for target, subject in wanted if target == host]
            for some in _portions(subjects):
                stamped = (_TABLE.target == host, _TABLE.subject.in_(some), _TABLE.stamp != "")
                db.execute(update(_RECEIPT).where(*stamped).values(stamp=""))
            ledger.owe(db, subjects, [consumer])
        ledger.bump(db, *(scope_of(subject) for _, subject in wanted))

    def _due_now(self, db: Session, only: int | None) -> int:
        """Make deliveries that were given up due at once; those that wait come up anyhow."""
        one = [] if only is None else [_DELIVERY.id == only]
        ours = _DELIVERY.consumer.in_(self._consumers.values())
        ids = db.scalars(select(_DELIVERY.id).where(ours, _DELIVERY.parked.is_(True), *one)).all()
        return sum(outbox.retry(db, some) for some in _portions(ids))


def _portions(rows: Sequence[Any], size: int = 500) -> Iterable[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _set(db: Session, ids: Sequence[int], values: dict[str, Any]) -> None:
    for some in _portions(ids):
        db.execute(update(_RECEIPT).where(_TABLE.id.in_(some)).values(values))


def _amiss(hosts: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        _TABLE.target.in_(hosts),
        _TABLE.state.in_(WRONG),
        _TABLE.withdrawn_at.is_(None),
        _TABLE.kind != "collection",
    )


def _wrong(db: Session, hosts: Sequence[str]) -> Sequence[Any]:
    """Give the objects that are not as they should be, as far as the last look found."""
    return db.execute(
        select(_TABLE.id, _TABLE.target, _TABLE.collection, _TABLE.subject, _TABLE.kind,
               _TABLE.foreign_id, _TABLE.file_name, _TABLE.state, _TABLE.reason)
        .where(*_amiss(hosts)).order_by(_TABLE.id.desc()).limit(frame.SHOWN + 1)
    ).all()  # fmt: skip


def _stuck(db: Session, consumers: Sequence[str]) -> Sequence[Any]:
    """Give the deliveries that failed at their last attempt."""
    return db.execute(
        select(_DELIVERY.id, _DELIVERY.consumer, _DELIVERY.subject, _DELIVERY.attempts,
               _DELIVERY.parked, _DELIVERY.due_at, _DELIVERY.error)
        .where(_DELIVERY.consumer.in_(consumers), _DELIVERY.error != "")
        .order_by(_DELIVERY.parked.desc(), _DELIVERY.id).limit(frame.SHOWN + 1)
    ).all()  # fmt: skip


def _shown(db: Session, remote: Remote, counts: dict[str, dict[str, int]]) -> Shown:
    """Count what the receipts for one Aleph say, in one pass over them."""
    here = _TABLE.withdrawn_at.is_(None)
    begun = or_(_TABLE.digest == "", _TABLE.remote_id == "")
    rows = db.execute(
        select(
            _TABLE.collection,
            _TABLE.state,
            func.sum(case((here & (_TABLE.digest != ""), 1), else_=0)).label("held"),
            func.sum(case((here & begun, 1), else_=0)).label("unfinished"),
            func.sum(case((here, 0), else_=1)).label("withdrawing"),
            func.sum(case((here, 1), else_=0)).label("present"),
        )
        .where(_TABLE.target == remote.host, _TABLE.kind != "collection")
        .group_by(_TABLE.collection, _TABLE.state)
        .order_by(_TABLE.collection, _TABLE.state)
    )
    lines: dict[str, Line] = {}
    for row in rows:
        line = lines.setdefault(row.collection, Line(row.collection, 0, 0, 0))
        line.held += row.held
        line.unfinished += row.unfinished
        line.withdrawing += row.withdrawing
        if row.state and row.present:
            line.states[row.state] = row.present
    owed = counts.get(remote.consumer, {"owed": 0, "parked": 0})
    some = list(lines.values())
    return Shown(remote, some[:SHOWN], owed["owed"], owed["parked"], len(some) > SHOWN)


def _named(db: Session, subjects: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give the name, and the page at the desk, of what subjects stand for."""
    kinds: dict[str, list[int]] = {}
    for subject in subjects:
        kind, _, number = subject.partition(":")
        if number.isdigit():
            kinds.setdefault(kind, []).append(int(number))
    found: dict[str, tuple[str, str]] = {}
    for kind, model, name, path in (
        ("request", InfoRequest, InfoRequest.title, "/desk/request/"),
        ("body", Body, Body.name, "/desk/body/"),
        ("person", Person, Person.name, ""),
    ):
        wanted = model.id.in_(kinds.get(kind, []))
        for id_, words in db.execute(select(model.id, name).where(wanted)):
            found[f"{kind}:{id_}"] = (words, f"{path}{id_}" if path else "")
    return found


def includeme(config: Configurator) -> None:
    """Add the pages to the desk, for those who may see the rest of it."""
    views = Views(config.registry["bridge.remotes"])
    frame.add(config, "bridge", HOME, {"GET": views.page})
    frame.add(config, "bridge-retry", f"{HOME}/retry", {"POST": views.retry})
    frame.offer(config, "Aleph", "bridge")
