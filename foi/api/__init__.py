"""What authorities' software writes and reads."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyramid.config import Configurator

    from foi.site import Site


def join(site: "Site") -> None:
    """Forget old calls when their day has passed."""
    site.duties.append(_forget)


def _forget(site: "Site") -> None:
    from foi.api.idempotency import forget

    forget(site)


def includeme(config: "Configurator") -> None:
    """Take bodies as they come, once."""
    from foi.api.idempotency import Underway
    from foi.api.payload import leave_uncopied

    config.registry["foi.api.underway"] = Underway()
    config.add_settings({"retry.activate_hook": leave_uncopied})
