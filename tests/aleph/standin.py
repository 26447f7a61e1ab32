"""The class tests use: a running stand-in, its switches, and a look at what it holds.

Gives up: more than one process.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.aleph.application import Application
from tests.aleph.entities import caption
from tests.aleph.faults import Fault
from tests.aleph.http import HttpServer
from tests.aleph.people import ADMIN, USER
from tests.aleph.schemata import SCHEMATA
from tests.aleph.server import Call, Options, Server
from tests.aleph.store import Record
from tests.aleph.values import sign


class CollectionView:
    """What a collection holds, read straight from the server's memory."""

    def __init__(self, server: Server, row: Record) -> None:
        self._server = server
        self.id: str = row["id"]
        self.foreign_id: str = row["foreign_id"]

    @property
    def row(self) -> Record:
        """Give the collection's own members (label, category, countries ...)."""
        return self._server.store.collections[self.id]

    @property
    def label(self) -> str:
        """Give the label."""
        return str(self.row["label"])

    def sign(self, plain: str) -> str:
        """Give the id under which a plain id is stored here."""
        return sign(plain, self.foreign_id)

    @property
    def entities(self) -> dict[str, Record]:
        """Give the merged entities by signed id, indexed or not: id, schema, properties ..."""
        with self._server.store.lock:
            store, known = self._server.store, self._server.entities
            found = {
                row["id"]: known.stored(self.id, row["id"])
                for row in store.of(store.fragments, self.id)
            }
            return {id_: entity for id_, entity in found.items() if entity is not None}

    @property
    def indexed(self) -> dict[str, Record]:
        """Give the searchable entities by signed id, the newest copy of each."""
        with self._server.store.lock:
            return {row["id"]: row for row in self._server.entities.indexed(self.id)}

    @property
    def documents(self) -> dict[str, Record]:
        """Give the uploaded documents by signed id: foreign_id, parent_id, sha1, meta ..."""
        with self._server.store.lock:
            rows = self._server.store.of(self._server.store.documents, self.id)
            return {self.sign(row["id"]): row for row in rows}

    def by_foreign_id(self, foreign_id: str) -> list[str]:
        """Give the signed ids of the documents uploaded under a foreign_id."""
        return [id_ for id_, row in self.documents.items() if row["foreign_id"] == foreign_id]

    def properties(self, entity_id: str) -> dict[str, list[str]]:
        """Give the merged properties of an entity by plain or signed id."""
        found = self.entities
        entity = found.get(entity_id) or found[self.sign(entity_id)]
        properties: dict[str, list[str]] = entity["properties"]
        return properties

    def parent(self, entity_id: str) -> str | None:
        """Give the signed id of a document's parent."""
        return next(iter(self.properties(entity_id).get("parent", [])), None)

    def children(self, entity_id: str | None = None) -> list[str]:
        """Give the ids of the documents below another, or (None) at the root."""
        wanted = [entity_id] if entity_id else []
        return [
            id_
            for id_, entity in self.entities.items()
            if SCHEMATA[entity["schema"]].is_a("Document")
            and entity["properties"].get("parent", []) == wanted
        ]

    def tree(self, entity_id: str | None = None) -> dict[str, Any]:
        """Give the titles of the documents as nested dictionaries."""
        found = self.entities
        return {caption(found[id_]): self.tree(id_) for id_ in self.children(entity_id)}

    def file(self, entity_id: str) -> bytes | None:
        """Give the bytes of a document, or None when it has none."""
        sha1 = next(iter(self.properties(entity_id).get("contentHash", [])), "")
        return self._server.store.files.get(sha1)

    @property
    def states(self) -> dict[str, str]:
        """Give the searchable documents' processing status ('' when they have none)."""
        return {
            id_: next(iter(row["properties"].get("processingStatus", [])), "")
            for id_, row in self.indexed.items()
        }

    @property
    def busy(self) -> bool:
        """Say whether work is queued."""
        with self._server.store.lock:
            return bool(self._server.pipeline.tasks(self.id))


class Aleph:
    """A stand-in server, running from construction on; a context manager that stops it.

    Options as in ``python -m tests.aleph --help``; times in seconds, ``latency_ms`` in
    milliseconds; ``delay=0`` makes everything searchable before the answer.
    """

    def __init__(
        self,
        flavour: str = "aleph",
        delay: float = 0.0,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        data: str | Path | None = None,
        **options: Any,
    ) -> None:
        path = Path(data) if data else None
        self.server = Server(Options(flavour=flavour, delay=delay, data=path, **options))
        latency = self.server.options.latency_ms / 1000
        self._http = HttpServer(Application(self.server), host, port, latency)
        self.url = f"http://{host}:{self._http.port}"
        self.server.pipeline.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; what was acknowledged stays in the data file, if there is one."""
        self.server.pipeline.stop()
        self._http.close()
        with self.server.store.lock:
            self.server.store.close()

    @property
    def user_key(self) -> str:
        """Give the API key of the ordinary user."""
        return self.server.people.user_key

    @property
    def admin_key(self) -> str:
        """Give the API key of the admin."""
        return self.server.people.admin_key

    @property
    def environment(self) -> dict[str, str]:
        """Give the environment variables that lead a client here as the ordinary user."""
        return {"ALEPHCLIENT_HOST": self.url, "ALEPHCLIENT_API_KEY": self.user_key}

    @property
    def calls(self) -> list[Call]:
        """Give the calls so far: method, path, query, status (0: dropped), uploaded bytes."""
        return list(self.server.calls)

    def reset_calls(self) -> None:
        """Forget the calls so far."""
        self.server.calls.clear()

    def collections(self) -> Iterator[CollectionView]:
        """Give a view of each live collection."""
        with self.server.store.lock:
            return iter([CollectionView(self.server, row) for row in self.server.live()])

    def collection(self, foreign_id: str) -> CollectionView:
        """Give a view of a live collection; KeyError when there is none."""
        for view in self.collections():
            if view.foreign_id == foreign_id:
                return view
        raise KeyError(foreign_id)

    def poison(self, file: str, fate: str = "fail") -> None:
        """Let processing of a file (SHA-1 or file name) ``fail``, be ``lost`` or ``stuck``."""
        self.server.poison.set(file, fate)

    def cure(self, file: str) -> None:
        """Undo :meth:`poison`; only what is uploaded from now on gets better."""
        self.server.poison.fates.pop(file, None)

    def fail_next(
        self,
        kind: str | int = "502",
        times: int = 1,
        *,
        after: bool = False,
        method: str = "",
        path: str = "",
        retry_after: int = 0,
    ) -> None:
        """Let the next calls (of a method, with ``path`` in the address) fail.

        ``kind`` is a status or ``"drop"``; ``after`` lets the call take effect first.
        """
        self.server.faults.order(Fault(str(kind), after, times, method, path, retry_after))

    def heal(self) -> None:
        """Let no more calls fail."""
        self.server.faults.clear()

    def maintenance(self, on: bool = True) -> None:
        """Switch maintenance mode, in which every write is a 403."""
        self.server.people.maintenance = on

    def revoke(self, *, admin: bool = False) -> None:
        """Let a key expire: its bearer is anonymous from now on."""
        with self.server.store.lock:
            self.server.people.rekey(ADMIN if admin else USER, "")

    def person(self, id_: str, name: str, email: str) -> None:
        """Add a person who has no key."""
        with self.server.store.lock:
            self.server.people.add(id_, "user", name, email)

    def group(self, id_: str, name: str, *members: str) -> None:
        """Add a group with members (role ids)."""
        with self.server.store.lock:
            self.server.people.add(id_, "group", name)
            for member in members:
                self.server.people.change(member, groups=[id_])

    def key_expires(self, moment: str) -> None:
        """Say of the user's key when it expires; only Aleph 4 tells."""
        with self.server.store.lock:
            self.server.people.change(USER, api_key_expires_at=moment)

    def wait_until_idle(self, timeout: float = 10.0) -> None:
        """Wait until the queue is empty and its work is seen, or raise TimeoutError."""
        end = time.monotonic() + timeout
        while any(view.busy for view in self.collections()) or self.server.store.unrefreshed:
            if time.monotonic() > end:
                raise TimeoutError("the queue is not empty")
            time.sleep(0.01)
