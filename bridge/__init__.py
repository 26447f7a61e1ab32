"""The bridge to Aleph: it holds exactly what the archive shows publicly.

Included by name (`foi.extensions`); it imports foi and is never imported by it.
"""

from pyramid.config import Configurator

from bridge.consumer import AlephConsumer
from foi.site import Site


def includeme(config: Configurator) -> None:
    """Let the worker keep Aleph in step when `aleph.host` names one."""
    site: Site = config.registry["foi.site"]
    if site.settings.aleph_host:
        site.consumers.add(AlephConsumer(site))
