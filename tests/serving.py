"""A Waitress server in a thread of its own, ended without a race; and a whole site behind one.

Its loop ends when nothing is left to listen to, and only the loop's own thread may close things:
the file that wakes it is closed with the rest, and whoever wrote to it a moment later would fail,
or write into whatever had got its number since.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foi.server import serving
from tests.conftest import Running, start


def serve_in_thread(server: Any) -> Callable[[], None]:
    """Run a server; give what ends it: its tasks first, so that none wakes the loop any more."""
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    thread.start()
    pulled = threading.Event()

    def close_all() -> None:
        pulled.wait()
        for one in list(server._map.values()):
            one.close()

    def end() -> None:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(close_all)
        pulled.set()
        thread.join(30)
        assert not thread.is_alive()

    return end


@contextmanager
def listening_site(folder: Path, migrated: bytes, **ini: str) -> Iterator[Running]:
    """Put the application behind the server that it is made for; it listens at its `site_url`."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    made = start(folder, migrated, **{"site.url": url}, **ini)
    end = serve_in_thread(serving(made.app, listening, made.site.settings))
    try:
        yield made
    finally:
        end()
        made.close()
