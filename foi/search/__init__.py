"""Search: the query language, what an engine is, the embedded engine, and what keeps it up to
date.
"""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Open the engine that the settings name, as `foi.search` of the registry, and register its
    consumers.
    """
    from foi.archive import ledger
    from foi.search.consumer import SearchConsumer
    from foi.search.whoosh_engine import WhooshEngine
    from foi.search.words import language
    from foi.site import Site
    from foi.work.texts import TextsConsumer

    site: Site = config.registry["foi.site"]

    def nothing_yet() -> bool:
        with site.sessions.reading() as db:
            return ledger.newest(db) == 0

    engine = WhooshEngine(
        site.settings.search_folder,
        language=language(site.settings.site_locale),
        fresh_site=nothing_yet,
    )
    config.registry["foi.search"] = engine
    site.consumers.add(
        TextsConsumer(
            site.sessions,
            site.blobs,
            seconds=site.settings.text_seconds,
            megabytes=site.settings.text_megabytes,
        )
    )
    site.consumers.add(SearchConsumer(site.sessions, engine))
