"""How to search: every sign, prefix and date with an example that finds something here.

The examples are made of what this archive has: the newest request and the newest answer with a
file, their names and tags. Where it has nothing of the kind, the example is told, not linked.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from pyramid.request import Request
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.casework import format_tag
from foi.archive.filetypes import kind as filetype
from foi.archive.models import Annotation, Attachment, InfoRequest, Message, Person, Tag
from foi.archive.states import STATES
from foi.pages import links, members, narrowing
from foi.pages.page import Page
from foi.search.engine import Kind
from foi.search.query import (
    BEGINNING,
    LENGTH,
    NESTING,
    TERMS,
    VARIETIES,
    write,
)
from foi.search.tree import OVERDUE, Filter
from foi.search.words import language, split
from foi.site import site_of


@dataclass(frozen=True, slots=True)
class Example:
    """A query and what it finds; without a path, this site has nothing like it."""

    text: str
    meaning: str
    path: str = ""


def page(request: Request) -> Page:
    """The language of searches, with examples, and a form."""
    newest = request.db.execute(
        members.with_parties()
        .where(reading.listed())
        .order_by(InfoRequest.created_at.desc(), InfoRequest.id.desc())
        .limit(1)
    ).one_or_none()
    words = _words(request, newest)
    return Page(
        title="How to search",
        path="/advancedsearch",
        scopes=("search", "requests", "bodies", "people"),
        template="advancedsearch.jinja2",
        shows={
            "chapters": [
                ("Words", _of_words(words)),
                ("Filters", _of_filters(request, newest, words[0])),
                ("Dates", _of_dates(newest, site_of(request).calendar.today())),
            ],
            "states": list(STATES.values()),
            "overdue": OVERDUE,
            "varieties": VARIETIES,
            "statuses": list(narrowing.STATUSES),
            "kinds": list(narrowing.VARIETIES),
            "limits": {
                "length": LENGTH,
                "terms": TERMS,
                "nesting": NESTING,
                "beginning": BEGINNING,
            },
        },
    )


def _words(request: Request, newest: Any) -> list[str]:
    """Give two words of the newest request's title that are worth looking for."""
    common = language(site_of(request).settings.site_locale).common
    title = reading.mask(newest.title) if newest else ""
    told = [m[0].lower() for m in split(title) if len(m[0]) > 3 and m[0].lower() not in common]
    return [*dict.fromkeys(told), "minutes", "meetings"][:2]


def _linked(text: str, meaning: str, kind: Kind = Kind.ALL) -> Example:
    return Example(text, meaning, links.search_path(text, kind))


def _of_words(words: list[str]) -> list[Example]:
    one, two = words
    return [
        _linked(f"{one} {two}", "both words, anywhere, whatever their endings"),
        _linked(f'"{one} {two}"', "the words side by side, in this order"),
        _linked(f"{one} OR {two}", "at least one of them; in capitals"),
        _linked(f"{one} AND {two}", "both; the same as without AND"),
        _linked(f"{one} -{two}", "the first without the second"),
        _linked(f"{one} NOT {two}", "the same"),
        _linked(f"+{one}", "the word itself; the sign changes nothing"),
        _linked(f"{one} ({two} OR report)", "parentheses group"),
        _linked(f"{one[:4]}*", "words that begin so"),
    ]


def _of_filters(request: Request, newest: Any, word: str) -> list[Example]:
    told: list[tuple[str, str | None, str]] = [
        ("status", "overdue", "requests whose answer is late today"),
        ("waiting_classification", "yes", "answered, and nobody has said yet what came of it"),
        ("variety", "response", "only letters of one kind"),
    ]
    if newest is not None:
        told = [*_of_archive(request.db, newest), *told]
    examples = [
        _linked(write(Filter(prefix, value)), meaning) if value else Example(f"{prefix}:", meaning)
        for prefix, value, meaning in told
    ]
    return [*examples, _linked(f"{word} variety:sent 2000..", "words, filters and dates together")]


def _of_archive(db: Session, newest: Any) -> list[tuple[str, str | None, str]]:
    """Give filters with the newest value that this archive has of each."""
    request, listed = InfoRequest.id, reading.listed()

    def last(statement: Select[Any]) -> Any:
        return db.execute(statement.where(listed).order_by(request.desc()).limit(1)).first()

    state = last(select(InfoRequest.described_state).where(~InfoRequest.awaiting_description))
    asker = last(select(Person.url_name).join(InfoRequest, InfoRequest.person_id == Person.id))
    annotator = last(
        select(Person.url_name)
        .join(Annotation, Annotation.person_id == Person.id)
        .join(InfoRequest, request == Annotation.request_id)
        .where(Annotation.prominence == "normal", Annotation.erased_at.is_(None))
    )
    file = last(
        select(Attachment.media_type)
        .join(Message, Message.id == Attachment.message_id)
        .join(InfoRequest, request == Message.request_id)
        .where(Attachment.prominence == "normal", Attachment.erased_at.is_(None))
        .where(Message.prominence == "normal", Message.erased_at.is_(None))
    )
    tagged: Any = select(Tag.name, Tag.value)
    tag, body_tag = (
        last(tagged.join(InfoRequest, column == Tag.subject_id).where(Tag.subject_kind == kind))
        for kind, column in (("request", request), ("body", InfoRequest.body_id))
    )
    described = state and state[0]
    return [
        ("status", described, "letters that led to a state"),
        ("latest_status", described, "requests that are in a state now"),
        ("requested_from", newest.body_url_name, "to an authority, by its name in its address"),
        ("requested_by", asker and asker[0], "by a person, likewise"),
        ("commented_by", annotator and annotator[0], "annotated by a person"),
        ("request", newest.url_title, "one request, by its name in its address"),
        ("filetype", file and filetype(file[0]), "letters with such a file"),
        ("tag", tag and format_tag(*tag), "requests, authorities or people with a tag"),
        (
            "request_public_body_tag",
            body_tag and format_tag(*body_tag),
            "requests to authorities with a tag",
        ),
    ]


def _of_dates(newest: Any, today: date) -> list[Example]:
    year = (newest.created_at.date() if newest else today).year
    return [
        _linked(f"01/01/{year}..31/12/{year}", "what happened in these days, both included"),
        _linked(f"{year}-01-01..", "since then"),
        _linked(f"..{year}", "until the end of that year"),
        _linked("last_month..today", "days by name"),
        _linked("due:today", "requests whose answer is due today"),
        _linked(f"due:{year}-01-01..{year}-12-31", "due in these days"),
        _linked("due:..yesterday latest_status:waiting_response", "overdue, in other words"),
    ]
