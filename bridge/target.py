"""The collection that the bridge keeps: found or made, described, and its receipts."""

import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bridge import manifest
from bridge.aleph import Aleph
from bridge.items import Source
from bridge.receipts import Held, Receipts
from bridge.wire import AlephDenied, Json, Patience
from foi.archive import ledger
from foi.settings import Settings
from foi.site import Site


class Unusable(Exception):
    """The settings do not let the bridge work; the text says which and why."""


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
        return any(moment < seen <= late for seen in self._seen)


@dataclass(frozen=True)
class Target:
    """One collection of one Aleph, ready to be pushed to."""

    site: Site
    aleph: Aleph
    collection: str
    """Its foreign_id."""
    collection_id: str
    """The number that Aleph gave it; empty while it is not there (a dry run)."""
    receipts: Receipts
    calm: Calm

    def idle(self) -> bool:
        """Tell whether nothing is queued for the collection, and remember it."""
        idle = self.aleph.idle(self.collection_id)
        if idle:
            self.calm.note()
        return idle

    def source(self) -> Source:
        """Give what manifests are made for, as of today."""
        return Source(self.site, self.collection, self.site.calendar.today())

    def sign(self, plain: str) -> str:
        """Give the id that Aleph makes of a plain one: followed by its HMAC-SHA1."""
        digest = hmac.new(self.collection.encode(), plain.encode(), hashlib.sha1).hexdigest()
        return f"{plain}.{digest}"


def collection_name(settings: Settings) -> str:
    """Give the foreign_id of the collection: as set, else made from the site's host."""
    host = urlsplit(settings.site_url).hostname or ""
    return settings.aleph_collection or "foi_" + re.sub(r"[^a-z0-9]+", "_", host).strip("_")


def open_target(site: Site, patience: Patience, *, create: bool = True) -> Target:
    """Check key and collection, and make or describe the collection unless `create` is false.

    Unusable when a setting is missing; AlephDenied when the key is not good; AlephDown.
    """
    settings = site.settings
    if not settings.aleph_host:
        raise Unusable(
            "setting aleph.host is empty: name the address of Aleph to turn the bridge on"
        )
    if not settings.aleph_key:
        raise Unusable("setting aleph.api_key is empty: make a key under Settings in Aleph")
    name = collection_name(settings)
    aleph = Aleph(settings.aleph_host, settings.aleph_key, patience)
    aleph.check()
    receipts = Receipts(site, aleph.host, name)
    calm = Calm(timedelta(seconds=aleph.patience.refresh))
    target = Target(site, aleph, name, "", receipts, calm)
    found = aleph.find_collection(name)
    if found is not None and not found.get("writeable", True):
        raise AlephDenied(0, f"the key may not write to the collection {name}")
    if not create:
        return _at(target, str(found["id"]) if found else "")
    described = manifest.collection(target.source())
    digest = digest_of(described.fields)
    if found is None:
        found = aleph.create_collection(name, dict(described.fields))
        receipts.drop()  # whatever they said was there went with the collection
        target = _at(target, str(found["id"]))
        _note(target, digest)
        return target
    target = _at(target, str(found["id"]))
    if not _described(target, digest):
        aleph.update_collection(target.collection_id, dict(described.fields))
        _note(target, digest)
    return target


def _at(target: Target, collection_id: str) -> Target:
    return replace(target, collection_id=collection_id)


def _described(target: Target, digest: str) -> bool:
    """Tell whether the collection says of itself what it should; forget another's receipts."""
    with target.site.sessions.reading() as db:
        number = target.receipts.number(db)
        held = target.receipts.of(db, ["collection"])["collection"].get(target.collection)
    if number not in (None, target.collection_id):
        target.receipts.drop()
        return False
    return held is not None and held.digest == digest


def _note(target: Target, digest: str) -> None:
    row = Held(
        subject="collection",
        kind="collection",
        foreign_id=target.collection,
        remote_id=target.collection_id,
        sent_at=ledger.now(),
        digest=digest,
    )
    target.receipts.write(target.collection_id, [row])


def digest_of(members: Mapping[str, Any] | Json) -> str:
    """Give the SHA-256 of members in one spelling, to tell whether they have changed."""
    text = json.dumps(members, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
