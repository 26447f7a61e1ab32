"""Files that are looked at before anything of them is imported.

A file is kept among the files, where the sweep takes it after a day since no row names it. What
leads from the look to the import is a seal, made with the session, over what was seen: so nobody
can have imported what they have not looked at, nor as something else.
"""

import hashlib
import hmac

from pyramid.request import Request

from foi.accounts import sessions
from foi.api.uploads import Tray
from foi.archive import casework
from foi.archive.importing import Report, UnusableFile
from foi.site import site_of

LARGEST = 8 << 20
"""Bytes of a file that is imported at the desk; larger ones are for `foi import`."""


def keep(request: Request, what: str = "file") -> str:
    """Keep the file of a form and give its SHA-256; UnusableFile when there is none or it is too
    large.
    """
    tray: Tray = request.sent.tray
    if not tray.uploads:
        raise UnusableFile(f"Choose a {what}.")
    if tray.size > LARGEST:
        raise UnusableFile(f"The file is larger than {LARGEST:,} bytes.")
    sha256 = tray.keep()[0].sha256
    assert sha256 is not None, "it was kept just now"
    return sha256


def seal(request: Request, seen: str) -> str:
    """Give the proof that something was seen in this session."""
    token = sessions.token_of(request).encode()
    told = f"foi-import:{seen}".encode("utf-8", "replace")
    return hmac.new(token, told, hashlib.sha256).hexdigest()


def is_sealed(request: Request, seen: str, given: str) -> bool:
    """Tell whether this is the proof of it."""
    return hmac.compare_digest(seal(request, seen).encode(), given.encode("utf-8", "replace"))


def check_held(request: Request, seen: str, given: str, sha256: str) -> None:
    """Make sure that a file was looked at and is kept still; UnusableFile otherwise."""
    if not is_sealed(request, seen, given):
        raise UnusableFile("This file has not been looked at in this session.")
    if not site_of(request).blobs.holds(sha256):
        raise UnusableFile("The file is not kept any more. Please choose it again.")


def note(request: Request, sha256: str, report: Report) -> None:
    """Tell the desk of an import."""
    casework.note(
        request.db,
        request.identity.actor,
        "imported",
        sha256=sha256,
        created=report.created,
        updated=report.updated,
        refused=len(report.refused),
    )


def quietly(done: int, total: int, report: Report) -> None:
    """Say nothing of how far the import has come."""
