"""What a push would do with each object of a collection, and why, before anything is done.

Receipts tell that properties have changed and not which, for they hold a digest alone; so those
that Aleph shows are read for the few objects concerned. What it gives up: seeing what others have
changed in Aleph (that is for `verify`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.items import Item
from bridge.manifest import manifests
from bridge.receipts import Held
from bridge.selection import Everything
from bridge.target import Target, digest_of, digest_of_entity
from bridge.wire import Json

SEND, REWRITE, WITHDRAW, SAME = "send", "rewrite", "withdraw", "same"
"""Upload it, or make it; write its properties anew; delete it; leave it."""

NEW = "new"
BEGUN = "begun, but it is not known whether it arrived"
LEAVING = "being withdrawn, and sent anew after that"
BYTES = "other bytes"
MOVED = "moved: what is above it is made anew"
UNWRITTEN = "there, but what is to be said of it is not written yet"
UNREACHED = "points at something that is not there yet"
PROPERTIES = "changed properties"
NOT_PUBLIC = "no longer public"
NOT_HERE = "no longer belongs in this collection"
NOT_NAMED = "the settings do not name this collection any more"
OTHERWISE = "described otherwise in the settings"
UNKNOWN = "what it says of itself is not known"
GOING = "its withdrawal has begun, and Aleph has not confirmed it"
_FEW = 32
"""Objects that are asked for one by one; more are read with all others in one stream."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a push would do with one object; `entity` is what it would write, if that is known."""

    action: str
    kind: str
    foreign_id: str
    name: str = ""
    subject: str = ""
    why: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    """The properties that differ from what Aleph shows."""
    remote_id: str = ""
    entity: Json | None = None
    file: bool = False

    def members(self) -> dict[str, Any]:
        """Give the members of its JSON."""
        names = ("action", "kind", "foreign_id", "name", "subject")
        told: dict[str, Any] = {name: getattr(self, name) for name in names}
        return told | {"why": list(self.why), "properties": list(self.properties)}

    def __str__(self) -> str:
        named = f" ({self.name})" if self.name and self.name != self.foreign_id else ""
        which = f": {', '.join(self.properties)}" if self.properties else ""
        why = "; ".join(each + which * (each == PROPERTIES) for each in self.why)
        return f"{self.action} {self.kind} {self.foreign_id}{named}: {why}"


def withdrawal(held: Held) -> Change:
    """Give what happens to an object that is to go."""
    return Change(
        WITHDRAW,
        held.kind,
        held.foreign_id,
        held.file_name,
        held.subject,
        (GOING if held.withdrawn_at is not None else NOT_PUBLIC,),
        remote_id=held.remote_id,
    )


def sending(
    subject: str, item: Item, held: Held | None, parent_id: str, entity: Json | None
) -> Change:
    """Give what happens to an object that should be there: it may be so already. `parent_id` is
    what is above it now; no `entity`: something that it points at has not been sent.
    """
    why = _again(item, held, parent_id)
    action = SEND if why else SAME
    if not why and held is not None:
        why = _anew(held, entity)
        action = REWRITE if why else SAME
    return Change(
        action,
        item.kind,
        item.foreign_id,
        _name(item),
        subject,
        tuple(why),
        remote_id=held.remote_id if held else "",
        entity=entity if why == [PROPERTIES] else None,
        file=item.file is not None,
    )


def _again(item: Item, held: Held | None, parent_id: str) -> list[str]:
    """Say why an object is to be made or uploaded; empty: it is not."""
    if held is None:
        return [NEW]
    if held.withdrawn_at is not None:
        return [LEAVING]
    if not held.remote_id:
        return [BEGUN]
    if not item.document:
        return []
    why = []
    sha256 = item.file.sha256 if item.file else ""
    if (held.file_name, held.sha256) != (item.file_name, sha256):
        if not held.digest and not held.sha256:
            return [BEGUN]
        if held.sha256 != sha256:
            why.append(BYTES)
        if held.file_name != item.file_name:
            why.append(f"renamed, was {held.file_name}")
    if held.parent_id != parent_id:
        why.append(MOVED)
    return why


def _anew(held: Held, entity: Json | None) -> list[str]:
    """Say why the properties of an object are to be written; empty: they are not."""
    if entity is None:
        return [UNREACHED]
    if not held.digest:
        return [UNWRITTEN]
    return [PROPERTIES] if held.digest != digest_of_entity(entity) else []


def _name(item: Item) -> str:
    """Give what people call an object."""
    if item.file_name:
        return item.file_name
    named = (item.properties.get(name) for name in ("title", "subject", "name", "role"))
    return next((values[0] for values in named if values), "")


def described(target: Target) -> Change | None:
    """Give what happens to what the collection says of itself; None: nothing."""
    if not target.place.wanted:
        return None
    name = str(target.place.fields.get("label", ""))
    change = Change(SEND, "collection", target.collection, name, "collection", (NEW,))
    if not target.collection_id:
        return change
    with target.site.sessions.reading() as db:
        held = target.receipts.of(db, ["collection"])["collection"].get(target.collection)
    if held is not None and held.digest == digest_of(dict(target.place.fields)):
        return None
    return replace(change, action=REWRITE, why=(UNKNOWN if held is None else OTHERWISE,))


def explained(target: Target, changes: Sequence[Change]) -> list[Change]:
    """Give changes with the properties that differ, and the true reason of each withdrawal."""
    shown = _shown(target, [each.remote_id for each in changes if each.entity is not None])
    public = _public(target, changes)
    found = []
    for each in changes:
        if each.entity is not None and each.remote_id in shown:
            names = differing(each.entity, shown[each.remote_id], file=each.file)
            each = replace(each, properties=tuple(names))
        elif each.why == (NOT_PUBLIC,) and not target.place.wanted:
            each = replace(each, why=(NOT_NAMED,))
        elif each.why == (NOT_PUBLIC,) and each.foreign_id in public:
            each = replace(each, why=(NOT_HERE,))
        found.append(each)
    return found


def _shown(target: Target, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Give those of some objects that can be searched, by id; of copies the last."""
    wanted = set(ids)
    if not wanted or not target.collection_id:
        return {}
    if len(wanted) <= _FEW:
        rows = [row for row in target.link.each(target.aleph.entity, sorted(wanted)) if row]
    else:
        rows = target.aleph.rows(
            target.collection_id,
            ("properties",),
            lambda row: row if row["id"] in wanted else None,
        )
    return {str(row["id"]): row for row in rows}


def differing(entity: Json, row: Mapping[str, Any], *, file: bool) -> list[str]:
    """Give the names of the properties that a row of Aleph does not show as an entity has them.

    What Aleph has found in a `file` stands beside what we say of it. A property that we say no
    more is seen only where nobody but us could have said it.
    """
    ours, theirs = entity["properties"], row.get("properties") or {}
    found = []
    for name in ours:
        there = {_plain(value) for value in theirs.get(name) or ()}
        wanted = {_plain(value) for value in ours[name]}
        if not (wanted <= there if file else wanted == there):
            found.append(name)
    if not file:
        found += [name for name in theirs if name not in ours and name in _OURS]
    return sorted(found)


_OURS = frozenset(
    {"alias", "classification", "emitters", "inReplyTo", "keywords", "recipients", "website"}
)
# Properties that we may cease to write, and that Aleph does not make of itself.


def _plain(value: Any) -> str:
    """Give a value as text; a reference is an id, or the whole entity, signed or not."""
    if isinstance(value, Mapping):
        value = value.get("id", "")
    text = str(value)
    plain, _, signature = text.partition(".")
    return plain if len(signature) == 40 else text


def _public(target: Target, changes: Iterable[Change]) -> set[str]:
    """Give the foreign_ids, among what the subjects of withdrawals stand for, of what everybody
    may see all the same: it belongs elsewhere.
    """
    subjects = sorted({each.subject for each in changes if each.why == (NOT_PUBLIC,)})
    source = replace(target.source(), selection=Everything())
    if not subjects or target.source().selection.whole:
        return set()
    with target.site.sessions.reading() as db:
        found = manifests(db, source, subjects)
    return {item.foreign_id for each in found.values() for item in each.items}
