"""A small client for tests: one caller working in one collection of a stand-in.

Gives up: retries and everything else a bridge is for.
"""

import json
from typing import Any

import requests

from tests.aleph.standin import Aleph

STAMP = {"created_at": "2024-01-01T09:00:00", "updated_at": "2024-03-01T09:00:00"}


def entity(plain: str, schema: str, **properties: Any) -> dict[str, Any]:
    """Give an entity as a bulk load has it."""
    return {"id": plain, "schema": schema, "properties": properties, **STAMP}


class Client:
    """Calls a stand-in as a user (or with another key) in one collection."""

    def __init__(self, aleph: Aleph, key: str | None = None, foreign_id: str = "site") -> None:
        self.aleph = aleph
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = f"ApiKey {key or aleph.user_key}"
        self.foreign_id = foreign_id
        self.collection = ""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send one request below /api/2 and give the answer."""
        return self.http.request(method, f"{self.aleph.url}/api/2{path}", timeout=20, **options)

    def make(self, **more: Any) -> str:
        """Make the client's collection and give its id."""
        body = {"label": "A site", "foreign_id": self.foreign_id, **more}
        answer = self.call("POST", "/collections", json=body)
        assert answer.status_code == 200, answer.text
        self.collection = answer.json()["id"]
        return self.collection

    def upload(
        self, foreign_id: str | None, data: bytes | None = None, **meta: Any
    ) -> requests.Response:
        """Upload a file (or, without data, a folder); ``_q`` holds query parameters."""
        query = meta.pop("_q", {})
        meta |= {"foreign_id": foreign_id} if foreign_id else {}
        parts: dict[str, Any] = {"meta": (None, json.dumps(meta))}
        if data is not None:
            parts["file"] = ("upload.bin", data, "application/octet-stream")
        path = f"/collections/{self.collection}/ingest"
        return self.call("POST", path, files=parts, params=query)

    def load(self, *entities: Any, **query: Any) -> requests.Response:
        """Load entities in bulk."""
        path = f"/collections/{self.collection}/_bulk"
        return self.call("POST", path, json=list(entities), params=query)

    def find(self, *filters: tuple[str, str], schemata: str = "Thing") -> dict[str, Any]:
        """Search in the client's collection and give the answer's JSON."""
        base = [("filter:collection_id", self.collection), ("filter:schemata", schemata)]
        answer = self.call("GET", "/entities", params=[*base, *filters])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, entity_id: str) -> dict[str, Any]:
        """Give one entity's JSON."""
        answer = self.call("GET", f"/entities/{entity_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def stream(self, *include: str) -> list[dict[str, Any]]:
        """Give the lines of the collection's stream."""
        params = [("include", name) for name in include]
        answer = self.call("GET", f"/collections/{self.collection}/_stream", params=params)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]
