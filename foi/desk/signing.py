"""Signing in and out."""

from pyramid.request import Request
from pyramid.response import Response

from foi.accounts import sessions
from foi.accounts.signing import Attempt, TooMany, Wrong, sign_in, sign_out
from foi.api import payload
from foi.desk import frame
from foi.limits.address import who
from foi.site import site_of

_WRONG = "The e-mail address, the password or the code is wrong."
# A browser says on this page whence a form comes: no session is there yet to make a token of.
_REFERRER = "same-origin"


def ask(request: Request) -> Response:
    """The form; whoever is signed in is led on."""
    target = frame.local_path(request.GET.get("next", ""))
    if request.identity is not None:
        return frame.private(frame.onward(target))
    return _form(request, target)


def take(request: Request) -> Response:
    """Sign in; every way of being wrong has the same answer."""
    frame.check_source(request)
    given = payload.read(request).fields
    target = frame.local_path(given.get("next", ""))
    email = given.get("email", "").strip()
    site = site_of(request)
    attempt = Attempt(
        email=email,
        password=given.get("password", ""),
        code=given.get("code", ""),
        address=who(request.environ.get("REMOTE_ADDR", "")),
        browser=request.headers.get("User-Agent", ""),
        former=sessions.token_of(request),
    )
    try:
        token = sign_in(site, attempt)
    except Wrong:
        return _form(request, target, email, _WRONG, 403)
    except TooMany as many:
        minutes = -(-many.seconds // 60)
        said = f"There were too many tries. Please wait {minutes} minutes."
        response = _form(request, target, email, said, 429)
        response.headers["Retry-After"] = str(many.seconds)
        return response
    response = frame.onward(target)
    sessions.give(request, response, token)
    return frame.private(response)


def leave(request: Request) -> Response:
    """Sign out: the session ends here, not only in the browser."""
    # Another site's form comes without the cookie, but could still have it taken away.
    frame.check_source(request)
    if request.identity is not None:
        frame.read_form(request)
        sign_out(site_of(request), sessions.token_of(request))
    response = frame.onward(frame.SIGN_IN, "signed-out")
    sessions.take(request, response)
    return frame.private(response)


def _form(
    request: Request, target: str, email: str = "", wrong: str = "", status: int = 200
) -> Response:
    response = frame.show(
        request,
        "sign_in",
        "Sign in",
        status=status,
        target=target,
        email=email[:320],
        errors={"email": wrong} if wrong else {},
    )
    return frame.private(response, _REFERRER)
