"""The renderers of feeds and their addresses: put `/feed` in front of any page that one can
follow.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    """Register the forms of every feed."""
    from pyramid.events import ApplicationCreated

    from feeds.atom import render_atom
    from feeds.body_events import atom as asked_of_a_body
    from feeds.identity import fix_at_start
    from feeds.jsonfeed import render_json_feed
    from foi.addresses import get, one
    from foi.pages import machine
    from foi.pages.redirects import LISTS, to
    from foi.pages.variants import Variant

    other_names = (
        ("/feed", "/feed/list"),
        # Alaveteli's own spelling of a request's feed.
        ("/request/{url_title:[^/.]+}/feed", "/feed/request/{url_title}"),
        *((f"/feed{alias.pattern}", f"/feed{alias.target}") for alias in LISTS),
    )
    config.add_variant(
        Variant(
            "feed.json",
            "/feed",
            ".json",
            "application/json",
            machine.render_feed,
            True,
            "JSON of this feed",
        )
    )
    config.add_variant(
        Variant("feed", "/feed", "", "application/atom+xml", render_atom, True, "Follow (Atom)")
    )
    config.add_variant(
        Variant(
            "feed.jsonfeed",
            "/feed",
            ".jsonfeed",
            "application/feed+json",
            render_json_feed,
            True,
            "Follow (JSON Feed)",
        )
    )
    for suffix in (".jsonfeed", ".json", ""):
        for pattern, target in other_names:
            view = to(target + suffix)
            get(config, f"alias:{pattern}{suffix}", pattern + suffix, view)
    # For the software of authorities, with their key.
    one(
        config,
        "api-body-events:atom",
        r"/api/v2/body/{id:\d{1,9}}/request_events.atom",
        {"GET": asked_of_a_body},
    )
    config.add_subscriber(fix_at_start, ApplicationCreated)
