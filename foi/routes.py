"""The whole URL space. Pages come in every format that is registered (see pages/variants.py).

Slugs hold neither slash nor dot, and the more particular address comes first.
"""

from pyramid.config import Configurator

from foi.addresses import get, one
from foi.api import authority
from foi.pages import bodies, files, lists, people, requests, search, site
from foi.pages.variants import register_all

_SLUG = "[^/.]+"
_ID = r"\d{1,18}"
_VIEW = "successful|unsuccessful|awaiting|overdue"


def pages(config: Configurator) -> None:
    """What people read, in every format."""
    config.add_page("front", "/", site.front, machine=False)
    config.add_page("events", "/events", lists.log, lists.log_feed)
    # Lists of requests; `recent` is a feed only.
    config.add_page("list", "/list", lists.page, lists.feed)
    config.add_page(
        "list-view",
        f"/list/{{view:{_VIEW}}}",
        lists.page,
        lists.feed,
        feed_pattern=f"/list/{{view:{_VIEW}|recent}}",
    )
    # Authorities.
    config.add_page("bodies", "/body/list", bodies.index, bodies.index_feed)
    config.add_page("bodies-tagged", "/body/list/{tag:.+}", bodies.index, bodies.index_feed)
    config.add_page("body", f"/body/{{url_name:{_SLUG}}}", bodies.page, bodies.feed)
    config.add_page("body-view", f"/body/{{url_name:{_SLUG}}}/{{view:{_VIEW}}}", bodies.page)
    # One request, one person.
    config.add_page("request", f"/request/{{url_title:{_SLUG}}}", requests.page, requests.feed)
    config.add_page("person", f"/user/{{url_name:{_SLUG}}}", people.page, people.feed)
    # Searches end in a kind and a sort, or in neither; the loader takes the path apart.
    config.add_page("search", "/search", search.page, search.feed)
    config.add_page("search-words", "/search/{words:.+}", search.page, search.feed)


def single(config: Configurator) -> None:
    """What has one format only, and redirects."""
    get(config, "health", "/health", site.health)
    get(config, "robots", "/robots.txt", site.robots)
    get(
        config, "attachment",
        f"/request/{{url_title:{_SLUG}}}/response/{{message_id:{_ID}}}/attach/{{number:{_ID}}}/{{name}}",
        files.attachment,
    )  # fmt: skip
    get(config, "request-event", f"/request_event/{{id:{_ID}}}", requests.event)
    # Alaveteli's other spellings.
    get(config, "old-list-all", "/list/{view:all|recent}", site.to("/list"))
    get(config, "old-bodies", "/body", site.to("/body/list"))
    get(config, "old-bodies-all", "/body/list/all", site.to("/body/list"))


def api(config: Configurator) -> None:
    """What authorities' software writes (Alaveteli's write API, both spellings of each path)."""
    for spelling in ("/api/v2/request", "/api/v2/request.json"):
        one(config, f"api-create:{spelling}", spelling, {"POST": authority.create})
    path = f"/api/v2/request/{{id:{_ID}}}"
    for spelling in (path, f"{path}.json"):
        one(
            config,
            f"api-request:{spelling}",
            spelling,
            {"GET": authority.show, "POST": authority.add},
        )
    for spelling in (f"{path}/update", f"{path}/update.json"):
        one(config, f"api-update:{spelling}", spelling, {"POST": authority.update})


def includeme(config: Configurator) -> None:
    """Register everything but what extensions add; `finish` does the rest after them."""
    single(config)
    api(config)
    pages(config)


def finish(config: Configurator) -> None:
    """Make the addresses of every page in every format."""
    register_all(config)
