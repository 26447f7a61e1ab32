"""What a collection really holds, compared with what was sent and with what the archive shows.

The whole collection is read in one stream, which knows no limit of 9,999, and every object is
judged by itself. What it gives up: comparing every property (those that tell whether ours are
there at all are enough), and reading while Aleph still works.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.comparing import SAME
from bridge.converge import visit
from bridge.items import Item
from bridge.push import BATCH, Progress, subjects_of_all
from bridge.receipts import Held
from bridge.target import Target, processing

STATES = ("indexed", "failed", "lost", "stale", "mapped", "foreign")
"""There and processed; there, but Aleph could not read it; accepted, but never appeared; not as it
should be; made of the rows of a table of ours by a mapping; there, but not ours.
"""
_GOOD = ("indexed", "mapped")
TWICE, OTHER_BYTES = "in the index more than once", "other bytes than ours"
"""Reasons for which a document is not only written anew but made anew."""
_REFERENCES = ("parent", "document", "emitters", "recipients")
INCLUDE = (
    "schema",
    *(f"properties.{name}" for name in _REFERENCES),
    *("properties.processingStatus", "properties.processingError", "properties.contentHash"),
    *("properties.sourceUrl", "properties.messageId", "properties.fileName"),
    "properties.proof",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One object as it can be searched."""

    id: str
    schema: str
    parent: str
    points_at: tuple[str, ...]
    status: str
    error: str
    content: str
    """SHA-1 of its bytes."""
    urls: tuple[str, ...]
    message_id: str
    names: tuple[str, ...]
    proof: tuple[str, ...] = ()
    """The table from which a mapping has made it, where one has."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one object."""

    state: str
    remote_id: str
    foreign_id: str = ""
    subject: str = ""
    kind: str = ""
    name: str = ""
    reason: str = ""
    ours: bool = False
    """Of something foreign: whether it can only have come from this site."""

    def members(self) -> dict[str, str]:
        """Give the members of its JSON."""
        names = ("state", "foreign_id", "name", "kind", "subject", "reason")
        return {name: getattr(self, name) for name in names} | {"id": self.remote_id}


@dataclass
class Verified:
    """What was found in one collection."""

    collection: str
    findings: list[Finding] = field(default_factory=list)
    queued: int = 0
    """What Aleph still had to do when the time was over: the findings are not final then."""
    unsent: list[str] = field(default_factory=list)
    """foreign_ids of what should be there and has not been sent yet."""

    @property
    def counts(self) -> dict[str, int]:
        """Give how many objects are in each state."""
        found = Counter(finding.state for finding in self.findings)
        return {state: found[state] for state in STATES}

    @property
    def problems(self) -> list[Finding]:
        """Give what is not as it should be."""
        return [finding for finding in self.findings if finding.state not in _GOOD]

    @property
    def good(self) -> bool:
        """Tell whether the collection is exactly what it should be."""
        return not (self.problems or self.queued or self.unsent)

    def members(self) -> dict[str, Any]:
        """Give the members of its JSON."""
        return {
            "collection": self.collection,
            **self.counts,
            "unsent": self.unsent,
            "queued": self.queued,
            "problems": [each.members() for each in self.problems],
        }


def wait(target: Target, end: float, progress: Progress, pause: float = 2.0) -> int:
    """Wait until Aleph has done what was queued and shows it, or until `end`; give what is left.

    Empty means finished or never begun, so it is believed after the index has had time to follow.
    """
    nap = min(0.05, pause)
    while left := target.aleph.queued(target.collection_id):
        if time.monotonic() >= end:
            return left
        progress(0, left, "waiting for Aleph")
        time.sleep(nap)
        nap = min(nap * 2, pause)
    time.sleep(target.aleph.patience.refresh)
    return 0


def read(target: Target) -> list[Row]:
    """Read everything that can be searched in a collection."""
    return target.aleph.rows(target.collection_id, INCLUDE, _row)


def _row(found: Mapping[str, Any]) -> Row:
    properties = found.get("properties") or {}

    def values(name: str) -> tuple[str, ...]:
        # A reference is an id, or the whole entity.
        given = properties.get(name) or ()
        return tuple(str(v.get("id") if isinstance(v, Mapping) else v) for v in given)

    processed = processing(found)
    return Row(
        id=str(found["id"]),
        schema=str(found.get("schema", "")),
        parent=next(iter(values("parent")), ""),
        points_at=tuple(each for name in _REFERENCES[1:] for each in values(name)),
        status=processed["status"],
        error=processed["error"],
        content=next(iter(values("contentHash")), ""),
        urls=values("sourceUrl"),
        message_id=next(iter(values("messageId")), ""),
        names=values("fileName"),
        proof=values("proof"),
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """An object that should be there, and whether what was sent of it is up to date."""

    item: Item
    subject: str
    fresh: bool


def expected(target: Target, progress: Progress) -> dict[str, Expected]:
    """Give what the archive wants in a collection, by foreign_id."""
    found: dict[str, Expected] = {}
    seen: set[str] = set()
    subjects = subjects_of_all(target)
    for start in range(0, len(subjects), BATCH):
        batch = [each for each in subjects[start : start + BATCH] if each not in seen]
        visits, needed = visit(target, batch, seen)
        for each in (*visits, *needed):
            seen.add(each.subject)
            unchanged = {c.foreign_id for c in each.plan() if c.action == SAME}
            for item in each.manifest.items:
                fresh = item.foreign_id in unchanged
                found[item.foreign_id] = Expected(item, each.subject, fresh)
        progress(min(start + BATCH, len(subjects)), len(subjects), "reading the archive")
    return found


def verify(target: Target, progress: Progress, *, seconds: float, pause: float = 2.0) -> Verified:
    """Say of every object what became of it, and note it in the receipts; waits for Aleph first,
    `seconds` at most.
    """
    found = Verified(target.collection)
    if not target.collection_id:
        found.unsent = sorted(expected(target, progress))
        return found
    found.queued = wait(target, time.monotonic() + seconds, progress, pause)
    wanted = expected(target, progress)
    with target.site.sessions.reading() as db:
        held = {each.foreign_id: each for each in target.receipts.all(db)}
    rows: dict[str, list[Row]] = {}
    for row in read(target):
        rows.setdefault(row.id, []).append(row)
    found.unsent = sorted(name for name in wanted if name not in held or not held[name].remote_id)
    for each in held.values():
        if each.remote_id:
            found.findings += _judge(each, rows.get(each.remote_id, []), wanted)
    found.findings += _strangers(rows, held.values(), target.site.settings.site_url)
    _note(target, found.findings)
    return found


def _judge(held: Held, rows: list[Row], wanted: Mapping[str, Expected]) -> Iterator[Finding]:
    """Judge one object of which there is a receipt."""
    due = wanted.get(held.foreign_id)
    state, reason = "indexed", ""
    if due is None or held.withdrawn_at is not None:
        if not rows:
            return  # on its way out, and not to be found
        state, reason = "stale", "to be withdrawn"
    elif not rows:
        state, reason = "lost", "accepted, but it never became searchable"
    elif rows[0].status not in ("", "success"):
        state, reason = "failed", rows[0].error or rows[0].status
    elif why := _amiss(held, rows, due):
        state, reason = "stale", why
    yield Finding(
        state,
        held.remote_id,
        held.foreign_id,
        held.subject,
        held.kind,
        held.file_name or _title(due),
        reason,
    )


def _title(due: Expected | None) -> str:
    if due is None:
        return ""
    properties = due.item.properties
    named = (properties.get(name) for name in ("title", "subject", "name", "role"))
    return next((values[0] for values in named if values), "")


def _amiss(held: Held, rows: list[Row], due: Expected) -> str:
    """Say in what an object differs from what it should be; empty: in nothing."""
    if len({row.schema for row in rows}) > 1:
        return TWICE
    if held.sha1 and rows[0].content and rows[0].content != held.sha1:
        return OTHER_BYTES
    if not due.fresh:
        return "the archive has changed since it was sent"
    if due.item.file is None and rows[0].schema != due.item.schema:
        return f"a {rows[0].schema}, not a {due.item.schema}"
    address = due.item.properties.get("sourceUrl", ())
    if not set(address) <= set(rows[0].urls):
        return "what was written about it is not there"
    return ""


def _strangers(
    rows: Mapping[str, list[Row]], held: Iterable[Held], site_url: str
) -> Iterator[Finding]:
    """Give what nobody here has sent, and Aleph has not found in the files that were sent."""
    own = {each.remote_id: each.kind for each in held if each.remote_id}
    made = {id_ for id_, kind in own.items() if kind == "attachment"}
    children: dict[str, list[str]] = {}
    named: dict[str, list[str]] = {}
    for id_, copies in rows.items():
        for row in copies:
            children.setdefault(row.parent, []).append(id_)
            if row.parent not in own:
                for target in row.points_at:
                    children.setdefault(target, []).append(id_)
            named.setdefault(id_, []).extend(row.points_at)
    derived, queue = set(made), list(made)
    while queue:
        current = queue.pop()
        # Pages and files within a file point at it; people in an e-mail are pointed at by it.
        for each in (*children.get(current, ()), *named.get(current, ())):
            if each not in derived and each not in own:
                derived.add(each)
                queue.append(each)
    tables = {id_ for id_ in derived if any(row.schema == "Table" for row in rows.get(id_, ()))}
    for id_, copies in rows.items():
        if id_ not in own and id_ not in derived:
            row = copies[0]
            if not tables.isdisjoint(row.proof):
                yield Finding("mapped", id_, kind=row.schema, reason="made of a table of ours")
                continue
            ours = row.parent in own or any(url.startswith(f"{site_url}/") for url in row.urls)
            name = next(iter((*row.names, *row.urls)), "")
            why = "left over from this site" if ours else "nobody here has sent it"
            yield Finding("foreign", id_, kind=row.schema, name=name, reason=why, ours=ours)


def _note(target: Target, findings: Iterable[Finding]) -> None:
    states: dict[tuple[str, str], list[str]] = {}
    for each in findings:
        if each.foreign_id:
            states.setdefault((each.state, each.reason), []).append(each.foreign_id)
    target.receipts.verified(states)
