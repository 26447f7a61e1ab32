"""Start a stand-in from the command line: ``python -m tests.aleph --port 8780``.

Prints its address and the settings a client needs, then serves until interrupted.
"""

import argparse
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.aleph.dialects import DIALECTS
from tests.aleph.standin import Aleph

_OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("--host", {"default": "127.0.0.1", "help": "address to listen on (default: %(default)s)"}),
    ("--port", {"type": int, "default": 8780, "help": "port; 0: any (default: %(default)s)"}),
    (
        "--flavour",
        {
            "choices": sorted(DIALECTS),
            "default": "aleph",
            "help": "which generation to imitate (default: aleph, which is 4.x)",
        },
    ),
    (
        "--delay",
        {
            "type": float,
            "default": 0.3,
            "metavar": "SECONDS",
            "help": "time until things are searchable; 0: at once (default: %(default)s)",
        },
    ),
    (
        "--latency",
        {
            "type": float,
            "default": 0.0,
            "metavar": "MS",
            "help": "milliseconds added to each call",
        },
    ),
    (
        "--fail",
        {
            "type": float,
            "default": 0.0,
            "metavar": "RATE",
            "help": "share of calls that fail at random, 0 to 1",
        },
    ),
    ("--seed", {"type": int, "help": "makes the random failures the same each time"}),
    ("--user-key", {"help": "API key of the user (default: made up, kept with --data)"}),
    ("--admin-key", {"help": "API key of the admin (default: made up, kept with --data)"}),
    ("--data", {"type": Path, "metavar": "FILE", "help": "keep everything in this file"}),
    ("--public-url", {"help": "address to show in links, as behind a proxy"}),
    (
        "--max-upload",
        {"type": int, "metavar": "BYTES", "help": "answer larger calls with 413, as proxies do"},
    ),
    (
        "--no-ingest-worker",
        {"action": "store_true", "help": "uploads wait for ever, as where no ingest worker runs"},
    ),
    (
        "--no-office",
        {"action": "store_true", "help": "office files fail, as where LibreOffice is missing"},
    ),
]


def _parse(args: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.aleph",
        description="A small stand-in for an Aleph server, for trying the bridge out.",
    )
    for name, settings in _OPTIONS:
        parser.add_argument(name, **settings)
    return parser.parse_args(args)


def main(args: Sequence[str] | None = None) -> int:
    """Serve until interrupted or terminated."""
    given = _parse(args)
    with Aleph(
        given.flavour,
        given.delay,
        port=given.port,
        host=given.host,
        data=given.data,
        latency_ms=given.latency,
        fail_rate=given.fail,
        seed=given.seed,
        user_key=given.user_key,
        admin_key=given.admin_key,
        public_url=given.public_url,
        max_upload=given.max_upload,
        ingest_worker=not given.no_ingest_worker,
        office=not given.no_office,
    ) as aleph:
        dialect = aleph.server.dialect
        print(f"{dialect.title} (as {dialect.flavour} {dialect.version}) at {aleph.url}/")
        print(f"ALEPHCLIENT_HOST={aleph.url}")
        print(f"ALEPHCLIENT_API_KEY={aleph.user_key}")
        print(f"The admin's key is {aleph.admin_key}", flush=True)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
