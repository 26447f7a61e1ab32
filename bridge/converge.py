"""Making a collection agree with the archive, one subject at a time, by manifest and receipts.

Only what differs is sent, parents first; what is no longer public is deleted, children first. A
receipt follows each effect, so that a crash anywhere costs at most one repetition, which Aleph
takes for the same thing (same foreign_id, same parent, same id). What it gives up: knowing whether
somebody else has changed the collection.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import select

from bridge.items import Item, Manifest, moment
from bridge.manifest import manifests
from bridge.receipts import Held
from bridge.target import Target, digest_of
from bridge.wire import AlephDenied, AlephDown, AlephError, CollectionGone, Json
from foi.archive import ledger
from foi.archive.models import InfoRequest

GRACE = timedelta(seconds=60)
"""How long a processed upload may take to become searchable before it counts as lost."""

WHOLE = (AlephDown, AlephDenied, CollectionGone)
"""Failures that concern everything, not the object at hand."""
_DOWN = {"link": 0, "attachment": 1, "message": 2, "request": 3, "person": 4}
"""Order of withdrawal; an authority, to which anything may refer, is never withdrawn."""


@dataclass
class Report:
    """What became of one subject."""

    subject: str
    sent: set[str] = field(default_factory=set)
    """foreign_ids of what was uploaded or written."""
    unchanged: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """foreign_id, and name if it has one -> reason."""
    waiting: str = ""
    """Why there is more to do once Aleph has got on; empty: there is not."""
    also: tuple[str, ...] = ()
    """Subjects at which somebody must look because of this."""


def converge(target: Target, subjects: Iterable[str]) -> Iterator[Report]:
    """Make the collection agree with the rows of subjects, and report on each once it does.

    What they need (their authorities and requesters) is dealt with and reported on as well.
    AlephDown, AlephDenied and CollectionGone end it; what was not reported on is still to do.
    """
    visits, needed = visit(target, subjects)
    entities = [v for v in visits if not v.report.subject.startswith("request:")]
    _bring(target, [*entities, *needed])
    yield from (v.report for v in (*entities, *needed))
    for each in visits:
        if each.report.subject.startswith("request:"):
            _bring(target, [each])
            yield each.report


def visit(target: Target, subjects: Iterable[str]) -> tuple[list["Visit"], list["Visit"]]:
    """Read what subjects should have in the collection and what they have; and what they need."""
    wanted = list(dict.fromkeys(subjects))
    with target.site.sessions.reading() as db:
        found = manifests(db, target.source(), wanted)
        needs = {need for m in found.values() for need in m.needs} - found.keys()
        needed = manifests(db, target.source(), sorted(needs))
        held = target.receipts.of(db, [*found, *needed])
    return (
        [Visit(target, found[subject], held[subject]) for subject in wanted],
        [Visit(target, m, held[subject]) for subject, m in needed.items()],
    )


def _bring(target: Target, visits: Iterable["Visit"]) -> None:
    """Withdraw, upload, then write the properties of all in as few calls as can be."""
    visits = list(visits)
    entities = []
    for each in visits:
        each.attempt(each.withdraw)
        each.attempt(each.upload)
        each.attempt(each.stage)
        entities += each.staged
    try:
        refused = target.aleph.bulk(target.collection_id, entities) if entities else {}
    except WHOLE:
        raise
    except AlephError as error:
        refused = {entity["id"]: str(error) for entity in entities}
    for each in visits:
        each.settle(refused)
    if any(each.touched for each in visits):
        target.receipts.bump()


class Visit:
    """One subject's way to agreement; its methods are called in the order in which they stand."""

    def __init__(self, target: Target, manifest: Manifest, held: Mapping[str, Held]) -> None:
        self._target, self._manifest = target, manifest
        self._held = dict(held)
        self._ids: dict[str, str] = {}
        self._uploaded: set[str] = set()
        self._digests: dict[str, tuple[Item, str]] = {}
        self._documents = {item.foreign_id for item in manifest.items if item.document}
        self.staged: list[Json] = []
        """The entities to write, once `stage` has found them."""
        self.report = Report(manifest.subject)
        self.touched = False

    def attempt(self, step: Callable[[], None]) -> None:
        """Take a step; a failure that concerns only this subject goes into its report."""
        try:
            step()
        except WHOLE:
            raise
        except AlephError as error:
            self.report.failed[self.report.subject] = str(error)

    def plan(self) -> Report:
        """Say what would be done, as far as that can be known beforehand."""
        report = Report(self._manifest.subject)
        report.withdrawn = {h.foreign_id for h in self._unwanted()}
        for item in self._manifest.items:
            held = self._held.get(item.foreign_id)
            if held is not None:
                self._ids[item.foreign_id] = held.remote_id
            entity = self._entity(item)
            same = held is not None and entity is not None and held.digest == digest_of(entity)
            (report.unchanged if same else report.sent).add(item.foreign_id)
        return report

    def withdraw(self) -> None:
        """Delete what is not wanted any more, and let go of receipts once Aleph has.

        What is still being processed cannot be deleted (404) and would come up later. So it is
        deleted again, until it is not found although all that was queued before has been done.
        """
        unwanted = self._unwanted()
        if not unwanted:
            return
        if any(h.kind == "person" for h in unwanted) and self._referred_to():
            self.report.waiting = "letters of this person are still there"
            return
        there = {h.foreign_id for h in unwanted if self._target.aleph.delete(h.remote_id)}
        self.touched = True
        asked = [h.withdrawn_at for h in unwanted if h.withdrawn_at is not None]
        names = [h.foreign_id for h in unwanted]
        calm = len(asked) == len(names) and self._target.calm.since(max(asked))
        if calm and not there:
            self._target.receipts.drop(names)
            for name in names:
                del self._held[name]
            self.report.withdrawn.update(names)
            self.report.also = self._requester()
            return
        now = ledger.now()
        fresh = [h for h in unwanted if h.withdrawn_at is None or h.foreign_id in there]
        self._target.receipts.withdraw([h.foreign_id for h in fresh])
        self._held |= {h.foreign_id: replace(h, withdrawn_at=now) for h in fresh}
        self._target.idle()
        self.report.waiting = "Aleph is still removing what was withdrawn"

    def _unwanted(self) -> list[Held]:
        wanted = {item.foreign_id for item in self._manifest.items}
        unwanted = [
            h
            for h in self._held.values()
            if h.kind in _DOWN and (h.foreign_id not in wanted or h.withdrawn_at is not None)
        ]
        return sorted(unwanted, key=lambda h: _DOWN[h.kind])

    def _referred_to(self) -> bool:
        return self._target.receipts.any_of_person(int(self._manifest.subject.split(":")[1]))

    def _requester(self) -> tuple[str, ...]:
        """Give who made a request that has gone, for it may have been their only one."""
        kind, _, number = self._manifest.subject.partition(":")
        if kind != "request" or self._manifest.items:
            return ()
        with self._target.site.sessions.reading() as db:
            statement = select(InfoRequest.person_id).where(InfoRequest.id == int(number))
            person_id = db.scalar(statement)
        return (f"person:{person_id}",) if person_id is not None else ()

    def upload(self) -> None:
        """Make the folders and send the files that are not there yet."""
        for item in self._manifest.items:
            if not item.document or self._withdrawing(item.foreign_id):
                continue
            if item.parent and item.parent not in self._ids:
                continue  # what hinders the parent is in the report
            parent_id = self._ids.get(item.parent, "")
            sha256 = item.file.sha256 if item.file else ""
            held = self._held.get(item.foreign_id)
            if held is not None and (held.parent_id, held.file_name, held.sha256) == (
                parent_id,
                item.file_name,
                sha256,
            ):
                self._ids[item.foreign_id] = held.remote_id
                continue
            try:
                remote_id = self._ingest(item, parent_id)
            except WHOLE:
                raise
            except AlephError as error:
                self._fail(item, str(error))
                if item.parent and "parent" in error.message:
                    # Whoever removed the parent from Aleph: the next attempt makes it anew.
                    self._target.receipts.drop([item.parent])
            except FileNotFoundError:
                self._fail(item, "its bytes are missing from the site's files")
            else:
                self._note_upload(item, remote_id, parent_id, sha256)

    def _ingest(self, item: Item, parent_id: str) -> str:
        meta = {"foreign_id": item.foreign_id}
        if parent_id:
            meta["parent_id"] = parent_id
        if item.file_name:
            meta["file_name"] = item.file_name
        path = self._target.site.blobs.path(item.file.sha256) if item.file else None
        return self._target.aleph.ingest(
            self._target.collection_id, meta, path, index=item.indexed
        )

    def _note_upload(self, item: Item, remote_id: str, parent_id: str, sha256: str) -> None:
        former = self._held.get(item.foreign_id)
        # Properties written in bulk outlive an upload to the same id.
        digest = former.digest if former is not None and former.remote_id == remote_id else ""
        held = Held(
            subject=self._manifest.subject,
            kind=item.kind,
            foreign_id=item.foreign_id,
            remote_id=remote_id,
            sent_at=ledger.now(),
            parent_id=parent_id,
            file_name=item.file_name,
            sha256=sha256,
            digest=digest,
        )
        self._target.receipts.write(self._target.collection_id, [held])
        self._held[item.foreign_id] = held
        self._ids[item.foreign_id] = remote_id
        self._uploaded.add(item.foreign_id)
        self.touched = True

    def stage(self) -> None:
        """Find the entities to write: those whose properties differ from what was sent."""
        self.report.sent |= self._uploaded
        for item in self._manifest.items:
            entity = self._entity(item)
            if entity is None or self._withdrawing(item.foreign_id):
                continue
            digest = digest_of(entity)
            held = self._held.get(item.foreign_id)
            if held is not None and held.digest == digest:
                self.report.unchanged.add(item.foreign_id)
            elif item.file is None or self._processed(item):
                self._digests[entity["id"]] = (item, digest)
                self.staged.append(entity | {"updated_at": moment(ledger.now())})

    def _entity(self, item: Item) -> Json | None:
        """Give an item as Aleph takes it; None while something that it points at is not there."""
        own = item.foreign_id if not item.document else self._ids.get(item.foreign_id)
        references = {}
        for name, targets in item.references.items():
            known = [self._ids.get(t, "") if t in self._documents else t for t in targets]
            if not all(known):
                return None
            references[name] = known
        if own is None:
            return None
        properties = {name: list(values) for name, values in item.properties.items()}
        return {
            "id": own,
            "schema": item.schema,
            "properties": properties | {n: v for n, v in references.items() if v},
            "created_at": moment(item.created_at),
        }

    def _processed(self, item: Item) -> bool:
        """Tell whether Aleph has dealt with a file.

        Properties written before would be indexed at once, under a schema that the file is soon
        found not to have, and that copy would stay.
        """
        held = self._held[item.foreign_id]
        if held.digest:
            return True
        if item.foreign_id not in self._uploaded:
            entity = self._target.aleph.entity(held.remote_id) or {}
            if entity.get("properties", {}).get("processingStatus"):
                return True
            late = ledger.now() - held.sent_at > GRACE
            if late and self._target.idle():
                self._fail(item, "Aleph took the file, but it never became searchable")
                return False
        self.report.waiting = "Aleph is still processing the files"
        return False

    def settle(self, refused: Mapping[str, str]) -> None:
        """Write the receipts of what was taken, and report what was not."""
        rows = []
        for entity_id, (item, digest) in self._digests.items():
            if entity_id in refused:
                self._fail(item, refused[entity_id])
                continue
            former = self._held.get(item.foreign_id) or Held(
                subject=self._manifest.subject,
                kind=item.kind,
                foreign_id=item.foreign_id,
                remote_id=self._target.sign(item.foreign_id),
                sent_at=ledger.now(),
            )
            rows.append(replace(former, digest=digest, sent_at=ledger.now()))
            self.report.sent.add(item.foreign_id)
        self._target.receipts.write(self._target.collection_id, rows)
        self.touched = self.touched or bool(rows)

    def _withdrawing(self, foreign_id: str) -> bool:
        held = self._held.get(foreign_id)
        return held is not None and held.withdrawn_at is not None

    def _fail(self, item: Item, reason: str) -> None:
        name = item.file_name or item.foreign_id
        label = name if name == item.foreign_id else f"{item.foreign_id} ({name})"
        self.report.failed[label] = reason
