"""What authorities' software writes and reads."""

from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Take bodies as they come, once, and forget old calls when their day has passed."""
    from foi.api.idempotency import Underway, forget
    from foi.api.payload import leave_uncopied

    config.registry["foi.api.underway"] = Underway()
    config.registry["foi.site"].duties.append(forget)
    config.add_settings({"retry.activate_hook": leave_uncopied})
