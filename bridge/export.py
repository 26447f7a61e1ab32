"""The manifest as a folder of files: FollowTheMoney JSON Lines and the attachments' bytes.

For those without an Aleph, and for its tools (`ftm`, `alephclient`). `entities.ftm.json` holds an
entity a line, `files/ab/abcd...` the file whose `contentHash` (SHA-1) is `abcd...`, `index.json`
the catalogue (`bridge.catalogue`). Each appears whole or not at all, a second run changes only
what differs, and no attachment is read twice (`bridge.export_index`). What it gives up: noticing
that somebody has changed a file in the folder without changing its size.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select

from bridge import catalogue, export_index
from bridge.export_index import Index, Kept
from bridge.items import Item, Manifest, Source, moment, sha1_of
from bridge.manifest import manifests
from bridge.schemata import schema_of
from foi.archive import ledger, reading
from foi.archive.models import Body, InfoRequest
from foi.site import Site

ENTITIES, FILES, CATALOGUE = "entities.ftm.json", "files", "index.json"
BATCH = 200
_SHA1 = re.compile(r"[0-9a-f]{40}")


class NotOurs(Exception):
    """The folder holds something else; nothing in it was touched."""


@dataclass
class Exported:
    """What an export did: entities and files there are, files written anew and removed."""

    entities: int = 0
    links: int = 0
    """How many of the entities are links between others."""
    files: int = 0
    written: int = 0
    removed: int = 0
    changed: bool = False
    """Whether the entities differ from those of the last export."""
    missing: list[str] = field(default_factory=list)
    """foreign_ids of attachments whose bytes could not be found."""

    def members(self) -> dict[str, Any]:
        """Give the members of its JSON."""
        return dict(self.__dict__)


def export(site: Site, collection: str, folder: Path, state: str = "") -> Exported:
    """Write the manifest of the whole archive into a folder; NotOurs for one with other things,
    Busy while somebody else does the same. `state` stands for what it is made from, for whoever
    wants to know whether it has to be made anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ours = (folder / ENTITIES).exists() or (folder / export_index.NAME).exists()
    if not ours and any(folder.iterdir()):
        raise NotOurs(f"{folder} is not empty and holds no earlier export")
    with export_index.making(folder) as index:
        return _make(site, collection, folder, index, state)


def _make(site: Site, collection: str, folder: Path, index: Index, state: str) -> Exported:
    source = Source(site, collection, site.calendar.today())
    done = Exported()
    with site.sessions.reading() as db:
        position = ledger.newest(db)  # what happens from now on may be in it, or not
    with tempfile.NamedTemporaryFile("wb", dir=folder, prefix=".entities-", delete=False) as out:
        try:
            for manifest in _everything(source):
                _write(source, manifest, folder, out, done, index)
            out.flush()
            os.fsync(out.fileno())
            done.changed = _settle(Path(out.name), folder / ENTITIES, index)
        finally:
            Path(out.name).unlink(missing_ok=True)
    made = catalogue.describe(source, folder, done.entities, done.links)
    _replace(folder / CATALOGUE, made.content)
    index.settle(made.about | {"position": str(position), "state": state})
    # Only now: until the entities are in place, the former ones still name the former files.
    kept = {each.sha1 for each in index.kept.values()}
    done.files, done.removed = len(kept), _sweep(folder / FILES, kept)
    return done


def _everything(source: Source) -> Iterator[Manifest]:
    """Read authorities, requesters and requests, a batch in a transaction."""
    site, listed = source.site, reading.listed()
    with site.sessions.reading() as db:
        bodies = db.scalars(select(Body.id).order_by(Body.id)).all()
        asked = select(InfoRequest.person_id).where(listed, InfoRequest.person_id.is_not(None))
        people = db.scalars(asked.distinct().order_by(InfoRequest.person_id)).all()
        requests = db.scalars(select(InfoRequest.id).where(listed).order_by(InfoRequest.id)).all()
    subjects = list(
        chain(
            (f"body:{id_}" for id_ in bodies),
            (f"person:{id_}" for id_ in people),
            (f"request:{id_}" for id_ in requests),
        )
    )
    for start in range(0, len(subjects), BATCH):
        with site.sessions.reading() as db:
            yield from manifests(db, source, subjects[start : start + BATCH]).values()


def _write(
    source: Source,
    manifest: Manifest,
    folder: Path,
    out: IO[bytes],
    done: Exported,
    index: Index,
) -> None:
    ancestors: dict[str, tuple[str, ...]] = {}
    for item in manifest.items:
        above = (*ancestors.get(item.parent, ()), item.parent) if item.parent else ()
        ancestors[item.foreign_id] = above
        entity = _entity(source, item, above)
        if item.file is not None:
            path = source.site.blobs.path(item.file.sha256)
            try:
                sha1, size, fresh = _keep(path, folder / FILES, index.known(item.file.sha256))
            except FileNotFoundError:
                done.missing.append(item.foreign_id)
                continue
            entity["properties"] |= {"contentHash": [sha1], "fileSize": [str(size)]}
            index.kept[item.file.sha256] = Kept(sha1, size, item.file.media_type, item.file.sha256)
            done.written += fresh
        line = json.dumps(entity, ensure_ascii=False, separators=(",", ":"))
        out.write(line.encode() + b"\n")
        done.entities += 1
        done.links += item.kind == "link"


def _entity(source: Source, item: Item, above: tuple[str, ...]) -> dict[str, Any]:
    """Give an item as an entity of its own, with everything that Aleph would find out itself."""
    properties = {name: list(values) for name, values in item.properties.items()}
    documents = set(above) if item.document else set(item.references.get("document", ()))
    for name, targets in item.references.items():
        properties[name] = [source.digest(t) if t in documents else t for t in targets]
    schema = item.schema
    if item.file is not None:
        schema = schema_of(item.file.media_type)
        properties |= {"mimeType": [item.file.media_type], "fileName": [item.file_name]}
    if item.parent:
        properties |= {
            "parent": [source.digest(item.parent)],
            "ancestors": [source.digest(name) for name in above],
        }
    return {
        "id": source.digest(item.foreign_id) if item.document else item.foreign_id,
        "schema": schema,
        "properties": {name: values for name, values in sorted(properties.items()) if values},
        "created_at": moment(item.created_at),
    }


def _keep(path: Path, files: Path, known: tuple[str, int] | None) -> tuple[str, int, bool]:
    """Copy a file under its SHA-1 unless it is there; give SHA-1, size and whether it was not."""
    size = path.stat().st_size
    sha1 = known[0] if known is not None and known[1] == size else sha1_of(path)
    target = files / sha1[:2] / sha1
    if target.is_file() and target.stat().st_size == size:
        return sha1, size, False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{sha1}")
    shutil.copyfile(path, partial)
    partial.replace(target)
    return sha1, size, True


def _replace(target: Path, content: bytes) -> None:
    """Write a small file whole, unless it is there already."""
    if target.exists() and target.read_bytes() == content:
        return
    partial = target.with_name(f".{target.name}")
    partial.write_bytes(content)
    partial.replace(target)


def _settle(fresh: Path, target: Path, index: Index) -> bool:
    """Put the new entities in place unless they are the same; tell whether they are not."""
    if target.exists() and _digest(target) == _digest(fresh):
        return False
    index.withhold()  # whoever serves both must not meet the one without the other
    fresh.chmod(0o644)
    fresh.replace(target)
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sweep(files: Path, kept: set[str]) -> int:
    """Remove the files that no entity names any more, and nothing that is not ours."""
    removed = 0
    for path in sorted(files.glob("??/*")):
        name = path.name.removeprefix(".")
        if _SHA1.fullmatch(name) and (name not in kept or path.name != name):
            path.unlink()
            removed += 1
    return removed
