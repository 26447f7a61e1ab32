"""What every page of the desk has in common: who may see it, that forms come from it, and that
nobody keeps it.

A write begins only after the session was looked up, in a read of its own, and the form was read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from foi.accounts import csrf, sessions
from foi.addresses import View, one
from foi.api import payload
from foi.api.uploads import Tray
from foi.problems import Problem
from foi.security import DESK
from foi.site import site_of
from foi.transactions import SAFE_METHODS

SIGN_IN = "/sign-in"
HOME = "/desk"
SHOWN = 50
"""Lines of a list."""
LARGEST_FORM = 10 << 20
"""Bytes of a form with its files."""

SAID = {
    "saved": "Saved.",
    "added": "Added.",
    "same": "Nothing was different, so nothing was changed.",
    "moved": "Moved to the other authority.",
    "described": "The state was changed.",
    "hide": "Made less prominent.",
    "release": "Shown normally again.",
    "erase": "Erased for good.",
    "retried": "It will be tried again at once.",
    "sending": "It will be sent at once.",
    "rotated": "Every former key is invalid now.",
    "imported": "The file was imported.",
    "ended": "Ended.",
    "removed": "Removed.",
    "password": "Your password was changed, and every other browser was signed out.",
    "second-factor-off": "Signing in no longer asks for a code.",
    "signed-out": "You are signed out.",
}
"""What a page may be asked to say at its top, by a word in its address."""

_MENU = (
    ("Desk", ("",)),
    ("Waiting", ("queue",)),
    ("Authorities", ("bodies", "body", "tags")),
    ("Requests", ("requests", "request", "message", "attachment", "annotation")),
    ("API use", ("use",)),
    ("Webhooks", ("webhooks",)),
    ("Audit", ("audit",)),
    ("Account", ("account",)),
)
"""The sections, each with what follows `/desk/` in the addresses of its pages, its own first."""

# What a browser sends; anything else could not stand in `Location`.
_LOCAL = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?")
_LONGEST_PATH = 2000


def add(config: Configurator, name: str, pattern: str, views: Mapping[str, View]) -> None:
    """Register an address of the desk: for administrators only."""
    one(config, f"desk-{name}", pattern, {m: guarded(view) for m, view in views.items()})


def offer(config: Configurator, words: str, beginning: str) -> None:
    """Put a section of an extension into the menu; its addresses begin with `/desk/beginning`."""
    config.registry.setdefault("foi.desk_menu", []).append((words, (beginning,)))


def guarded(view: View) -> Callable[[Request], Response]:
    """Let a view be called by administrators only, and with forms that come from here only."""

    def guard(request: Request) -> Response:
        if request.identity is None:
            reading = request.method in SAFE_METHODS
            target = request.path_qs if reading else HOME
            path = f"{SIGN_IN}?next={quote(target, safe='/')}"
            return private(onward(path, status=302))
        if not request.has_permission(DESK):
            raise Problem(403, "Your account is not one of those that run this site.")
        if request.method not in SAFE_METHODS:
            request.sent = read_form(request)
        return private(view(request))

    return guard


def check_source(request: Request) -> None:
    """Refuse a form that was sent from another site, with 403."""
    if not csrf.comes_from_here(request):
        raise Problem(403, "This form was sent from another site.")


@dataclass(frozen=True)
class Sent:
    """A form: its fields, and the files that came with it."""

    fields: dict[str, str]
    tray: Tray


def read_form(request: Request) -> Sent:
    """Read a form of somebody who is signed in; 403 when it was not sent from here, 413 when it
    is too large.
    """
    check_source(request)
    if (request.content_length or 0) > LARGEST_FORM:
        raise Problem(413, f"The form is larger than {LARGEST_FORM:,} bytes.")
    tray = Tray(site_of(request))
    request.add_finished_callback(lambda _: tray.discard())
    fields = payload.read(request, tray, lambda first: _check_token(request, first)).fields
    _check_token(request, fields)
    return Sent(fields, tray)


def _check_token(request: Request, fields: Mapping[str, str]) -> None:
    if not csrf.is_good(sessions.token_of(request), fields.get(csrf.FIELD, "")):
        raise Problem(
            403, "This form is not of your present session. Go back, reload the page, try again."
        )


def private(response: Response, referrer: str = "no-referrer") -> Response:
    """Keep an answer out of every cache, index and referrer."""
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = referrer
    return response


def show(
    request: Request, template: str, title: str, *, status: int = 200, **shown: Any
) -> Response:
    """Give a page of the desk from its template."""
    templates: Environment = request.registry["foi.templates"]
    who, zone = request.identity, site_of(request).settings.site_zone
    html = templates.get_template(f"desk/{template}.jinja2").render(
        title=title,
        who=who,
        csrf=csrf.make(sessions.token_of(request)) if who else "",
        menu=_menu(request),
        said=SAID.get(request.GET.get("said", ""), ""),
        clock=lambda moment: f"{moment.astimezone(zone):%H:%M}",
        errors=shown.pop("errors", {}),
        **shown,
    )
    return Response(html, status=status, content_type="text/html", charset="UTF-8")


def _menu(request: Request) -> list[tuple[str, str, str]]:
    """Give each section's address and words, and its `aria-current` when the page is in it."""
    path, more = request.path, request.registry.get("foi.desk_menu", ())
    begun = path.removeprefix(HOME).removeprefix("/").partition("/")[0]
    lines = []
    for words, beginnings in (*_MENU, *more):
        address = f"{HOME}/{beginnings[0]}".rstrip("/")
        inside = "true" if begun in beginnings else ""
        lines.append((address, words, "page" if path == address else inside))
    return lines


def cut(rows: Sequence[Any]) -> tuple[Sequence[Any], Any]:
    """Give the lines that are shown of those found, one more than that at most, and the last of
    them if there are further ones.
    """
    return rows[:SHOWN], rows[SHOWN - 1] if len(rows) > SHOWN else None


class _Relative(Response):  # type: ignore[misc]
    """An answer whose `Location` stays a path (RFC 9110, section 10.2.2): by whatever name and
    scheme somebody came, there is their cookie, and `form-action` lets a form lead there only.
    """

    def _abs_headerlist(self, environ: Any) -> list[tuple[str, str]]:
        return list(self.headerlist)


def onward(path: str, said: str = "", anchor: str = "", status: int = 303) -> Response:
    """Lead to a page, after a form was dealt with, which then says so."""
    query = f"?said={said}" if said else ""
    return _Relative(status=status, headerlist=[("Location", path + query + anchor)])


def local_path(text: str) -> str:
    """Give a path of this site, or the desk's own for whatever is none: nothing leads
    elsewhere.
    """
    return text if len(text) <= _LONGEST_PATH and _LOCAL.fullmatch(text) else HOME


def number(request: Request) -> int:
    """Give the number in the address."""
    return int(request.matchdict["id"])


def found(request: Request, model: Any, what: str) -> Any:
    """Give the row that the address names; 404 when there is none."""
    asked = number(request)
    row = request.db.get(model, asked) if asked < 2**31 else None
    if row is None:
        raise Problem(404, f"There is no {what} of this number.")
    return row
