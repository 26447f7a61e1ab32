"""Authorities and people by the names that addresses have for them, the former ones included."""

from collections.abc import Callable
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from sqlalchemy import select

from foi.archive.casework.names import resolve_former
from foi.pages.requests import moved


def named(
    request: Request, model: Any, kind: str, path: Callable[[str], str], missing: str
) -> Any:
    """Give the row of a model whose name the address holds; a former name redirects to the page
    of the present one, an unknown one is a 404 that says what is missing.
    """
    slug = request.matchdict["url_name"]
    row = request.db.scalar(select(model).where(model.url_name == slug))
    if row is not None:
        return row
    present = resolve_former(request.db, kind, slug)
    if present is None:
        raise HTTPNotFound(missing)
    raise moved(request, path(slug), path(present))
