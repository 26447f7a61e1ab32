"""The letters to one authority as an Atom feed for its own software (Alaveteli's
`request_events.atom`), with its extension elements.

Unlike its JSON it comes in parts, for Atom has a word for that (RFC 5005). The key is in none of
its links.
"""

from typing import Any
from urllib.parse import urlencode

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree
from pyramid.request import Request
from pyramid.response import Response

from feeds.atom import clean
from feeds.identity import tag_authority
from foi.api import body_events, calls
from foi.pages import links
from foi.problems import Problem
from foi.site import Site, site_of

NAMESPACE = "http://www.alaveteli.org/API/v2/RequestEvents/Atom"
PER_PAGE = 500
_FILTERS = ("since_date", "since_event_id")


def atom(request: Request) -> Response:
    """GET /api/v2/body/<id>/request_events.atom: newest first, in parts."""
    site, db = site_of(request), request.db
    body = body_events.own_body(request, db)
    ids = body_events.wanted(request, db, body)
    before = request.GET.get("before_event_id")
    if before is not None:
        if not (before.isascii() and before.isdigit() and len(before) <= 18):
            raise Problem(422, "before_event_id must be the number of an event")
        ids = [event_id for event_id in ids if event_id < int(before)]
    told = body_events.read(site, db, ids[:PER_PAGE])
    asked = {name: request.GET[name] for name in _FILTERS if name in request.GET}

    def address(**more: object) -> str:
        query = urlencode(asked | more)
        place = site.url(f"{body_events.path(body.id)}.atom")
        return f"{place}?{query}" if query else place

    feed = FeedGenerator()
    feed.register_extension("alaveteli", _Names, _Told, atom=True, rss=False)
    authority = tag_authority(request)
    feed.id(f"tag:{authority}:body/{body.id}/request_events")
    feed.title(clean(f"Requests to {body.name} – {site.settings.site_name}"))
    feed.updated(max((each.recorded_at for each in told), default=body.created_at))
    feed.author(name=clean(site.settings.site_name), uri=site.settings.site_url)
    feed.generator("foi-tracker", uri=None)
    feed.link(
        href=address(**({} if before is None else {"before_event_id": before})),
        rel="self",
        type="application/atom+xml",
    )
    feed.link(href=site.url(links.body_path(body.url_name)), rel="alternate", type="text/html")
    if len(ids) > PER_PAGE:
        further = address(before_event_id=ids[PER_PAGE - 1])
        feed.link(href=further, rel="next", type="application/atom+xml")
    for each in told:
        feed.add_entry(_entry(site, authority, each), order="append")
    response = calls.answer({})
    response.content_type, response.charset = "application/atom+xml", "UTF-8"
    response.body = feed.atom_str()
    return response


def _entry(site: Site, authority: str, asked: body_events.Asked) -> FeedEntry:
    told = asked.members
    entry = FeedEntry()
    entry.id(f"tag:{authority}:event/{asked.event_id}")
    entry.title(clean(told["title"]))
    entry.published(asked.at)
    entry.updated(asked.recorded_at)
    entry.content(clean(told["body"]), type="text")
    entry.link(href=told["request_url"])
    entry.author(name=clean(told["user_name"] or "Anonymous user"), uri=told["user_url"])
    entry.register_extension("alaveteli", _Told, atom=True, rss=False)
    entry.alaveteli.told = told
    return entry


class _Names(BaseExtension):  # type: ignore[misc]
    """Declares the namespace of Alaveteli's elements."""

    def extend_ns(self) -> dict[str, str]:
        """Give it with its customary prefix."""
        return {"alaveteli": NAMESPACE}


class _Told(BaseEntryExtension):  # type: ignore[misc]
    """What Atom has no word for: the kind of event, and the request's address as such."""

    told: dict[str, Any]

    def extend_atom(self, entry: Any) -> Any:
        """Add both."""
        for name in ("event_type", "request_url"):
            etree.SubElement(entry, f"{{{NAMESPACE}}}{name}").text = self.told[name]
        return entry
