"""Schemathesis, the tester of others, finds nothing in the interface by its description, on either
database.

`SCHEMATHESIS` names its command, in an environment of its own; where it is not there, `test_fuzz`
does a part of this. Left out are checks that would have the description say what JSON Schema has
no words for, or the site do otherwise than Alaveteli sites: `positive_data_acceptance` (what a
good title or a cursor is); those of authentication (a missing key is a 403, not a 401); and, of
reading, `negative_data_rejection`: a parameter that means nothing is passed over.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from foi import migrations
from foi.demo import load
from foi.site import Site
from tests.api.conftest import Served, serve
from tests.pages.scene import build_index, dump
from tests.postgres import Postgres, postgres

pytestmark = pytest.mark.thorough

__all__ = ["postgres"]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
SENT = ("--checks", ",".join((*CHECKS, "negative_data_rejection")), "--include-tag", "Writing")
READ = ("--checks", ",".join(CHECKS), "--exclude-tag", "Writing")


def command() -> str:
    """Give the command of schemathesis."""
    if found := os.environ.get("SCHEMATHESIS"):
        return found
    if "schemathesis" in os.environ.get("FOI_REQUIRE", "").split():
        pytest.fail("no schemathesis: name its command in SCHEMATHESIS")
    pytest.skip("no schemathesis: name its command in SCHEMATHESIS")


def run(served: Served, folder: Path, key: str, *more: str) -> None:
    """Run it; whatever it finds is a failure."""
    done = subprocess.run(
        [
            *(command(), "run", f"{served.url}/api/openapi.json", "--no-color"),
            *("--header", f"Authorization: Bearer {key}", "--generation-deterministic"),
            *("--max-examples", "10", *more),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def fill(site: Site) -> None:
    """Bring the demo content, from which the examples are, into a new or an empty database."""
    migrations.upgrade(site.engine, site.settings)
    load(site)
    build_index(site)


@pytest.fixture(params=["sqlite", "postgresql"])
def demo(tmp_path: Path, migrated: bytes, request: pytest.FixtureRequest) -> Iterator[Served]:
    ini = {}
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        ini["database.url"] = server.url(server.make())
    with serve(tmp_path / "site", migrated, fill, **ini) as made:
        yield made


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", [READ, SENT], ids=["reading", "writing"])
def test_it_finds_nothing(demo: Served, tmp_path: Path, part: tuple[str, ...]) -> None:
    run(demo, tmp_path, demo.key, *part, "--phases", "examples,coverage,fuzzing")


@pytest.mark.timeout(300)
def test_without_a_key_nothing_is_changed_whatever_is_sent(demo: Served, tmp_path: Path) -> None:
    with demo.site.sessions.reading() as db:
        before = dump(db)
    run(demo, tmp_path, "wrong", *SENT, "--phases", "coverage,fuzzing")
    with demo.site.sessions.reading() as db:
        assert dump(db) == before
