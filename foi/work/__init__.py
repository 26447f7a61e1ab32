"""Owed work: claimed, done, settled, tried again or parked."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foi.site import Site


def join(site: "Site") -> None:
    """Register the consumers of the archive's own."""
    from foi.work.fanout import Fanout, Files

    site.consumers.add(Fanout(site))
    site.consumers.add(Files(site))
