"""Many authorities' programs writing at once: nothing lost, nothing doubled, nothing out of order.

    python -m benchmarks.writers [--seconds 60] [--clients 16] [--database URL]

Each client creates requests and answers them by turns through the write API of a `foi serve` of
its own process, with Idempotency-Keys; some calls are sent twice, as after a lost answer. A
follower polls what happened meanwhile. At the end the archive is compared with what was
acknowledged. Without a database it is SQLite in a scratch folder; a PostgreSQL one must be empty.
"""

import argparse
import json
import math
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select

from benchmarks.bare import Server
from foi import settings
from foi.archive import casework, ledger
from foi.archive.models import Event, InfoRequest, Message
from foi.site import Site, open_site

TWICE = 0.05
"""Share of the calls that are sent a second time."""


@dataclass
class Told:
    """What one client was told, in the order in which it was."""

    opened: list[int] = field(default_factory=list)
    answered: dict[int, list[str]] = field(default_factory=dict)
    milliseconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Follower(threading.Thread):
    """Polls events by `since` while they are written."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site, self._end, self.seen = site, threading.Event(), list[int]()

    def run(self) -> None:
        """Follow to the end."""
        while True:
            ended = self._end.is_set()
            with self._site.sessions.reading() as db:
                after = self.seen[-1] if self.seen else 0
                found = list(
                    db.scalars(select(Event.id).where(Event.id > after).order_by(Event.id))
                )
            self.seen += found
            if ended and not found:
                return
            time.sleep(0.1)

    def finish(self) -> list[int]:
        """Give the ids in the order in which they were met."""
        self._end.set()
        self.join()
        return self.seen


def serving(folder: Path, database: str) -> Server:
    """Give `foi serve` as a server in a process of its own."""
    environ = os.environ | {"FOI_DATA": str(folder), "FOI_DATABASE_URL": database}
    command = [sys.executable, "-W", "ignore", "-c", "from foi.cli import main; main()"]
    return Server([*command, "serve", "--port", "0"], environ, folder / "server.log")


def write(url: str, key: str, number: int, until: float) -> Told:
    """Be one client until the time is up."""
    told, chance, session = Told(), random.Random(number), requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"

    def call(path: str, document: dict[str, Any]) -> dict[str, Any] | None:
        headers = {"Idempotency-Key": f"{number}-{len(told.milliseconds)}"}
        for _ in range(2 if chance.random() < TWICE else 1):
            start = time.perf_counter()
            answered = session.post(
                url + path, data={"json": json.dumps(document)}, headers=headers, timeout=60
            )
            told.milliseconds.append((time.perf_counter() - start) * 1000)
            if answered.status_code != 200:
                told.refused.append(f"{answered.status_code} {answered.text[:200]}")
                return None
        given: dict[str, Any] = answered.json()
        return given

    while time.monotonic() < until:
        if not told.opened or chance.random() < 0.25:
            title = f"Lamp posts in street {number}.{len(told.opened)}"
            if made := call("/api/v2/request", {"title": title, "body": "How many?"}):
                told.opened.append(made["id"])
                told.answered[made["id"]] = []
        else:
            request_id = chance.choice(told.opened[-20:])
            text = f"Answer {number}.{len(told.milliseconds)}"
            document = {"direction": "response", "body": text, "state": "successful"}
            if call(f"/api/v2/request/{request_id}", document):
                told.answered[request_id].append(text)
    return told


def wrongs(site: Site, all_told: list[Told], seen: list[int]) -> Iterator[str]:
    """Compare the archive with what was acknowledged; give a sentence for each difference."""
    with site.sessions.reading() as db:
        requests_kept = set(db.scalars(select(InfoRequest.id)))
        kept: dict[int, list[str]] = {}
        for request_id, text in db.execute(
            select(Message.request_id, Message.body)
            .where(Message.direction == "response")
            .order_by(Message.id)
        ):
            kept.setdefault(request_id, []).append(text)
        events = list(db.execute(select(Event.id, Event.message_id).order_by(Event.id)))
    opened = [number for told in all_told for number in told.opened]
    if len(opened) != len(set(opened)) or set(opened) != requests_kept:
        yield f"{len(opened)} requests were acknowledged, {len(requests_kept)} are kept"
    for told in all_told:
        yield from told.refused
        for request_id, texts in told.answered.items():
            if kept.get(request_id, []) != texts:
                yield f"request {request_id} holds {kept.get(request_id)}, told were {texts}"
    if seen != [event.id for event in events]:
        yield f"the follower met {len(seen)} events, {len(events)} are kept"
    doubled = Counter(event.message_id for event in events if event.message_id)
    if max(doubled.values(), default=0) > 2:  # the message itself, and the state it brought
        yield "a message has more events than two"
    order = [event.message_id for event in events if event.message_id]
    if order != sorted(order) and site.engine.dialect.name == "sqlite":
        yield "events are not in the order of their messages"


def measure(
    seconds: float, clients: int, database: str = ""
) -> tuple[dict[str, float], list[str]]:
    """Let clients write for so long; give the figures and what is wrong."""
    with tempfile.TemporaryDirectory(prefix="foi-writers-") as name:
        folder = Path(name)
        with serving(folder, database) as server:
            site = open_site(settings.load({"data": name, "database.url": database}, {}))
            with site.sessions.writing() as db:
                bodies = [casework.add_body(db, "desk", name=f"Council {n}") for n in range(4)]
                db.flush()
                keys = [site.keys.make(body.id, body.key_generation) for body in bodies]
            follower = Follower(site)
            follower.start()
            until = time.monotonic() + seconds
            with ThreadPoolExecutor(clients) as pool:
                tasks = [
                    pool.submit(write, server.address, keys[n % len(keys)], n, until)
                    for n in range(clients)
                ]
                all_told = [task.result() for task in tasks]
            found = list(wrongs(site, all_told, follower.finish()))
        with site.sessions.reading() as db:
            last = ledger.newest(db)
        site.close()
    took = sorted(each for told in all_told for each in told.milliseconds)
    return {
        "calls": len(took),
        "calls a second": len(took) / seconds,
        "events": last,
        "p50 ms": took[len(took) // 2],
        "p99 ms": took[math.ceil(len(took) * 0.99) - 1],
        "max ms": took[-1],
    }, found


def main() -> None:
    """Measure and print; exit code 1 when something was lost, doubled or out of order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--database", default="")
    given = parser.parse_args()
    figures, found = measure(given.seconds, given.clients, given.database)
    for name, value in figures.items():
        print(f"{name:>16} {value:,.1f}")
    for each in found[:20]:
        print(f"WRONG: {each}")
    print("Nothing lost, doubled or out of order." if not found else f"{len(found)} wrong.")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
