"""The yardstick: a bare Pyramid view on Waitress that gives back the bytes it was handed; and wrk,
which measures it and the site alike.

    python -m benchmarks.bare ANSWERS.json THREADS

ANSWERS.json holds answers by name: `{"page": [[200, [["Content-Type", "text/html"]], "..."]]}`,
bodies as Latin-1; `/page/whatever` gives them in turn.
"""

import http.client
import json
import logging
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import waitress
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

CONNECTIONS = 8

# Sends the lines of a file one after the other: method, path, header name and value, body, parted
# by tabs.
_SCRIPT = r"""
local lines, turn = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    local method, path, name, value, body = line:match("^(.-)\t(.-)\t(.-)\t(.-)\t(.*)$")
    local headers = {}
    if name ~= "" then headers[name] = value end
    if body == "" then body = nil end
    lines[#lines + 1] = wrk.format(method, args[2] .. path, headers, body)
  end
  turn = tonumber(args[3])
end
function request()
  turn = turn % #lines + 1
  return lines[turn]
end
function done(summary, latency)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("\nFIGURES %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), errors))
end
"""


class Call(NamedTuple):
    """One request to send; `header` is a name and a value, or empty."""

    path: str
    method: str = "GET"
    header: tuple[str, str] = ("", "")
    body: str = ""

    def with_header(self, name: str, value: str) -> "Call":
        """Give the same request with a header."""
        return self._replace(header=(name, value))


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Give a header; KeyError when it is not there."""
        return {key.lower(): value for key, value in self.headers}[name]


class Figures(NamedTuple):
    """What wrk says of one run: requests a second, milliseconds; and the processor's microseconds
    that the server spent on a request, which other work on the machine disturbs less.
    """

    rate: float
    p50: float
    p99: float
    cpu: float


def application(answers: Mapping[str, Sequence[Answer]]) -> Any:
    """Make the yardstick: one route, one view, no tween, no session."""
    turns = {name: cycle(given) for name, given in answers.items()}

    def view(request: Request) -> Response:
        answer = next(turns[request.matchdict["name"]])
        return Response(body=answer.body, status=answer.status, headerlist=answer.headers.copy())

    config = Configurator()
    config.add_route("answer", "/{name}/*rest")
    config.add_view(view, route_name="answer")
    return config.make_wsgi_app()


def fetch(server: "Server", call: Call) -> Answer:
    """Send one request to a server; raises when the answer is a failure."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)
    headers = dict([call.header]) if call.header[0] else {}
    connection.request(call.method, call.path, call.body or None, headers)
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    if answer.status >= 400:
        raise RuntimeError(f"{call.method} {call.path}: {answer.status} {answer.body[:200]!r}")
    # What the server adds by itself.
    own = ("date", "connection", "content-length", "server")
    return answer._replace(headers=[h for h in answer.headers if h[0].lower() not in own])


@dataclass
class Server:
    """A server in a process of its own, from `with` to the end of its block; it prints its
    address first, and what it complains of goes to a file.
    """

    command: Sequence[str]
    environ: Mapping[str, str]
    complaints: Path
    address: str = ""

    def __enter__(self) -> "Server":
        with self.complaints.open("ab") as complaints:
            self._process = subprocess.Popen(
                self.command,
                env=dict(self.environ),
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        if not self.address.startswith("http"):
            told = self.complaints.read_text()[-2000:]
            raise RuntimeError(f"{' '.join(self.command)} did not start:\n{told}")
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.communicate(timeout=30)

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def processor_seconds(self) -> float:
        """Give what it has taken of the processor so far; not a number where /proc is missing."""
        try:
            told = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return math.nan
        user, system = told.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def bare_server(answers: Mapping[str, Sequence[Answer]], folder: Path, threads: int) -> Server:
    """Give the yardstick as a server with these answers."""
    path = folder / "answers.json"
    path.write_text(
        json.dumps(
            {name: [(s, h, b.decode("latin-1")) for s, h, b in a] for name, a in answers.items()}
        )
    )
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.bare", str(path), str(threads)]
    return Server(command, os.environ, folder / "bare.log")


def caller(folder: Path) -> Callable[..., Figures]:
    """Give `call(server, prefix, calls, seconds, skip=0)`, which lets wrk send the calls in turn,
    beginning after the first `skip`.
    """
    script, lines = folder / "calls.lua", folder / "calls.txt"
    script.write_text(_SCRIPT)

    def call(
        server: Server, prefix: str, calls: Sequence[Call], seconds: int, skip: int = 0
    ) -> Figures:
        lines.write_text(
            "".join("\t".join((c.method, c.path, *c.header, c.body)) + "\n" for c in calls)
        )
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s"]
        command = ["wrk", *options, "-s", str(script), server.address, "--"]
        before = server.processor_seconds()
        told = subprocess.run(
            [*command, str(lines), prefix, str(skip)], capture_output=True, text=True, check=True
        ).stdout
        spent = server.processor_seconds() - before
        found = next(line for line in told.splitlines() if line.startswith("FIGURES"))
        requests, microseconds, p50, p99, errors = map(int, found.split()[1:])
        if errors:
            raise RuntimeError(f"{prefix}{calls[0].path}: wrk met errors:\n{told}")
        rate, cpu = requests / microseconds * 1e6, spent / requests * 1e6
        return Figures(rate, p50 / 1000, p99 / 1000, cpu)

    return call


def main(answers: str, threads: str) -> None:
    """Serve the answers of a file on a free port, and print the address."""
    given = json.loads(Path(answers).read_text())
    app = application(
        {
            name: [
                Answer(status, [(key, value) for key, value in headers], body.encode("latin-1"))
                for status, headers, body in rows
            ]
            for name, rows in given.items()
        }
    )
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = waitress.create_server(
        app, host="127.0.0.1", port=0, threads=int(threads), channel_timeout=120, ident=None
    )
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
