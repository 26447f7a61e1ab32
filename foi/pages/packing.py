"""Answers compressed (gzip) for clients that take them so, whole or while they are sent.

No answer holds a secret of its reader that its length could give away.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator

_LEVEL = 6
_GZIP = 16 + zlib.MAX_WBITS
"""What asks zlib for the frame of gzip."""
_WORTH_IT = 1000
"""Bytes below which a body stays as it is."""


def takes_gzip(accepted: str | None) -> bool:
    """Tell whether a client takes gzip (RFC 9110 section 12.5.3)."""
    if accepted is None or "gzip" not in accepted:
        return False
    coding = (each.replace(" ", "").partition(";q=") for each in accepted.lower().split(","))
    return any(n.strip() == "gzip" and (not q or q.strip("0.") != "") for n, _, q in coding)


def pack(body: bytes) -> bytes:
    """Give a body compressed; empty when that would not make it smaller."""
    made = gzip.compress(body, _LEVEL, mtime=0) if len(body) >= _WORTH_IT else b""
    return made if len(made) < len(body) else b""


def packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Give the pieces of an answer of any length compressed, as they come."""
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    for piece in pieces:
        if made := packer.compress(piece):
            yield made
    yield packer.flush()
