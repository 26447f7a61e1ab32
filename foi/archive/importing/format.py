"""The line of a requests file: its members and what each may hold.

docs/import.md is the description for people; this is the same for the program, and both are public
promises.
"""

import json
from pathlib import Path
from typing import Any

import colander
from colander import SchemaNode

from foi.archive.calendar import Calendar
from foi.archive.importing.dates import When
from foi.archive.importing.types import (
    Bytes,
    Date,
    Flag,
    HeldFile,
    Many,
    Record,
    Text,
    Type,
    Word,
)
from foi.archive.importing.values import (
    LONGEST_ADDRESS,
    LONGEST_NAME,
    LONGEST_TAG,
    check_jurisdiction,
    check_slug,
    check_tags,
    one_line,
    web_address,
)
from foi.archive.states import PART_PROMINENCE, REQUEST_PROMINENCE, STATES

LONGEST_LINE = 16 << 20
"""Bytes of a line; also the longest text that a letter can have."""
MOST_MESSAGES = 10_000
MOST_ATTACHMENTS = 1_000

PURPOSES = ("initial", "followup", "clarification", "internal_review", "response")


def parse(data: bytes) -> dict[str, Any]:
    """Read a line of JSON into an object; ValueError for what is none, or holds a member twice."""
    try:
        line = json.loads(
            data.decode(),
            object_pairs_hook=_members,
            parse_int=_whole,
            parse_constant=_no_number,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"the line is not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"the line is not JSON: {error.msg} at character {error.pos + 1}"
        ) from None
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    if not isinstance(line, dict):
        raise ValueError("the line is not a JSON object")
    return line


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the member {twice!r} is there twice")
    return members


def _whole(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise ValueError(f"the number {digits[:30]} is beyond 64 bits")
    return int(digits)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def schema(calendar: Calendar, folder: Path) -> SchemaNode:
    """Give the schema of a line; dates are read by the site's calendar, files looked for below
    `folder`.
    """
    return _record(
        "",
        _node("source", Text(100, one_line), required=True, validator=_filled),
        _node("source_ref", Text(LONGEST_NAME, one_line), ""),
        _node("url", Text(LONGEST_ADDRESS, web_address), ""),
        _record(
            "authority",
            _node("url_name", Text(200, check_slug)),
            _node("name", Text(LONGEST_NAME, one_line), validator=_filled),
            _node("short_name", Text(LONGEST_NAME, one_line), ""),
            _tags(),
            _node("home_page", Text(LONGEST_ADDRESS, web_address), ""),
            _node("jurisdiction", Text(20, check_jurisdiction), ""),
            short="url_name",
            required=True,
            validator=_named,
        ),
        _node("title", Text(2_000, one_line), required=True, validator=_filled),
        _node("url_title", Text(200, check_slug)),
        _record("requester", *_person(), _node("registered", Flag(), default=False)),
        _node("via", Word("site", "api", "import"), "import"),
        _node("state", Word(*STATES)),
        _node("awaiting_description", Flag(), default=False),
        _node("law_used", Text(16, check_slug), "foi"),
        _tags(),
        *_prominence(*REQUEST_PROMINENCE),
        _node("created_at", Date(calendar)),
        _list("messages", MOST_MESSAGES, _message(calendar, folder)),
        _list(
            "states",
            MOST_MESSAGES,
            _record(
                "described",
                _node("at", Date(calendar), required=True, validator=_to_the_day),
                _node("state", Word(*STATES), required=True),
            ),
        ),
        _list(
            "annotations",
            MOST_MESSAGES,
            _record(
                "annotation",
                _node("ref", Text(LONGEST_NAME, one_line), ""),
                _record("person", *_person(), required=True),
                _node("created_at", Date(calendar)),
                _node("body", Text(LONGEST_LINE), required=True, validator=_filled),
            ),
        ),
    )


def _message(calendar: Calendar, folder: Path) -> SchemaNode:
    return _record(
        "message",
        _node("ref", Text(LONGEST_NAME, one_line), ""),
        _node("direction", Word("request", "response"), required=True),
        _node("kind", Word(*PURPOSES)),
        _node("sent_at", Date(calendar)),
        _node("body", Text(LONGEST_LINE)),
        _node("state", Word(*STATES)),
        *_prominence(*PART_PROMINENCE),
        _list(
            "attachments",
            MOST_ATTACHMENTS,
            _record(
                "attachment",
                _node("name", Text(LONGEST_NAME, one_line), ""),
                _node("file", HeldFile(folder)),
                _node("size", Bytes()),
                _node("link", Text(LONGEST_ADDRESS, web_address), ""),
                validator=_held_or_known,
            ),
        ),
    )


def _person() -> tuple[SchemaNode, SchemaNode]:
    return (
        _node("name", Text(LONGEST_NAME, one_line), required=True, validator=_filled),
        _node("url_name", Text(200, check_slug)),
    )


def _prominence(*words: str) -> tuple[SchemaNode, SchemaNode]:
    return (
        _node("prominence", Word(*words), "normal"),
        _node("prominence_reason", Text(2_000), ""),
    )


def _tags() -> SchemaNode:
    return _list("tags", 1_000, _node("tag", Text(LONGEST_TAG), required=True), validator=_tagged)


def _node(
    name: str | None, type_: Type, default: Any = None, required: bool = False, **more: Any
) -> SchemaNode:
    if required:
        return SchemaNode(type_, name=name, missing_msg="is missing", **more)
    return SchemaNode(type_, name=name, missing=default, **more)


def _record(
    name: str,
    *members: SchemaNode,
    short: str = "",
    required: bool = False,
    **more: Any,
) -> SchemaNode:
    if not required:
        more["missing"] = None
    return SchemaNode(Record(short), *members, name=name, missing_msg="is missing", **more)


def _list(name: str, most: int, member: SchemaNode, **more: Any) -> SchemaNode:
    return SchemaNode(Many(most), member, name=name, missing=[], **more)


def _filled(node: SchemaNode, text: str) -> None:
    if not text.strip():
        raise colander.Invalid(node, "is blank")


def _tagged(node: SchemaNode, tags: list[str]) -> None:
    try:
        tags[:] = check_tags(tags)
    except ValueError as error:
        raise colander.Invalid(node, str(error)) from None


def _named(node: SchemaNode, authority: dict[str, Any]) -> None:
    if authority["url_name"] is None and authority["name"] is None:
        raise colander.Invalid(node, "has neither url_name nor name")


def _to_the_day(node: SchemaNode, when: When) -> None:
    if not when.dated:
        raise colander.Invalid(node, "must be known to the day")


def _held_or_known(node: SchemaNode, attachment: dict[str, Any]) -> None:
    if attachment["file"] is not None and (attachment["size"] is not None or attachment["link"]):
        raise colander.Invalid(node, "has a file, so that size and link are not wanted")
    if attachment["file"] is None and not attachment["name"]:
        raise colander.Invalid(node, "has neither a file nor a name")
