"""Listing and searching: filters, ranges, facets, sorting and the window of 9,999.

The same machinery answers for collections, entities and notifications. The window is Aleph's: an
answer never reaches past the 9,999th hit, totals stop at 10,000, and ``next`` may lead to an
HTTP 500. Gives up: scores (all 1.0).
"""

import html
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from tests.aleph.dialects import Dialect
from tests.aleph.places import COUNTRIES, LANGUAGES
from tests.aleph.query import BrokenQuery, Matcher, fold, parse, words_of
from tests.aleph.refusals import BROKEN, Refused
from tests.aleph.schemata import SCHEMATA
from tests.aleph.store import Record

WINDOW = 9999
TOTAL_CAP = 10000
Args = list[tuple[str, str]]
Values = Callable[[Record, str], list[str]]


@dataclass
class Filter:
    """One condition on a field: kind is is, not, empty, gte, gt, lte or lt."""

    field: str
    kind: str
    values: list[str]

    def keeps(self, found: list[str]) -> bool:
        """Say whether a record with these values of the field stays."""
        if self.kind == "is":
            return any(value in found for value in self.values)
        if self.kind == "not":
            return not any(value in found for value in self.values)
        if self.kind == "empty":
            return not found
        return any(self._compare(value, self.values[0]) for value in found)

    def _compare(self, value: str, bound: str) -> bool:
        if self.kind == "gte":
            return value >= bound
        if self.kind == "lt":
            return value < bound
        # A day as upper bound includes its hours.
        short = value[: len(bound)]
        return short > bound if self.kind == "gt" else short <= bound


@dataclass
class Window:
    """The part of the hits an answer holds."""

    limit: int
    offset: int

    @property
    def width(self) -> int:
        """Give how many hits fit before the 9,999th."""
        return max(0, min(self.limit, WINDOW - self.offset))


def _number(args: dict[str, str], name: str, default: int) -> int:
    try:
        return max(0, int(args.get(name, default)))
    except ValueError:
        return default


def read_window(args: Args) -> Window:
    """Read limit and offset; nonsense means the default, too much the greatest."""
    first = dict(reversed(args))
    limit = min(_number(first, "limit", 20), WINDOW)
    return Window(limit, min(_number(first, "offset", 0), WINDOW))


def read_filters(args: Args) -> list[Filter]:
    """Read ``filter:``, ``filter:gte:`` (and so on), ``exclude:`` and ``empty:`` parameters."""
    out: dict[tuple[str, str], Filter] = {}
    for name, value in args:
        verb, _, rest = name.partition(":")
        if verb not in ("filter", "exclude", "empty") or not rest or value == "":
            continue
        kind = {"filter": "is", "exclude": "not", "empty": "empty"}[verb]
        head, _, tail = rest.partition(":")
        if verb == "filter" and head in ("gte", "gt", "lte", "lt") and tail:
            kind, rest = head, tail
        out.setdefault((kind, rest), Filter(rest, kind, [])).values.append(value)
    return list(out.values())


@dataclass
class Search:
    """One search: its parameters, where its links lead, and how to read a record."""

    args: Args
    url: str
    dialect: Dialect
    values: Values
    text: Callable[[Record], str]
    anonymous: bool = False
    label: Callable[[str, str], str | None] = lambda name, value: None
    filters: list[Filter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.window = read_window(self.args)
        self.filters = read_filters(self.args)

    def get(self, name: str) -> str:
        """Give the first value of a parameter, '' when absent."""
        return next((value for key, value in self.args if key == name), "")

    def all(self, name: str) -> list[str]:
        """Give all values of a parameter."""
        return [value for key, value in self.args if key == name]

    def _matcher(self) -> Matcher | None:
        query = self.get("q").strip()
        if not query:
            return None
        try:
            return parse(query)
        except BrokenQuery:
            status = self.dialect.broken_query_status
            message = f"Failed to parse query [{query}]" if status == 400 else BROKEN
            raise Refused(status, message) from None

    def _matches(self, rows: Iterable[Record]) -> list[Record]:
        matcher, prefix = self._matcher(), fold(self.get("prefix")).rstrip()
        out = []
        for row in rows:
            if matcher is not None and not matcher(self.text(row), partial(self.values, row)):
                continue
            if prefix and not any(prefix in fold(n) for n in self.values(row, "names")):
                continue
            out.append(row)
        return out

    def _keep(self, rows: list[Record], but: str = "") -> list[Record]:
        filters = [f for f in self.filters if f.field != but or f.kind != "is"]
        return [row for row in rows if all(f.keeps(self.values(row, f.field)) for f in filters)]

    def _sort(self, rows: list[Record]) -> list[Record]:
        for spec in reversed(self.all("sort")):
            name, _, direction = spec.partition(":")
            if name in ("_score", "score"):
                continue
            have = [row for row in rows if self.values(row, name)]
            have.sort(key=lambda row: min(self.values(row, name)), reverse=direction == "desc")
            rows = have + [row for row in rows if not self.values(row, name)]
        return rows

    def run(self, rows: Iterable[Record], show: Callable[[Record], Record]) -> Record:
        """Search the rows and give the whole answer, each hit as ``show`` gives it."""
        matching = self._matches(rows)
        hits = self._sort(self._keep(matching))
        start = self.window.offset
        page = hits[start : start + self.window.width]
        if not page and self.window.limit and start < len(hits):
            raise Refused(
                500,
                f"We found {min(len(hits), TOTAL_CAP)} results, but could not "
                "load them due to an error.",
            )
        results = [self._highlight(show(row), row) for row in page]
        out = {
            "status": "ok",
            "results": results,
            **self.paging(len(hits)),
            "facets": {name: self._facet(name, matching) for name in self.all("facet")},
            "query_text": self._query_text(),
        }
        if self.dialect.captions:
            sent: dict[str, list[str]] = {
                f.field: f.values for f in self.filters if f.kind == "is"
            }
            out |= {"metrics": {}, "query_q": self.get("q") or None, "filters": sent}
        return out

    def paging(self, found: int) -> Record:
        """Give the members that tell where in how many hits the answer is."""
        window, total = self.window, min(found, TOTAL_CAP)
        width = window.width
        pages = math.ceil(total / window.limit) if window.limit else 1
        following = window.offset + window.limit
        before = window.offset - window.limit
        return {
            "total": total,
            "total_type": "gte" if found > TOTAL_CAP else "eq",
            "page": window.offset // width + 1 if width else 1,
            "limit": window.limit,
            "offset": window.offset,
            "pages": pages,
            "next": self._link(following) if following <= total and total else None,
            "previous": self._link(before) if before >= 0 else None,
        }

    def _link(self, offset: int) -> str:
        rest = [(k, v) for k, v in self.args if k not in ("limit", "offset")]
        offset = min(offset, WINDOW)
        query = urlencode([("offset", offset), ("limit", self.window.limit), *rest])
        return f"{self.url}?{query}"

    def _query_text(self) -> str:
        parts = [self.get("q")] if self.get("q") else []
        sign = {"is": "", "not": "-"}
        parts += [
            f'{sign.get(f.kind, "")}{f.field}:"{value}"'
            for f in self.filters
            for value in f.values
            if f.field != "schemata"
        ]
        return " ".join(parts) or "*:*"

    def _facet(self, name: str, matching: list[Record]) -> Record:
        rows = self._keep(matching, but=name)
        found = [value for row in rows for value in set(self.values(row, name))]
        first = dict(reversed(self.args))
        size = _number(first, f"facet_size:{name}", 20)
        active = {v for f in self.filters if f.field == name for v in f.values}
        counts = Counter(_epoch(v) for v in found) if name == "dates" else Counter(found)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        out: Record = {"filters": []}
        if first.get(f"facet_total:{name}") in ("true", "1") and not self.anonymous:
            out["total"] = len(counts)
        if first.get(f"facet_values:{name}", "true") not in ("false", "0"):
            out["values"] = [
                self._bin(name, v, n, active)
                for v, n in ranked[: min(size, 50) if self.anonymous else size]
            ]
        interval = first.get(f"facet_interval:{name}")
        if interval in ("year", "month", "day"):
            length = {"year": 4, "month": 7, "day": 10}[interval]
            bins = Counter((v[:length] + "-01-01"[length - 4 :])[:10] + "T00:00:00" for v in found)
            out["intervals"] = [self._bin(name, v, n, active) for v, n in sorted(bins.items())]
        return out

    def _bin(self, name: str, value: str, count: int, active: set[str]) -> Record:
        label = self.label(name, value)
        if name == "schema" and value in SCHEMATA:
            label = SCHEMATA[value].plural
        elif name in ("countries", "languages"):
            label = COUNTRIES.get(value) or LANGUAGES.get(value)
        return {"id": value, "label": label or value, "count": count, "active": value in active}

    def _highlight(self, shown: Record, row: Record) -> Record:
        if self.get("highlight") not in ("true", "1") or not self.get("q"):
            return shown
        words = "|".join(map(re.escape, words_of(self.get("q"))))
        out = []
        first = dict(reversed(self.args))
        width = _number(first, "highlight_length", 120)
        for value in (v for vs in row.get("properties", {}).values() for v in vs if words):
            match = re.search(rf"(?i)\b({words})\b", value)
            if match:
                start = max(0, match.start() - width // 2)
                piece = html.escape(value[start : start + width], quote=False)
                out.append(re.sub(rf"(?i)\b({words})\b", r"<em>\1</em>", piece))
        if out:
            shown["highlight"] = out[: _number(first, "highlight_count", 3)]
        return shown


def _epoch(text: str) -> str:
    padded = text + "0000-01-01T00:00:00"[len(text) :]
    moment = datetime.fromisoformat(padded).replace(tzinfo=UTC)
    return str(int(moment.timestamp()) * 1000)
