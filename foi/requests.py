"""The class of requests, with what `add_request_method` adds to each of them.

Pyramid makes a new class for every request that is to have such properties, which costs as much
as three statements and leaves the collector of garbage a cycle; here it is made once.
"""

from pyramid.config import Configurator
from pyramid.interfaces import IRequestExtensions, IRequestFactory
from pyramid.request import Request

_LAST = 10_000
"""After every action that adds a property."""


def includeme(config: Configurator) -> None:
    """Take the place of Pyramid's own class."""

    def make() -> None:
        added = config.registry.getUtility(IRequestExtensions).descriptors
        config.registry.registerUtility(type("Request", (Request,), dict(added)), IRequestFactory)
        added.clear()

    config.action(None, make, order=_LAST)
