"""Search: the query language, what an engine is, the embedded engine, and what keeps it up to
date.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foi.site import Site


def join(site: "Site") -> None:
    """Open the engine that the settings name, shared as `foi.search`, and register its
    consumers.
    """
    from foi.archive import ledger
    from foi.search.consumer import SearchConsumer
    from foi.search.whoosh_engine import WhooshEngine
    from foi.search.words import language
    from foi.work.texts import TextsConsumer

    def nothing_yet() -> bool:
        with site.sessions.reading() as db:
            return ledger.newest(db) == 0

    engine = WhooshEngine(
        site.settings.search_folder,
        language=language(site.settings.site_locale),
        fresh_site=nothing_yet,
    )
    site.shared["foi.search"] = engine
    site.closing.append(engine.close)
    site.consumers.add(
        TextsConsumer(
            site.sessions,
            site.blobs,
            seconds=site.settings.text_seconds,
            megabytes=site.settings.text_megabytes,
        )
    )
    site.consumers.add(SearchConsumer(site.sessions, engine))
