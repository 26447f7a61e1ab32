"""What the public reads: one loader for each resource, every format once."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator


def includeme(config: "Configurator") -> None:
    """Register the formats of the core and what serves pages."""
    from foi import paths
    from foi.pages import machine, table
    from foi.pages.html import render_page
    from foi.pages.variants import Variant

    config.include("foi.pages.variants")
    config.include("foi.pages.cache")
    config.include("foi.pages.help")
    config.add_variant(Variant("html", "", "", "text/html", render_page, False, "This page"))
    config.add_variant(
        Variant(
            "json",
            "",
            ".json",
            "application/json",
            machine.render_page,
            False,
            "JSON version of this page",
        )
    )
    config.add_variant(
        Variant("csv", "", ".csv", "text/csv", table.render_page, False, "All of it as CSV", True)
    )
    config.add_static_view("static", str(paths.folder("templates") / "static"), cache_max_age=3600)
