"""The Atom renderer and the feed addresses: put `/feed` in front of any page that one can
follow.
"""

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated

from feeds.atom import render_atom
from feeds.identity import fix_at_start
from foi.addresses import get
from foi.pages import json as machine
from foi.pages.site import to
from foi.pages.variants import Variant


def includeme(config: Configurator) -> None:
    """Register both forms of every feed."""
    config.add_variant(
        Variant(
            "feed.json",
            "/feed",
            ".json",
            "application/json",
            machine.render_feed,
            True,
            "JSON of this feed",
            True,
        )
    )
    config.add_variant(
        Variant(
            "feed", "/feed", "", "application/atom+xml", render_atom, True, "Follow (Atom)", True
        )
    )
    get(config, "feed-root", "/feed", to("/feed/list"))
    # Alaveteli's own spelling of a request's feed.
    get(
        config, "request-feed", "/request/{url_title:[^/.]+}/feed", to("/feed/request/{url_title}")
    )
    config.add_subscriber(fix_at_start, ApplicationCreated)
