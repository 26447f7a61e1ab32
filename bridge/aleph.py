"""A client for Aleph and OpenAleph: the few calls that the bridge needs, with the traps they set.

A wrong key makes one anonymous without a word and one bad entity spoils a thousand: here both are
told apart from success. It is our own because alephclient has no time limits and no deletes, and
drops what a server refuses. What it gives up: searching, and everything else that people do.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from bridge.model import Model
from bridge.wire import LOST, AlephDenied, AlephDown, AlephError, Json, Wire

T = TypeVar("T")
BULK_COUNT, BULK_BYTES = 1000, 5_000_000
"""Entities, and bytes of JSON, in one bulk write."""

_REFUSED_IN_A_ROW = 16
# A thousand entities are halved ten times to find a bad one; more refusals than this without one
# success between them mean that nothing would be taken.


class Aleph(Wire):
    """One Aleph as the bearer of one key sees it."""

    model = Model()
    """What it says it takes, once `check` has asked; before, anything goes."""

    # Who we are

    def check(self) -> str:
        """Give the server's version once the key has proved good; AlephDenied when it is not.

        A bad key is answered like no key at all, with empty lists: only some addresses refuse.
        A server that takes calls and never answers is found out here, and not by every call.
        """
        within = self.patience.first
        try:
            about = self.call("GET", "metadata", within=within)
        except AlephError as error:
            if error.status != 404:
                raise
            about = {}
        app = about.get("app")
        if not isinstance(app, dict):
            raise AlephError(0, f"what answers at {self.host} is not an Aleph")
        self.model = Model(about.get("model"))
        self.call("GET", "status", within=within)
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

    def queued(self, collection_id: str) -> int:
        """Give how many tasks wait or run for a collection; none: finished, or never begun."""
        status = self.call("GET", f"collections/{collection_id}/status")
        # Aleph counts pending and running, OpenAleph todo and doing.
        return sum(int(status.get(name) or 0) for name in ("pending", "running", "todo", "doing"))

    # Content

    def ingest(
        self,
        collection_id: str,
        meta: Json,
        file: Path | bytes | None = None,
        *,
        index: bool = True,
        at_once: bool = False,
    ) -> str:
        """Upload a file, or make a folder when there is none; give the document's id.

        The same foreign_id under the same parent is the same document, with the same id. `at_once`
        lets a folder be found, and so be deleted, from now on.
        """
        where = f"collections/{collection_id}/ingest"
        text = json.dumps(meta, ensure_ascii=False)
        how = {"index": "true" if index else "false"} | ({"sync": "true"} if at_once else {})
        answer = self.call("POST", where, params=how, meta=text, file=file)
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
            str(each.get("id")): problem
            for each in entities
            if (problem := self.model.problem(each))
        }
        good = (self.model.known(e) for e in entities if str(e.get("id")) not in refused)
        waiting = deque(_chunks(good))
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
        self, collection_id: str, include: Iterable[str] = ("id", "schema"), schema: str = ""
    ) -> Iterator[Json]:
        """Give every entity of a collection (of a `schema`, its descendants included) that can be
        searched, however many there are.

        AlephDown when it breaks off: what came until then is not all.
        """
        where = f"collections/{collection_id}/_stream"
        try:
            fields = [("include", name) for name in include]
            fields += [("schema", schema)] if schema else []
            with self.send("GET", where, params=fields) as response:
                if response.status_code != 200:
                    raise self.refusal(response, where)
                for line in response.iter_lines(65536):
                    if line:
                        yield json.loads(line)
        except LOST as problem:
            reason = type(problem).__name__
            raise AlephDown(0, f"Aleph at {self.host} broke off ({reason})") from None
        except (ValueError, RecursionError):
            raise AlephDown(0, f"what {self.host} streams is not JSON") from None

    def rows(
        self, collection_id: str, include: Iterable[str], make: Callable[[Json], T | None]
    ) -> list[T]:
        """Give what `make` makes of each entity, whole, begun anew when it breaks off; what it
        makes None of is left out, so that a large collection need not fit into memory.
        """
        include = ("id", *include)

        def read() -> list[T]:
            found = map(make, self.stream(collection_id, include))
            return [each for each in found if each is not None]

        for _ in range(self.patience.attempts - 1):
            try:
                return read()
            except AlephDown as error:
                time.sleep(min(error.asked or self.patience.pause, self.patience.longest))
        return read()


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
