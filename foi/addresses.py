"""Registering an address with the methods it answers; every other method gets a 405 that names
them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from foi.headers import preflight
from foi.problems import tell

View = Callable[[Request], Any]


def one(config: Configurator, name: str, pattern: str, views: Mapping[str, View]) -> None:
    """Register an address with a view for each method it answers (GET stands for HEAD as well)."""
    allowed = ", ".join([*views, *(["HEAD"] if "GET" in views else [])])
    config.add_route(name, pattern)
    for method, view in views.items():
        config.add_view(view, route_name=name, request_method=method)

    def refuse(request: Request) -> Response:
        response = tell(request, 405, [f"{request.method} is not possible here, only {allowed}."])
        response.headers["Allow"] = allowed
        return response

    config.add_view(refuse, route_name=name)


def get(config: Configurator, name: str, pattern: str, view: View) -> None:
    """Register an address that can only be read, by scripts of other sites too."""
    one(config, name, pattern, {"GET": view, "OPTIONS": preflight})
