"""Finding the route of an address among many: only those are tried whose pattern has the first two
segments of the address, or such as vary.

Pyramid tries all routes one after the other; with the formats and other spellings of every page
there are some two hundred. The order among those tried stays that of registration.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request
from pyramid.urldispatch import Route, RoutesMapper


class Mapper(RoutesMapper):  # type: ignore[misc]
    """Pyramid's mapper with its routes sorted by first and second segment."""

    def __init__(self) -> None:
        super().__init__()
        self._tree = _Tree([])

    def __call__(self, request: Request) -> dict[str, Any]:
        """Give the route of a request's address and what it takes from it."""
        if self._tree.size != len(self.routelist):
            self._tree = _Tree(self.routelist)
        path = request.path_info or "/"  # UTF-8: what is not was turned away at the door
        for route in self._tree.find(path):
            match = route.match(path)
            if match is not None:
                info = {"match": match, "route": route}
                if all(predicate(info, request) for predicate in route.predicates):
                    return info
        return {"route": None, "match": None}


class _Tree:
    """Routes by the first two segments of their patterns."""

    def __init__(self, routes: list[Route]) -> None:
        self.size = len(routes)
        segments = [_segments(route.pattern) for route in routes]
        self._any = [r for r, (first, _) in zip(routes, segments, strict=True) if _varies(first)]
        self._branches: dict[str, dict[str | None, list[Route]]] = {}
        for first in {first for first, _ in segments if not _varies(first)}:
            mine = [
                # What varies may hold a slash, so that it may reach beyond its segment.
                (route, None if _varies(its_first) or _varies(second) else second)
                for route, (its_first, second) in zip(routes, segments, strict=True)
                if its_first == first or _varies(its_first)
            ]
            self._branches[first] = {
                given: [route for route, second in mine if second in (None, given)]
                for given in {second for _, second in mine} | {None}
            }

    def find(self, path: str) -> list[Route]:
        """Give the routes to try for a path."""
        first, second = _segments(path)
        branch = self._branches.get(first)
        if branch is None:
            return self._any
        return branch.get(second) or branch[None]


def _segments(path: str) -> tuple[str, str]:
    first, _, rest = path.lstrip("/").partition("/")
    return first, rest.partition("/")[0]


def _varies(segment: str) -> bool:
    return any(sign in segment for sign in "{*:")


def includeme(config: Configurator) -> None:
    """Take the place of Pyramid's own mapper; before any route is registered."""
    config.registry.registerUtility(Mapper(), IRoutesMapper)
