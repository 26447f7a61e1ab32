"""Owed work: claimed, done, settled, tried again or parked."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Register the consumers of the archive's own."""
    from foi.work.fanout import Fanout, Files

    site = config.registry["foi.site"]
    site.consumers.add(Fanout(site))
    site.consumers.add(Files(site))
