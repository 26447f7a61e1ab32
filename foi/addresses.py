"""Registering an address with the methods it answers; every other method gets a 405 that names
them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

from foi.headers import preflight
from foi.problems import tell

View = Callable[[Request], Any]


def one(config: Configurator, name: str, pattern: str, views: Mapping[str, View]) -> None:
    """Register an address with a view for each method it answers (GET stands for HEAD as well)."""
    answering = {**views, "HEAD": views["GET"]} if "GET" in views else dict(views)
    allowed = ", ".join(answering)

    # One view for all methods: to register one for each took most of the time of a start.
    def view(request: Request) -> Any:
        chosen = answering.get(request.method)
        if chosen is not None:
            return chosen(request)
        response = tell(request, 405, [f"{request.method} is not possible here, only {allowed}."])
        response.headers["Allow"] = allowed
        return response

    config.add_route(name, pattern)
    config.add_view(view, route_name=name)
    config.registry.setdefault("foi.methods", {})[name] = tuple(answering)


def get(config: Configurator, name: str, pattern: str, view: View) -> None:
    """Register an address that can only be read, by scripts of other sites too."""
    one(config, name, pattern, {"GET": view, "OPTIONS": preflight})
