"""What every format of a feed says of itself: its id, its title, its age, its addresses."""

from dataclasses import dataclass
from datetime import datetime

from pyramid.request import Request

from feeds.identity import fixed_on, tag_authority
from foi.pages.page import Page
from foi.pages.variants import Variant, address, ways
from foi.site import Site, site_of

ICON = "/static/favicon.svg"


@dataclass(frozen=True, slots=True)
class About:
    """A feed, apart from its entries; all addresses are absolute."""

    site: Site
    authority: str
    id: str
    title: str
    updated: datetime
    """Its newest change; of a feed that has nothing in it, the moment when its ids were fixed."""
    icon: str
    itself: str
    page: str
    ways: dict[str, str]
    """Its other parts: `next`, `previous`, `first`."""
    others: list[tuple[str, str]]
    """Addresses and media types of the same feed in other formats."""

    def tag(self, key: str) -> str:
        """Give the tag: id (RFC 4151) of an entry."""
        return f"tag:{self.authority}:{key}"


def about(request: Request, page: Page) -> About:
    """Say what a page is as a feed in the format that is asked for."""
    site, authority = site_of(request), tag_authority(request)
    present: Variant = request.foi_variant
    moments = [entry.updated for entry in page.entries]
    moments += [tombstone.when for tombstone in page.erased]
    return About(
        site,
        authority,
        f"tag:{authority}:{page.key or page.path.lstrip('/') or 'site'}",
        f"{page.title} – {site.settings.site_name}",
        max(moments, default=fixed_on(authority)),
        site.url(ICON),
        site.url(page.itself or address(present, page, page.query)),
        site.url(page.path + (f"?{page.filter_query}" if page.filter_query else "")),
        {name: site.url(path) for name, path in ways(request, page).items()},
        [
            (site.url(address(variant, page, page.query)), variant.media_type)
            for variant in request.registry["foi.variants"]
            if variant.of_feed and variant.name != present.name
        ],
    )
