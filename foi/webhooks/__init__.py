"""Telling authorities and integrators what happened, as it happens."""

from foi.site import Site


def join(site: Site) -> None:
    """Register the consumer that sends, and the duties that go with it."""
    from foi.webhooks.consumer import Webhooks
    from foi.webhooks.log import prune

    consumer = Webhooks(site)
    site.consumers.add(consumer)
    site.duties.extend([consumer.catch_up, prune])
