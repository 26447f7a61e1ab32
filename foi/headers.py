"""Headers that keep a browser from doing what no page here needs (OWASP Secure Headers)."""

from pyramid.response import Response

from foi.settings import Settings

_PAGE = {
    # No scripts at all; styles, pictures and forms are the site's own.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def protect(response: Response, settings: Settings) -> None:
    """Add them to an answer; behind TLS also that the site is never to be visited without."""
    response.headers.update(_PAGE)
    if settings.site_url.startswith("https:"):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
