"""What one large attachment costs: memory of server and client, and time.

    python -m benchmarks.uploads [--megabytes 1024]

`foi serve` runs in a process of its own, without a worker; the file is sent by `foi.client`, then
once more with the same Idempotency-Key. Memory is what Linux says: resident before, and at most.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bare import Server
from foi import settings
from foi.archive import casework
from foi.client import Client
from foi.site import open_site


def memory(process: int | str, what: str) -> float:
    """Give a figure of a process in megabytes."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.split(f"{what}:")[1].split()[0]) / 1024


def upload(server: Server, folder: Path, size: int) -> tuple[dict[str, float], dict[str, float]]:
    """Send a file of a size twice, and print how long it took; give the memory of both sides, at
    rest and at most.
    """
    site = open_site(settings.load({"data": str(folder)}, {}))
    with site.sessions.writing() as db:
        body = casework.add_body(db, "desk", name="Fenby Town Council")
        db.flush()
        key = site.keys.make(body.id, body.key_generation)
    site.close()
    large = folder / "large.bin"
    with large.open("wb") as out:
        for _ in range(size >> 20):
            out.write(os.urandom(1 << 20))
    client = Client(server.address, key, timeout=600)
    made = client.create(title="Lamp posts in Mill Lane", body="How many?")
    rests = {"server": memory(server.pid, "VmRSS"), "client": memory("self", "VmRSS")}
    for which in ("first", "again"):
        start = time.monotonic()
        client.respond(made.id, "See the file.", attachments=[large], idempotency_key="large")
        print(f"{which:>8} {time.monotonic() - start:6.1f} s")
    most = {"server": memory(server.pid, "VmHWM"), "client": memory("self", "VmHWM")}
    [held] = client.request(made.id)["correspondence"][1]["attachments"]
    assert held["size"] == size
    return rests, most


def main() -> None:
    """Send it and print; exit code 1 when either side grew by 100 MB or more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--megabytes", type=int, default=1024)
    size = parser.parse_args().megabytes << 20
    with tempfile.TemporaryDirectory(prefix="foi-uploads-") as name:
        limits = ("LIMITS_ATTACHMENT", "LIMITS_REQUEST", "SERVER_BODY_LIMIT")
        environ = os.environ | {"FOI_DATA": name, "FOI_WORKER_EMBEDDED": "no"}
        environ |= {f"FOI_{limit}": str(size + (1 << 20)) for limit in limits}
        command = [sys.executable, "-W", "ignore", "-c", "from foi.cli import main; main()"]
        served = Server([*command, "serve", "--port", "0"], environ, Path(name) / "server.log")
        with served as server:
            rests, most = upload(server, Path(name), size)
    for side, before in rests.items():
        print(f"{side:>8} {before:6.1f} MB at rest, {most[side] - before:6.1f} MB more at most")
    sys.exit(any(most[side] - rests[side] >= 100 for side in rests))


if __name__ == "__main__":
    main()
