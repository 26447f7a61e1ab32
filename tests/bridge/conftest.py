"""A site, a stand-in for Aleph of either kind, and the two joined."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import bridge.models  # noqa: F401 - its table is to be made as well
from bridge.aleph import Aleph as Client
from bridge.config import remotes
from bridge.places import places
from bridge.push import Summary, push, subjects_of_all
from bridge.target import Link, Target
from bridge.wire import Patience
from foi import settings
from foi.archive.columns import Base
from foi.site import Site, open_site
from tests.aleph import Aleph, CollectionView
from tests.bridge.commands import run
from tests.bridge.records import COLLECTION, EVERYTHING, Made, make

HASTY = Patience(attempts=3, pause=0.01, longest=0.05, connect=2.0, answer=10.0, refresh=0.25)

Open = Callable[..., Site]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no command wait for as long as an operator would."""
    monkeypatch.setattr("bridge.cli.PATIENT", HASTY)
    monkeypatch.setattr("bridge.watching.PATIENT", HASTY)


FLAVOURS = (
    "aleph",
    pytest.param("aleph3", marks=pytest.mark.thorough),
    pytest.param("openaleph", marks=pytest.mark.thorough),
)


@pytest.fixture(params=FLAVOURS)
def aleph(request: pytest.FixtureRequest) -> Iterator[Aleph]:
    """A running stand-in that works at once."""
    with Aleph(flavour=request.param) as server:
        yield server


@pytest.fixture
def aleph4() -> Iterator[Aleph]:
    """A running stand-in of Aleph 4 for what does not differ between the kinds."""
    with Aleph() as server:
        yield server


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Open]:
    """Open the site of this test with settings; a second time it is the same archive."""
    sites: list[Site] = []

    def opened(**ini: str) -> Site:
        names = {name.replace("__", "."): value for name, value in ini.items()}
        known = settings.load({"data": str(tmp_path / "var"), **names}, {})
        site = open_site(known)
        Base.metadata.create_all(site.engine)
        sites.append(site)
        return site

    yield opened
    for site in sites:
        site.close()


def joined(open_: Open, server: Aleph, **ini: Any) -> Site:
    """Open the site with the settings that lead to a stand-in."""
    return open_(
        aleph__host=server.url,
        aleph__api_key=ini.pop("key", server.user_key),
        aleph__collection=COLLECTION,
        **ini,
    )


@pytest.fixture
def site(open_: Open, aleph: Aleph) -> Site:
    """A site that leads to the stand-in."""
    return joined(open_, aleph)


@contextmanager
def linked(site: Site) -> Iterator[list[Target]]:
    """Open every collection of the site with little patience."""
    with ExitStack() as stack:
        found = []
        for remote in remotes(site.settings):
            with site.sessions.reading() as db:
                every = places(db, site, remote)
            link = stack.enter_context(Link(site, remote, HASTY))
            found += [link.target(place) for place in every]
        yield found


def push_all(site: Site, wait: float = 5.0) -> Summary:
    """Push the whole archive, and be done when Aleph is."""
    with linked(site) as targets:
        jobs = [(target, subjects_of_all(target)) for target in targets]
        return push(jobs, lambda *_: None, wait=wait, pause=0.05)


@pytest.fixture
def made(site: Site) -> Made:
    return make(site)


@pytest.fixture
def view(site: Site, aleph: Aleph, made: Made) -> CollectionView:
    """The collection after a first push; the calls are forgotten."""
    summary = push_all(site)
    assert summary.complete
    assert summary.sent == len(EVERYTHING)
    aleph.reset_calls()
    return aleph.collection(COLLECTION)


def rows(site: Site, aleph: Aleph) -> list[str]:
    """Give the ids of every copy of every entity that can be searched."""
    client = Client(aleph.url, aleph.user_key, HASTY)
    number = aleph.collection(COLLECTION).id
    return [line["id"] for line in client.stream(number)]


@pytest.fixture
def pushed(site: Site, made: Made) -> Site:
    """A site of which Aleph holds all."""
    assert run(site, "push").exit_code == 0
    return site
