"""Killing the server in the middle of writes: what it has acknowledged is there, whole; nothing is
there by half.

FOI_THOROUGH=20 in the environment kills it twenty times as often; FOI_SEED repeats a run's
choices.
"""

import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from foi import settings, upkeep
from foi.archive import casework
from foi.archive.models import Attachment, Event, InfoRequest, Message
from foi.site import Site, open_site

pytestmark = pytest.mark.thorough

ROUNDS = 2 * int(os.environ.get("FOI_THOROUGH", "1"))
CLIENTS = 4


@dataclass
class Acknowledged:
    """What the server has said it keeps: the texts of requests, and the files of answers."""

    opened: dict[str, int] = field(default_factory=dict)
    answered: dict[str, list[str]] = field(default_factory=dict)


@contextmanager
def server(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run `foi serve` on a free port; kill it at the end if it still runs."""
    command = [sys.executable, "-W", "ignore", "-c", "from foi.cli import main; main()"]
    environ = {name: each for name, each in os.environ.items() if not name.startswith("FOI_")}
    environ["FOI_DATA"] = str(folder)
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*command, "serve", "--port", "0"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), (folder / "log").read_text()
        yield address, process
    finally:
        process.kill()
        process.communicate(timeout=30)


class Client(threading.Thread):
    """An authority's software: opens requests and answers them with files until nobody listens."""

    numbers = itertools.count(1)

    def __init__(self, address: str, key: str, kept: Acknowledged, seed: int) -> None:
        super().__init__()
        self._address, self._key, self._kept = address, key, kept
        self._chance = random.Random(seed)
        self._http = requests.Session()
        self.refused: list[str] = []

    def run(self) -> None:
        """Write."""
        try:
            while not self.refused:
                self._open()
                self._answer()
        except requests.RequestException:
            pass  # killed: whether that last write was kept, nobody has promised

    def _post(self, path: str, form: dict[str, str], files: Any = None) -> Any:
        answer = self._http.post(
            f"{self._address}/api/v2/{path}",
            data={"k": self._key, **form},
            files=files,
            timeout=30,
        )
        if answer.status_code != 200:
            self.refused.append(f"{answer.status_code} {answer.text}")
            raise requests.RequestException
        return answer.json()

    def _open(self) -> None:
        text = f"letter {next(self.numbers)}"
        form = {"title": "Lamp posts in Mill Lane", "body": text, "external_user_name": "Ada"}
        made = self._post("request.json", {"request_json": json.dumps(form)})
        self._kept.opened[text] = made["id"]

    def _answer(self) -> None:
        contents = [
            self._chance.randbytes(self._chance.randrange(1, 200_000))
            for _ in range(self._chance.randrange(3))
        ]
        text = f"answer {next(self.numbers)} with {len(contents)} files"
        form = {"direction": "response", "body": text, "state": "successful"}
        files = [("attachments[]", (f"{n}.bin", each)) for n, each in enumerate(contents)]
        request_id = self._chance.choice(list(self._kept.opened.values()))
        self._post(f"request/{request_id}.json", {"correspondence_json": json.dumps(form)}, files)
        self._kept.answered[text] = [hashlib.sha256(each).hexdigest() for each in contents]


def _write_until_killed(folder: Path, key: str, kept: Acknowledged, chance: random.Random) -> None:
    with server(folder) as (address, process):
        for request_id in list(kept.opened.values())[-3:]:  # kept before the last kill
            url = f"{address}/api/v2/request/{request_id}.json"
            assert requests.get(url, params={"k": key}, timeout=30).status_code == 200
        clients = [Client(address, key, kept, chance.randrange(10**9)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        before = len(kept.answered)
        while len(kept.answered) == before and any(client.is_alive() for client in clients):
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.7))
        process.kill()
        for client in clients:
            client.join(30)
            assert not client.is_alive()
            assert client.refused == []


def _check(site: Site, kept: Acknowledged) -> None:
    """Compare what is there with what was acknowledged, and every row with what belongs to it."""
    assert list(upkeep.problems(site, hashes=True)) == []
    with site.sessions.reading() as db:
        texts = Counter(text for text in db.scalars(select(Message.body)) if text is not None)
        assert max(texts.values()) == 1
        for text, request_id in kept.opened.items():
            message = db.scalars(select(Message).where(Message.body == text)).one()
            assert (message.request_id, message.purpose) == (request_id, "initial")
        for text, digests in kept.answered.items():
            message = db.scalars(select(Message).where(Message.body == text)).one()
            rows = select(Attachment).filter_by(message_id=message.id).order_by(Attachment.number)
            assert [row.sha256 for row in db.scalars(rows)] == digests
        for message in db.scalars(select(Message)):
            held = db.scalars(select(Attachment.sha256).filter_by(message_id=message.id)).all()
            assert all(each is not None and not site.blobs.damaged(each) for each in held)
            said = (message.body or "").partition(" with ")[2]
            assert said in ("", f"{len(held)} files")
            kinds = db.scalars(select(Event.kind).filter_by(message_id=message.id)).all()
            expected = ["sent"] if message.purpose == "initial" else ["response", "status_update"]
            assert list(kinds) == expected
        numbers = list(db.scalars(select(Event.id).order_by(Event.id)))
        assert len(numbers) == 1 + len(texts) + sum(text.startswith("answer") for text in texts)
        answers = set(db.scalars(select(Message.request_id).filter_by(direction="response")))
        for request in db.scalars(select(InfoRequest)):
            state = "successful" if request.id in answers else "waiting_response"
            assert request.described_state == state


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_a_killed_server_has_kept_all_it_acknowledged_and_nothing_by_half(
    tmp_path: Path, migrated: bytes
) -> None:
    seed = int(os.environ.get("FOI_SEED") or random.SystemRandom().randrange(10**6))
    print(f"FOI_SEED={seed}")  # shown when the test fails
    chance, kept = random.Random(seed), Acknowledged()
    (tmp_path / "foi.sqlite").write_bytes(migrated)
    made = settings.load({"data": str(tmp_path)}, {})
    site = open_site(made)
    with site.sessions.writing() as db:
        body = casework.add_body(db, "desk", name="Fenby Town Council")
        db.flush()
        key = site.keys.make(body.id, body.key_generation)
    site.close()
    for _ in range(ROUNDS):
        _write_until_killed(tmp_path, key, kept, chance)
        site = open_site(made)
        _check(site, kept)
        site.close()
    assert len(kept.answered) >= ROUNDS
