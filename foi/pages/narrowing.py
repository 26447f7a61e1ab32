"""What a search can be narrowed to: by its facets, each a link, and by Alaveteli's form fields.

Both end as text of the query language, so that whatever narrows a search can be read, changed,
linked to and followed.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from pyramid.request import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import Body
from foi.archive.states import LABELS, VIEWS
from foi.search import dates
from foi.search.engine import Facets
from foi.search.query import UNCLASSIFIED, And, DateRange, Filter, Node, Query, parse
from foi.search.tree import OVERDUE, Overdue, disjunction, narrowed, widened, write

FACETS = {"state": "State", "authority": "Authority", "year": "Year", "filetype": "Type of file"}

STATUSES = {
    "successful": VIEWS["successful"],
    "unsuccessful": VIEWS["unsuccessful"],
    "awaiting": ("waiting_response", "waiting_clarification", UNCLASSIFIED),
    "internal_review": ("internal_review",),
    "other": ("gone_postal", "error_message", "requires_admin", "user_withdrawn"),
    "gone_postal": ("gone_postal",),
    "overdue": ("overdue",),
}
"""Values of `latest_status[]` and the states they stand for (Alaveteli's; `overdue` is new)."""

VARIETIES = {
    "sent": ("sent", "followup_sent"),
    "response": ("response",),
    "comment": ("comment",),
}
"""Values of `request_variety[]`, and the kinds of event they stand for."""


def extended(words: str, today: date, by: Node) -> str:
    """Give the text of a query that asks for one thing more: what was typed stands as it is, where
    that means the same.
    """
    tree = narrowed(parse(words, today).tree, by)
    text = f"{words} {write(by)}".strip()
    return text if parse(text, today).tree == tree else write(tree)


def with_fields(request: Request, words: str, today: date) -> tuple[str, list[str]]:
    """Give the query with what the fields of a form ask for, and notes on those not understood;
    blank fields ask for nothing.
    """
    notes: list[str] = []
    statuses = _chosen(request, "latest_status", STATUSES, notes)
    varieties = _chosen(request, "request_variety", VARIETIES, notes)
    nodes = [
        disjunction(_status(value, today) for value in statuses),
        disjunction(Filter("variety", value) for value in varieties),
        _dates(request, today, notes),
    ]
    for node in nodes:
        if node is not None:
            words = extended(words, today, node)
    return words, notes


def _chosen(
    request: Request, name: str, known: dict[str, tuple[str, ...]], notes: list[str]
) -> list[str]:
    given = [*request.GET.getall(f"{name}[]"), *request.GET.getall(name)]
    values: list[str] = []
    for each in given:
        if each in known:
            values += known[each]
        elif each not in ("", "all", "recent"):
            notes.append(f"There is no {name} of that name; there are {', '.join(known)}.")
    return list(dict.fromkeys(values))


def _dates(request: Request, today: date, notes: list[str]) -> Node | None:
    after = request.GET.get("request_date_after", "").strip()
    before = request.GET.get("request_date_before", "").strip()
    first = dates.read_range(after, today, notes)[0] if after else None
    last = dates.read_range(before, today, notes)[1] if before else None
    if first and last and first > last:
        first, last = last, first
    return DateRange(first, last) if first or last else None


def _status(value: str, today: date) -> Node:
    if value in OVERDUE:
        return Overdue("latest_status", value, today)
    return Filter("latest_status", value)


def facet_links(
    db: Session, query: Query, words: str, facets: Facets, today: date
) -> dict[str, list[dict[str, Any]]]:
    """Give by facet its values: label, count, whether it is chosen already, and the text of the
    query that has it, or no longer has it.
    """
    names = _names(db, (value for value, _ in facets["authority"]))
    there = query.tree.nodes if isinstance(query.tree, And) else (query.tree,)
    found: dict[str, list[dict[str, Any]]] = {}
    for facet, values in facets.items():
        found[facet] = []
        for value, count in values:
            node = _node(facet, value, today)
            chosen = node in there
            text = write(widened(query.tree, node)) if chosen else extended(words, today, node)
            label = names.get(value, value) if facet == "authority" else _label(facet, value)
            found[facet].append(
                {"value": value, "label": label, "count": count, "chosen": chosen, "text": text}
            )
    return {facet: values for facet, values in found.items() if values}


def _node(facet: str, value: str, today: date) -> Node:
    if facet == "year":
        return DateRange(date(int(value), 1, 1), date(int(value), 12, 31))
    if facet == "state":
        return _status(value, today)
    return Filter({"authority": "requested_from", "filetype": "filetype"}[facet], value)


def _label(facet: str, value: str) -> str:
    if facet == "state":
        return "Overdue" if value == "overdue" else LABELS.get(value, value)
    return value.upper() if facet == "filetype" else value


def _names(db: Session, slugs: Iterable[str]) -> dict[str, str]:
    rows = db.execute(select(Body.url_name, Body.name).where(Body.url_name.in_(list(slugs))))
    return {row.url_name: row.name for row in rows}
