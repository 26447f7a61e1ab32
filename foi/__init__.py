"""A freedom-of-information request tracker: public requests and answers, feeds, a write API, a
bridge to Aleph.

`main` is the table of contents: every part in the order in which a request meets it.
"""

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foi.settings import Settings

# Pyramid 2.1 imports it on purpose and pins setuptools for it; whoever runs the site can do
# nothing about it.
warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)

__version__ = "0.1.0"


def main(_global_config: dict[str, str] | None = None, **ini: str) -> Any:
    """Make the WSGI application from the settings of an ini file (PasteDeploy's `app_factory`)."""
    from foi.settings import load

    pyramid = {name: value for name, value in ini.items() if name.startswith("pyramid.")}
    return configure(load(ini), pyramid).make_wsgi_app()


def configure(settings: "Settings", pyramid: dict[str, Any] | None = None) -> Any:
    """Put the site together and give its Pyramid configurator."""
    from pyramid.config import Configurator
    from pyramid_tm import explicit_manager

    from foi import migrations
    from foi.db import writes
    from foi.site import open_site

    config = Configurator(
        settings={
            "tm.manager_hook": explicit_manager,
            "tm.activate_hook": writes,
            "tm.annotate_user": False,
            "retry.attempts": 3,
            **(pyramid or {}),
        }
    )
    config.registry["foi.site"] = open_site(settings)
    config.registry["foi.head"] = migrations.head()
    config.include("pyramid_retry")  # tries again from the start what lost a race
    config.include("pyramid_tm")  # one transaction for each request that may write
    config.include("foi.mapper")  # finding an address among many
    config.include("foi.addresses")  # what answers there
    config.include("foi.requests")  # one class for all requests
    config.include("foi.db")  # request.db
    config.include("foi.pages.html")  # templates
    config.include("foi.problems")  # one shape for every failure
    config.include("foi.headers")  # what every answer tells browsers
    config.include("foi.security")  # who is asking
    config.include("foi.pages")  # formats, validators, the cache of finished pages
    config.include("foi.limits")  # who calls too often
    config.include("foi.work")  # consumers of the archive's own
    config.include("foi.search")  # the index and its consumer
    config.include("foi.api")  # calls of the write API, each carried out once
    config.include("foi.webhooks")  # telling authorities and integrators what happened
    config.include("foi.routes")  # every address
    for extension in settings.extensions:
        config.include(extension)  # what it adds: formats, addresses, consumers
    config.include("foi.routes.finish")  # every page in every format
    return config
