"""What a newcomer meets: the demo content, on every kind of page."""

import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import webtest
from sqlalchemy import func, select

from foi.archive.models import InfoRequest
from foi.archive.states import STATES
from foi.demo import load, things_to_try
from tests.conftest import Running, start


@pytest.fixture(scope="module")
def demo(
    tmp_path_factory: pytest.TempPathFactory, demo_folder: Path, migrated: bytes
) -> Iterator[Running]:
    folder = shutil.copytree(demo_folder, tmp_path_factory.mktemp("read") / "site")
    made = start(folder, migrated)
    yield made
    made.close()


def test_it_has_requests_in_every_state_half_of_them_through_the_api(demo: Running) -> None:
    with demo.site.sessions.reading() as db:
        states = set(db.scalars(select(InfoRequest.described_state)))
        made_by = db.scalars(
            select(func.count(InfoRequest.id)).group_by(InfoRequest.via_api)
        ).all()
    assert states == set(STATES)
    assert min(made_by) / sum(made_by) > 0.45


def test_loading_it_twice_changes_nothing(demo: Running) -> None:
    assert load(demo.site) == 0


def test_what_is_hidden_is_nowhere(demo: Running) -> None:
    app = webtest.TestApp(demo.app)
    for word in ("Larkspur", "Marchbanks", "Thistlewood", "Velankar"):
        for path in (f"/search/{word}.json", "/list", "/events", "/feed/events", "/feed/list"):
            answer = app.get(path)
            if path.startswith("/search"):
                assert answer.json["total"] == 0, word
            else:
                assert word not in answer.text


@pytest.mark.parametrize(
    ("word", "where"),
    [
        ("saltimbocca", "a PDF"),
        ("dormice", "a DOCX"),
        ("OmniLost", "an HTML page"),
        ("creamery", "a text"),
        ("anti-skid", "a CSV"),
    ],
)
def test_words_inside_attachments_are_found_with_a_snippet(
    demo: Running, word: str, where: str
) -> None:
    found = webtest.TestApp(demo.app).get(f"/search/{word}.json").json
    assert found["total"] == 1, where
    assert "<mark>" in found["results"][0]["snippet"]


def test_the_printed_lines_work_as_they_are(tmp_path: Path) -> None:
    """`foi serve --demo`, then the curl lines that it prints, in a shell; within two seconds
    all is there.
    """
    command = [str(Path(sys.executable).parent / "foi"), "serve", "--demo", "--port", "0"]
    environment = {"FOI_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        said = ""
        while "End with Ctrl-C" not in said:
            line = server.stdout.readline()
            assert line, server.stderr and server.stderr.read()
            said += line
        address = re.search(r"http://localhost:\d+", said)
        assert address is not None
        lines = said.split("1. Publish")[1].split("Then look at")[0]
        script = "\n".join(
            line
            for line in lines.splitlines()
            if not re.match(r"\s+\d\. |\s+a request| a request", line)
        )
        done = subprocess.run(
            ["bash", "-euc", script], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + 10
        while True:
            found = json.load(urllib.request.urlopen(f"{address.group()}/search/saltimbocca.json"))
            if found["total"] == 2 or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        assert found["total"] == 2
        page = (
            urllib.request.urlopen(f"{address.group()}/request/grit_bins_on_wicken_hill")
            .read()
            .decode()
        )
        assert "Successful" in page
        assert "gritting_routes.pdf" in page or "gritting routes.pdf" in page
    finally:
        server.terminate()
        _, errors = server.communicate(timeout=30)
    assert errors == ""
    assert server.returncode == 0


def test_without_any_authority_only_the_address_is_said(running: Running) -> None:
    assert things_to_try(running.site) == "http://foi.test"
