"""An authority that may write: on the site that commits nothing, and on one that listens."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import webtest
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive.models import Body
from foi.server import serving
from foi.site import Site
from tests.api.calls import Authority
from tests.conftest import Running, add_body, key_for, start
from tests.serving import serve_in_thread


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
    folder: Path, migrated: bytes, fill: Callable[[Site], object] = lambda _: None
) -> Iterator[Served]:
    """Put the application behind the server that it is made for; `fill` brings content first."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    made = start(folder, migrated, **{"site.url": url})
    fill(made.site)
    with made.site.sessions.writing() as db:
        body = db.scalars(select(Body).order_by(Body.id).limit(1)).first() or add_body(db)
        body_id, key = body.id, key_for(made.site, body)
    end = serve_in_thread(serving(made.app, listening, made.site.settings))
    yield Served(url, made, body_id, key)
    end()
    made.close()


@pytest.fixture
def served(tmp_path: Path, migrated: bytes) -> Iterator[Served]:
    """A site with an authority and nothing else."""
    with serve(tmp_path / "site", migrated) as made:
        yield made
