"""The bridge to Aleph: it holds exactly what the archive shows publicly.

Included by name (`foi.extensions`); it imports foi and is never imported by it.
"""

from pyramid.config import Configurator

from bridge.config import remotes
from bridge.consumer import AlephConsumer
from foi.site import Site


def includeme(config: Configurator) -> None:
    """Let the worker keep each Aleph in step that `aleph.host` or `bridge.file` names."""
    site: Site = config.registry["foi.site"]
    for remote in remotes(site.settings):
        site.consumers.add(AlephConsumer(site, remote))
