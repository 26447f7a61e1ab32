"""What the write API accepts, as colander schemas: every error at once, in Alaveteli's words where
it has them.

The rules for titles and texts are Alaveteli's (InfoRequest, OutgoingMessage); what it does not
know is ignored, as it does, so that its clients work unchanged.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import colander

from foi.archive.plaintext import without_controls
from foi.archive.states import API_STATES
from foi.problems import Problem

_GENERIC = re.compile(r"(?:foi|freedom of information)\s+requests?", re.IGNORECASE)
_ACRONYM = re.compile(r"\S{1,6}")
TITLE_LIMIT, TEXT_LIMIT, TAG_LIMIT = 200, 500_000, 50


def invalid(node: Any, value: Any, said: str) -> colander.Invalid:
    """Make the error of one member."""
    return colander.Invalid(node, said, value)


class Text(colander.SchemaType):  # type: ignore[misc]
    """A JSON string without NUL and lone surrogates; nothing else is taken for one."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        """Take a string as it is."""
        if cstruct is colander.null or cstruct is None:
            return colander.null
        if not isinstance(cstruct, str):
            raise invalid(node, cstruct, "must be a text")
        if "\x00" in cstruct:
            raise invalid(node, cstruct, "holds a NUL character")
        try:
            cstruct.encode()
        except UnicodeEncodeError:
            raise invalid(node, cstruct, "holds half a character (a lone surrogate)") from None
        return cstruct


class Moment(Text):
    """An ISO 8601 time with its zone; a date stands for the beginning of that day in UTC."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        """Read the time as UTC."""
        text = super().deserialize(node, cstruct)
        if text is colander.null:
            return colander.null
        try:
            moment = datetime.fromisoformat(text.strip())
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise invalid(
                node, cstruct, "must be a time as in 2026-03-01T09:30:00+00:00 (ISO 8601)"
            ) from None
        if moment > datetime.now(UTC) + timedelta(days=1):
            raise invalid(node, cstruct, "is in the future")
        if moment.year < 1900:
            raise invalid(node, cstruct, "is too long ago")
        return moment


class Tags(colander.SchemaType):  # type: ignore[misc]
    """Tags as one text parted by blanks, or as a list of texts."""

    def deserialize(self, node: Any, cstruct: Any) -> Any:
        """Give the tags as a list."""
        if cstruct is colander.null or cstruct is None:
            return []
        tags = cstruct.split() if isinstance(cstruct, str) else cstruct
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise invalid(
                node, cstruct, "must be a text of tags parted by blanks, or a list of texts"
            )
        tags = [plain(Text().deserialize(node, tag)).strip() for tag in tags]
        if len(tags) > TAG_LIMIT or any(len(tag) > 200 or re.search(r"\s", tag) for tag in tags):
            raise invalid(
                node,
                cstruct,
                f"holds more than {TAG_LIMIT} tags, or one that is too long or has a blank",
            )
        return [tag for tag in tags if tag.strip(":")]


def plain(value: Any) -> Any:
    """Leave out what nobody sees but what spoils what stands beside it: control characters, and
    overrides of the reading direction.
    """
    return without_controls(value.replace("\r\n", "\n")) if isinstance(value, str) else value


def one_line(value: Any) -> Any:
    """Put a title on one line."""
    return " ".join(plain(" ".join(value.split())).split()) if isinstance(value, str) else value


def good_title(node: Any, value: str) -> None:
    """Refuse titles that say nothing."""
    if not 3 <= len(value) <= TITLE_LIMIT:
        raise invalid(node, value, f"must have 3 to {TITLE_LIMIT} characters")
    if not any(c.isalpha() for c in value):
        raise invalid(node, value, "must contain a letter")
    if not _mixed(value) and not value[0].isdigit() and not _ACRONYM.fullmatch(value):
        raise invalid(node, value, "must not be written in capitals or small letters throughout")
    if _GENERIC.fullmatch(value):
        raise invalid(node, value, "must say what the request is about")


def good_body(node: Any, value: str) -> None:
    """Refuse letters that are empty or endless."""
    if not value.strip():
        raise invalid(node, value, "is empty")
    if len(value) > TEXT_LIMIT:
        raise invalid(node, value, f"must have at most {TEXT_LIMIT:,} characters")


def _mixed(text: str) -> bool:
    letters = [c for c in text if c.isalpha() and c.lower() != c.upper()]
    return not letters or (any(c.isupper() for c in letters) and any(c.islower() for c in letters))


def web_address(node: Any, value: str) -> None:
    """Refuse addresses that are not http(s)."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and len(value) <= 2000
    except ValueError:
        good = False
    if not good or re.search(r"[\s\x00-\x1f\x7f<>\"]", value):
        raise invalid(node, value, "must be an http or https address")


class Creation(colander.MappingSchema):  # type: ignore[misc]
    """A new request."""

    title = colander.SchemaNode(Text(), preparer=one_line, validator=good_title)
    body = colander.SchemaNode(Text(), preparer=plain, validator=good_body)
    external_user_name = colander.SchemaNode(
        Text(), missing=None, preparer=one_line, validator=colander.Length(max=200)
    )
    external_url = colander.SchemaNode(Text(), missing=None, validator=web_address)
    tags = colander.SchemaNode(Tags(), missing=())


class Correspondence(colander.MappingSchema):  # type: ignore[misc]
    """A message."""

    direction = colander.SchemaNode(
        Text(),
        validator=colander.OneOf(["request", "response"]),
    )
    body = colander.SchemaNode(Text(), preparer=plain, validator=good_body)
    sent_at = colander.SchemaNode(Moment(), missing=None)
    state = colander.SchemaNode(Text(), missing=None)


def check(schema: Any, payload: Any) -> dict[str, Any]:
    """Give the payload as the schema makes it; refuse with every error at once, by dotted path."""
    if not isinstance(payload, dict):
        raise Problem(422, "The JSON must be an object.")
    try:
        return schema().deserialize(payload)  # type: ignore[no-any-return]
    except colander.Invalid as wrong:
        raise Problem(422, list(_told(wrong.asdict()))) from None


def _told(errors: dict[str, str]) -> Iterable[str]:
    for path, said in errors.items():
        for each in (said or "is wrong").split("; "):
            yield (
                f"{path} is missing"
                if each == "Required"
                else f"{path} {each[0].lower()}{each[1:]}"
            )


def wrong_state(state: str) -> str | None:
    """Give the refusal of a state that an authority may not set, in Alaveteli's words; None when
    it may.
    """
    return None if state in API_STATES else f"'{state[:100]}' is not a valid request state"
