"""A disclosure log, looked at before anything is changed: what each column was taken for can be
put right, and what is imported is what was seen.

The file is held as that of `importing` is. The proof that leads to the import covers the file and
every choice; when a choice was changed since, there is another look instead.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict

from pyramid.request import Request
from pyramid.response import Response

from foi.archive import casework
from foi.archive.disclosure.fields import FIELDS
from foi.archive.disclosure.logs import Choices, Log, import_log, open_log
from foi.archive.disclosure.preview import first_records, rehearse_log
from foi.archive.importing import UnusableFile
from foi.desk import frame
from foi.desk.forms import sentence
from foi.desk.importing import LARGEST, quietly, seal_of
from foi.site import Site, site_of

MOST_ROWS = 2_000
"""Rows of a log that is imported here; longer ones are for `foi import log`."""
_REFUSED_SHOWN = 200
_COLUMN, _GUESS = "column-", "guess-"


def ask(request: Request) -> Response:
    """The form."""
    return _form(request, {})


def preview(request: Request) -> Response:
    """Keep the file, guess its columns, import it and take that back; show what would be."""
    given, tray = request.sent.fields, request.sent.tray
    if not tray.uploads:
        return _form(request, {"attachment": "Choose a file."})
    if tray.size > LARGEST:
        return _form(request, {"attachment": f"The file is larger than {LARGEST:,} bytes."})
    sha256 = tray.keep()[0].sha256
    assert sha256 is not None, "it was kept just now"
    return _look(request, sha256, given)


def apply(request: Request) -> Response:
    """Import the file as it was looked at, or look again when something was chosen otherwise."""
    site, given = site_of(request), request.sent.fields
    sha256 = given.get("sha256", "")
    if not _is_sealed(request, sha256, given.get("held", "")):
        return _form(request, {"attachment": "This file has not been looked at in this session."})
    if not site.blobs.holds(sha256):
        return _form(request, {"attachment": "It is not kept any more. Please choose it again."})
    try:
        choices = _choices(given)
        seen = _is_sealed(request, _seen(sha256, choices), given.get("seal", ""))
        if given.get("do") != "import" or not seen:
            return _look(request, sha256, given)
        log = _open(site, sha256, choices)
    except UnusableFile as unusable:
        return _form(request, {"attachment": str(unusable)})
    report = import_log(site, log, quietly)
    casework.note(
        request.db,
        request.identity.actor,
        "imported",
        sha256=sha256,
        created=report.created,
        updated=report.updated,
        refused=len(report.refused),
    )
    return frame.onward("/desk/requests", "imported")


def _look(request: Request, sha256: str, given: Mapping[str, str]) -> Response:
    site = site_of(request)
    try:
        choices = _choices(given)
        log = _open(site, sha256, choices)
    except UnusableFile as unusable:
        return _form(request, {"attachment": str(unusable)})
    report = rehearse_log(site, log, quietly)
    guesses = {
        column.index: given.get(f"{_GUESS}{column.index}", column.field) for column in log.columns
    }
    return frame.show(
        request,
        "disclosure",
        "What the log would bring",
        log=log,
        report=report,
        records=first_records(log),
        refused=report.refused[:_REFUSED_SHOWN],
        fields=[(field.name, field.label) for field in FIELDS.values()],
        guesses=guesses,
        given=given,
        sha256=sha256,
        held=seal_of(request, sha256),
        seal=seal_of(request, _seen(sha256, choices)),
    )


def _form(request: Request, errors: dict[str, str]) -> Response:
    return frame.show(
        request,
        "disclosure",
        "Import a disclosure log",
        status=422 if errors else 200,
        errors={name: sentence(why) for name, why in errors.items()},
        log=None,
        given=request.sent.fields if errors else {},
        largest=LARGEST,
        most_rows=MOST_ROWS,
    )


def _choices(given: Mapping[str, str]) -> Choices:
    """Read the choices of a form; UnusableFile for one that is none.

    A column counts as said by a person only where they chose otherwise than was guessed.
    """
    body, headings, order = (given.get(name, "").strip() for name in ("body", "headings", "order"))
    if headings and not (headings.isascii() and headings.isdigit() and len(headings) < 7):
        raise UnusableFile("the line of the headings is not a number")
    columns = [
        (field, f"#{int(name.removeprefix(_COLUMN)) + 1}")
        for name, field in given.items()
        if name.startswith(_COLUMN)
        and name.removeprefix(_COLUMN).isdecimal()
        and field != given.get(_GUESS + name.removeprefix(_COLUMN))
    ]
    return Choices(
        body=body or None,
        body_column=None if body else "",
        columns=columns,
        order="mdy" if order == "mdy" else "dmy" if order == "dmy" else None,
        sheet=given.get("sheet", "").strip(),
        headings=int(headings) if headings else None,
    )


def _open(site: Site, sha256: str, choices: Choices) -> Log:
    path = site.blobs.path(sha256)
    try:
        with site.sessions.reading() as db:
            log = open_log(db, site.calendar, path, choices)
    except UnusableFile as unusable:
        raise UnusableFile(str(unusable).replace(str(path), "the file")) from None
    if len(log.records) + len(log.refused.refused) > MOST_ROWS:
        raise UnusableFile(f"it has more than {MOST_ROWS:,} rows; bring it in with foi import log")
    return log


def _seen(sha256: str, choices: Choices) -> str:
    return f"{sha256}:{json.dumps(asdict(choices), sort_keys=True)}"


def _is_sealed(request: Request, seen: str, seal: str) -> bool:
    return hmac.compare_digest(seal_of(request, seen).encode(), seal.encode("utf-8", "replace"))
