"""Headers that every answer carries: a browser may do here only what the site needs (OWASP Secure
Headers), and scripts of other sites may read what is made for machines (CORS).

One tween beneath the cache adds them to pages, problems, redirects, files and stylesheets alike,
so none is forgotten and a cached page has them already. The write API is not opened.
"""

from collections.abc import Callable

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

_ALWAYS = {
    # No scripts at all; styles, pictures and forms are the site's own.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
}
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}
_OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link",
}


def preflight(_: Request) -> Response:
    """Tell a browser that scripts of other sites may read an address (Fetch, CORS protocol)."""
    response = Response(status=204)
    response.headers.update(
        {
            "Allow": "GET, HEAD, OPTIONS",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "GET, HEAD",
            "Access-Control-Allow-Headers": "*",
            "Access-Control-Max-Age": "86400",
        }
    )
    return response


def is_open(request: Request, response: Response) -> bool:
    """Tell whether scripts of other sites may read an answer: what is read and is no page, or
    leads elsewhere, and is not for the asker alone.
    """
    return (
        request.method in ("GET", "HEAD")
        and not request.environ["PATH_INFO"].startswith("/api/")
        and not response.headers.get("Cache-Control", "").startswith("private")
        and (response.content_type != "text/html" or 300 <= response.status_code < 400)
    )


def tween_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Add the headers to each answer, except those that a view has set for itself."""
    secure = registry["foi.site"].settings.site_url.startswith("https:")
    always = _ALWAYS | (_OVER_TLS if secure else {})

    def tween(request: Request) -> Response:
        response = handler(request)
        headers = response.headers
        for name, value in always.items():
            headers.setdefault(name, value)
        if is_open(request, response):
            for name, value in _OPEN.items():
                headers.setdefault(name, value)
        return response

    return tween


def includeme(config: Configurator) -> None:
    """Put the tween beneath the cache of finished pages and above what can fail."""
    config.add_tween(
        "foi.headers.tween_factory",
        over="foi.problems.tween_factory",
        under="foi.pages.cache.tween_factory",
    )
