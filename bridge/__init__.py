"""The bridge to Aleph: it holds exactly what the archive shows publicly.

Included by name (`foi.extensions`); it imports foi and is never imported by it.
"""

from typing import TYPE_CHECKING

from bridge.config import remotes
from bridge.consumer import AlephConsumer
from bridge.keeping import keep_up
from foi.site import Site

if TYPE_CHECKING:
    from pyramid.config import Configurator


def join(site: Site) -> None:
    """Let the worker keep each Aleph in step that `aleph.host` or `bridge.file` names, and what is
    published.
    """
    site.shared["bridge.remotes"] = remotes(site.settings)
    for remote in site.shared["bridge.remotes"]:
        site.consumers.add(AlephConsumer(site, remote))
    if site.settings.bridge_publish:
        site.duties.append(keep_up)


def includeme(config: "Configurator") -> None:
    """Let pages and desk tell of each Aleph, and serve what is published."""
    site: Site = config.registry["foi.site"]
    every = site.shared["bridge.remotes"]
    if every:
        config.include("bridge.panels")
        config.include("bridge.desk")
    if every and site.settings.aleph_search:
        config.include("bridge.searching")
    if site.settings.bridge_publish:
        config.include("bridge.published")
