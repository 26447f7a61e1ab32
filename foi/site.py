"""One site: its settings, database, files and consumers, for web, worker and command line
alike.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from foi.archive.blobs import BlobStore
from foi.archive.calendar import Calendar
from foi.archive.keys import Keys
from foi.archive.models import Fact
from foi.db import Sessions, Versions, make_engine
from foi.settings import Settings
from foi.work.consumers import Consumers

if TYPE_CHECKING:
    from pyramid.request import Request


@dataclass(frozen=True)
class Site:
    """What a running process has of the site; made by `open_site`, closed by `close`."""

    settings: Settings
    engine: Engine
    sessions: Sessions
    versions: Versions
    blobs: BlobStore
    keys: Keys
    calendar: Calendar
    consumers: Consumers
    shared: dict[str, Any] = field(default_factory=dict)
    """What parts have put here for others: in the web's registry it stands under the same name."""
    duties: list[Callable[["Site"], object]] = field(default_factory=list)
    """What else the clock asks for, added by the parts whose duty it is."""
    closing: list[Callable[[], object]] = field(default_factory=list)
    """What else lets go when the site closes, added by the parts that hold on to something."""

    def url(self, path: str) -> str:
        """Give the absolute address of a path of the site."""
        return self.settings.site_url + path

    def close(self) -> None:
        """Let go of every database connection."""
        for close in self.closing:
            close()
        self.versions.close()


def open_site(settings: Settings) -> Site:
    """Open the database, files and keys that the settings name; makes folders and the key secret
    at first start.
    """
    engine = make_engine(settings)
    calendar = Calendar(settings.site_zone, settings.jurisdiction)
    consumers = Consumers()
    return Site(
        settings,
        engine,
        Sessions(engine, calendar, consumers.owed),
        Versions(engine),
        BlobStore(settings.files_folder),
        Keys.load(settings.key_secret_file),
        calendar,
        consumers,
    )


def site_of(request: "Request") -> Site:
    """Give the site that a web request is to."""
    return request.registry["foi.site"]  # type: ignore[no-any-return]


def fact(db: Session, name: str) -> str | None:
    """Give a fact that was fixed at the first start."""
    return db.scalar(select(Fact.value).where(Fact.name == name))
