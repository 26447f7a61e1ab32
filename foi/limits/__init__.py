"""How often one may call: sliding limits by key and by address, each off unless it is set."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from foi.site import Site


def join(site: "Site") -> None:
    """Share as `foi.limits.engine` what counts: on PostgreSQL all processes together, else each
    for itself.
    """
    from sqlalchemy.engine import make_url

    from foi.limits.memory import MemoryEngine
    from foi.limits.shared import SharedEngine

    settings = site.settings
    url = make_url(settings.database_url)
    together = url.get_backend_name() == "postgresql" and settings.any_limit
    engine = SharedEngine(url, connections=settings.threads) if together else MemoryEngine()
    site.shared["foi.limits.engine"] = engine
    site.closing.append(engine.close)
    if settings.any_limit:
        site.duties.append(lambda _: engine.prune())


def includeme(config: "Configurator") -> None:
    """Register the limits; nothing is in the way of a call where none is set."""
    from foi.limits.limiter import Limiter, TooMany, on_too_many

    site = config.registry["foi.site"]
    config.registry["foi.limits"] = Limiter(site.settings, site.shared["foi.limits.engine"])
    config.add_exception_view(on_too_many, context=TooMany)
    if site.settings.any_limit:
        config.add_tween(
            "foi.limits.limiter.tween_factory",
            under="foi.problems.tween_factory",
            over="pyramid_tm.tm_tween_factory",
        )
    if site.settings.trusted_proxies:
        config.add_tween("foi.limits.address.tween_factory", over="foi.pages.cache.tween_factory")
