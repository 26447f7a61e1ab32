"""The least that pushing can take: a client that only sends uploads made beforehand.

It reads no archive, knows no receipts, looks at no answer but for its status, and writes no
entities: whoever does all that cannot be faster against the same stand-in. Prints the seconds from
the first byte to the last answer.

    ALEPHCLIENT_HOST=... ALEPHCLIENT_API_KEY=... \\
        python -m benchmarks.prepared CONNECTIONS FILES SIZE FOLDERS
"""

import os
import sys
import time
from collections.abc import Iterator
from selectors import EVENT_READ, DefaultSelector
from socket import create_connection, socket
from urllib.parse import urlsplit

import requests

from bridge.multipart import packed


def uploads(host: str, key: str, files: int, size: int, folders: int) -> list[bytes]:
    """Make a collection, and the bytes of all calls: folders (and letters) first."""
    headers = {"Authorization": f"ApiKey {key}"}
    fields = {"label": "Prepared", "foreign_id": "prepared"}
    made = requests.post(f"{host}/api/2/collections", json=fields, headers=headers, timeout=30)
    where = f"/api/2/collections/{made.json()['id']}/ingest?index=true"
    calls = []
    for number in range(folders + files):
        content = None if number < folders else f"{number} words\n".encode().ljust(size)
        meta = f'{{"foreign_id": "{number}", "file_name": "file{number}.txt"}}'
        kind, body = packed(meta, content)
        head = (
            f"POST {where} HTTP/1.1\r\nHost: {urlsplit(host).netloc}\r\n"
            f"Authorization: ApiKey {key}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
        )
        calls.append(head.encode() + b"\r\n\r\n" + body)
    return calls


def send(host: str, calls: list[bytes], connections: int) -> float:
    """Send all, so many at a time; give the seconds."""
    address = urlsplit(host)
    selector, waiting = DefaultSelector(), iter(calls)
    begun = time.monotonic()
    for _ in range(connections):
        connection = create_connection((address.hostname or "", address.port or 80))
        selector.register(connection, EVENT_READ)
        _next(connection, waiting)
    left = len(calls)
    while left:
        for ready, _ in selector.select():
            connection = ready.fileobj
            assert isinstance(connection, socket)
            if not connection.recv(65_536).startswith(b"HTTP/1.1 201"):
                raise SystemExit("an upload was not taken")
            left -= 1
            _next(connection, waiting)
    return time.monotonic() - begun


def _next(connection: socket, waiting: Iterator[bytes]) -> None:
    call = next(waiting, None)
    if call is not None:
        connection.sendall(call)


if __name__ == "__main__":
    host, key = os.environ["ALEPHCLIENT_HOST"], os.environ["ALEPHCLIENT_API_KEY"]
    connections, files, size, folders = map(int, sys.argv[1:])
    print(send(host, uploads(host, key, files, size, folders), connections))
