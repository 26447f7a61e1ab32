"""One subject's way to agreement with a collection, step by step.

What may be there has a receipt before it is sent, so that a crash between an effect and its note
costs a repetition and leaves nothing behind: without it, a file uploaded a moment before its
letter was hidden would stay for ever. What it gives up: one transaction for all of it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from bridge.comparing import Change, sending, withdrawal
from bridge.items import Item, Manifest, moment, with_sha1
from bridge.receipts import Buffer, Held, with_number
from bridge.report import Report
from bridge.target import Target, digest_of_entity
from bridge.wire import AlephDenied, AlephDown, AlephError, CollectionGone, Json
from foi.archive import ledger

GRACE = timedelta(seconds=60)
"""How long a processed upload may take to become searchable before it counts as lost."""

WHOLE = (AlephDown, AlephDenied, CollectionGone)
"""Failures that concern everything, not the object at hand."""
_DOWN = {"link": 0, "attachment": 1, "message": 2, "request": 3, "person": 4, "body": 5}
"""Order of withdrawal."""


class Visit:
    """A subject with its manifest and receipts; its methods are called in the order in which they
    stand.
    """

    def __init__(
        self, target: Target, manifest: Manifest, held: Mapping[str, Held], stamp: str = ""
    ) -> None:
        self._target, self.manifest = target, manifest
        self._stamp = with_number(stamp, len(manifest.items)) if stamp else ""
        """What the manifest was made from, as of the same moment."""
        self._held = dict(held)
        self._wanted = {item.foreign_id for item in manifest.items}
        self._documents = {item.foreign_id for item in manifest.items if item.document}
        source = target.source()
        self._subjects = {source.digest(subject): subject for subject in manifest.needs}
        self._uploaded: set[str] = set()
        self._settled: set[str] = set()
        self._digests: dict[str, tuple[Item, str]] = {}
        self.staged: list[Json] = []
        """The entities to write, once `stage` has found them."""
        self.report = Report(manifest.subject)
        self.touched = False

    @property
    def subject(self) -> str:
        """What it is made from."""
        return self.manifest.subject

    @property
    def has_documents(self) -> bool:
        """Whether there is anything to upload, now or ever."""
        return bool(self._documents)

    def attempt(self, step: Callable[[], None]) -> None:
        """Take a step; a failure that concerns only this subject goes into its report."""
        try:
            step()
        except WHOLE:
            raise
        except AlephError as error:
            self.report.failed[self.subject] = str(error)

    def plan(self) -> Iterator[Change]:
        """Say what would be done, as far as that can be known beforehand."""
        yield from map(withdrawal, self.unwanted())
        for item in self.manifest.items:
            held, above = self._held.get(item.foreign_id), self._id(item.parent)
            yield sending(self.subject, item, held, above, self._entity(item))

    # Withdrawing

    def unwanted(self) -> list[Held]:
        """Give what is to go, in that order."""
        going = [
            h
            for h in self._held.values()
            if h.kind in _DOWN and (h.foreign_id not in self._wanted or h.withdrawn_at is not None)
        ]
        return sorted(going, key=lambda h: _DOWN[h.kind])

    def held_back(self) -> bool:
        """Tell whether it may not go yet, for deleting an entity deletes all that points at it."""
        return any(h.kind in ("person", "body") for h in self.unwanted()) and (
            self._target.receipts.refer(self.subject)
        )

    def mark(self, names: Iterable[str], **values: object) -> None:
        """Note about receipts what has been written of them."""
        for name in names:
            self._held[name] = replace(self._held[name], **values)  # type: ignore[arg-type]

    def remove(self) -> set[str]:
        """Delete what is to go; give what was there until now.

        What is still being processed cannot be deleted (404) and would come up later. So it is
        deleted again, until it is not found although all that was queued before has been done.
        """
        self.touched = True
        going = self.unwanted()
        for held in reversed(going):
            if not held.shown and held.kind in ("request", "message", "attachment"):
                self._find(held)
        found = set()
        for held in self.unwanted():
            if held.remote_id and self._target.aleph.delete(held.remote_id):
                found.add(held.foreign_id)
        return found

    def _find(self, held: Held) -> None:
        """Bring into the index what may never have been there, for only that can be deleted: a
        letter not yet written, or what was being uploaded when a crash came, whose id is not even
        known. As a folder it is there at once.
        """
        above = self._held.get(held.parent)
        parent_id = above.remote_id if above else held.parent_id
        if held.parent and not parent_id:
            return  # its parent has never been, nor has it
        meta = {"foreign_id": held.foreign_id} | ({"parent_id": parent_id} if parent_id else {})
        try:
            remote_id = self._target.aleph.ingest(self._target.collection_id, meta, at_once=True)
        except WHOLE:
            raise
        except AlephError as error:
            if error.status == 400 and "parent" in error.message:
                return  # gone with its parent
            raise
        row = replace(held, remote_id=remote_id, parent_id=parent_id, shown=True)
        self._target.receipts.write(self._target.collection_id, [row])
        self._held[held.foreign_id] = row

    def gone(self) -> None:
        """Let go of everything whose withdrawal has ended."""
        dropped = [h for h in self.unwanted() if h.withdrawn_at is not None]
        self._target.receipts.drop([h.foreign_id for h in dropped])
        for held in dropped:
            del self._held[held.foreign_id]
            self.report.withdrawn.add(held.foreign_id)
            self.report.also.update(held.refers.split())

    # Uploading

    def intend(self) -> list[Held]:
        """Give the receipts to write before anything is uploaded."""
        return [
            self._intent(item)
            for item in self.manifest.items
            if item.document
            and not self._withdrawing(item.foreign_id)
            and not self._is_there(item, self._held.get(item.foreign_id))
        ]

    @staticmethod
    def _is_there(item: Item, held: Held | None) -> bool:
        sha256 = item.file.sha256 if item.file else ""
        return (
            held is not None
            and held.remote_id != ""
            and (held.file_name, held.sha256) == (item.file_name, sha256)
        )

    def _intent(self, item: Item) -> Held:
        former = self._held.get(item.foreign_id)
        intent = Held(
            subject=self.subject,
            kind=item.kind,
            foreign_id=item.foreign_id,
            remote_id=former.remote_id if former else "",
            sent_at=ledger.now(),
            parent_id=former.parent_id if former else "",
            parent=item.parent,
            refers=former.refers if former else "",
            shown=former.shown if former else False,
        )
        self._held[item.foreign_id] = intent
        return intent

    def upload(self, buffer: Buffer, until: float | None = None) -> None:
        """Make the folders and send the files that are not there yet, parents first."""
        for item in self.manifest.items:
            if not item.document or self._withdrawing(item.foreign_id):
                continue
            parent = self._held.get(item.parent)
            parent_id = parent.remote_id if parent else ""
            if item.parent and (not parent_id or self._withdrawing(item.parent)):
                continue  # what hinders the parent is in the report
            held = self._held.get(item.foreign_id)
            if held is not None and self._is_there(item, held) and held.parent_id == parent_id:
                continue
            if until is not None and time.monotonic() > until:
                self.report.waiting = "the time for one batch was over"
                return
            if held is not None and held.remote_id and held.parent_id != parent_id:
                # Made anew with its parent, under an id that is not known yet.
                anew = replace(self._intent(item), remote_id="", shown=False)
                self._target.receipts.write(self._target.collection_id, [anew])
                self._held[item.foreign_id] = anew
            self._send(item, parent_id, buffer)

    def _send(self, item: Item, parent_id: str, buffer: Buffer) -> None:
        meta = {"foreign_id": item.foreign_id}
        meta |= {"parent_id": parent_id} if parent_id else {}
        meta |= {"file_name": item.file_name} if item.file_name else {}
        target = self._target
        try:
            path = target.site.blobs.path(item.file.sha256) if item.file else None
            file, sha1 = with_sha1(path) if path else (None, "")
            remote_id = target.aleph.ingest(target.collection_id, meta, file, index=item.indexed)
        except WHOLE:
            raise
        except AlephError as error:
            self._fail(item, str(error))
            if item.parent and "parent" in error.message:
                # Whoever removed the parent from Aleph: the next attempt makes it anew.
                target.receipts.change([item.parent], remote_id="", digest="")
        except FileNotFoundError:
            self._fail(item, "its bytes are missing from the site's files")
        else:
            former = self._held[item.foreign_id]
            # Properties written in bulk outlive an upload to the same id, but not everybody
            # remembers which they were.
            row = replace(
                former,
                remote_id=remote_id,
                parent_id=parent_id,
                file_name=item.file_name,
                sha256=item.file.sha256 if item.file else "",
                sha1=sha1,
                sent_at=ledger.now(),
            )
            buffer.add(row)
            self._held[item.foreign_id] = row
            self._uploaded.add(item.foreign_id)
            self.touched = True

    # Writing

    def unprocessed(self) -> list[str]:
        """Give the ids of files of which Aleph must be asked whether it has dealt with them."""
        return [
            held.remote_id
            for item in self.manifest.items
            if item.file is not None
            and (held := self._held.get(item.foreign_id)) is not None
            and item.foreign_id not in self._uploaded
            and held.remote_id
            and held.withdrawn_at is None
            and not held.digest
        ]

    def stage(self, looked: Mapping[str, Json]) -> None:
        """Find the entities to write: those whose properties differ from what was sent."""
        self.report.sent |= self._uploaded
        for item in self.manifest.items:
            entity = self._entity(item)
            if entity is None or self._withdrawing(item.foreign_id):
                continue
            digest = digest_of_entity(entity)
            if self._same(item, digest):
                self.report.unchanged.add(item.foreign_id)
            elif item.file is None or self._processed(item, looked):
                self._digests[entity["id"]] = (item, digest)
                self.staged.append(entity | {"updated_at": moment(ledger.now())})

    def _same(self, item: Item, digest: str) -> bool:
        held = self._held.get(item.foreign_id)
        return held is not None and held.digest == digest and held.withdrawn_at is None

    def _entity(self, item: Item) -> Json | None:
        """Give an item as Aleph takes it; None while something that it points at is not there."""
        own = self._id(item.foreign_id) if item.document else item.foreign_id
        if not own:
            return None
        properties = {name: list(values) for name, values in item.properties.items()}
        for name, targets in item.references.items():
            known = [self._id(t) if t in self._documents else t for t in targets]
            if not all(known):
                return None
            if known:
                properties[name] = known
        return {
            "id": own,
            "schema": item.schema,
            "properties": properties,
            "created_at": moment(item.created_at),
        }

    def _id(self, foreign_id: str) -> str:
        held = self._held.get(foreign_id)
        return held.remote_id if held is not None else ""

    def _processed(self, item: Item, looked: Mapping[str, Json]) -> bool:
        """Tell whether Aleph has dealt with a file.

        Properties written before would be indexed at once, under a schema that the file is soon
        found not to have, and that copy would stay.
        """
        held = self._held[item.foreign_id]
        if item.foreign_id not in self._uploaded:
            if held.digest:
                return True
            found = looked.get(held.remote_id, {"status": "", "error": ""})
            if found["status"]:
                state = "indexed" if found["status"] == "success" else "failed"
                self._held[item.foreign_id] = replace(held, state=state, reason=found["error"])
                return True
            late = ledger.now() - held.sent_at > GRACE
            if late and self._target.idle():
                self._fail(item, "Aleph took the file, but it never became searchable")
                return False
        self.report.waiting = "Aleph is still processing the files"
        return False

    def announce(self) -> list[Held]:
        """Give the receipts to write before the entities are: what they may point at from now on,
        and that nobody knows what is there until the answer comes.
        """
        return [
            replace(held, digest="", refers=_joined(held.refers, refers))
            for held, refers in self._rows()
        ]

    def put_off(self, why: str) -> None:
        """Write nothing this time."""
        self.staged, self._digests = [], {}
        self.report.waiting = why

    def settle(self, refused: Mapping[str, str]) -> list[Held]:
        """Give the receipts of what was taken, and report what was not."""
        rows = []
        for held, refers in self._rows():
            item, digest = self._digests[self._written_id(held)]
            if self._written_id(held) in refused:
                self._fail(item, refused[self._written_id(held)])
                continue
            self.report.also.update(set(held.refers.split()) - set(refers.split()))
            rows.append(
                replace(held, digest=digest, refers=refers, sent_at=ledger.now(), shown=True)
            )
            self.report.sent.add(item.foreign_id)
            self._settled.add(item.foreign_id)
        self.touched = self.touched or bool(rows)
        return rows

    def stamp(self) -> dict[str, str]:
        """Give the stamp to write with the last receipts, by the foreign_id of the first object;
        nothing while anything is left to do, or when it stands there already.
        """
        items, report = self.manifest.items, self.report
        there = report.unchanged | self._settled
        left = report.failed or report.waiting or self.unwanted()
        if not self._stamp or left or any(item.foreign_id not in there for item in items):
            return {}
        first = self._held.get(items[0].foreign_id) if items else None
        kept = first is not None and first.stamp == self._stamp and not self.touched
        return {} if kept or not items else {items[0].foreign_id: self._stamp}

    def _rows(self) -> Iterable[tuple[Held, str]]:
        """Give each receipt of what is staged, and what the entity points at."""
        for item, _ in self._digests.values():
            held = self._held.get(item.foreign_id) or Held(
                subject=self.subject,
                kind=item.kind,
                foreign_id=item.foreign_id,
                remote_id=self._target.sign(item.foreign_id),
                sent_at=ledger.now(),
            )
            named = {each for targets in item.references.values() for each in targets}
            yield held, _joined(" ".join(self._subjects[n] for n in named & self._subjects.keys()))

    def _written_id(self, held: Held) -> str:
        return held.remote_id if held.remote_id in self._digests else held.foreign_id

    def _withdrawing(self, foreign_id: str) -> bool:
        held = self._held.get(foreign_id)
        return held is not None and held.withdrawn_at is not None

    def _fail(self, item: Item, reason: str) -> None:
        name = item.file_name or item.foreign_id
        label = name if name == item.foreign_id else f"{item.foreign_id} ({name})"
        self.report.failed[label] = reason


def _joined(*lists: str) -> str:
    """Give subjects once each, between blanks; nothing when there are none."""
    found = sorted({subject for each in lists for subject in each.split()})
    return f" {' '.join(found)} " if found else ""
