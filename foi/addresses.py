"""Registering an address with the methods it answers; every other method gets a 405 that names
them.

Pyramid knows one view, which finds the one of the address, and no route but by its mapper: to
register a view and a kind of request for each of some two hundred took two thirds of the time of a
start. What it gives up: views of Pyramid's own kinds, with predicates and permissions, for these
addresses.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request

from foi.headers import preflight
from foi.problems import tell

View = Callable[[Request], Any]


def one(config: Configurator, name: str, pattern: str, views: Mapping[str, View]) -> None:
    """Register an address with a view for each method it answers (GET stands for HEAD as well)."""
    answering = {**views, "HEAD": views["GET"]} if "GET" in views else dict(views)
    allowed = ", ".join(answering)

    def view(request: Request) -> Any:
        chosen = answering.get(request.method)
        if chosen is not None:
            return chosen(request)
        response = tell(request, 405, [f"{request.method} is not possible here, only {allowed}."])
        response.headers["Allow"] = allowed
        return response

    if name in config.registry["foi.views"]:
        raise ValueError(f"there is an address {name} already")
    config.registry.getUtility(IRoutesMapper).connect(name, pattern)
    config.registry["foi.views"][name] = view
    config.registry["foi.methods"][name] = tuple(answering)


def get(config: Configurator, name: str, pattern: str, view: View) -> None:
    """Register an address that can only be read, by scripts of other sites too."""
    one(config, name, pattern, {"GET": view, "OPTIONS": preflight})


def _answer(request: Request) -> Any:
    route = request.matched_route
    if route is None:
        raise HTTPNotFound
    return request.registry["foi.views"][route.name](request)


def includeme(config: Configurator) -> None:
    """Answer at the addresses that are registered from here on."""
    config.registry["foi.views"] = {}
    config.registry["foi.methods"] = {}
    config.add_view(_answer)
