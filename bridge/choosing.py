"""The one collection that a command is about: found, its key proved good, there in Aleph.

What it gives up: collections that the bridge does not keep.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.cli import connected
from bridge.config import Unusable
from bridge.target import Target
from foi.site import Site


@contextmanager
def one(site: Site, target: str | None, collection: str | None) -> Iterator[Target]:
    """Find the one collection that is meant; what does not allow that ends the command with
    status 2.
    """
    with connected(site, target, collection, change=False) as links:
        found = [(link, place) for link, those in links for place in those if place.wanted]
        if not found:
            raise Unusable("there is no collection to work on")
        if len(found) > 1:
            names = ", ".join(
                f"{place.foreign_id} in {link.remote.name or 'the Aleph of the settings'}"
                for link, place in found[:20]
            )
            raise Unusable(f"name one with --collection, and its Aleph with --target: {names}")
        link, place = found[0]
        meant = link.target(place, create=False)
        if not meant.collection_id:
            raise Unusable(
                f"the collection {place.foreign_id} is not in Aleph yet, or the key may not read "
                "it: `foi bridge push` makes it"
            )
        yield meant
