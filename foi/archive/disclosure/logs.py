"""Disclosure logs from beginning to end: read, understood, looked at, and taken over by the import
of requests, so that there is one importer with one record.

A log is understood as a whole before anything is written: what `open_log` gives holds every record
and every refusal, and is the same for a rehearsal and for the import itself.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from foi.archive.calendar import Calendar
from foi.archive.disclosure.dating import Order, order_of
from foi.archive.disclosure.fields import FIELDS, IGNORED, PERSONAL, TAKEN, plain
from foi.archive.disclosure.guessing import Column, guess_columns, heading_row, in_order, labels
from foi.archive.disclosure.owners import Owners
from foi.archive.disclosure.reading import read_table
from foi.archive.disclosure.rows import Record, Scribe
from foi.archive.importing.archive import Archive
from foi.archive.importing.lines import Line
from foi.archive.importing.report import Progress, Refused, Report, UnusableFile, printable
from foi.archive.importing.requests import import_lines
from foi.archive.importing.rows import Row
from foi.archive.states import STATES

_LONGEST_SOURCE = 60
_NAMED = 20  # unknown words that are named


@dataclass(frozen=True)
class Choices:
    """What a person has said about a log; all else is guessed.

    One of `body` (a URL name) and `body_column` (a heading) says whose the requests are.
    `columns` are pairs of a field and a heading (or `#3`, the third column), `outcomes` words and
    the state that they mean.
    """

    body: str | None = None
    body_column: str | None = None
    columns: Sequence[tuple[str, str]] = ()
    outcomes: Mapping[str, str] = field(default_factory=dict)
    order: Order | None = None
    sheet: str = ""
    headings: int | None = None
    source: str = "log"
    files: Path | None = None


@dataclass
class Log:
    """A log as it was understood: its columns, its records by line, what was refused already, and
    what a person should know.
    """

    columns: list[Column]
    records: list[tuple[int, Record]]
    refused: Report
    said: list[str]
    folder: Path

    def as_json(self) -> dict[str, Any]:
        """Give columns and remarks as JSON members."""
        return {"columns": [column.as_json() for column in self.columns], "remarks": self.said}


def open_log(db: Session, calendar: Calendar, path: Path, choices: Choices) -> Log:
    """Read a log and make records of its rows; UnusableFile when it cannot be used as a whole or a
    choice does not fit it.

    Nothing is written; `db` is only asked for authorities.
    """
    _check(choices)
    table = read_table(path, choices.sheet)
    headings, above = heading_row(table.rows, choices.headings)
    rows, repeated = _without_headings(table.rows[above:], headings)
    columns = guess_columns(headings, rows, _told(choices, headings, rows))
    said = [*table.said, *_on_headings(headings, table.rows, above, repeated)]
    if choices.body_column is None:
        columns = [_untaken(c) if c.field == "authority" else c for c in columns]
    elif not any(column.field == "authority" for column in columns):
        raise UnusableFile("no column was found that names the authorities; say which it is")
    by_field = {name: in_order(columns, name) for name in TAKEN}
    if not (by_field["title"] or by_field["text"]):
        raise UnusableFile(
            "no column was found for the title or the text; say which is, such as "
            f"title={columns[0].label if columns else 'Subject'}. The columns are: "
            + ", ".join(column.label for column in columns)
        )
    orders, on_dates = _orders(columns, rows, choices.order)
    scribe = Scribe(
        by_field,
        orders,
        Owners(db, choices.body),
        calendar,
        {plain(words): state for words, state in choices.outcomes.items()},
        choices.source,
        choices.files is not None,
    )
    log = Log(columns, [], Report(), [*said, *on_dates], choices.files or path.resolve().parent)
    _write(log, rows, scribe, len(headings))
    return log


def import_log(site: Archive, log: Log, progress: Progress) -> Report:
    """Take a log over and report what became of each line.

    Given a site whose writes are taken back, it is a rehearsal.
    """
    lines = [
        Line(number, json.dumps(record).encode(), place)
        for place, (number, record) in enumerate(log.records, start=1)
    ]
    report = Report(refused=list(log.refused.refused))
    return import_lines(site, lines, log.folder, len(lines), progress, report)


def _check(choices: Choices) -> None:
    if (choices.body is None) == (choices.body_column is None):
        raise UnusableFile(
            "say whose requests these are: either the authority, or the column that names it"
        )
    source = choices.source
    if not source.strip() or len(source) > _LONGEST_SOURCE or not source.isprintable():
        raise UnusableFile(f"the name of the log must have 1 to {_LONGEST_SOURCE} characters")
    for words, state in choices.outcomes.items():
        if state not in STATES:
            known = ", ".join(STATES)
            raise UnusableFile(f"{words}={state}: the states are {known}")
    if choices.files is not None and not choices.files.is_dir():
        raise UnusableFile(f"{choices.files} is not a folder")


def _told(choices: Choices, headings: Sequence[str], rows: Sequence[Row]) -> dict[int, str]:
    """Give the field of each column that a person has named, by its place."""
    width = max(len(headings), *(len(row.cells) for row in rows), 0, 0)
    names = labels(headings, width)
    places = {f"#{index + 1}": index for index in range(width)}
    places |= {name.lower(): index for index, name in enumerate(names)}
    told: dict[int, str] = {}
    given = list(choices.columns)
    if choices.body_column is not None and choices.body_column:
        given.append(("authority", choices.body_column))
    for name, heading in given:
        if name not in FIELDS:
            raise UnusableFile(f"{name!r} is no field; there are {', '.join(FIELDS)}")
        index = places.get(" ".join(heading.split()).lower())
        if index is None:
            raise UnusableFile(
                f"there is no column {heading[:100]!r}; the columns are: {', '.join(names)}"
            )
        told[index] = name
    return told


def _untaken(column: Column) -> Column:
    return Column(column.index, column.label, IGNORED, "", column.samples)


def _without_headings(rows: Sequence[Row], headings: Sequence[str]) -> tuple[list[Row], int]:
    """Leave out the headings where pages repeat them; give how many that were."""
    kept = [row for row in rows if not headings or row.cells != list(headings)]
    return kept, len(rows) - len(kept)


def _on_headings(
    headings: Sequence[str], rows: Sequence[Row], above: int, repeated: int
) -> list[str]:
    if not headings:
        return ["No row of headings was found: every row counts, and columns go by their values."]
    said = [f"The headings are on line {rows[above - 1].line}."]
    if above > 1:
        said.append(f"Passed over above them: {above - 1} line{'s' if above > 2 else ''}.")
    if repeated:
        said.append(f"Passed over: {repeated} lines that repeat the headings.")
    return said


def _orders(
    columns: Sequence[Column], rows: Sequence[Row], told: Order | None
) -> tuple[dict[int, Order], list[str]]:
    """Settle for each column of dates whether day or month comes first, and say so where that
    matters; a column that does not tell follows one that does.
    """
    dates = [c for c in columns if c.field in ("received", "answered")]
    found = {
        column: order_of(row.cells[column.index] for row in rows if column.index < len(row.cells))
        for column in dates
    }
    decided = Counter(each.order for each in found.values() if each.evidence > each.against)
    otherwise: Order = decided.most_common(1)[0][0] if decided else "dmy"
    orders: dict[int, Order] = {}
    said = []
    for column, dating in found.items():
        order = told or (otherwise if dating.assumed else dating.order)
        orders[column.index] = order
        words = "day before month" if order == "dmy" else "month before day"
        if told is None and dating.assumed:
            why = (
                "as in the other column of dates"
                if decided
                else "though nothing tells; say so if it is the other way about"
            )
            number = dating.ambiguous
            are = f"{number:,} dates are" if number > 1 else "one date is"
            said.append(f"{column.label}: {are} read {words}, {why}.")
        elif dating.evidence or dating.ambiguous:
            said.append(f"{column.label}: dates are read {words}.")
        if told is None and dating.against:
            said.append(f"{column.label}: of them, {dating.against:,} the other way about.")
    return orders, said


def _write(log: Log, rows: Sequence[Row], scribe: Scribe, width: int) -> None:
    """Make records of rows; what is wrong with one is its own refusal."""
    uneven = sum(1 for row in rows if len(row.cells) > width) > len(rows) // 10
    used = sum(1 for column in log.columns if column.field in TAKEN)
    for row in rows:
        try:
            if row.wrong:
                raise Refused(row.wrong)
            if width and len(row.cells) > width and not uneven:
                raise Refused(
                    f"has {len(row.cells)} cells where there are {width} headings: is a comma or "
                    "quotation mark in a cell not quoted?"
                )
            if used > 2 and sum(map(bool, row.cells)) == 1:
                raise Refused("only one cell is filled: is it a heading between the rows?")
            log.records.append((row.line, scribe.record(row)))
        except Refused as refused:
            log.refused.refuse(row.line, refused.reasons)
    log.said += _on_words(scribe)
    personal = [column.label for column in log.columns if column.field == PERSONAL]
    if personal:
        log.said.append(f"Not taken, because it is about people: {', '.join(personal)}.")
    left = [column.label for column in log.columns if column.field == IGNORED]
    if left:
        log.said.append(f"Not taken: {', '.join(left)}.")


def _on_words(scribe: Scribe) -> list[str]:
    by_column: dict[str, list[str]] = {}
    for (label, text), number in scribe.unknown.most_common():
        by_column.setdefault(label, []).append(f"“{printable(text)}” ({number:,})")
    said = []
    for label, words in by_column.items():
        more = f" and {len(words) - _NAMED:,} more" if len(words) > _NAMED else ""
        said.append(f"{label}: not understood, so not known: {', '.join(words[:_NAMED])}{more}.")
    if scribe.backwards:
        said.append(
            f"{scribe.backwards:,} answers are dated before their request: are the columns of "
            "dates, or day and month, the wrong way about?"
        )
    return said
