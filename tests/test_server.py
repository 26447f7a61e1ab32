"""Who answers when: one thread while answers are quick, more when somebody would wait."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from foi import server, settings
from tests.serving import serve_in_thread


class Ask:
    """Asks a server; gives the seconds that it took."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address

    def __call__(self, path: str) -> float:
        begun = time.monotonic()
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        connection.request("GET", path)
        assert connection.getresponse().read() == b"ok"
        connection.close()
        return time.monotonic() - begun


class Application:
    """Answers when it is let; counts how many answers were under way at the same time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.gate = threading.Event()
        self.now = self.most = self.held = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.held += environ["PATH_INFO"] == "/held"
        if environ["PATH_INFO"] == "/held":
            assert self.gate.wait(30)
        else:
            time.sleep(0.002)
        with self.lock:
            self.now -= 1
            self.held -= environ["PATH_INFO"] == "/held"
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(
    application: Application, ends: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ask]:
    def made(patience: float, **ini: str) -> Ask:
        monkeypatch.setattr(server, "PATIENCE", patience)
        listening = socket.create_server(("127.0.0.1", 0))
        address: tuple[str, int] = listening.getsockname()
        serving = server.serving(application, listening, settings.load(ini, {}))
        ends.callback(serve_in_thread(serving))
        ends.callback(application.gate.set)

        return Ask(address)

    return made


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_quick_answers_are_made_one_at_a_time(
    serve: Callable[..., Ask], application: Application
) -> None:
    ask = serve(60.0)
    with ThreadPoolExecutor(8) as clients:
        list(clients.map(ask, ["/quick"] * 80))
    assert application.most == 1


def test_what_takes_long_holds_up_nobody(
    serve: Callable[..., Ask], application: Application
) -> None:
    ask = serve(0.02)
    with ThreadPoolExecutor(8) as clients:
        slow = [clients.submit(ask, "/held") for _ in range(3)]
        until(lambda: application.held == 3)  # each of them waited for its thread, and got it
        list(clients.map(ask, ["/quick"] * 40))
        assert application.held == 3
        application.gate.set()
        for each in slow:
            each.result(30)


def test_who_comes_behind_what_takes_long_waits_once_and_not_each_time(
    serve: Callable[..., Ask], application: Application
) -> None:
    ask = serve(0.3)
    with ThreadPoolExecutor(8) as clients:
        slow = [clients.submit(ask, "/held") for _ in range(2)]
        until(lambda: application.held == 2)
        time.sleep(0.3)
        begun = time.monotonic()
        list(clients.map(ask, ["/quick"] * 40))
        assert time.monotonic() - begun < 6  # 40 times 0.3 seconds would be 12
        application.gate.set()
        for each in slow:
            each.result(30)


def test_all_threads_can_be_busy_and_the_next_waits(
    serve: Callable[..., Ask], application: Application
) -> None:
    ask = serve(0.02, **{"server.threads": "2"})
    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(ask, "/held") for _ in range(4)]
        until(lambda: application.held == 2)
        time.sleep(0.2)
        assert application.held == 2
        application.gate.set()
        assert len([each.result(30) for each in asked]) == 4


def test_on_postgresql_all_threads_answer_at_once(
    serve: Callable[..., Ask], application: Application
) -> None:
    ask = serve(60.0, **{"database.url": "postgresql+psycopg://nobody@127.0.0.1/none"})
    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(ask, "/held") for _ in range(4)]
        until(lambda: application.held == 4)
        application.gate.set()
        assert len([each.result(30) for each in asked]) == 4


def test_those_who_read_slowly_keep_nobody_waiting(ends: ExitStack) -> None:
    def long(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/quick":
            return [b"ok"]
        return (bytes(1 << 20) for _ in range(48))

    listening = socket.create_server(("127.0.0.1", 0))
    address: tuple[str, int] = listening.getsockname()
    own = settings.load({"server.threads": "2"}, {})
    serving = server.serving(long, listening, own)
    ends.callback(serve_in_thread(serving))
    threads = serving.task_dispatcher.threads
    slow = [ends.enter_context(socket.create_connection(address)) for _ in range(3)]
    for number, each in enumerate(slow, 3):
        each.sendall(b"GET /long HTTP/1.1\r\nHost: foi.test\r\n\r\n")
        until(lambda number=number: len(threads) == number)
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", "/quick")
    assert connection.getresponse().read() == b"ok"
    connection.close()
    for each in slow:
        each.close()
    until(lambda: len(threads) == 2)


def test_many_who_begin_a_call_and_do_not_end_it_keep_nobody_out(
    serve: Callable[..., Ask], ends: ExitStack
) -> None:
    ask = serve(0.02)
    for _ in range(120):
        half = ends.enter_context(socket.create_connection(ask.address))
        half.sendall(b"GET /quick HTTP/1.1\r\nHo")
    assert ask("/quick") < 10
