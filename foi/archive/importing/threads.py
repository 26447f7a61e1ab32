"""A request as an import file tells it, from its line: sound in itself, whatever the archive
holds.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import colander

from foi.archive.blobs import BlobStore
from foi.archive.casework import BodyFields, File
from foi.archive.casework.requests import Origin, tidy
from foi.archive.importing.dates import When
from foi.archive.importing.files import hold, known_only
from foi.archive.importing.format import parse
from foi.archive.importing.report import Refused
from foi.archive.importing.values import body_slug, person_slug


@dataclass(frozen=True, slots=True)
class Somebody:
    """A requester or annotator; `url_name` is empty of one who is not registered."""

    name: str
    url_name: str


@dataclass(frozen=True, slots=True)
class AuthorityOf:
    """The authority of a request; `fields` is empty when the line says too little to add it."""

    url_name: str
    fields: BodyFields
    tags: list[str]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message; `text` and `sent` are None when they are not known."""

    ref: str
    direction: str
    purpose: str
    text: str | None
    sent: When | None
    state: str | None
    prominence: str
    reason: str
    files: tuple[File, ...]

    @property
    def sent_at(self) -> datetime | None:
        """When it was sent, if that is known at least to the day."""
        return self.sent.moment if self.sent is not None and self.sent.dated else None


@dataclass(frozen=True, slots=True)
class Described:
    """That the state was described, at a time of its own."""

    at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Comment:
    """An annotation."""

    ref: str
    person: Somebody
    created: When | None
    text: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A request with its correspondence."""

    origin: Origin
    authority: AuthorityOf
    title: str
    url_title: str | None
    requester: Somebody | None
    via_api: bool
    state: str | None
    awaiting: bool
    law: str
    tags: list[str]
    prominence: str
    reason: str
    created: When | None
    letters: tuple[Letter, ...]
    described: tuple[Described, ...]
    comments: tuple[Comment, ...]

    @property
    def steps(self) -> Iterator["Letter | Described"]:
        """What happened, in order: letters as the line has them, descriptions where their time
        puts them.
        """
        return _in_order(self.letters, self.described)

    @property
    def started(self) -> datetime | None:
        """The moment from which the request counts as made: its own date, else the earliest that
        is known.
        """
        if self.created is not None:
            return self.created.moment
        return min((letter.sent.moment for letter in self.letters if letter.sent), default=None)


def read_thread(data: bytes, schema: colander.SchemaNode, blobs: BlobStore, limit: int) -> Thread:
    """Read a line, and keep the files that it names; Refused with every reason, each at its dotted
    path.

    `limit` is the largest attachment in bytes.
    """
    try:
        line = schema.deserialize(parse(data))
    except ValueError as error:
        raise Refused(str(error)) from None
    except colander.Invalid as error:
        raise Refused(*(f"{path}: {why}" for path, why in error.asdict().items())) from None
    wrong = [f"{path}: {why}" for path, why in _inconsistencies(line)]
    if wrong:
        raise Refused(*wrong)
    return _thread(line, _letters(line["messages"], blobs, limit))


def _inconsistencies(line: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Find what no member can know alone."""
    if not line["source_ref"] and not line["url"]:
        yield "source_ref", "is missing, as is url: requests of one source are told apart by them"
    if line["prominence_reason"] and line["prominence"] == "normal":
        yield "prominence_reason", "is given although the request is shown normally"
    if line["requester"] and line["requester"]["url_name"] and not line["requester"]["registered"]:
        yield "requester.url_name", "is only for a registered requester"
    for number, message in enumerate(line["messages"]):
        if message["prominence_reason"] and message["prominence"] == "normal":
            yield f"messages.{number}.prominence_reason", "is given although it is shown normally"
        fits = _purposes(number, message["direction"])
        if message["kind"] not in (None, *fits):
            yield f"messages.{number}.kind", f"can only be {' or '.join(fits)} here"
    for name in ("messages", "annotations"):
        seen: set[str] = set()
        for number, ref in enumerate(_refs(line[name])):
            if ref in seen:
                yield f"{name}.{number}.ref", f"{ref!r} is there twice"
            seen.add(ref)


def _purposes(number: int, direction: str) -> tuple[str, ...]:
    """Give the kinds that a message can be of, the usual one first."""
    if direction == "response":
        return ("response",)
    return ("initial",) if number == 0 else ("followup", "clarification", "internal_review")


def _refs(parts: list[dict[str, Any]]) -> list[str]:
    """Give what tells the parts of a request apart: their `ref`, else their position."""
    return [part["ref"] or str(position) for position, part in enumerate(parts, start=1)]


def _letters(messages: list[dict[str, Any]], blobs: BlobStore, limit: int) -> tuple[Letter, ...]:
    wrong: list[str] = []
    letters = []
    for number, (ref, message) in enumerate(zip(_refs(messages), messages, strict=True)):
        files = []
        for place, attachment in enumerate(message["attachments"]):
            try:
                files.append(_file(attachment, blobs, limit))
            except ValueError as error:
                wrong.append(f"messages.{number}.attachments.{place}.file: {error}")
        letters.append(
            Letter(
                ref=ref,
                direction=message["direction"],
                purpose=message["kind"] or _purposes(number, message["direction"])[0],
                text=tidy(message["body"]),
                sent=message["sent_at"],
                state=message["state"],
                prominence=message["prominence"],
                reason=message["prominence_reason"],
                files=tuple(files),
            )
        )
    if wrong:
        raise Refused(*wrong)
    return tuple(letters)


def _file(attachment: dict[str, Any], blobs: BlobStore, limit: int) -> File:
    path: Path | None = attachment["file"]
    if path is None:
        return known_only(attachment["name"], attachment["size"], attachment["link"])
    return hold(blobs, path, attachment["name"] or path.name, limit)


def _thread(line: dict[str, Any], letters: tuple[Letter, ...]) -> Thread:
    by_time = sorted(line["states"], key=lambda each: each["at"].moment)
    described = tuple(Described(each["at"].moment, each["state"]) for each in by_time)
    told = [step.state for step in _in_order(letters, described) if step.state is not None]
    return Thread(
        origin=Origin(line["source"], line["source_ref"], line["url"]),
        authority=_authority(line["authority"]),
        title=line["title"],
        url_title=line["url_title"],
        requester=_requester(line["requester"]),
        via_api=line["via"] == "api",
        state=line["state"] or (told[-1] if told else None),
        awaiting=line["awaiting_description"],
        law=line["law_used"],
        tags=line["tags"],
        prominence=line["prominence"],
        reason=line["prominence_reason"],
        created=line["created_at"],
        letters=letters,
        described=described,
        comments=_comments(line["annotations"]),
    )


def _in_order(
    letters: tuple[Letter, ...], described: tuple[Described, ...]
) -> Iterator[Letter | Described]:
    """Give the letters in the order of the line, each description before the next later letter."""
    waiting = deque(described)
    for letter in letters:
        while letter.sent is not None and waiting and waiting[0].at < letter.sent.moment:
            yield waiting.popleft()
        yield letter
    yield from waiting


def _comments(annotations: list[dict[str, Any]]) -> tuple[Comment, ...]:
    return tuple(
        Comment(
            ref,
            Somebody(each["person"]["name"], person_slug(**each["person"])),
            each["created_at"],
            tidy(each["body"]) or "",
        )
        for ref, each in zip(_refs(annotations), annotations, strict=True)
    )


def _authority(authority: dict[str, Any]) -> AuthorityOf:
    fields: BodyFields = {}
    if authority["name"]:
        fields = {
            "name": authority["name"],
            "short_name": authority["short_name"],
            "home_page": authority["home_page"],
            "jurisdiction": authority["jurisdiction"],
        }
    return AuthorityOf(authority["url_name"] or body_slug(fields), fields, authority["tags"])


def _requester(requester: dict[str, Any] | None) -> Somebody | None:
    if requester is None:
        return None
    if not requester["registered"]:
        return Somebody(requester["name"], "")
    return Somebody(requester["name"], person_slug(requester["name"], requester["url_name"]))
