"""The HTML renderer, and what every template can use."""

import hashlib
from collections.abc import MutableMapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.settings import asbool

from foi import paths
from foi.archive.casework import format_tag
from foi.pages import links, prose
from foi.pages.page import Page
from foi.pages.variants import alternates
from foi.site import Site, site_of

_UNITS = ("bytes", "kB", "MB", "GB")


class _Templates(Environment):
    """Jinja's environment, whose globals are one dictionary: a chain of them, as Jinja makes, is
    gone through at every import and every page.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return self.globals | dict(d or ())


def render_page(request: Request, page: Page) -> str:
    """Give a page as HTML."""
    site = site_of(request)
    shown = {
        "page": page,
        "site": site.settings,
        "alternates": alternates(request, page),
        **page.shows,
    }
    templates: Environment = request.registry["foi.templates"]
    return templates.get_template(page.template).render(shown)


def human_size(size: int | None) -> str:
    """Give a number of bytes in decimal units, to three digits."""
    if size is None:
        return "size not known"
    if size == 1:
        return "1 byte"
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def web_link(address: str | None) -> str:
    """Give an address if it is an http(s) one, else nothing: others are shown, never linked."""
    if not address:
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in ("http", "https") and parts.netloc else ""


def day_words(value: date | datetime | None, site: Site) -> str:
    """Give a day in words, `21 November 2026`, in the site's zone."""
    if value is None:
        return "date not known"
    return _words_of(site.calendar.day(value) if isinstance(value, datetime) else value)


@lru_cache(maxsize=4096)
def _words_of(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def includeme(config: Configurator) -> None:
    """Set up the templates, as `foi.templates` of the registry."""
    site, asked = config.registry["foi.site"], config.registry.settings
    environment = config.registry["foi.templates"] = _Templates(
        loader=FileSystemLoader(paths.folder("templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=asbool(asked.get("pyramid.reload_templates")),
        bytecode_cache=asked.get("foi.compiled"),  # for tests, which start hundreds of sites
    )
    environment.globals |= {"links": links, "site": site.settings, "release": _release()}
    environment.filters |= {
        "day": lambda value: day_words(value, site),
        "iso": _iso,
        "size": human_size,
        "prose": prose.to_html,
        "letter": prose.folded,
        "web_link": web_link,
        "tag": lambda pair: format_tag(*pair),
    }


def _release() -> str:
    """Give what changes with the stylesheet, so that browsers may keep it until then."""
    style = (paths.folder("templates") / "static" / "style.css").read_bytes()
    return hashlib.sha256(style).hexdigest()[:12]


def _iso(value: Any) -> str:
    return (
        value.isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()
    )
