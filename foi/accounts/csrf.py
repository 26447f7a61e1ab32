"""That a form was sent from this site's own page, by the person whose cookie comes along.

A form carries a token that only the holder of the session's own can make, so nothing is kept for
it; and where the browser says whence it comes (Sec-Fetch-Site, Origin), that must be here (OWASP,
Cross-Site Request Forgery Prevention).
"""

import hashlib
import hmac
from urllib.parse import urlsplit

from pyramid.request import Request

from foi.site import site_of

FIELD = "csrf"


def make(session_token: str) -> str:
    """Give the token for the forms of a session."""
    return hmac.new(session_token.encode(), b"foi-csrf", hashlib.sha256).hexdigest()


def is_good(session_token: str, given: str) -> bool:
    """Tell whether a form's token is of this session."""
    return hmac.compare_digest(make(session_token).encode(), given.encode("utf-8", "replace"))


def comes_from_here(request: Request) -> bool:
    """Tell whether nothing that the browser says speaks for another site.

    On pages that send no referrer, browsers also make the origin `null`: that says nothing
    (Fetch, "append a request Origin header"), and the token decides.
    """
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched is not None:
        return fetched in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin in (None, "null"):
        return True
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return host in (request.host, urlsplit(site_of(request).settings.site_url).netloc)
