"""Finding the route of an address among many: only routes are tried whose pattern begins with the
address's own first segment, or with none that is fixed.

Pyramid tries all routes one after the other; with the formats and other spellings of every page
there are some two hundred. The order among those tried stays that of registration.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from pyramid.urldispatch import Route, RoutesMapper


class Mapper(RoutesMapper):  # type: ignore[misc]
    """Pyramid's mapper with its routes sorted by first segment."""

    def __init__(self) -> None:
        super().__init__()
        self._by_segment: dict[str, list[Route]] = {}
        self._sorted = -1  # how many routes there were when they were sorted

    def __call__(self, request: Request) -> dict[str, Any]:
        """Give the route of a request's address and what it takes from it."""
        if self._sorted != len(self.routelist):
            self._by_segment, self._sorted = _sort(self.routelist), len(self.routelist)
        path = request.path_info or "/"  # UTF-8: what is not was turned away at the door
        routes = self._by_segment.get(_first(path)) or self._by_segment[""]
        for route in routes:
            match = route.match(path)
            if match is not None:
                info = {"match": match, "route": route}
                if all(predicate(info, request) for predicate in route.predicates):
                    return info
        return {"route": None, "match": None}


def _first(path: str) -> str:
    return path[1:].partition("/")[0]


def _sort(routes: list[Route]) -> dict[str, list[Route]]:
    """Give the routes to try by first segment; under the empty one those to try for any other."""
    firsts = [
        _first(route.pattern if route.pattern[:1] == "/" else f"/{route.pattern}")
        for route in routes
    ]
    fixed = {first for first in firsts if not _varies(first)} | {""}
    return {
        segment: [
            route
            for route, first in zip(routes, firsts, strict=True)
            if first == segment or _varies(first)
        ]
        for segment in fixed
    }


def _varies(segment: str) -> bool:
    return any(sign in segment for sign in "{*:")


def includeme(config: Configurator) -> None:
    """Take the place of Pyramid's own mapper; before any route is registered."""
    config.registry.registerUtility(Mapper(), IRoutesMapper)
