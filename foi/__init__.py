"""A freedom-of-information request tracker: public requests and answers, feeds, a write API, a
bridge to Aleph.

`main` is the table of contents: every part in the order in which a request meets it.
"""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foi.settings import Settings
    from foi.site import Site

# Pyramid 2.1 imports it on purpose and pins setuptools for it; whoever runs the site can do
# nothing about it.
warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)

__version__ = "0.1.0"

PARTS = (
    "foi.work",  # consumers of the archive's own
    "foi.search",  # the index and its consumer
    "foi.api",  # old calls are forgotten
    "foi.webhooks",  # telling authorities and integrators what happened
    "foi.limits",  # who called how often
)
"""Parts whose `join` adds to a site what works without the web, before the extensions' does."""


def main(_global_config: dict[str, str] | None = None, **ini: str) -> Any:
    """Make the WSGI application from the settings of an ini file (PasteDeploy's `app_factory`)."""
    from foi.settings import load

    pyramid = {name: value for name, value in ini.items() if name.startswith("pyramid.")}
    return configure(load(ini), pyramid).make_wsgi_app()


def assemble(settings: "Settings") -> "Site":
    """Put together what web, worker and commands have of the site alike: its consumers, duties,
    and what its parts share.
    """
    from foi.site import open_site

    site = open_site(settings)
    for name in (*PARTS, *settings.extensions):
        join = getattr(importlib.import_module(name), "join", None)
        if join is not None:
            join(site)
    return site


def configure(settings: "Settings", pyramid: dict[str, Any] | None = None) -> Any:
    """Put the site and its web together and give its Pyramid configurator."""
    from pyramid.config import Configurator

    from foi import migrations

    config = Configurator(settings=pyramid)
    site = config.registry["foi.site"] = assemble(settings)
    config.registry.update(site.shared)
    config.registry["foi.head"] = migrations.head()
    config.include("foi.transactions")  # request.db, and a transaction if it may write
    config.include("foi.mapper")  # finding an address among many
    config.include("foi.addresses")  # what answers there
    config.include("foi.requests")  # one class for all requests
    config.include("foi.pages.html")  # templates
    config.include("foi.problems")  # one shape for every failure
    config.include("foi.headers")  # what every answer tells browsers
    config.include("foi.security")  # who is asking
    config.include("foi.pages")  # formats, validators, the cache of finished pages
    config.include("foi.limits")  # who calls too often
    config.include("foi.api")  # calls of the write API, each carried out once
    config.include("foi.routes")  # every address
    for extension in settings.extensions:
        if hasattr(importlib.import_module(extension), "includeme"):
            config.include(extension)  # what it adds: formats, addresses
    config.include("foi.routes.finish")  # every page in every format
    return config
