"""Help in plain words: what this site is, how asking works, what it keeps, how to reach those who
run it.

The texts are templates and say what this release does, no more. They hold what differs from site
to site: its name, its address, its contact, the time limits of its jurisdictions.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request

from foi.archive.deadlines import JURISDICTIONS
from foi.archive.states import API_STATES, STATES
from foi.pages.page import Page

TITLES = {
    "about": "About this site",
    "requesting": "Asking a public authority",
    "officers": "For public authorities",
    "privacy": "Privacy",
    "takedown": "Having something taken down",
    "api": "Data and programs",
    "contact": "Reaching those who run this site",
}


def includeme(config: Configurator) -> None:
    """Let every template name the pages of help, as the foot of each page does."""

    def prepare() -> None:
        config.registry["foi.templates"].globals["help_titles"] = TITLES

    config.action(None, prepare, order=2)


def path(name: str) -> str:
    """Give the address of a help page."""
    return f"/help/{name}"


def page(request: Request) -> Page:
    """One page of help."""
    name = request.matchdict["name"]
    return Page(
        title=TITLES[name],
        path=path(name),
        # The texts change with the release and the settings only, which every version holds.
        scopes=("bodies",),
        feedless=True,
        template=f"help/{name}.jinja2",
        shows={"name": name} | _facts(request),
    )


def _facts(request: Request) -> dict[str, Any]:
    return {
        "jurisdictions": list(JURISDICTIONS.values()),
        "states": STATES,
        "api_states": [STATES[name] for name in API_STATES],
        "has_feeds": any(each.of_feed for each in request.registry["foi.variants"]),
    }
