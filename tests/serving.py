"""A Waitress server in a thread of its own, ended without a race.

Its loop ends when nothing is left to listen to, and only the loop's own thread may close things:
the file that wakes it is closed with the rest, and whoever wrote to it a moment later would fail,
or write into whatever had got its number since.
"""

import threading
from collections.abc import Callable
from typing import Any


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
