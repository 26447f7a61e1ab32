"""A row of a log as a record of the import of requests: its JSON object, no more and no less than
the row tells.

Never taken: names and addresses of requesters. What has no place of its own in a record becomes a
machine tag: `department:housing`, `exemption:40(2)`, `pages:12`, `applicant:media`.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from foi.archive.calendar import Calendar
from foi.archive.disclosure import outcomes
from foi.archive.disclosure.dating import Order, is_unknown, month_of, read_day
from foi.archive.disclosure.guessing import Column
from foi.archive.disclosure.owners import Owners
from foi.archive.filetypes import EXTENSIONS
from foi.archive.importing.dates import read_date
from foi.archive.importing.report import Refused
from foi.archive.importing.rows import Row
from foi.archive.importing.values import LONGEST_TAG, web_address
from foi.archive.slugs import slug

LONGEST_TITLE = 200
_CUT_TITLE = 110
_URL = re.compile(r"https?://[^\s<>\"|;]+", re.IGNORECASE)
_SECTION = re.compile(r"\b\d{1,3}[A-Z]?(?:\(\w{1,4}\))*", re.ASCII)
_LISTED = re.compile(r"[\n;|]+")
_PAGES = frozenset(("htm", "html", "php", "asp", "aspx", "jsp", ""))

Record = dict[str, Any]


@dataclass
class Scribe:
    """Writes rows as records, and counts the words that it did not understand."""

    columns: Mapping[str, Sequence[Column]]
    """The columns of each field, the surest first."""
    orders: Mapping[int, Order]
    owners: Owners
    calendar: Calendar
    own_outcomes: Mapping[str, str]
    source: str
    with_files: bool = False
    """Whether names of files are those of files at hand, or only names."""
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a column, by its heading, held words that mean nothing here."""
    backwards: int = 0
    """Rows whose answer is dated before the request."""

    def record(self, row: Row) -> Record:
        """Give the record of a row; Refused with every reason that was found."""
        wrong: list[str] = []
        received, answered = (self._date(row, name, wrong) for name in ("received", "answered"))
        answered = answered or self._month(row, wrong)
        if received and answered and answered[: len(received)] < received[: len(answered)]:
            self.backwards += 1
        title, text = self._title(row, wrong)
        authority, number = self._owner(row, wrong)
        url, files = self._links(row, wrong)
        if wrong:
            raise Refused(*wrong)
        state = self._state(row)
        reference = self._first(row, "reference")
        if not reference:
            about = f"{title}\n{received or answered or ''}"
            reference = "#" + hashlib.sha256(about.encode()).hexdigest()[:16]
        answer = self._answer(row, answered, files)
        if answer and answered and len(answered) == 10 and state:
            answer["state"] = _standing(state)[0]
        request = {"ref": "request", "direction": "request", "sent_at": received, "body": text}
        made: Record = {
            "source": f"{self.source}:{number}",
            "source_ref": reference,
            "url": url,
            "authority": authority,
            "title": title,
            "law_used": self._law(row),
            "tags": list(self._tags(row)),
            "messages": [request, *([answer] if answer else [])],
        }
        made["state"], made["awaiting_description"] = _standing(state)
        return made

    def _cells(self, row: Row, name: str) -> Iterator[tuple[Column, str]]:
        """Give the cells of a field that hold something, the surest column first."""
        for column in self.columns.get(name, ()):
            text = row.cells[column.index] if column.index < len(row.cells) else ""
            if text.strip():
                yield column, text.strip()

    def _first(self, row: Row, name: str) -> str:
        return next((text for _, text in self._cells(row, name)), "")

    def _date(self, row: Row, name: str, wrong: list[str]) -> str | None:
        for column, text in self._cells(row, name):
            if is_unknown(text):
                continue
            try:
                day = read_day(text, self.orders.get(column.index, "dmy"))
                read_date(day, self.calendar)
            except ValueError as error:
                wrong.append(f"{column.label}: {error}")
                return None
            return day
        return None

    def _month(self, row: Row, wrong: list[str]) -> str | None:
        """Give the month or year of the answer where columns of their own tell it."""
        for column, text in self._cells(row, "year"):
            try:
                year = read_day(text, "dmy")[:4]
                read_date(year, self.calendar)
            except ValueError as error:
                wrong.append(f"{column.label}: {error}")
                return None
            month = month_of(self._first(row, "month"))
            return f"{year}-{month:02}" if month else year
        return None

    def _title(self, row: Row, wrong: list[str]) -> tuple[str, str | None]:
        """Give the title, cut from the text where there is none, and the text, None where it is
        not known.
        """
        text = self._first(row, "text") or None
        title = " ".join(self._first(row, "title").split())
        if not title and text:
            title = _cut(" ".join(text.split()), _CUT_TITLE)
        elif len(title) > LONGEST_TITLE:
            text = text or self._first(row, "title")
            title = _cut(title, LONGEST_TITLE)
        if not title:
            wrong.append("there is neither a title nor a text in it")
        return title, text

    def _owner(self, row: Row, wrong: list[str]) -> tuple[str, int]:
        cells = list(self._cells(row, "authority"))
        try:
            return self.owners.of([text for _, text in cells])
        except ValueError as error:
            heading = self.columns["authority"][0].label if self.columns.get("authority") else ""
            wrong.append(f"{cells[0][0].label if cells else heading}: {error}")
            return "", 0

    def _links(self, row: Row, wrong: list[str]) -> tuple[str, list[Record]]:
        """Give the address of the request's page, "" for none, and the files of its answer."""
        url, files = "", []
        for name in ("link", "files"):
            for column, text in self._cells(row, name):
                found = _addresses(text)
                if not found and name == "files" and not is_unknown(text):
                    files += [self._file(path) for path in _paths(text)]
                elif not found and not is_unknown(text):
                    self.unknown[column.label, text[:60]] += 1
                for each in found:
                    try:
                        address = web_address(each)
                    except ValueError as error:
                        wrong.append(f"{column.label}: {error}")
                        continue
                    if name == "files" or url or _is_file(address):
                        files.append({"name": _name_in(address), "link": address})
                    else:
                        url = address
        return url, files

    def _file(self, path: str) -> Record:
        name = PurePosixPath(path.replace("\\", "/")).name or path
        return {"name": name, "file": path} if self.with_files else {"name": name}

    def _answer(self, row: Row, answered: str | None, files: list[Record]) -> Record | None:
        """Give the message of the answer; None when nothing is known of one."""
        text = self._first(row, "response") or None
        if not (answered or text or files):
            return None
        return {
            "ref": "response",
            "direction": "response",
            "sent_at": answered,
            "body": text,
            "attachments": files,
        }

    def _state(self, row: Row) -> str | None:
        """Give the first state that the row tells in known words."""
        unknown: list[tuple[str, str]] = []
        for column, text in self._cells(row, "outcome"):
            state = outcomes.state_of(text, self.own_outcomes)
            if state is not None:
                return state
            if outcomes.is_told(text):
                unknown.append((column.label, text[:60]))
        self.unknown.update(unknown)
        return None

    def _law(self, row: Row) -> str:
        for column, text in self._cells(row, "law"):
            law = outcomes.law_of(text)
            if law is not None:
                return law
            if not is_unknown(text):
                self.unknown[column.label, text[:60]] += 1
        return "foi"

    def _tags(self, row: Row) -> Iterator[str]:
        for _, text in self._cells(row, "tags"):
            listed = re.split(r"[,;|\n]+", text) if re.search(r"[,;|\n]", text) else text.split()
            for tag in listed:
                name, colon, value = tag.strip().partition(":")
                if slug(name, ""):
                    yield (slug(name, "") + colon + "_".join(value.split()))[:LONGEST_TAG]
        for name, many in (("department", False), ("exemption", True), ("applicant", False)):
            of_field = "exemptions" if many else name
            for _, text in self._cells(row, of_field):
                if not is_unknown(text):
                    parts = _SECTION.findall(text) if many else []
                    yield from (
                        f"{name}:{part}"[:LONGEST_TAG]
                        for part in (parts or [slug(text, "", 80)])
                        if part
                    )
        pages = self._first(row, "pages").replace(",", "").removesuffix(".0")
        if pages.isdecimal() and pages.isascii() and len(pages) < 8:
            yield f"pages:{int(pages)}"


def _standing(state: str | None) -> tuple[str | None, bool]:
    """Give the state to describe and whether an answer waits for being described."""
    if state == "waiting_classification":
        return "waiting_response", True
    return state, False


def _cut(text: str, limit: int) -> str:
    """Cut a text at a word."""
    if len(text) <= limit:
        return text
    return (
        text[: limit - 1].rpartition(" ")[0].rstrip(" ,;:.-–") + "…"
        if " " in text
        else (text[: limit - 1] + "…")
    )


def _addresses(text: str) -> list[str]:
    """Give the web addresses in a cell; blanks within a single one are put right."""
    found = _URL.findall(text)
    if len(found) == 1 and text.lower().startswith("http") and "\n" not in text:
        rest = text[len(found[0]) :]
        if re.fullmatch(r"(?: [^\s]+)*\.[a-z]{3,4}", rest, re.IGNORECASE):
            return [text.replace(" ", "%20")]
    if not found and re.match(r"www\.[^\s]+$", text, re.IGNORECASE):
        return [text]
    return [each.rstrip(".,)]") for each in found]


def _paths(text: str) -> list[str]:
    """Give the names of files in a cell, one a line or with semicolons or bars between."""
    names = [name.strip() for name in _LISTED.split(text) if name.strip()]
    if len(names) == 1 and all(_extension(part) in EXTENSIONS for part in text.split(", ")):
        return [part.strip() for part in text.split(", ")]
    return names


def _is_file(address: str) -> bool:
    """Tell whether an address is that of a file rather than of a page."""
    extension = _extension(urlsplit(address).path)
    return extension not in _PAGES and extension in EXTENSIONS


def _extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _name_in(address: str) -> str:
    parts = urlsplit(address)
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or "file"
    return " ".join(name.split())[:200]
