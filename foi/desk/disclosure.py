"""A disclosure log, looked at before anything is changed: what each column was taken for can be
put right, and what is imported is what was seen.

The seal that leads to the import (see `keeping`) covers the file and every choice; when a choice
was changed since, there is another look instead.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict

from pyramid.request import Request
from pyramid.response import Response

from foi.archive.disclosure.fields import FIELDS
from foi.archive.disclosure.logs import Choices, Log, import_log, open_log
from foi.archive.disclosure.preview import first_records, rehearse_log
from foi.archive.importing import UnusableFile
from foi.desk import frame, keeping
from foi.desk.forms import sentence
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
    try:
        sha256 = keeping.keep(request)
    except UnusableFile as unusable:
        return _form(request, {"attachment": str(unusable)})
    return _look(request, sha256, request.sent.fields)


def apply(request: Request) -> Response:
    """Import the file as it was looked at, or look again when something was chosen otherwise."""
    site, given = site_of(request), request.sent.fields
    sha256 = given.get("sha256", "")
    try:
        keeping.check_held(request, _held(sha256), given.get("held", ""), sha256)
        choices = _choices(given)
        seen = keeping.is_sealed(request, _seen(sha256, choices), given.get("seal", ""))
        if given.get("do") != "import" or not seen:
            return _look(request, sha256, given)
        log = _open(site, sha256, choices)
    except UnusableFile as unusable:
        return _form(request, {"attachment": str(unusable)})
    report = import_log(site, log, keeping.quietly)
    keeping.note(request, sha256, report)
    return frame.onward("/desk/requests", "imported")


def _look(request: Request, sha256: str, given: Mapping[str, str]) -> Response:
    site = site_of(request)
    try:
        choices = _choices(given)
        log = _open(site, sha256, choices)
    except UnusableFile as unusable:
        return _form(request, {"attachment": str(unusable)})
    report = rehearse_log(site, log, keeping.quietly)
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
        held=keeping.seal(request, _held(sha256)),
        seal=keeping.seal(request, _seen(sha256, choices)),
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
        largest=keeping.LARGEST,
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
        and len(name) < len(_COLUMN) + 7
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


def _held(sha256: str) -> str:
    return f"log:{sha256}"


def _seen(sha256: str, choices: Choices) -> str:
    return f"{_held(sha256)}:{json.dumps(asdict(choices), sort_keys=True)}"
