"""JSON, and how moments and tags are written there, as Alaveteli writes them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo


def moment(value: datetime | None, zone: ZoneInfo) -> str | None:
    """Give a moment as Alaveteli does: three digits of the second and the site zone's offset (`Z`
    in UTC).
    """
    if value is None:
        return None
    text = value.astimezone(zone).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def tag_pairs(tags: Sequence[tuple[str, str]]) -> list[list[str | None]]:
    """Give tags as Alaveteli does: pairs of name and value, the value null for a plain tag."""
    return [[name, value or None] for name, value in tags]


def dump(data: Any) -> bytes:
    """Give data as UTF-8 JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
