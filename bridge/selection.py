"""Which requests belong to a collection, decided from their rows and those of their authority.

A saved selection is a query of the search language made of filters only: words would need the
index, and letters of one request may differ in them. What it gives up: `filetype:`, `variety:` and
`commented_by:`, which speak of single letters too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.casework import format_tag
from foi.archive.models import InfoRequest, Tag
from foi.pages import members
from foi.search.query import UNCLASSIFIED, parse
from foi.search.tree import And, DateRange, Filter, Node, Not, Or, Overdue
from foi.site import Site

FILTERS = (
    *("status", "latest_status", "requested_from", "requested_by", "request", "tag"),
    *("request_public_body_tag", "waiting_classification"),
)
"""The prefixes that a request's rows decide; besides them dates, `due:` and overdue states."""


class NotDecidable(ValueError):
    """A query asks for what rows do not tell; the text says what."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a request decides where it belongs."""

    row: Any
    day: date
    """Site-local day on which it was made."""
    tags: frozenset[str]
    body_tags: frozenset[str]

    def values(self, prefix: str) -> Iterable[str]:
        """Give its values for a prefix of the search language."""
        row = self.row
        match prefix:
            case "status" | "latest_status":
                yield UNCLASSIFIED if row.awaiting_description else row.described_state or ""
            case "requested_from":
                yield row.body_url_name
            case "requested_by":
                yield row.person_url_name or ""
            case "request":
                yield row.url_title
            case "tag":
                yield from self.tags
            case "request_public_body_tag":
                yield from self.body_tags
            case "waiting_classification":
                yield "yes" if row.awaiting_description else "no"


class Selection(Protocol):
    """A condition on requests."""

    whole: bool
    """Whether it takes every request, so that every authority belongs there as well."""

    def takes(self, facts: Facts, today: date) -> bool:
        """Tell whether a request belongs."""

    def narrow(self) -> list[ColumnElement[bool]]:
        """Give conditions that spare reading some of the requests that do not belong."""


@dataclass(frozen=True)
class Everything:
    """Every request."""

    whole = True

    def takes(self, facts: Facts, today: date) -> bool:
        return True

    def narrow(self) -> list[ColumnElement[bool]]:
        return []


@dataclass(frozen=True)
class Nothing:
    """No request: of a collection that is not wanted any more."""

    whole = False

    def takes(self, facts: Facts, today: date) -> bool:
        return False

    def narrow(self) -> list[ColumnElement[bool]]:
        return [false()]


@dataclass(frozen=True)
class OfAuthority:
    """The requests to one authority."""

    body_id: int
    whole = False

    def takes(self, facts: Facts, today: date) -> bool:
        return bool(facts.row.body_id == self.body_id)

    def narrow(self) -> list[ColumnElement[bool]]:
        return [InfoRequest.body_id == self.body_id]


@dataclass(frozen=True)
class Tagged:
    """The requests with one tag, whatever its value."""

    tag: str
    whole = False

    def takes(self, facts: Facts, today: date) -> bool:
        return self.tag in facts.tags

    def narrow(self) -> list[ColumnElement[bool]]:
        bearing = select(Tag.subject_id).where(Tag.subject_kind == "request", Tag.name == self.tag)
        return [InfoRequest.id.in_(bearing)]


@dataclass(frozen=True)
class Asked:
    """The requests that a query finds; NotDecidable when it asks for more than filters."""

    query: str
    whole = False

    def __post_init__(self) -> None:
        tree = self._tree(date(2000, 1, 1))
        if tree is None:
            raise NotDecidable("it asks for nothing")
        _check(tree)

    def _tree(self, today: date) -> Node | None:
        query = parse(self.query, today)
        if query.notes:
            raise NotDecidable(query.notes[0])
        return query.tree

    def takes(self, facts: Facts, today: date) -> bool:
        tree = self._tree(today)
        return tree is not None and meets(tree, facts)

    def narrow(self) -> list[ColumnElement[bool]]:
        return []


def _check(node: Node) -> None:
    """Raise NotDecidable for a leaf that rows do not decide."""
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                _check(each)
        case Not(inner):
            _check(inner)
        case Filter(prefix):
            if prefix not in FILTERS:
                raise NotDecidable(f"{prefix}: speaks of single letters, not of requests")
        case Overdue() | DateRange():
            return
        case _:
            raise NotDecidable("it asks for words; only filters such as tag:fish can be used")


def meets(node: Node, facts: Facts) -> bool:
    """Tell whether a request meets a query of filters."""
    match node:
        case And(nodes):
            return all(meets(each, facts) for each in nodes)
        case Or(nodes):
            return any(meets(each, facts) for each in nodes)
        case Not(inner):
            return not meets(inner, facts)
        case Overdue():
            return meets(node.meant(), facts)
        case Filter(prefix, value):
            wanted = value.casefold()
            return any(each.casefold() == wanted for each in facts.values(prefix))
        case DateRange(first, last, of):
            days = {
                "day": facts.day,
                "due": facts.row.due_on,
                "very_due": facts.row.very_overdue_on,
            }
            day = days[of]
            return day is not None and (first or date.min) <= day <= (last or date.max)
    return False


def facts_of(db: Session, site: Site, rows: Sequence[Any]) -> list[Facts]:
    """Give what decides about requests, read as `members.with_parties` reads them."""
    tags = members.tags_by_subject(db, "request", [row.id for row in rows])
    bodies = sorted({row.body_id for row in rows})
    body_tags = members.tags_by_subject(db, "body", bodies)
    return [
        Facts(
            row,
            site.calendar.day(row.created_at),
            _spelled(tags.get(row.id, ())),
            _spelled(body_tags.get(row.body_id, ())),
        )
        for row in rows
    ]


def _spelled(pairs: Sequence[tuple[str, str]]) -> frozenset[str]:
    """Give tags by `name:value` and by their names alone, as the search finds them."""
    return frozenset(text for name, value in pairs for text in (name, format_tag(name, value)))


def taken(
    db: Session,
    site: Site,
    selection: Selection,
    today: date,
    *conditions: ColumnElement[bool],
) -> list[Any]:
    """Give the rows of the listed requests that a selection takes, among those that meet
    conditions.
    """
    statement = members.with_parties().where(reading.listed(), *selection.narrow(), *conditions)
    rows = db.execute(statement.order_by(InfoRequest.id)).all()
    if selection.whole:
        return list(rows)
    return [each.row for each in facts_of(db, site, rows) if selection.takes(each, today)]


def tag_names(facts: Facts) -> set[str]:
    """Give the names of a request's tags, without values."""
    return {tag.partition(":")[0] for tag in facts.tags}
