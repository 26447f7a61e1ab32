"""The published export, kept up: a duty of the worker, which makes it anew when anything happened.

What it gives up: being newer than the worker's last round.
"""

import hashlib
import logging

from bridge import export_index
from bridge.config import collection_name
from bridge.export import NotOurs, export
from bridge.export_index import Busy
from foi import __version__
from foi.archive import ledger
from foi.site import Site

log = logging.getLogger(__name__)


def keep_up(site: Site) -> bool:
    """Make the published export anew if anything has happened since; tell whether it was."""
    folder, state = site.settings.export_folder, _state(site)
    if export_index.about(folder).get("state") == state:
        return False
    try:
        export(site, collection_name(site.settings), folder, state)
    except Busy:
        return False
    except NotOurs as problem:
        log.error("the export cannot be published: %s", problem)
        return False
    return True


def _state(site: Site) -> str:
    """Give what an export is made from: the archive's position, the day, settings and release."""
    settings = site.settings
    with site.sessions.reading() as db:
        told = (
            *(ledger.newest(db), site.calendar.today(), __version__, collection_name(settings)),
            *(settings.site_url, settings.site_name, settings.site_locale, settings.jurisdiction),
        )
    return hashlib.sha256(repr(told).encode()).hexdigest()
