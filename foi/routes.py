"""The whole URL space. Pages come in every format that is registered (see pages/variants.py).

Slugs hold neither slash nor dot, and the more particular address comes first.
"""

from pyramid.config import Configurator

from foi.addresses import get, one
from foi.api import authority, body_events, description
from foi.desk import (
    account,
    audit,
    authorities,
    disclosure,
    frame,
    importing,
    queue,
    signing,
    use,
    webhooks,
)
from foi.desk import requests as desk_requests
from foi.pages import (
    advanced,
    ahead,
    bodies,
    details,
    download,
    exports,
    files,
    help,
    lists,
    people,
    requests,
    search,
    similar,
    site,
    views,
)
from foi.pages.variants import register_all

_SLUG = "[^/.]+"
_ID = r"\d{1,18}"
_VIEW = "successful|unsuccessful|awaiting|overdue"
_LIST = ("html", "json", "csv")
"""The forms of a page that is a list."""


def pages(config: Configurator) -> None:
    """What people read, in every format."""
    config.add_page("front", "/", site.front, forms=("html",))
    config.add_page("help", f"/help/{{name:{'|'.join(help.TITLES)}}}", help.page, forms=("html",))
    config.add_page("events", "/events", lists.log, lists.log_feed)
    # Lists of requests, with or without a tag; `recent` is a feed only.
    config.add_page("list", "/list", lists.page, lists.feed, forms=_LIST)
    config.add_page(
        "list-view",
        f"/list/{{view:{_VIEW}}}",
        lists.page,
        lists.feed,
        forms=_LIST,
        feed_pattern=f"/list/{{view:{_VIEW}|recent}}",
    )
    config.add_page(
        "list-tag-view", f"/list/{{tag:.+}}/{{view:{_VIEW}}}", lists.page, lists.feed, forms=_LIST
    )
    config.add_page("list-tag", "/list/{tag:.+}", lists.page, lists.feed, forms=_LIST)
    # What is found while somebody types.
    config.add_page("request-ahead", "/request/search_ahead", ahead.requests)
    config.add_page("body-ahead", "/body/search_ahead", ahead.bodies)
    # Authorities, and lists of the requests to one.
    everywhere, body = "/body/list", f"/body/{{url_name:{_SLUG}}}"
    config.add_page("bodies", everywhere, bodies.index, bodies.index_feed, forms=_LIST)
    config.add_page(
        "bodies-tagged", f"{everywhere}/{{tag:.+}}", bodies.index, bodies.index_feed, forms=_LIST
    )
    for name, rest in (
        ("body", ""),
        ("body-view", f"/{{view:{_VIEW}}}"),
        ("body-tag-view", f"/{{tag:.+}}/{{view:{_VIEW}}}"),
        ("body-tag", "/{tag:.+}"),
    ):
        config.add_page(name, body + rest, bodies.page, bodies.feed, forms=_LIST)
    # One request, one person.
    config.add_page("details", f"/request/{{url_title:{_SLUG}}}/details", details.page)
    config.add_page("similar", f"/request/{{url_title:{_SLUG}}}/similar", similar.page)
    config.add_page("request", f"/request/{{url_title:{_SLUG}}}", requests.page, requests.feed)
    person = f"/user/{{url_name:{_SLUG}}}"
    config.add_page(
        "attachment-view",
        f"/request/{{url_title:{_SLUG}}}/response/{{message_id:{_ID}}}/attach/html/{{number:{_ID}}}/{{name}}.html",
        views.page,
    )  # fmt: skip
    config.add_page("person", person, people.page, people.feed, forms=_LIST)
    config.add_page("person-requests", f"{person}/{{facet:requests}}", people.page, forms=_LIST)
    config.add_page("person-profile", f"{person}/profile", people.profile)
    config.add_page("person-wall", f"{person}/wall", people.wall, people.wall_feed)
    # Searches end in a kind and a sort, or in neither; the loader takes the path apart.
    config.add_page("search", "/search", search.page, search.feed, forms=_LIST)
    config.add_page(
        "search-words", r"/search/{words:[\s\S]+}", search.page, search.feed, forms=_LIST
    )
    config.add_page("search-help", "/advancedsearch", advanced.page, forms=("html",))


def single(config: Configurator) -> None:
    """What has one format only."""
    get(config, "health", "/health", site.health)
    get(config, "robots", "/robots.txt", site.robots)
    # The site as a whole, for programs.
    get(config, "all-authorities", "/body/all-authorities.csv", exports.authorities)
    get(config, "version", "/version.json", exports.version)
    get(config, "openapi", "/api/openapi.json", description.serve)
    get(config, "opensearch", "/opensearch.xml", exports.opensearch)
    get(config, "sitemaps", "/sitemap.xml", exports.sitemaps)
    get(
        config, "sitemap",
        r"/sitemap/{kind:pages|requests|bodies}-{number:\d{1,7}}.xml",
        exports.sitemap,
    )  # fmt: skip
    get(config, "security", "/.well-known/security.txt", exports.security)
    # One thing, one format.
    get(
        config, "attachment",
        f"/request/{{url_title:{_SLUG}}}/response/{{message_id:{_ID}}}/attach/{{number:{_ID}}}/{{name}}",
        files.attachment,
    )  # fmt: skip
    for spelling in ("download", "download.zip"):
        get(
            config,
            f"request-{spelling}",
            f"/request/{{url_title:{_SLUG}}}/{spelling}",
            download.download,
        )
    get(config, "request-event", f"/request_event/{{id:{_ID}}}", requests.event)


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
    one(
        config,
        "api-body-events:json",
        r"/api/v2/body/{id:\d{1,9}}/request_events.json",
        {"GET": body_events.json},
    )
    for spelling in (f"{path}/update", f"{path}/update.json"):
        one(config, f"api-update:{spelling}", spelling, {"POST": authority.update})


def desk(config: Configurator) -> None:
    """Where people sign in, and where those who run the site work."""
    one(config, "sign-in", frame.SIGN_IN, {"GET": signing.ask, "POST": signing.take})
    one(config, "sign-out", "/sign-out", {"POST": signing.leave})
    numbered = f"{{id:{_ID}}}"
    for name, rest, methods in (
        ("home", "", {"GET": queue.overview}),
        # Authorities.
        ("bodies", "/bodies", {"GET": authorities.index}),
        ("body-new", "/bodies/new", {"GET": authorities.ask_new, "POST": authorities.add}),
        ("import", "/bodies/import", {"GET": importing.ask, "POST": importing.preview}),
        ("import-apply", "/bodies/import/apply", {"POST": importing.apply}),
        ("tags", "/tags", {"GET": authorities.all_tags, "POST": authorities.save_categories}),
        ("body", f"/body/{numbered}", {"GET": authorities.page, "POST": authorities.save}),
        ("versions", f"/body/{numbered}/versions", {"GET": authorities.versions}),
        ("key-show", f"/body/{numbered}/key/show", {"POST": authorities.show_key}),
        ("key-rotate", f"/body/{numbered}/key/rotate", {"POST": authorities.rotate_key}),
        ("use", "/use", {"GET": use.page}),
        # Requests and what is in them.
        ("requests", "/requests", {"GET": desk_requests.index}),
        ("log", "/requests/log", {"GET": disclosure.ask, "POST": disclosure.preview}),
        ("log-apply", "/requests/log/apply", {"POST": disclosure.apply}),
        (
            "request",
            f"/request/{numbered}",
            {"GET": desk_requests.page, "POST": desk_requests.edit},
        ),
        ("request-move", f"/request/{numbered}/move", {"POST": desk_requests.move}),
        ("request-state", f"/request/{numbered}/state", {"POST": desk_requests.describe}),
        (
            "request-prominence",
            f"/request/{numbered}/prominence",
            {"POST": desk_requests.prominence},
        ),
        ("file", f"/attachment/{numbered}/file", {"GET": desk_requests.file}),
        (
            "part",
            f"/{{kind:message|attachment|annotation}}/{numbered}/{{do:hide|release|erase}}",
            {"POST": desk_requests.part},
        ),
        # Who is told of events as they happen.
        ("webhooks", "/webhooks", {"GET": webhooks.index, "POST": webhooks.add}),
        ("webhook", f"/webhooks/{numbered}", {"GET": webhooks.page}),
        (
            "webhook-act",
            f"/webhooks/{numbered}/{{do:secret|rotate|disable|enable|test|resend|remove}}",
            {"POST": webhooks.act},
        ),
        # What waits, who did what, and oneself.
        ("queue", "/queue", {"GET": queue.page}),
        ("retry", "/queue/retry", {"POST": queue.retry}),
        ("audit", "/audit", {"GET": audit.page}),
        ("account", "/account", {"GET": account.page}),
        ("password", "/account/password", {"POST": account.change_password}),
        ("sessions-end", "/account/sessions/end", {"POST": account.end_sessions}),
        ("factor", "/account/second-factor", {"POST": account.begin_second_factor}),
        ("factor-on", "/account/second-factor/on", {"POST": account.turn_second_factor_on}),
        ("factor-off", "/account/second-factor/off", {"POST": account.turn_second_factor_off}),
    ):
        frame.add(config, name, frame.HOME + rest, methods)


def includeme(config: Configurator) -> None:
    """Register everything but what extensions add; `finish` does the rest after them."""
    single(config)
    api(config)
    desk(config)
    pages(config)


def finish(config: Configurator) -> None:
    """Give every page its address in every format, and its other names."""
    config.include("foi.pages.redirects")
    register_all(config)
