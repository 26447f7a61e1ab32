"""A client for Aleph and OpenAleph: the few calls that the bridge needs, with the traps they set.

A wrong key makes one anonymous without a word and one bad entity spoils a thousand: here both are
told apart from success. It is our own because alephclient has no time limits and no deletes, and
drops what a server refuses. What it gives up: searching, and everything else that people do.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bridge.wire import AlephDenied, AlephError, Json, Wire

BULK_COUNT, BULK_BYTES = 1000, 5_000_000
"""Entities, and bytes of JSON, in one bulk write."""

_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]*(\.[0-9a-f]{40})?")
_REFUSED_IN_A_ROW = 16
# A thousand entities are halved ten times to find a bad one; more refusals than this without one
# success between them mean that nothing would be taken.


class Aleph(Wire):
    """One Aleph as the bearer of one key sees it."""

    # Who we are

    def check(self) -> str:
        """Give the server's version once the key has proved good; AlephDenied when it is not.

        A bad key is answered like no key at all, with empty lists: only some addresses refuse.
        """
        try:
            app = self.call("GET", "metadata").get("app")
        except AlephError as error:
            if error.status != 404:
                raise
            app = None
        if not isinstance(app, dict):
            raise AlephError(0, f"what answers at {self.host} is not an Aleph")
        self.call("GET", "status")
        return str(app.get("version", ""))

    # Collections

    def find_collection(self, foreign_id: str) -> Json | None:
        """Give the collection with a foreign_id, if there is one that the key may read."""
        found = self.call("GET", "collections", params={"filter:foreign_id": foreign_id})
        for each in found.get("results", []):
            if each.get("foreign_id") == foreign_id:
                return dict(each)
        return None

    def create_collection(self, foreign_id: str, fields: Json) -> Json:
        """Make a collection; AlephDenied when the foreign_id is somebody else's."""
        try:
            return self.call("POST", "collections", fields={"foreign_id": foreign_id, **fields})
        except AlephError as error:
            # Made by us after all when the first answer was lost on its way.
            found = self.find_collection(foreign_id) if error.status == 400 else None
            if found is not None:
                return found
            if error.status == 400:
                raise AlephDenied(
                    400,
                    f"Aleph does not let us make the collection {foreign_id}: most likely "
                    f"somebody else has one of that name (it says: {error.message})",
                ) from None
            raise

    def update_collection(self, collection_id: str, fields: Json) -> None:
        """Change what a collection says of itself; `label` must be among the fields."""
        self.call("POST", f"collections/{collection_id}", fields=fields)

    def idle(self, collection_id: str) -> bool:
        """Tell whether nothing is queued for a collection, be it finished or never begun."""
        status = self.call("GET", f"collections/{collection_id}/status")
        # Aleph counts pending and running, OpenAleph todo and doing.
        return not any(status.get(name) for name in ("pending", "running", "todo", "doing"))

    # Content

    def ingest(
        self, collection_id: str, meta: Json, path: Path | None = None, *, index: bool = True
    ) -> str:
        """Upload a file, or make a folder when there is none; give the document's id.

        The same foreign_id under the same parent is the same document, with the same id.
        """
        where = f"collections/{collection_id}/ingest"
        text = json.dumps(meta, ensure_ascii=False)
        answer = self.call(
            "POST",
            where,
            params={"index": "true" if index else "false"},
            meta=text,
            path=path,
        )
        found = answer.get("id")
        if not found:
            raise AlephError(0, "Aleph took the upload but gave no id for it")
        return str(found)

    def bulk(self, collection_id: str, entities: Sequence[Json]) -> dict[str, str]:
        """Write entities, each replacing what was written of it before; give the refused ones.

        The result maps the id of each entity that was not taken to the reason. Accepted is not
        yet searchable. A refused call is halved until the bad entity stands alone.
        """
        where = f"collections/{collection_id}/_bulk"
        refused = {
            str(e.get("id")): "the id is not one that Aleph keeps apart from others"
            for e in entities
            if not _ID.fullmatch(str(e.get("id")))
        }
        waiting = deque(_chunks(e for e in entities if str(e.get("id")) not in refused))
        in_a_row = 0
        while waiting:
            chunk = waiting.popleft()
            body = b"[" + b",".join(chunk.values()) + b"]"
            try:
                # OpenAleph's word for a bad entity is 500: of many, look for it first.
                self.call("POST", where, body=body, repeat=len(chunk) == 1)
                in_a_row = 0
            except AlephError as error:
                if error.status not in (400, 413, 500):
                    raise
                in_a_row += 1
                if len(chunk) == 1 or in_a_row > _REFUSED_IN_A_ROW:
                    refused |= dict.fromkeys(chunk, error.message)
                else:
                    pairs, half = list(chunk.items()), len(chunk) // 2
                    waiting.extendleft([dict(pairs[half:]), dict(pairs[:half])])
        return refused

    def entity(self, entity_id: str) -> Json | None:
        """Give an entity as it can be searched now; None while it is not indexed."""
        try:
            return self.call("GET", f"entities/{entity_id}")
        except AlephError as error:
            if error.status == 404:
                return None
            raise

    def delete(self, entity_id: str) -> bool:
        """Delete an entity and, later, all that refers to it; False when it is not indexed."""
        try:
            self.call("DELETE", f"entities/{entity_id}")
        except AlephError as error:
            if error.status == 404:
                return False
            raise
        return True

    def stream(
        self, collection_id: str, include: Iterable[str] = ("id", "schema")
    ) -> Iterator[Json]:
        """Give every entity of a collection that can be searched, however many there are."""
        where = f"collections/{collection_id}/_stream"
        with self.send("GET", where, params=[("include", name) for name in include]) as response:
            if response.status_code != 200:
                raise self.refusal(response, where)
            for line in response.iter_lines():
                if line:
                    yield json.loads(line)


def _chunks(entities: Iterable[Json]) -> Iterator[dict[str, bytes]]:
    """Cut entities into bulk writes; of two with one id the last stays, as it would in Aleph."""
    chunk: dict[str, bytes] = {}
    size = 0
    for entity in entities:
        text = json.dumps(entity, ensure_ascii=False).encode()
        if chunk and (len(chunk) >= BULK_COUNT or size + len(text) > BULK_BYTES):
            yield chunk
            chunk, size = {}, 0
        chunk[str(entity["id"])] = text
        size += len(text) + 1
    if chunk:
        yield chunk
