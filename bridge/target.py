"""The collections that the bridge keeps: found or made, described, each with its receipts."""

import hashlib
import hmac
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bridge.aleph import Aleph
from bridge.config import Remote, Unusable
from bridge.items import Source
from bridge.places import Place
from bridge.receipts import Held, Receipts
from bridge.wire import AlephDenied, Json, Patience
from foi.archive import ledger
from foi.site import Site

_FEW = 32
"""Documents that are asked for one by one; more are read with all others in one stream."""
_PATH = re.compile(r"(?<![\w:/])/(?:[\w.@+-]+/)+[\w.@+-]*")
T = TypeVar("T")
R = TypeVar("R")


@dataclass
class Calm:
    """Remembers when the queue of the collection was seen empty."""

    refresh: timedelta
    _seen: deque[datetime] = field(default_factory=lambda: deque(maxlen=1000))

    def note(self) -> None:
        """Remember that it is empty now."""
        self._seen.append(ledger.now())

    def since(self, moment: datetime) -> bool:
        """Tell whether all that was queued at `moment` is done and shows in the index by now."""
        late = ledger.now() - self.refresh
        return any(moment < seen <= late for seen in tuple(self._seen))


class Link:
    """One Aleph, its key proved good; a context manager that lets go of its connections.

    Unusable when a setting is missing; AlephDenied when the key is not good; AlephDown.
    """

    def __init__(self, site: Site, remote: Remote, patience: Patience) -> None:
        if not remote.host:
            raise Unusable(
                "setting aleph.host is empty: name the address of Aleph to turn the bridge on"
            )
        if not remote.key:
            where = f"target {remote.name}" if remote.name else "setting aleph.api_key"
            raise Unusable(f"{where} has no key: make one under Settings in Aleph")
        self.site, self.remote = site, remote
        parallel = site.settings.bridge_parallel
        self.aleph = Aleph(remote.host, remote.key, patience, parallel)
        self.version = self.aleph.check()
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="bridge")
        self._targets: dict[str, Target] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of connections and threads."""
        self._pool.shutdown()
        self.aleph.close()

    def each(self, do: Callable[[T], R], things: Iterable[T]) -> list[R]:
        """Do something with each of several things, some at the same time; the first failure is
        raised once all have ended.
        """
        waiting = [self._pool.submit(do, thing) for thing in things]
        problems = [problem for each in waiting if (problem := each.exception()) is not None]
        if problems:
            raise problems[0]
        return [each.result() for each in waiting]

    def target(self, place: Place, *, create: bool = True) -> "Target":
        """Find a collection, and make or describe it unless `create` is false; remembered."""
        with self._lock:
            known = self._targets.get(place.foreign_id)
            if known is None or known.place != place or (create and not known.collection_id):
                known = Target(self, place)
                known.open(create=create)
                self._targets[place.foreign_id] = known
            return known

    def forget(self, place: Place) -> None:
        """Look for a collection anew the next time."""
        with self._lock:
            self._targets.pop(place.foreign_id, None)


class Target:
    """One collection of one Aleph."""

    def __init__(self, link: Link, place: Place) -> None:
        self.link, self.place = link, place
        self.site, self.aleph = link.site, link.aleph
        self.collection_id = ""
        """The number that Aleph gave it; empty while it is not there."""
        self.receipts = Receipts(self.site, self.aleph.host, place.foreign_id)
        self.calm = Calm(timedelta(seconds=self.aleph.patience.refresh))

    @property
    def collection(self) -> str:
        """Its foreign_id."""
        return self.place.foreign_id

    def open(self, *, create: bool) -> None:
        """Find the collection; if `create`, make it or change what it says of itself.

        One that is not wanted any more is only emptied: it is not made, nor described.
        """
        found = self.aleph.find_collection(self.collection)
        if found is not None and not found.get("writeable", True):
            raise AlephDenied(0, f"the key may not write to the collection {self.collection}")
        self.collection_id = str(found["id"]) if found else ""
        if not create:
            # Only looked at: those of a former collection stay, and are not believed.
            self.receipts = Receipts(
                self.site, self.aleph.host, self.collection, self.collection_id
            )
            return
        if found is None and self.known():
            self.receipts.drop()  # whatever they said was there went with the collection
        if not self.place.wanted:
            return
        fields = dict(self.place.fields)
        digest = digest_of(fields)
        if found is None:
            self.collection_id = str(self.aleph.create_collection(self.collection, fields)["id"])
        elif self._described(digest):
            return
        else:
            self.describe()
            return
        self._note(digest)

    def describe(self) -> None:
        """Send what the collection is to say of itself."""
        fields = dict(self.place.fields)
        self.aleph.update_collection(self.collection_id, fields)
        self._note(digest_of(fields))

    def _note(self, digest: str) -> None:
        row = Held(
            subject="collection",
            kind="collection",
            foreign_id=self.collection,
            remote_id=self.collection_id,
            sent_at=ledger.now(),
            digest=digest,
        )
        self.receipts.write(self.collection_id, [row])

    def known(self) -> bool:
        """Tell whether there are receipts for it."""
        with self.site.sessions.reading() as db:
            return self.receipts.number(db) is not None

    def _described(self, digest: str) -> bool:
        """Tell whether the collection says of itself what it should; forget another's receipts."""
        with self.site.sessions.reading() as db:
            number = self.receipts.number(db)
            held = self.receipts.of(db, ["collection"])["collection"].get(self.collection)
        if number not in (None, self.collection_id):
            self.receipts.drop()
            return False
        return held is not None and held.digest == digest

    def idle(self) -> bool:
        """Tell whether nothing is queued for the collection, and remember it."""
        idle = not self.aleph.queued(self.collection_id)
        if idle:
            self.calm.note()
        return idle

    def look(self, ids: Iterable[str]) -> dict[str, Json]:
        """Give those of some documents that can be found, by id: `status` and `error` of their
        processing, each empty when there is none.
        """
        wanted = set(ids)
        if len(wanted) <= _FEW:
            rows = [row for row in self.link.each(self.aleph.entity, sorted(wanted)) if row]
        elif wanted:
            fields = ("properties.processingStatus", "properties.processingError")
            rows = self.aleph.rows(
                self.collection_id, fields, lambda row: row if row["id"] in wanted else None
            )
        else:
            rows = []
        return {row["id"]: processing(row) for row in rows}

    def source(self) -> Source:
        """Give what manifests are made for, as of today."""
        today = self.site.calendar.today()
        return Source(self.site, self.collection, today, self.place.selection)

    def sign(self, plain: str) -> str:
        """Give the id that Aleph makes of a plain one: followed by its HMAC-SHA1."""
        digest = hmac.new(self.collection.encode(), plain.encode(), hashlib.sha1).hexdigest()
        return f"{plain}.{digest}"


def processing(row: Mapping[str, Any]) -> Json:
    """Give what an entity says of its processing; folders, pages and the like say nothing."""
    properties = row.get("properties") or {}
    status, error = (
        " ".join(str(each) for each in properties.get(name) or ())
        for name in ("processingStatus", "processingError")
    )
    return {"status": status, "error": trimmed(error)}


def trimmed(text: str) -> str:
    """Give a message of Aleph's on one short line, without paths of its machine."""
    plain = _PATH.sub(lambda found: found[0].rsplit("/", 1)[-1], text)
    return " ".join(plain.split())[:300]


def digest_of_entity(entity: Json) -> str:
    """Give the SHA-256 of an entity in one spelling; made for hundreds of thousands of them."""
    spelled = sorted(entity["properties"].items())
    text = repr((entity["id"], entity["schema"], entity["created_at"], spelled))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of(members: Mapping[str, Any] | Json) -> str:
    """Give the SHA-256 of members in one spelling, to tell whether they have changed."""
    text = json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
