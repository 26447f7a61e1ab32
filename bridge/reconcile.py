"""Mending a collection: sending again what is amiss, and finding receipts that were lost.

Aleph never tells a document's foreign_id, so ours are known again by what was written about them:
a letter by its message id, its folder by its place, a file by its letter, name and SHA-1. What it
gives up: telling apart two files of one letter that are alike in all of these (either will do).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bridge.items import Item, sha1_of
from bridge.push import Progress, Summary, push, subjects_of_all
from bridge.receipts import Held
from bridge.target import Target
from bridge.verify import (
    OTHER_BYTES,
    TWICE,
    Expected,
    Finding,
    Row,
    Verified,
    expected,
    read,
    verify,
    wait,
)
from foi.archive import ledger

_SETTLING = 3
"""How often what is left over is deleted and looked for again."""


def heal(
    target: Target, progress: Progress, *, seconds: float, pause: float = 2.0
) -> tuple[Summary, Verified]:
    """Send failed, lost and stale objects again, wait for Aleph, and verify."""
    end = time.monotonic() + seconds
    found = verify(target, progress, seconds=seconds, pause=pause)
    wrong = [each for each in found.problems if each.state != "foreign"]
    _unsettle(target, wrong, end, pause)
    subjects = dict.fromkeys(each.subject for each in wrong)
    missing = set(found.unsent)
    if missing:
        subjects |= {
            each.subject: None
            for name, each in expected(target, progress).items()
            if name in missing
        }
    jobs = [(target, list(subjects))]
    summary = push(jobs, progress, wait=_left(end), pause=pause, thorough=True)
    return summary, verify(target, progress, seconds=_left(end), pause=pause)


def _unsettle(target: Target, wrong: Iterable[Finding], end: float, pause: float) -> None:
    """Let receipts say that these need sending.

    What Aleph could not read is deleted first: read at last, it would be found twice, under its
    new schema and under the old one.
    """
    anew: list[str] = []
    spoilt: list[Finding] = []
    properties: list[str] = []
    for each in wrong:
        if each.kind not in ("request", "message", "attachment"):
            properties.append(each.foreign_id)
        elif each.state == "lost":
            anew.append(each.foreign_id)
        elif each.state == "failed" or each.reason in (OTHER_BYTES, TWICE):
            spoilt.append(each)
        else:
            properties.append(each.foreign_id)
    target.receipts.change([*properties, *(each.foreign_id for each in spoilt)], digest="")
    if spoilt:
        target.link.each(target.aleph.delete, [each.remote_id for each in spoilt])
        wait(target, end, lambda *_: None, pause)
        anew += [each.foreign_id for each in spoilt]
    target.receipts.change(anew, remote_id="", sha256="", digest="")


def _left(end: float) -> float:
    return max(0.0, end - time.monotonic())


def reconcile(
    target: Target, progress: Progress, *, seconds: float, pause: float = 2.0
) -> tuple[Summary, Verified]:
    """Make receipts agree with what is there, then the collection with the archive, and verify.

    What this site has left behind is deleted; what others have put there is reported and stays.
    """
    end = time.monotonic() + seconds
    wait(target, end, progress, pause)
    adopt(target, progress)
    jobs = [(target, subjects_of_all(target))]
    first = push(jobs, progress, wait=_left(end), pause=pause, thorough=True)
    summary, found = heal(target, progress, seconds=_left(end), pause=pause)
    for _ in range(_SETTLING):
        leftovers = [each for each in found.findings if each.ours]
        if not leftovers:
            break
        target.link.each(target.aleph.delete, [each.remote_id for each in leftovers])
        first.withdrawn += len(leftovers)
        found = verify(target, progress, seconds=_left(end), pause=pause)
    return _together(first, summary), found


def _together(first: Summary, second: Summary) -> Summary:
    """Give the sum of two pushes, the second of which has the last word."""
    return replace(
        second,
        sent=first.sent + second.sent,
        unchanged=first.unchanged,
        withdrawn=first.withdrawn + second.withdrawn,
        stopped=first.stopped or second.stopped,
    )


def adopt(target: Target, progress: Progress) -> int:
    """Write receipts for documents that are there and have none; give how many."""
    wanted = expected(target, progress)
    with target.site.sessions.reading() as db:
        held = {each.foreign_id: each for each in target.receipts.all(db)}
    known = {name: each.remote_id for name, each in held.items() if each.remote_id}
    finder = _Finder(target, read(target), known)
    rows = []
    for name, each in finder.find(wanted):
        if name not in known:
            rows.append(each)
    target.receipts.write(target.collection_id, rows)
    return len(rows)


class _Finder:
    """Finds the documents of a manifest among the rows of a collection."""

    def __init__(self, target: Target, rows: Sequence[Row], known: Mapping[str, str]) -> None:
        self._target = target
        self._ids = dict(known)
        taken = set(known.values())
        self._letters: dict[str, Row] = {}
        self._roots: dict[str, Row] = {}
        self._children: dict[str, list[Row]] = {}
        for row in rows:
            if row.id in taken:
                continue
            if row.message_id:
                self._letters.setdefault(row.message_id, row)
            if row.parent:
                self._children.setdefault(row.parent, []).append(row)
            elif row.schema == "Folder":
                self._roots |= {url: row for url in row.urls if url not in self._roots}

    def find(self, wanted: Mapping[str, Expected]) -> Iterator[tuple[str, Held]]:
        """Give a receipt for each document that was found, parents first."""
        above = {
            each.item.parent: row.parent
            for each in wanted.values()
            if each.item.kind == "message" and (row := self._letter(each.item))
        }
        ways: dict[str, Callable[[Item], Row | None]] = {
            "request": lambda item: self._root(item, above.get(item.foreign_id, "")),
            "message": self._letter,
            "attachment": self._file,
        }
        for kind, way in ways.items():
            for name, each in wanted.items():
                if each.item.kind == kind and name not in self._ids:
                    row = way(each.item)
                    if row is not None:
                        self._ids[name] = row.id
                        yield name, self._receipt(each, row)

    def _root(self, item: Item, id_: str) -> Row | None:
        rows = (self._roots.get(url) for url in item.properties.get("sourceUrl", ()))
        found = next((row for row in rows if row is not None), None)
        if id_ and (found is None or found.id != id_):
            return Row(id_, "Folder", "", (), "", "", "", (), "", ())
        return found

    def _letter(self, item: Item) -> Row | None:
        return next(
            (
                self._letters[each]
                for each in item.properties.get("messageId", ())
                if each in self._letters
            ),
            None,
        )

    def _file(self, item: Item) -> Row | None:
        assert item.file is not None
        near = self._children.get(self._ids.get(item.parent, ""), [])
        alike = [row for row in near if item.file_name in row.names and row.content]
        if not alike:
            return None
        try:
            sha1 = sha1_of(self._target.site.blobs.path(item.file.sha256))
        except FileNotFoundError:
            return None
        alike = [row for row in alike if row.content == sha1]
        address = set(item.properties.get("sourceUrl", ()))
        alike.sort(key=lambda row: not address & set(row.urls))
        if alike:
            near.remove(alike[0])
        return alike[0] if alike else None

    def _receipt(self, each: Expected, row: Row) -> Held:
        item = each.item
        return Held(
            subject=each.subject,
            kind=item.kind,
            foreign_id=item.foreign_id,
            remote_id=row.id,
            sent_at=ledger.now(),
            parent_id=self._ids.get(item.parent, ""),
            parent=item.parent,
            file_name=item.file_name,
            sha256=item.file.sha256 if item.file else "",
            sha1=row.content if item.file else "",
            shown=True,
        )
