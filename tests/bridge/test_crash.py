"""The worker is killed again and again while the archive changes: in the end Aleph holds exactly
what is public.

FOI_KILLS says how often (5), FOI_KILLED_REQUESTS of how large an archive (15); FOI_SEED repeats a
run's choices. `make torture` kills 200 times while 500 requests with 1,500 files are pushed.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bridge.config import remotes
from bridge.consumer import AlephConsumer
from foi import migrations, settings
from foi.archive import casework, ledger
from foi.archive.models import Attachment, Body, Delivery, InfoRequest, Message, Person
from foi.site import Site, open_site
from tests.aleph import Aleph
from tests.bridge.comparing import compare
from tests.bridge.conftest import Open, joined
from tests.bridge.records import COLLECTION, DAY, held

KILLS = int(os.environ.get("FOI_KILLS", "5"))
REQUESTS = int(os.environ.get("FOI_KILLED_REQUESTS", "15"))
PATIENCE = 120.0 + 0.5 * REQUESTS
"""Seconds after the last restart until all must be well."""

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(PATIENCE + 30 * KILLS)]


class Author:
    """Makes an archive and goes on changing it at random until stopped."""

    def __init__(self, site: Site, seed: int) -> None:
        self._site, self._chance = site, random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.changes = 0
        with site.sessions.writing() as db:
            for number in range(4):
                casework.add_body(db, "desk", name=f"Office {number}")
                casework.add_person(db, "desk", name=f"Person {number}")
        for _ in range(REQUESTS):
            self._open()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _one(self, db: Session, model: Any) -> Any:
        ids = db.scalars(select(model.id)).all()
        return db.get_one(model, self._chance.choice(ids))

    def _open(self) -> None:
        word = f"{self._chance.random():.9f}"
        files = [
            held(self._site, f"{word} {n} ".encode() * 200, f"file{n}.txt", "text/plain")
            for n in range(3)
        ]
        with self._site.sessions.writing() as db:
            body, person = self._one(db, Body), self._one(db, Person)
            request = casework.open_request(
                db,
                "desk",
                body=body,
                person=person if self._chance.random() < 0.8 else None,
                external_user_name=None,
                title=f"Request {word}",
                text=f"Letter {word}",
                at=DAY,
            )
            casework.correspond(
                db, request, "desk", direction="response", text="Here.", files=files, at=DAY
            )

    def _write(self) -> None:
        verbs = (self._hide, self._hide, self._release, self._edit, self._move, self._erase)
        while not self._stop.wait(0.02):
            if self._chance.random() < 0.1:
                self._open()
            else:
                with self._site.sessions.writing() as db:
                    self._chance.choice(verbs)(db)
            self.changes += 1

    def _thing(self, db: Session) -> Any:
        return self._one(db, self._chance.choice((InfoRequest, Message, Attachment)))

    def _hide(self, db: Session) -> None:
        casework.hide(db, self._thing(db), "desk")

    def _release(self, db: Session) -> None:
        model: Any = self._chance.choice((InfoRequest, Message, Attachment))
        hidden = db.scalars(select(model).where(model.prominence != "normal")).all()
        if hidden:
            casework.release(db, self._chance.choice(hidden), "desk")

    def _edit(self, db: Session) -> None:
        # Few titles, so that one that was sent may come back before anybody knows it was.
        title = f"Title {self._chance.randrange(2)}"
        casework.edit_request(db, self._one(db, InfoRequest), "desk", title=title)

    def _move(self, db: Session) -> None:
        casework.move(db, self._one(db, InfoRequest), self._one(db, Body), "desk")

    def _erase(self, db: Session) -> None:
        if self._chance.random() < 0.2:
            casework.erase(db, self._one(db, self._chance.choice((Message, Attachment))), "desk")


def upgrade(folder: Path) -> None:
    """Make an empty archive as `foi upgrade` makes it."""
    empty = open_site(settings.load({"data": str(folder)}, {}))
    migrations.upgrade(empty.engine, empty.settings)
    empty.close()


@contextmanager
def worker(site: Site, server: Aleph, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run `foi work` on the site; killed at the end."""
    environ = {name: each for name, each in os.environ.items() if not name.startswith("FOI_")}
    environ |= {
        "FOI_DATA": site.settings.data,
        "FOI_EXTENSIONS": "bridge",
        "FOI_ALEPH_COLLECTION": COLLECTION,
        "FOI_ALEPH_HOST": server.url,
        "FOI_ALEPH_API_KEY": server.user_key,
    }
    command = [sys.executable, "-W", "ignore", "-c", "from foi.cli import main; main()", "work"]
    with log.open("ab") as out:
        process = subprocess.Popen(command, env=environ, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.kill()
            process.wait(timeout=30)


def hurry(site: Site, *, claimed: bool) -> None:
    """Let what was put off for a while be due; and, after a kill, what was in hand as well."""
    soon = Delivery.due_at < ledger.now() + timedelta(seconds=60)
    with site.sessions.writing() as db:
        db.execute(
            update(Delivery)
            .where(Delivery.consumer == "aleph", *([] if claimed else [soon]))
            .values(due_at=ledger.now(), parked=False, attempts=0)
        )


def owed(site: Site) -> int:
    with site.sessions.reading() as db:
        mine = Delivery.consumer == "aleph"
        return db.scalar(select(func.count()).select_from(Delivery).where(mine)) or 0


@pytest.mark.parametrize("fail_rate", [0.0, 0.1])
def test_a_killed_worker_leaves_nothing_behind_and_nothing_out(
    open_: Open, tmp_path: Path, fail_rate: float
) -> None:
    seed = int(os.environ.get("FOI_SEED", "0")) or random.randrange(1, 10**9)
    print(f"FOI_SEED={seed}")
    chance = random.Random(seed)
    with Aleph(delay=0.1, fail_rate=fail_rate, seed=seed) as server:
        upgrade(tmp_path / "var")
        site = joined(open_, server)
        site.consumers.add(AlephConsumer(site, remotes(site.settings)[0]))
        author = Author(site, seed)
        author.start()
        for _ in range(KILLS):
            hurry(site, claimed=True)
            before = len(server.calls)
            with worker(site, server, tmp_path / "log"):
                begin = time.monotonic()
                while len(server.calls) == before and time.monotonic() - begin < 30:
                    time.sleep(0.01)  # it is up when Aleph hears of it
                end = time.monotonic() + chance.uniform(0.0, 1.5)
                while time.monotonic() < end:
                    time.sleep(0.05)
                    hurry(site, claimed=False)
        author.stop()
        server.heal()
        hurry(site, claimed=True)
        end = time.monotonic() + PATIENCE
        with worker(site, server, tmp_path / "log"):
            while owed(site):
                assert time.monotonic() < end, (tmp_path / "log").read_text()[-3000:]
                time.sleep(0.25)
                hurry(site, claimed=False)
        server.wait_until_idle()
        time.sleep(0.2)
        found = compare(site, server, COLLECTION)
        print(f"{author.changes} changes, {len(server.calls)} calls, {found.there} objects")
        assert not found, f"FOI_SEED={seed}: {found}"
