"""Dates as logs write them: which of day and month comes first is settled for a column as a whole.

`03/04/2023` alone is nobody's to read; a column in which `17/04/2023` stands as well is. A date
that is known to the month or year only stays so. Times of day are dropped: a log that has them has
no time zone.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Order = Literal["dmy", "mdy"]

UNKNOWN = frozenset(
    (
        "", "-", "--", "–", "—", "?", "n/a", "na", "n.a.", "nil", "none", "null", "nan", "tbc",
        "tba", "unknown", "not known", "not recorded", "not available", "ongoing", "pending",
        "open", "outstanding", "inconnu", "s/o", "not yet answered", "awaiting", "in progress",
        "not applicable", "withdrawn", "date unknown",
    )
)  # fmt: skip
"""What stands in a cell of dates for "not known", in lower case."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janv janvier", "feb february fev fevr fevrier", "mar march mars",
            "apr april avr avril", "may mai", "jun june juin", "jul july juil juillet",
            "aug august aout", "sep sept september septembre", "oct october octobre",
            "nov november novembre", "dec december decembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_TIME = r"(?:[T, ]+\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?\s*(?:[ap]\.?m\.?)?\s*(?:Z|UTC|GMT|BST|[+-]\d{2}:?\d{2})?)?"  # noqa: E501
_DAY_NAME = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun|lun|mar|mer|jeu|ven|sam|dim)"
    r"[a-z]*\.?,?\s+)?"
)
_SEP = r"\s*[-/.\s]\s*"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | re.IGNORECASE)


_ISO = _pattern(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}}){_TIME}")
_NUMBERS = _pattern(rf"{_DAY_NAME}(\d{{1,2}})[-/.](\d{{1,2}})[-/.](\d{{4}}|\d{{2}}){_TIME}")
_DAY_FIRST = _pattern(
    rf"{_DAY_NAME}(\d{{1,2}})(?:st|nd|rd|th|er)?(?:\s+of)?(?:{_SEP})?([a-z]{{3,9}})\.?,?"
    rf"(?:{_SEP})?(\d{{4}}|\d{{2}}){_TIME}"
)
_MONTH_FIRST = _pattern(
    rf"{_DAY_NAME}([a-z]{{3,9}})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}){_TIME}"
)
_ISO_MONTH = _pattern(r"(\d{4})[-/.](\d{1,2})")
_MONTH_YEAR = _pattern(r"(\d{1,2})[-/.](\d{4})")
_NAMED_MONTH = _pattern(rf"([a-z]{{3,9}})\.?,?(?:{_SEP})?'?(\d{{4}}|\d{{2}})")
_YEAR = _pattern(r"(\d{4})(?:\.0)?")
_YEARS = _pattern(r"(?:q[1-4]\s+|fy\s*)?(\d{4})\s*[-/–]\s*(?:\d{2}|\d{4})")
_QUARTER = _pattern(r"q[1-4]\s+(\d{4})")
_SERIAL = _pattern(r"(\d{5})(?:\.\d+)?")
_LONGEST = 80  # characters of a date
_SERIALS = range(32_874, 62_000)  # 1990 to 2069, counted from 30 December 1899


@dataclass(frozen=True, slots=True)
class Dating:
    """How the dates of a column are read: the order of day and month, and what it was told by.

    `evidence` is the number of dates that can only be read in this order; `against`, in the other.
    """

    order: Order
    evidence: int
    against: int
    ambiguous: int

    @property
    def assumed(self) -> bool:
        """Whether there are dates whose order nothing in the column tells."""
        return self.ambiguous > 0 and self.evidence == 0


def order_of(texts: Iterable[str], otherwise: Order = "dmy") -> Dating:
    """Find whether day or month comes first in a column of dates; `otherwise` where nothing
    tells.
    """
    day_first = month_first = ambiguous = 0
    for text in texts:
        found = _NUMBERS.fullmatch(_plain(text[: _LONGEST + 1]))
        if found is None:
            continue
        first, second = int(found[1]), int(found[2])
        if first > 12 >= second:
            day_first += 1
        elif second > 12 >= first:
            month_first += 1
        elif first != second:
            ambiguous += 1
    if day_first == month_first:
        return Dating(otherwise, day_first, month_first, ambiguous)
    order: Order = "dmy" if day_first > month_first else "mdy"
    return Dating(order, max(day_first, month_first), min(day_first, month_first), ambiguous)


def is_unknown(text: str) -> bool:
    """Tell whether a cell says that its date is not known."""
    return text.strip().rstrip(".").lower() in UNKNOWN or text.strip().lower() in UNKNOWN


def read_day(text: str, order: Order) -> str:
    """Give a date as `2024-01-31`, `2024-01` or `2024`; ValueError for what is none.

    A date that can only be read against `order` is read so: its month would be above twelve.
    """
    shown = text.strip()
    text = _plain(shown[: _LONGEST + 1])
    try:
        read = None if len(text) > _LONGEST else _to_the_day(text, order) or _rough(text)
    except ValueError:
        read = None
    if read is None:
        raise ValueError(f"{shown[:80]!r} is not a date")
    return read


def month_of(text: str) -> int | None:
    """Give the number of a month by number or name; None for what is none."""
    text = _plain(text).rstrip(".").lower().removesuffix(".0")
    if text.isdigit() and len(text) <= 2:
        return int(text) if 1 <= int(text) <= 12 else None
    return _MONTHS.get(text)


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in text if not unicodedata.combining(c)).split())


def _to_the_day(text: str, order: Order) -> str | None:
    if found := _ISO.fullmatch(text):
        return date(int(found[1]), int(found[2]), int(found[3])).isoformat()
    if found := _NUMBERS.fullmatch(text):
        first, second = int(found[1]), int(found[2])
        if (order == "mdy" and first <= 12) or second > 12:
            first, second = second, first
        return date(_year(found[3]), second, first).isoformat()
    if found := _DAY_FIRST.fullmatch(text):
        return date(_year(found[3]), _named(found[2]), int(found[1])).isoformat()
    if found := _MONTH_FIRST.fullmatch(text):
        return date(_year(found[3]), _named(found[1]), int(found[2])).isoformat()
    if (found := _SERIAL.fullmatch(text)) and int(found[1]) in _SERIALS:
        return (date(1899, 12, 30) + timedelta(days=int(found[1]))).isoformat()
    return None


def _rough(text: str) -> str | None:
    if (found := _ISO_MONTH.fullmatch(text)) and 1 <= int(found[2]) <= 12:
        return f"{found[1]}-{int(found[2]):02}"
    if (found := _MONTH_YEAR.fullmatch(text)) and 1 <= int(found[1]) <= 12:
        return f"{found[2]}-{int(found[1]):02}"
    if found := _NAMED_MONTH.fullmatch(text):
        if found[1].lower() in _MONTHS:
            return f"{_year(found[2])}-{_named(found[1]):02}"
        return None
    found = _YEAR.fullmatch(text) or _YEARS.fullmatch(text) or _QUARTER.fullmatch(text)
    return found[1] if found else None


def _named(word: str) -> int:
    number = _MONTHS.get(word.lower())
    if number is None:
        raise ValueError("no month")
    return number


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if year < 70 else 1900)
