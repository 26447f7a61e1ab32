"""The collections that an Aleph shows to a key, and those acts on ours that concern them whole.

Receipts say "nobody knows" before a collection is emptied or deleted and are dropped after, so
that a crash between leaves nothing that is believed to be there. What it gives up: emptying or
deleting the collections of others, whatever the key may do.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from bridge.aleph import Aleph
from bridge.config import Remote, Unusable
from bridge.listing import hits
from bridge.places import Place
from bridge.receipts import Held, Receipts, known_collections
from bridge.target import Link, Target
from bridge.wire import AlephDenied, AlephDown, AlephError, CollectionGone, Json
from foi.site import Site

_SETTLING = 3
"""How often a collection is emptied and looked at again."""
UPLOADED = ("request", "message", "attachment")
"""Kinds whose ids Aleph gives; the others' follow from their names."""
_SHOWN = (
    *("label", "summary", "publisher", "publisher_url", "info_url"),
    *("countries", "languages", "category", "frequency"),
)


@dataclass
class Memory:
    """Receipts that may be forgotten: all of a collection, or those of one subject."""

    receipts: Receipts
    names: list[str]
    withdrawing: int
    wanted: bool
    whole: bool

    @property
    def collection(self) -> str:
        """The foreign_id of the collection."""
        return self.receipts.collection

    def warning(self) -> str:
        """Say what forgetting them means."""
        text = (
            f"{self.collection} at {self.receipts.target}: {len(self.names)} receipts. Aleph "
            "keeps what it has. Until `foi bridge reconcile` has found it again, what is hidden "
            "or erased here is not withdrawn there, and a push sends every file once more."
        )
        if self.withdrawing:
            text += (
                f" {self.withdrawing} objects are being withdrawn: what Aleph still has of these "
                "stays there."
            )
        if not self.wanted:
            text += " The settings do not name the collection any more: nothing will look at it."
        return text

    def forget(self) -> None:
        """Drop the receipts."""
        self.receipts.drop(None if self.whole else self.names)


def remembered(
    db: Session, site: Site, remote: Remote, place: Place, subject: str | None
) -> Memory:
    """Give what is remembered of a collection, or of one subject there."""
    receipts = Receipts(site, remote.host, place.foreign_id)
    held = receipts.all(db) if subject is None else receipts.of(db, [subject])[subject].values()
    rows = list(held)
    withdrawing = sum(each.withdrawn_at is not None for each in rows)
    names = [each.foreign_id for each in rows]
    return Memory(receipts, names, withdrawing, place.wanted, subject is None)


# What there is


def readable(aleph: Aleph) -> Iterator[Json]:
    """Give every collection that the key may read, oldest first."""
    return hits(aleph, "collections", [])


def brief(found: Json | None, foreign_id: str, *, ours: bool) -> dict[str, Any]:
    """Give the members of a collection in a list; None: it is not there."""
    found = found or {}
    return {
        "foreign_id": str(found.get("foreign_id") or foreign_id),
        "id": str(found.get("id", "")),
        "label": str(found.get("label", "")),
        "count": int(found.get("count") or 0),
        "ours": ours,
        "writeable": bool(found.get("writeable")),
        "there": bool(found),
    }


def whole(link: Link, foreign_id: str, place: Place | None) -> dict[str, Any]:
    """Give all that Aleph tells of one collection, its counts made anew; Unusable when the key may
    not read one of that name.
    """
    aleph = link.aleph
    known = aleph.find_collection(foreign_id)
    if known is None:
        raise Unusable(f"there is no collection {foreign_id!r} that the key may read")
    where = f"collections/{known['id']}"
    found = aleph.call("GET", where, params={"refresh": "true"})
    counted = ((found.get("statistics") or {}).get("schema") or {}).get("values") or {}
    told = brief(found, foreign_id, ours=place is not None)
    told |= {name: found[name] for name in _SHOWN if name in found}
    told["schemata"] = {str(name): int(number) for name, number in counted.items()}
    told["queued"] = aleph.queued(str(known["id"]))
    for name in ("created_at", "updated_at", "data_updated_at", "secret", "casefile"):
        if name in found:
            told[name] = found[name]
    if place is not None:
        with link.site.sessions.reading() as db:
            told["receipts"] = Receipts(link.site, aleph.host, foreign_id).counts(db)
    return told


# What is done to one of ours


def describe(target: Target) -> list[str]:
    """Send what the settings say of a collection; give what Aleph has not taken over: it answers
    as if it had.
    """
    if not target.place.wanted:
        raise Unusable(f"the settings do not name the collection {target.collection} any more")
    if not target.collection_id:
        raise Unusable(f"{target.collection} is not in Aleph: `foi bridge push` makes it")
    target.describe()
    found = target.aleph.call("GET", f"collections/{target.collection_id}")
    left = []
    for name, wanted in target.place.fields.items():
        # An absent member is an empty one; countries and languages come back as codes.
        given = str(found.get(name) or "")
        if isinstance(wanted, str) and wanted.rstrip("/") != given.rstrip("/"):
            left.append(f"{name} stays {given or 'empty'!r}, not {wanted!r}")
    return left


def noted(target: Target) -> bool:
    """Tell whether there are receipts for a collection, be it there or not."""
    with target.site.sessions.reading() as db:
        return target.collection in known_collections(db, target.aleph.host)


def clear(target: Target, *, keep: bool, seconds: float, pause: float = 2.0) -> bool:
    """Delete the content of a collection, and unless `keep` the collection itself; tell whether
    Aleph shows none of it any more within some seconds.

    One that is deleted is emptied before: made anew it has the same number, and what Aleph was
    indexing when it went would come up in it.
    """
    receipts = Receipts(target.site, target.aleph.host, target.collection)
    held = _doubt(target.site, receipts)
    end = time.monotonic() + seconds
    gone = True
    if target.collection_id:
        try:
            _delete(target, keep=True)
        except AlephDenied:
            receipts.write(target.collection_id, held)  # it has surely done nothing
            raise
        gone = _settle(target, end, pause)
    if target.collection_id and not keep:
        _delete(target, keep=False)
        gone = _wait(target, end, pause, keep=False)
    described = target.collection_id and keep and target.place.wanted
    receipts.drop([each.foreign_id for each in held] if described else None)
    target.link.forget(target.place)
    return gone


def _settle(target: Target, end: float, pause: float) -> bool:
    """Wait until nothing is there, and delete again what comes up after all, a few times."""
    for _ in range(_SETTLING):
        if not _wait(target, end, pause, keep=True):
            return False
        time.sleep(target.aleph.patience.refresh)
        if _gone(target, keep=True):
            return True
        _delete(target, keep=True)
    return False


def _doubt(site: Site, receipts: Receipts) -> list[Held]:
    """Let receipts say that nobody knows what is there: whatever happens next, a push sends what
    is missing and withdraws what must go. Give them as they were.
    """
    with site.sessions.reading() as db:
        held = receipts.all(db)
    uploaded = [each.foreign_id for each in held if each.kind in UPLOADED]
    receipts.change([each.foreign_id for each in held], digest="")
    receipts.change(uploaded, remote_id="", sha256="", shown=False)
    return held


def _delete(target: Target, *, keep: bool) -> None:
    """Ask for the deletion and not for its end: Aleph may take longer to purge its index than a
    proxy before it waits for an answer.
    """
    how = {"sync": "false", "keep_metadata": "true" if keep else "false"}
    try:
        target.aleph.call("DELETE", f"collections/{target.collection_id}", params=how)
    except CollectionGone:
        if keep:
            raise  # else it is what was wanted: done by a call whose answer was lost
    except AlephDown:
        raise
    except AlephError as error:
        if error.status not in (0, 502, 503, 504):  # in these cases only a look tells
            raise


def _wait(target: Target, end: float, pause: float, *, keep: bool) -> bool:
    while not (gone := _gone(target, keep=keep)) and time.monotonic() < end:
        time.sleep(min(pause, max(0.0, end - time.monotonic())))
    return gone


def _gone(target: Target, *, keep: bool) -> bool:
    """Tell whether Aleph has nothing to do and shows nothing of it any more."""
    if not keep:
        return target.aleph.find_collection(target.collection) is None
    if not target.idle():
        return False
    return next(target.aleph.stream(target.collection_id, ("id",)), None) is None
