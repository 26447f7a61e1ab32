"""The text of a file, for search: read in a process of its own, because files come from strangers.

A document may be broken, enormous or built to do harm. The reader therefore runs in a fresh
interpreter with little memory, little time, no right to write, an empty environment and an empty
folder; whatever becomes of it, the caller gets an answer. Given up: OCR, and the formats of
`UNSUPPORTED`.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from foi.archive import confinement
from foi.archive.extractors import READERS
from foi.archive.filetypes import kind

UNSUPPORTED = {
    "doc": "text is not read from the older Word format (.doc)",
    "xls": "text is not read from the older Excel format (.xls)",
    "ppt": "text is not read from the older PowerPoint format (.ppt)",
    "msg": "text is not read from Outlook messages (.msg)",
    "tnef": "text is not read from Outlook's winmail.dat",
    **dict.fromkeys(
        ("tif", "gif", "jpg", "png", "bmp", "svg", "webp"), "text is not read from pictures"
    ),
}


@dataclass(frozen=True)
class Extraction:
    """What came of reading a file.

    `state` is text, empty (read, and holds no text), unsupported or failed. `reason` says in plain
    words why there is no text, or what is missing from it ("cut at 1,000,000 characters").
    """

    state: Literal["text", "empty", "unsupported", "failed"]
    text: str
    reason: str | None


def extract(
    path: Path,
    media_type: str,
    *,
    seconds: float = 30,
    megabytes: int = 1024,
    characters: int = 1_000_000,
) -> Extraction:
    """Return the text of the file at `path`, of the sniffed `media_type`, within the limits.

    `seconds` bound the wall clock and the processor each, `megabytes` the reader's address space,
    `characters` the text. The text is NFC, without control characters and runs of blank lines.
    Raises FileNotFoundError for a missing file and nothing for a bad one.
    """
    size = path.stat().st_size
    of = kind(media_type)
    if size == 0:
        return Extraction("empty", "", None)
    if of not in READERS:
        why = UNSUPPORTED.get(of, f"text is not read from files of the type {media_type}")
        return Extraction("unsupported", "", why)
    program = shutil.which("pdftotext") if of == "pdf" else None
    state, text, reason = confinement.ask(
        "foi.archive.extractors",
        path,
        of,
        seconds,
        megabytes,
        str(characters),
        *([program] if program else []),
        most=4 * characters + confinement.CHUNK,
    )
    return Extraction(state, text, reason)  # type: ignore[arg-type]  # its own process said it
