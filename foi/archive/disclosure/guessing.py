"""Which row of a log holds the headings, and what each column is: by its heading first, then by
what stands in it.

Values correct headings: a column "Response" of addresses is files, one of dates is when the answer
was given. What is only guessed is told as such, and a person can say otherwise (`--map`).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from foi.archive.disclosure.dating import is_unknown, read_day
from foi.archive.disclosure.fields import FIELDS, IGNORED, PERSONAL, by_heading, plain
from foi.archive.disclosure.outcomes import state_of
from foi.archive.importing.report import UnusableFile, printable
from foi.archive.importing.rows import Row

SURE, LIKELY, GUESS, TOLD, NONE = "sure", "likely", "guess", "told", ""
_RANK = {TOLD: 0, SURE: 1, LIKELY: 2, GUESS: 3, NONE: 4}
_ABOVE = 40  # rows in which the headings are looked for
_SAMPLED = 400  # values of a column that are looked at
_LONGEST_SAMPLE = 2_000  # characters
_SINGLE = ("reference", "received", "answered", "year", "month", "pages", "law")
"""Fields that one column can give; of the others a second column fills what the first leaves
blank, or adds to it.
"""
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_FILE = re.compile(
    r"\S.{0,200}\.(?:pdf|docx?|xlsx?|csv|zip|rtf|od[tsp]|pptx?|txt|msg|html?|png|jpe?g|tiff?)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?=[^ ]*\d)[^ ]{1,40}(?: [^ ]{1,20}){0,2}")


@dataclass(frozen=True)
class Column:
    """A column: where it is, its heading made unique, the field it is taken for, and how sure that
    is (`sure`, `likely`, `guess`, `told`; "" when nothing is taken).
    """

    index: int
    label: str
    field: str
    sure: str
    samples: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Give it as JSON members."""
        return {
            "column": self.index + 1,
            "heading": self.label,
            "field": self.field,
            "sure": self.sure,
            "samples": list(self.samples),
        }


def heading_row(rows: Sequence[Row], wanted: int | None = None) -> tuple[list[str], int]:
    """Give the headings and how many rows to pass over, they among them; no headings when none of
    the first rows has any that are known.

    `wanted` is the line that they are said to be on, 0: there are none.
    """
    if wanted == 0:
        return [], 0
    if wanted is not None:
        for position, row in enumerate(rows):
            if row.line == wanted and not row.wrong:
                return row.cells, position + 1
        raise UnusableFile(f"line {wanted} is blank or not there, so it holds no headings")
    best, most = -1, 0.0
    for position, row in enumerate(rows[:_ABOVE]):
        score = 0.0 if row.wrong else _headings_in(row.cells)
        if score > most:
            best, most = position, score
    if best < 0:
        return [], 0
    return rows[best].cells, best + 1


def _headings_in(cells: Sequence[str]) -> float:
    """Tell how much a row looks like headings: known ones count, values count against it."""
    found = [by_heading(cell) for cell in cells if cell]
    known = sum(1.0 if guess[1] else 0.5 for guess in found if guess is not None)
    against = sum(1 for cell in cells if _URL.match(cell) or _is_day(cell) or len(cell) > 120)
    distinct = len({guess[0] for guess in found if guess is not None})
    if known < 1 or (distinct < 2 and sum(map(bool, cells)) > 2):
        return 0.0
    return known + distinct / 10 - against


def guess_columns(
    headings: Sequence[str], rows: Sequence[Row], told: Mapping[int, str]
) -> list[Column]:
    """Give every column with what it is taken for; `told` is what a person has said of some."""
    width = max(len(headings), *(len(row.cells) for row in rows), 0, 0)
    columns = []
    for index, label in enumerate(labels(headings, width)):
        values = _sample(rows, index)
        heading = headings[index] if index < len(headings) else ""
        column = Column(index, label, IGNORED, NONE, tuple(v[:200] for v in values[:3]))
        if index in told:
            columns.append(replace(column, field=told[index], sure=TOLD))
            continue
        field, sure = _by_heading_and_values(heading, values)
        columns.append(replace(column, field=field, sure=sure))
    columns = _by_values_alone(columns, rows, told)
    return _settle(columns, rows)


def labels(headings: Sequence[str], width: int) -> list[str]:
    """Give each column a name of its own: its heading, numbered when that is there twice; "column
    3" where there is none.
    """
    seen: dict[str, int] = {}
    given = []
    for index in range(width):
        heading = printable(" ".join((headings[index] if index < len(headings) else "").split()))
        heading = heading[:100] or f"column {index + 1}"
        seen[heading.lower()] = number = seen.get(heading.lower(), 0) + 1
        given.append(heading if number == 1 else f"{heading} ({number})")
    return given


def _sample(rows: Sequence[Row], index: int) -> list[str]:
    """Give values of a column from all over the file, blank ones left out."""
    filled = [row.cells[index] for row in rows if index < len(row.cells) and row.cells[index]]
    step = max(1, len(filled) // _SAMPLED)
    return [text[:_LONGEST_SAMPLE] for text in filled[::step][:_SAMPLED]]


def _share(values: Sequence[str], test: Callable[[str], object]) -> float:
    return sum(1 for value in values if test(value)) / len(values) if values else 0.0


def _is_day(text: str, serials: bool = False) -> bool:
    if not serials and re.fullmatch(r"\d{4,5}(?:\.\d+)?", text):
        return False
    try:
        return bool(read_day(text, "dmy")) if len(text) < 60 else False
    except ValueError:
        return False


def _told_date(text: str) -> bool:
    return is_unknown(text) or _is_day(text, serials=True)


def _by_heading_and_values(heading: str, values: Sequence[str]) -> tuple[str, str]:
    """Give the field of a column that has a heading, corrected by its values."""
    named = by_heading(heading) if heading else None
    if _share(values, _EMAIL.fullmatch) > 0.5:
        return PERSONAL, SURE
    if named is None:
        return IGNORED, NONE
    field, sure = named[0], SURE if named[1] else LIKELY
    if plain(heading) == "date":
        sure = LIKELY
    if not values or field in (IGNORED, PERSONAL):
        return field, NONE if field == IGNORED else sure
    if field == "outcome" and _share(values, lambda v: state_of(v, {})) < 0.05:
        # A column "State" may be of a country; other words of an outcome are named as not known.
        sure = LIKELY
        field = IGNORED if plain(heading) == "state" else field
    return _corrected(field, sure, values) if field != IGNORED else (IGNORED, NONE)


def _corrected(field: str, sure: str, values: Sequence[str]) -> tuple[str, str]:
    """Give the field that a heading names, or the one that its values speak for against it."""
    kind = FIELDS[field].kind
    dates, links = _share(values, _told_date), _share(values, lambda v: _URL.search(v))
    if kind == "date":
        return (field, sure) if dates >= 0.5 else (IGNORED, NONE)
    if kind in ("text", "words") and field not in ("reference", "authority"):
        if _share(values, _is_day) > 0.8:
            return "received" if field in ("title", "text") else "answered", LIKELY
        if links > 0.8 and field != "text":
            return ("files" if field in ("response", "outcome") else "link"), LIKELY
        if field == "response" and _share(values, lambda v: state_of(v, {})) > 0.6:
            return "outcome", LIKELY
    if kind == "link":
        files = _share(values, lambda v: _URL.search(v) or _FILE.search(v))
        if files < 0.3:
            return IGNORED, NONE
        if field == "link" and links < 0.3:
            return "files", LIKELY
    return field, sure


def _by_values_alone(
    columns: Sequence[Column], rows: Sequence[Row], told: Mapping[int, str]
) -> list[Column]:
    """Find essential fields that no heading names among the columns whose heading says nothing."""
    taken = {column.field for column in columns}
    given = list(columns)
    open_ = [
        c for c in columns
        if c.field == IGNORED and c.index not in told and by_heading(c.label) is None
    ]  # fmt: skip
    values = {column.index: _sample(rows, column.index) for column in open_}
    for column in open_:
        field = _looks_like(values[column.index], taken)
        if field is not None:
            taken.add(field)
            given[column.index] = replace(column, field=field, sure=GUESS)
    return given


def _looks_like(values: Sequence[str], taken: set[str]) -> str | None:
    """Give the field that values look like, of those that are not taken yet."""
    if not values:
        return None
    length = sum(map(len, values)) / len(values)
    distinct = len(set(values)) / len(values)
    spaced = _share(values, lambda v: " " in v)
    tests: tuple[tuple[str, bool], ...] = (
        ("link", _share(values, _URL.match) > 0.8),
        ("files", _share(values, lambda v: _URL.match(v) or _FILE.fullmatch(v)) > 0.8),
        ("received", _share(values, _is_day) > 0.8),
        ("answered", _share(values, _is_day) > 0.8),
        ("outcome", _share(values, lambda v: state_of(v, {})) > 0.6),
        (
            "reference",
            distinct > 0.95 and length < 30 and _share(values, _NUMBERED.fullmatch) > 0.9,
        ),
        ("text", length >= 150 and spaced > 0.8),
        ("title", 10 <= length < 150 and spaced > 0.7 and distinct > 0.5),
    )
    return next((field for field, fits in tests if fits and field not in taken), None)


def _earlier_first(columns: list[Column], rows: Sequence[Row]) -> list[Column]:
    """Exchange two columns of dates that were only guessed when the answers come first."""
    received = next((c for c in columns if c.field == "received"), None)
    answered = next((c for c in columns if c.field == "answered"), None)
    if received is None or answered is None or {received.sure, answered.sure} != {GUESS}:
        return columns
    later = earlier = 0
    for row in rows:
        try:
            one, two = (read_day(row.cells[c.index], "dmy") for c in (received, answered))
        except (ValueError, IndexError):
            continue
        later, earlier = later + (one > two), earlier + (one < two)
    if later > earlier:
        columns[received.index] = replace(received, field="answered")
        columns[answered.index] = replace(answered, field="received")
    return columns


def _settle(columns: Sequence[Column], rows: Sequence[Row]) -> list[Column]:
    """Leave one column to each field that can have only one, and a title to every log that can
    have one.
    """
    given = list(columns)
    for field in _SINGLE:
        rivals = sorted(
            (c for c in given if c.field == field and c.sure != TOLD),
            key=lambda c: (_RANK[c.sure], _bare(c) in ("id", "date"), c.index),
        )
        spoken_for = any(c.field == field and c.sure == TOLD for c in given)
        for rival in rivals[0 if spoken_for else 1 :]:
            free = field == "received" and not any(c.field == "answered" for c in given)
            if free and _bare(rival) == "date":
                given[rival.index] = replace(rival, field="answered", sure=GUESS)
                if _bare(rivals[0]) == "date":
                    given[rivals[0].index] = replace(rivals[0], sure=GUESS)
            else:
                given[rival.index] = replace(rival, field=IGNORED, sure=NONE)
    texts = [column for column in given if column.field == "text"]
    if len(texts) == 1 and texts[0].sure != TOLD and all(c.field != "title" for c in given):
        values = _sample(rows, texts[0].index)
        if values and sum(map(len, values)) / len(values) < 100:
            given[texts[0].index] = replace(texts[0], field="title", sure=LIKELY)
    return _earlier_first(given, rows)


def _bare(column: Column) -> str:
    """Give the words of a column's heading without the number that made it unique."""
    return re.sub(r" \d+$", "", plain(column.label))


def in_order(columns: Iterable[Column], field: str) -> list[Column]:
    """Give the columns of a field, the surest first; they were put so that English comes before
    French.
    """

    def french(column: Column) -> bool:
        words = plain(column.label).split()
        return bool(words) and (words[-1] in ("fr", "french") or words[0] in _FRENCH)

    found = (column for column in columns if column.field == field)
    return sorted(found, key=lambda c: (_RANK[c.sure], french(c), c.index))


_FRENCH = frozenset(("sommaire", "resume", "titre", "sujet", "objet", "reponse", "texte"))
