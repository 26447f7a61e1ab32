"""Documents to put into an engine, and short ways to put and find them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from foi.search.engine import Document, Hits, SearchEngine
from foi.search.query import parse

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
TODAY = date(2024, 6, 1)
"""The day on which these searches are made."""


def event(number: int, owner: int = 1, **more: Any) -> Document:
    """Make the document of an event, a day later for each number."""
    moment = START + timedelta(days=number)
    given = {"happened_at": moment, "day": moment.date(), "variety": "sent", **more}
    return Document(key=f"event:{number}", owner=f"request:{owner}", **given)


def body(number: int, name: str, **more: Any) -> Document:
    """Make the document of an authority."""
    key = f"body:{number}"
    given = {"happened_at": START, "day": START.date(), "variety": "authority", **more}
    return Document(key=key, owner=key, title=name, **given)


def person(number: int, name: str, **more: Any) -> Document:
    """Make the document of a person."""
    key = f"person:{number}"
    given = {"happened_at": START, "day": START.date(), "variety": "user", **more}
    return Document(key=key, owner=key, title=name, **given)


def put(engine: SearchEngine, *documents: Document) -> None:
    """Put documents in the place of what their owners had."""
    engine.replace({document.owner for document in documents}, documents)


def find(engine: SearchEngine, text: str, **how: Any) -> Hits:
    """Search as a page does."""
    return engine.find(parse(text, TODAY).tree, **how)


def keys(engine: SearchEngine, text: str, **how: Any) -> list[str]:
    """Give what is found, in order."""
    return [hit.key for hit in find(engine, text, **how).list]
