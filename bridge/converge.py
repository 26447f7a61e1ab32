"""Making a collection agree with the archive, many subjects at a time, by manifest and receipts.

Only what differs is sent, parents first; what is no longer public is deleted, children first, and
before anything else is done. Requests go side by side, each for itself in order. What it gives up:
knowing whether somebody else has changed the collection (that is for `verify`).
"""

from collections.abc import Iterable, Iterator, Sequence

from bridge.manifest import manifests
from bridge.receipts import Buffer
from bridge.report import Report
from bridge.stamps import stamps
from bridge.target import Target
from bridge.visit import WHOLE, Visit
from bridge.wire import AlephError

LEAVING = "who or what is named there is still being withdrawn"


def converge(
    target: Target,
    subjects: Iterable[str],
    *,
    until: float | None = None,
    brought: set[str] | None = None,
) -> Iterator[Report]:
    """Make the collection agree with the rows of subjects, and report on each once it does.

    What they need (their authorities and requesters) is dealt with and reported on as well, unless
    it is among `brought`, to which it is added. Files are sent until `until` (of
    time.monotonic()). AlephDown, AlephDenied and CollectionGone end it; what was not reported on
    is still to do.
    """
    brought = set() if brought is None else brought
    visits, needed = visit(target, subjects, brought)
    entities = [v for v in visits if not v.subject.startswith("request:")] + needed
    requests = [v for v in visits if v.subject.startswith("request:")]
    _withdraw(target, requests)
    for those in (entities, requests):
        if those is entities:
            _withdraw(target, those)
        _upload(target, those, until)
        _write(target, those)
        brought.update(each.subject for each in entities if not _unfinished(each.report))
        yield from (each.report for each in those)


def _unfinished(report: Report) -> bool:
    return bool(report.waiting or report.failed)


def visit(
    target: Target, subjects: Iterable[str], brought: Iterable[str] = ()
) -> tuple[list[Visit], list[Visit]]:
    """Read what subjects should have in the collection and what they have; and what they need."""
    wanted = list(dict.fromkeys(subjects))
    source = target.source()
    with target.site.sessions.reading() as db:
        found = manifests(db, source, wanted)
        needs = {need for m in found.values() for need in m.needs} - found.keys()
        needed = manifests(db, source, sorted(needs.difference(brought)))
        every = found | needed
        held = target.receipts.of(db, every)
        told = stamps(db, source, every)
    made = {s: Visit(target, m, held[s], told.get(s, "")) for s, m in every.items()}
    return [made[subject] for subject in wanted], [made[subject] for subject in needed]


def _withdraw(target: Target, visits: Sequence[Visit]) -> None:
    going = [each for each in visits if each.unwanted()]
    if not going:
        return
    fresh = {
        each: [h.foreign_id for h in each.unwanted() if h.withdrawn_at is None] for each in going
    }
    _mark(target, fresh)
    # Only now: whoever has made something point at it meanwhile sees the mark, or is seen here.
    going = [each for each in going if not _held_back(target, each, fresh[each])]
    found: dict[Visit, set[str]] = {}

    def remove(each: Visit) -> None:
        each.attempt(lambda: found.update({each: each.remove()}))

    target.link.each(remove, going)
    _mark(target, {each: sorted(names) for each, names in found.items()})
    for each in going:
        asked = [h.withdrawn_at for h in each.unwanted() if h.withdrawn_at is not None]
        if found.get(each) == set() and target.calm.since(max(asked)):
            each.gone()
        else:
            each.report.waiting = "Aleph is still removing what was withdrawn"
    if any(each.report.waiting for each in going):
        target.idle()


def _held_back(target: Target, each: Visit, fresh: Sequence[str]) -> bool:
    """Tell whether a subject may not go yet, and take the marks back as soon as that is safe: what
    was deleted before must not be written again until Aleph has done with deleting it.
    """
    if not each.held_back():
        return False
    going = each.unwanted()
    earlier = [h.withdrawn_at for h in going if h.withdrawn_at and h.foreign_id not in fresh]
    if not earlier or target.calm.since(max(earlier)):
        names = [held.foreign_id for held in going]
        target.receipts.change(names, withdrawn_at=None)
        each.mark(names, withdrawn_at=None)
    else:
        target.idle()
    if each.unwanted():
        each.report.waiting = "something there still points at it"
    return True


def _mark(target: Target, names: dict[Visit, list[str]]) -> None:
    """Note that these are to go, as of now."""
    every = [name for those in names.values() for name in those]
    if every:
        at = target.receipts.withdraw(every)
        for each, those in names.items():
            each.mark(those, withdrawn_at=at, digest="", sha256="")


def _upload(target: Target, visits: Sequence[Visit], until: float | None) -> None:
    intents = {each: each.intend() for each in visits}
    rows = [row for those in intents.values() for row in those]
    target.receipts.write(target.collection_id, rows)
    with Buffer(target.receipts, target.collection_id) as buffer:
        target.link.each(
            lambda each: each.attempt(lambda: each.upload(buffer, until)),
            [each for each in visits if each.has_documents],
        )


def _write(target: Target, visits: Sequence[Visit]) -> None:
    """Write the properties of all in as few calls as can be."""
    looked = target.look(name for each in visits for name in each.unprocessed())
    for each in visits:
        each.attempt(lambda each=each: each.stage(looked))  # type: ignore[misc]
    staged = [each for each in visits if each.staged]
    target.receipts.write(
        target.collection_id, [row for each in staged for row in each.announce()]
    )
    leaving = target.receipts.leaving({need for each in staged for need in each.manifest.needs})
    for each in staged:
        if leaving.intersection(each.manifest.needs):
            each.put_off(LEAVING)
    entities = [entity for each in staged for entity in each.staged]
    try:
        refused = target.aleph.bulk(target.collection_id, entities) if entities else {}
    except WHOLE:
        raise
    except AlephError as error:
        refused = {entity["id"]: str(error) for entity in entities}
    rows = [row for each in staged for row in each.settle(refused)]
    fresh = {name: stamp for each in visits for name, stamp in each.stamp().items()}
    target.receipts.write(target.collection_id, rows, fresh)
