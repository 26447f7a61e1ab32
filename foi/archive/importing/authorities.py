"""Authorities from a CSV file in the columns of Alaveteli's all-authorities.csv.

The file is the authority on every column that it has, blank cells included, so that a site's
export can be edited and brought back. What it gives up: columns of its own that a site added are
refused, not guessed at.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.calendar import Calendar
from foi.archive.casework import BodyFields
from foi.archive.casework.tags import add_tags
from foi.archive.importing.archive import Archive
from foi.archive.importing.batches import Batches, Entry, Outcome
from foi.archive.importing.dates import When, read_date
from foi.archive.importing.known import Pair, bodies_by_slug, tags_by_subject
from foi.archive.importing.lines import open_lines
from foi.archive.importing.report import Progress, Report, UnusableFile
from foi.archive.importing.rows import Row, Rows
from foi.archive.importing.values import (
    body_slug,
    check_jurisdiction,
    check_slug,
    check_tags,
    check_text,
    one_line,
    web_address,
)
from foi.archive.models import Body

LONGEST_NOTES = 100_000

T = TypeVar("T")


def _email(text: str) -> str:
    text = check_text(text.strip(), 320)
    if not text:
        return ""
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(f"{text!r} is not an e-mail address: {error}") from None


FIELDS: dict[str, tuple[str, Callable[[str], str]]] = {
    "Name": ("name", one_line),
    "Short name": ("short_name", one_line),
    "Home page": ("home_page", web_address),
    "Publication scheme": ("publication_scheme", web_address),
    "Disclosure log": ("disclosure_log", web_address),
    "Notes": ("notes", lambda text: check_text(text.strip(), LONGEST_NOTES)),
    "Jurisdiction": ("jurisdiction", lambda text: check_jurisdiction(text.strip())),
    "Request email": ("request_email", _email),
}
"""The columns that are fields of an authority: each one's name and what reads it (ValueError for
what it cannot take).
"""
_OTHERS = ("URL name", "Tags", "Created at", "Updated at", "Version", "Internal ID")
COLUMNS = (*FIELDS, *_OTHERS)
"""The columns that a file may have, in any order; `Name` it must have."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A row that was found sound; `fields` and `tags` hold only what the file has columns for."""

    url_name: str
    fields: BodyFields
    tags: list[str] | None
    created: When | None


def import_authorities(site: Archive, path: Path, progress: Progress) -> Report:
    """Import a CSV file of authorities and report what became of each row; UnusableFile for a
    wrong header.

    An authority is known by its URL name, present or former; one that is here already is edited
    where it differs.
    """
    report = Report()
    file, total = open_lines(path)
    with file:
        rows = iter(Rows(file))
        columns = _columns(next(rows, None), path)

        def entries() -> Iterator[Entry[Authority]]:
            for row in rows:
                authority = _read(row, columns, site.calendar, report)
                if authority is not None:
                    size = sum(map(len, row.cells))
                    yield Entry(row.line, size, (authority.url_name,), "authority", authority)
                progress(row.end, total, report)

        Batches(site, _take, report).run(entries())
    report.refused.sort(key=lambda refusal: refusal.line)
    progress(total, total, report)
    return report


def _columns(row: Row | None, path: Path) -> list[str]:
    """Give the columns of the header; UnusableFile unless each is known and there once."""
    if row is None or row.wrong:
        why = row.wrong if row is not None else "it is empty"
        raise UnusableFile(f"{path} has no header row: {why}")
    columns = [cell.strip() for cell in row.cells]
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        raise UnusableFile(
            f"{path} has columns that are not known here: {', '.join(map(ascii, unknown))}. "
            f"The known ones are {', '.join(COLUMNS)}."
        )
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise UnusableFile(f"{path} has more than one column {', '.join(twice)}")
    if "Name" not in columns:
        raise UnusableFile(f"{path} has no column Name")
    return columns


class _Cells:
    """The cells of one row by column, and what is wrong with them."""

    def __init__(self, columns: Sequence[str], cells: Sequence[str]) -> None:
        self.by_column = dict(zip(columns, cells, strict=True))
        self.wrong: list[str] = []

    def read(self, column: str, reader: Callable[[str], T]) -> T | None:
        """Give what the reader makes of a cell; None when there is no such column or it cannot be
        read.
        """
        text = self.by_column.get(column)
        if text is None:
            return None
        try:
            return reader(text)
        except ValueError as error:
            self.wrong.append(f"{column}: {error}")
            return None


def _read(
    row: Row, columns: Sequence[str], calendar: Calendar, report: Report
) -> Authority | None:
    """Read one row; None when it is refused, with every reason in the report."""
    if row.wrong:
        report.refuse(row.line, [row.wrong])
        return None
    cells = _Cells(columns, row.cells)
    fields: BodyFields = {}
    for column, (name, reader) in FIELDS.items():
        value = cells.read(column, reader)
        if value is not None:
            fields[name] = value  # type: ignore[literal-required]
    if fields.get("name") == "":
        cells.wrong.append("Name: is blank")
    tags = cells.read("Tags", lambda text: check_tags(text.split()))
    created = cells.read("Created at", lambda text: _created(text, calendar))
    url_name = cells.read(
        "URL name", lambda text: check_slug(text.strip()) if text.strip() else ""
    )
    if cells.wrong:
        report.refuse(row.line, cells.wrong)
        return None
    return Authority(url_name or body_slug(fields), fields, tags, created)


def _created(text: str, calendar: Calendar) -> When | None:
    return read_date(text.strip(), calendar) if text.strip() else None


def _take(db: Session, batch: Sequence[Authority]) -> Callable[[Authority], Outcome]:
    bodies = bodies_by_slug(db, [authority.url_name for authority in batch])
    tags = tags_by_subject(db, "body", [body.id for body in bodies.values()])
    missing: dict[str, Authority] = {}
    for authority in batch:
        if authority.url_name not in bodies:
            missing.setdefault(authority.url_name, authority)
    _add(db, missing.values())

    def take(authority: Authority) -> Outcome:
        if missing.get(authority.url_name) is authority:
            return Outcome.CREATED
        body = bodies[authority.url_name]
        return _edit(db, body, authority, tags.get(body.id, []))

    return take


def _add(db: Session, authorities: Collection[Authority]) -> None:
    """Add authorities at once; the tags, which need an id, follow: half the time of each alone."""
    added = [
        casework.add_body(
            db,
            "import",
            url_name=authority.url_name,
            at=authority.created.moment if authority.created else None,
            **authority.fields,
        )
        for authority in authorities
    ]
    db.flush()
    for body, authority in zip(added, authorities, strict=True):
        add_tags(db, "body", body.id, authority.tags or ())


def _edit(db: Session, body: Body, authority: Authority, tags: list[Pair]) -> Outcome:
    same = all(getattr(body, name) == value for name, value in authority.fields.items())
    wanted = authority.tags
    if same and (wanted is None or list(map(casework.parse_tag, wanted)) == tags):
        return Outcome.UNCHANGED
    casework.edit_body(db, body, "import", tag_texts=wanted, **authority.fields)
    return Outcome.UPDATED
