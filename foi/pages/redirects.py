"""Every other name that an address goes by: Alaveteli's spellings, its addresses of pages that
this site has not (each leads to the nearest one that helps), and what browsers ask for unbidden.

Former names of requests, authorities and people are no matter of this table: whoever looks one up
finds it out (foi/pages/requests.py and its neighbours). A target is always a path of this site, so
that nothing in an address can lead elsewhere.
"""

from typing import NamedTuple
from urllib.parse import quote

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound, HTTPMovedPermanently
from pyramid.request import Request

from foi.addresses import get
from foi.site import site_of

_SLUG = "[^/.]+"
_PLAIN = ("",)
_BOTH = (".json", "")
_LIST = (".csv", ".json", "")


class Alias(NamedTuple):
    """An address, where it leads, the suffixes that it is known with, and whether for good."""

    pattern: str
    target: str
    suffixes: tuple[str, ...] = _PLAIN
    for_good: bool = True


LISTS = (
    Alias("/list/all", "/list", _LIST),
    Alias("/list/{tag:.+}/{view:all|recent}", "/list/{tag}", _LIST),
    Alias("/body", "/body/list", _LIST),
    Alias("/body/list/all", "/body/list", _LIST),
    Alias(f"/body/{{url_name:{_SLUG}}}/all", "/body/{url_name}", _LIST),
)
"""Those of lists, which their feeds have as well."""

_PAGES = (
    Alias("/list/recent", "/list", _LIST),  # of which the feed is one of its own
    Alias("/local/{tag:.+}", "/body/list/{tag}"),
    Alias("/browse", "/list", for_good=False),
    Alias("/search/all", "/search", for_good=False),
    Alias("/search/{words:.+}/advanced", "/search/{words}", for_good=False),
)

_REQUESTS = (
    Alias(f"/request/{{url_title:{_SLUG}}}/new", "/request/{url_title}"),
    Alias(f"/details/request/{{url_title:{_SLUG}}}", "/request/{url_title}/details", _BOTH),
    Alias(
        f"/{{part:similar|upload|annotate|track|categorise}}/request/{{url_title:{_SLUG}}}",
        "/request/{url_title}/{part}",
    ),
    # What cannot be done here yet: the request itself says where it stands and how to follow it.
    Alias(
        f"/request/{{url_title:{_SLUG}}}/"
        "{part:track|annotate|categorise|classifications|public_tokens|citations/new"
        r"|widget|widget/new|followups/new|followups/new/\d+}",
        "/request/{url_title}",
        for_good=False,
    ),
    Alias(f"/request/{{url_title:{_SLUG}}}/upload", "/help/officers", for_good=False),
    Alias(f"/request/{{url_title:{_SLUG}}}/report/new", "/help/takedown", for_good=False),
    # Following by e-mail: each page says how it is followed here.
    Alias("/track/{rest:(?:list|body|user|search)(?:/.+)?}", "/{rest}", for_good=False),
    Alias("/{part:new|select_authority}", "/help/requesting", for_good=False),
    Alias("/new/{rest:.+}", "/help/requesting", for_good=False),
)

_HELP = (
    Alias("/help", "/help/about", for_good=False),
    Alias("/help/{part:unhappy|how|beginners}", "/help/requesting", for_good=False),
    Alias("/help/{part:alaveteli|credits}", "/help/about", for_good=False),
    Alias("/help/{part:house_rules|search_engines}", "/help/takedown", for_good=False),
)

_BROWSERS = (
    Alias(
        "/{icon:favicon.ico|apple-touch-icon.png|apple-touch-icon-precomposed.png}",
        "/static/favicon.svg",
        for_good=False,
    ),
)

_LOCALES = (
    # One language only: the prefix is left out.
    Alias("/{locale:[a-z]{2}}", "/"),
    Alias("/{locale:[a-z]{2}}/{rest:.*}", "/{rest}"),
)

ALIASES = LISTS + _PAGES + _REQUESTS + _HELP + _BROWSERS + _LOCALES


def to(path: str, *, for_good: bool = True):  # type: ignore[no-untyped-def]
    """Make a view that redirects to a path of this site, keeping the query."""

    def view(request: Request) -> HTTPFound | HTTPMovedPermanently:
        # Encoded anew: what came decoded may hold anything, line ends among it.
        parts = {name: quote(value, safe="/") for name, value in request.matchdict.items()}
        query = f"?{request.query_string}" if request.query_string else ""
        kind = HTTPMovedPermanently if for_good else HTTPFound
        return kind(site_of(request).url(path.format(**parts)) + query)

    return view


def includeme(config: Configurator) -> None:
    """Register every alias; the last are the widest, and what has an address of its own comes
    before them.
    """
    for alias in ALIASES:
        for suffix in alias.suffixes:
            view = to(alias.target + suffix, for_good=alias.for_good)
            get(config, f"alias:{alias.pattern}{suffix}", alias.pattern + suffix, view)
