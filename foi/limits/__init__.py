"""How often one may call: sliding limits by key and by address, each off unless it is set."""

from pyramid.config import Configurator
from sqlalchemy.engine import make_url

from foi.limits.limiter import Engine, Limiter, TooMany, limiter_of, on_too_many
from foi.limits.memory import MemoryEngine
from foi.limits.shared import SharedEngine
from foi.settings import Settings

__all__ = ["Limiter", "TooMany", "engine_of", "limiter_of"]


def engine_of(settings: Settings) -> Engine:
    """Give what counts: on PostgreSQL all processes together, else each for itself."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "postgresql" and settings.any_limit:
        return SharedEngine(url, connections=settings.threads)
    return MemoryEngine()


def includeme(config: Configurator) -> None:
    """Register the limits; nothing is in the way of a call where none is set."""
    site = config.registry["foi.site"]
    engine = engine_of(site.settings)
    site.closing.append(engine.close)
    config.registry["foi.limits"] = Limiter(site.settings, engine)
    config.add_exception_view(on_too_many, context=TooMany)
    if site.settings.any_limit:
        site.duties.append(lambda _: engine.prune())
        config.add_tween(
            "foi.limits.limiter.tween_factory",
            under="foi.problems.tween_factory",
            over="pyramid_tm.tm_tween_factory",
        )
    if site.settings.trusted_proxies:
        config.add_tween("foi.limits.address.tween_factory", over="foi.pages.cache.tween_factory")
