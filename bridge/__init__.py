"""The bridge to Aleph: it holds exactly what the archive shows publicly.

Included by name (`foi.extensions`); it imports foi and is never imported by it.
"""

from pyramid.config import Configurator

from bridge.config import remotes
from bridge.consumer import AlephConsumer
from foi.site import Site


def includeme(config: Configurator) -> None:
    """Let the worker keep each Aleph in step that `aleph.host` or `bridge.file` names, let pages
    and desk tell of it, and serve what is published.
    """
    site: Site = config.registry["foi.site"]
    every = config.registry["bridge.remotes"] = remotes(site.settings)
    for remote in every:
        site.consumers.add(AlephConsumer(site, remote))
    if every:
        config.include("bridge.panels")
        config.include("bridge.desk")
    if every and site.settings.aleph_search:
        config.include("bridge.searching")
    if site.settings.bridge_publish:
        config.include("bridge.published")
