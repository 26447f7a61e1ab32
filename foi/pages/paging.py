"""Newest-first lists and feeds by cursor: `?before=` goes on where a page ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyramid.request import Request
from sqlalchemy import ColumnElement, Row, Select, and_, or_
from sqlalchemy.orm import Session

from foi.archive.models import Event, InfoRequest
from foi.pages import cursors, events, members
from foi.site import Site


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a list: what it shows and the queries of this part and the following one."""

    rows: Sequence[Any]
    query: str
    next_query: str


def requests_before(
    request: Request, *conditions: ColumnElement[bool], limit: int = events.PER_PAGE
) -> Slice:
    """Give requests, newest first by the date they were made, with their authority and
    requester.
    """
    site: Site = request.registry["foi.site"]
    given = request.GET.get("before", "")
    statement = members.with_parties().where(*conditions)
    if given:
        made, number = cursors.read(given, datetime, int)
        statement = statement.where(
            or_(
                InfoRequest.created_at < made,
                and_(InfoRequest.created_at == made, InfoRequest.id < number),
            )
        )
    statement = statement.order_by(InfoRequest.created_at.desc(), InfoRequest.id.desc()).limit(
        limit + 1
    )
    rows = request.db.execute(statement).all()
    shown = members.listed(request.db, rows[:limit], site.calendar.today())
    following = (
        _before(cursors.write(rows[limit - 1].created_at, rows[limit - 1].id))
        if len(rows) > limit
        else ""
    )
    return Slice(shown, _before(given), following)


def events_before(request: Request, statement: Select[Any], limit: int = events.PER_PAGE) -> Slice:
    """Give events, newest first by id, which is the order in which they were recorded."""
    given = request.GET.get("before", "")
    if given:
        (number,) = cursors.read(given, int)
        statement = statement.where(Event.id < number)
    rows: Sequence[Row[Any]] = _newest(request.db, statement, limit)
    following = _before(cursors.write(rows[limit - 1].id)) if len(rows) > limit else ""
    return Slice(rows[:limit], _before(given), following)


def _newest(db: Session, statement: Select[Any], limit: int) -> Sequence[Row[Any]]:
    return db.execute(statement.order_by(Event.id.desc()).limit(limit + 1)).all()


def _before(cursor: str) -> str:
    return f"before={cursor}" if cursor else ""
