"""Cursors: where a list goes on. Keyset, so that a deep page costs what the first does and nothing
is met twice.
"""

import base64
import binascii
import json
import re
from datetime import UTC, datetime

from pyramid.httpexceptions import HTTPBadRequest

_LONGEST = 1000
_LARGEST = 2**63 - 1
_CURSOR = re.compile(r"[A-Za-z0-9_-]*")


def write(*values: str | int | datetime) -> str:
    """Make a cursor from the sort key of the last item shown."""
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return (
        base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode())
        .rstrip(b"=")
        .decode()
    )


def read(text: str, *kinds: type) -> tuple:  # type: ignore[type-arg]
    """Read a cursor whose values are of these kinds; 400 when it is not one."""
    try:
        # Strictly: what is no cursor letter by letter must not come back in links.
        if len(text) > _LONGEST or not _CURSOR.fullmatch(text):
            raise ValueError("not the letters of a cursor")
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise ValueError("not a list of the right length")
        return tuple(_value(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (ValueError, binascii.Error, RecursionError, OverflowError):
        raise HTTPBadRequest("The address holds a cursor that this site did not make.") from None


def _value(value: object, kind: type) -> object:
    if kind is datetime and isinstance(value, str):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    elif (
        kind is int
        and isinstance(value, int)
        and not isinstance(value, bool)
        and abs(value) <= _LARGEST
    ):
        return value
    elif kind is str and isinstance(value, str) and "\x00" not in value:
        value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
        return value
    raise ValueError("not of the kind")
