"""An authority that may write: on the site that commits nothing, and on one that listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import webtest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import Body
from foi.client import Client
from foi.site import Site
from tests.api.calls import Authority
from tests.conftest import Running, add_body, key_for
from tests.serving import listening_site


@pytest.fixture
def council(web: webtest.TestApp, shared: Running, db: Session) -> Authority:
    return Authority(web, shared.site, db)


@dataclass
class Served:
    """A site that listens, and an authority of it."""

    url: str
    running: Running
    body_id: int
    key: str

    @property
    def site(self) -> Site:
        """The site."""
        return self.running.site

    def files(self) -> list[str]:
        """Give everything that lies in the folder of files, also what is half written."""
        folder = self.site.settings.files_folder
        return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@contextmanager
def serve(
    folder: Path, migrated: bytes, fill: Callable[[Site], object] = lambda _: None, **ini: str
) -> Iterator[Served]:
    """Let a site listen that has an authority; `fill` brings further content first."""
    with listening_site(folder, migrated, **ini) as made:
        fill(made.site)
        with made.site.sessions.writing() as db:
            body = db.scalars(select(Body).order_by(Body.id).limit(1)).first() or add_body(db)
            body_id, key = body.id, key_for(made.site, body)
        yield Served(made.site.settings.site_url, made, body_id, key)


@pytest.fixture
def served(tmp_path: Path, migrated: bytes) -> Iterator[Served]:
    """A site with an authority and nothing else."""
    with serve(tmp_path / "site", migrated) as made:
        yield made


@pytest.fixture
def client(served: Served) -> Client:
    """The Python client of that authority; it does not wait long."""
    return Client(served.url, served.key, pause=0.001)
