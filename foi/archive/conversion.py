"""A file as HTML to read in the browser, made in a process of its own, because files come from
strangers.

What comes back is safe HTML without pictures, scripts, styles and ids; it is not masked yet, which
the reading of it is for (`contents.py`). Given up: the formats that are not in `KINDS`, of which
the text is shown, if there is any.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from foi.archive import confinement
from foi.archive.converters import CONVERTERS, DOCUMENTS
from foi.archive.extractors import READERS
from foi.archive.filetypes import kind

VERSION = 1
"""Raised with every change of what converters make: files are then converted again when their
request is looked at, all of them by `foi rebuild texts`.
"""
CHARACTERS = 2_000_000
"""Characters of HTML beyond which a view is cut."""
KINDS = DOCUMENTS | CONVERTERS.keys()
PICTURES = frozenset(("gif", "jpg", "png", "webp"))
"""Kinds that every browser shows as a picture and that hold no scripts."""


@dataclass(frozen=True)
class Converted:
    """What came of converting a file.

    `state` is html, empty (nothing to show) or failed. `reason` says in plain words why there is
    nothing, or what was left out ("3 pictures left out").
    """

    state: Literal["html", "empty", "failed"]
    html: str
    reason: str | None


def converts(media_type: str) -> bool:
    """Tell whether files of a type are converted; of all others at most the text is shown."""
    return kind(media_type) in KINDS


def viewable(media_type: str) -> bool:
    """Tell whether files of a type can be read in the browser: as they are converted, by their
    text, or as a picture.
    """
    return kind(media_type) in KINDS | PICTURES | READERS.keys()


def convert(
    path: Path,
    media_type: str,
    *,
    seconds: float = 30,
    megabytes: int = 1024,
    characters: int = CHARACTERS,
) -> Converted:
    """Return the file at `path` as HTML, within the limits of `text.extract`.

    Raises FileNotFoundError for a missing file and nothing for a bad one. Only for types of which
    `converts` is true.
    """
    if path.stat().st_size == 0:
        return Converted("empty", "", None)
    of = kind(media_type)
    state, html, reason = confinement.ask(
        "foi.archive.converters",
        path,
        of,
        seconds,
        megabytes,
        str(characters),
        _pandoc() if of in DOCUMENTS else "",
        # Sanitising adds to every link and character reference, but not without bound.
        most=16 * characters + confinement.CHUNK,
    )
    return Converted(state, html, reason)  # type: ignore[arg-type]  # its own process said it


@cache
def _pandoc() -> str:
    """Return the pandoc that comes inside the package pypandoc; empty if it is not there."""
    found = importlib.util.find_spec("pypandoc")
    program = Path(found.origin).parent / "files" / "pandoc" if found and found.origin else None
    return str(program) if program and program.is_file() else ""
