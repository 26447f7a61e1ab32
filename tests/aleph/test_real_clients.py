"""Clients that were written for real servers work against the stand-in.

The ``alephclient`` command is the one named by the environment variable ALEPHCLIENT, else the one
found on the path; without it those tests are skipped. The listing client pages as scripts in the
wild do: by label, 300 at a time, following ``next`` with the answer's own ``limit``.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.aleph import Aleph
from tests.aleph.client import Client, entity

COMMAND = os.environ.get("ALEPHCLIENT") or shutil.which("alephclient") or ""
needs_alephclient = pytest.mark.skipif(
    not COMMAND, reason="no alephclient: name it in ALEPHCLIENT or put it on the path"
)
FLAVOURS = ("aleph3", "aleph", "openaleph")


def run(aleph: Aleph, *args: str, given: str = "") -> str:
    """Run alephclient and give what it printed."""
    environment = {**os.environ, **aleph.environment}
    done = subprocess.run(
        [COMMAND, *args], input=given, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_alephclient
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_crawldir_uploads_a_folder_with_its_tree(flavour: str, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "note.txt").write_text("a note")
    (tmp_path / "letters" / "answer.txt").write_text("an answer")
    with Aleph(flavour=flavour) as aleph:
        run(aleph, "crawldir", "--foreign-id", "crawled", "--language", "eng", str(tmp_path))
        view = aleph.collection("crawled")
        assert view.tree() == {"letters": {"answer.txt": {}}, "note.txt": {}}
        names = {row["meta"]["file_name"]: id_ for id_, row in view.documents.items()}
        assert view.file(names["note.txt"]) == b"a note"
        assert view.states[names["answer.txt"]] == "success"


@needs_alephclient
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_entities_written_are_streamed_back(flavour: str) -> None:
    people = [entity(f"p{number}", "Person", name=[f"Person {number}"]) for number in range(25)]
    given = "".join(json.dumps(person) + "\n" for person in people)
    with Aleph(flavour=flavour) as aleph:
        run(aleph, "write-entities", "--foreign-id", "people", given=given)
        printed = run(aleph, "stream-entities", "--foreign-id", "people")
        found = {json.loads(line)["properties"]["name"][0] for line in printed.splitlines()}
        assert found == {f"Person {number}" for number in range(25)}


class Listing:
    """Lists the documents of the collection with a label, as simple scripts do."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"ApiKey {key}", "Accept": "application/json"}
        self.pages = 0

    def _all(self, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = []
        params = {"limit": 300, **params}
        while True:
            answer = requests.get(
                f"{self.url}/api/2/{path}", headers=self.headers, params=params, timeout=20
            )
            answer.raise_for_status()
            data = answer.json()
            self.pages += 1
            assert data["page"] <= max(1, data["pages"])
            out += data["results"]
            if not data["next"]:
                return out
            params["offset"] = params.get("offset", 0) + data["limit"]

    def documents(self, label: str) -> list[dict[str, Any]]:
        """Give the documents of the first collection with the label."""
        collection = next(c for c in self._all("collections", {}) if c["label"] == label)
        wanted = {"filter:collection_id": collection["id"], "filter:schemata": "Document"}
        return self._all("entities", {"q": "", **wanted})


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_script_lists_all_documents_and_their_states_page_by_page(flavour: str) -> None:
    with Aleph(flavour=flavour) as aleph:
        client = Client(aleph)
        client.make(label="The letters")
        aleph.poison("letter-7.txt")
        for number in range(20):
            client.upload(f"l{number}", b"%d" % number, file_name=f"letter-{number}.txt")
        mails = [
            entity(f"m{i}", "Email", fileName=[f"mail-{i}"], processingStatus=["success"])
            for i in range(600)
        ]
        client.load(*mails)
        listing = Listing(aleph.url, aleph.user_key)
        found = listing.documents("The letters")
    assert len(found) == len({document["id"] for document in found}) == 620
    assert listing.pages == 4
    failed = [
        document["properties"]["fileName"][0]
        for document in found
        if document["properties"]["processingStatus"][0] != "success"
    ]
    assert failed == ["letter-7.txt"]
