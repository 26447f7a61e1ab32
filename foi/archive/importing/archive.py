"""What an import needs of the site that it goes into; `foi.site.Site` is one.

Said here, because the archive imports nothing of the parts that are built on it.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy.orm import Session

from foi.archive.blobs import BlobStore
from foi.archive.calendar import Calendar


class Sessions(Protocol):
    """Gives write transactions."""

    def writing(self) -> AbstractContextManager[Session]:
        """Write in one transaction, committed at the end of the block."""


class Settings(Protocol):
    """The settings that an import obeys."""

    @property
    def attachment_limit(self) -> int:
        """Largest attachment in bytes."""


class Archive(Protocol):
    """A site as far as an import is concerned."""

    @property
    def settings(self) -> Settings:
        """Its settings."""

    @property
    def sessions(self) -> Sessions:
        """Its database."""

    @property
    def blobs(self) -> BlobStore:
        """Its files."""

    @property
    def calendar(self) -> Calendar:
        """Its time zone and deadlines."""
