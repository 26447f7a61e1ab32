"""One shape for every failure: JSON where JSON was asked for, plain text where a feed or a table
was, a page in plain words elsewhere; never a traceback.

Alaveteli's API speaks `{"errors": ["..."]}`; so does every `.json` of the site. A feed reader
shows what it is told as it is, hence the plain text. A tween turns away at the door what nothing
behind it should have to deal with: paths and queries with NUL or that are not UTF-8.
"""

import logging
import re
from collections.abc import Callable, Sequence
from urllib.parse import unquote_to_bytes

from jinja2 import Environment
from pyramid.config import Configurator
from pyramid.exceptions import URLDecodeError
from pyramid.httpexceptions import HTTPException, HTTPNotFound, status_map
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

log = logging.getLogger(__name__)

_WORD = re.compile(r"[^\W_]+")
_LONGEST_WORDS = 100

_HEADINGS = {
    400: "That address cannot be understood",
    403: "This is not shown",
    404: "There is nothing here",
    405: "That is not how this address works",
    410: "This is gone",
    413: "That is too large",
    429: "That is too often",
    500: "Something went wrong on our side",
}


class Problem(Exception):
    """A request that is refused: a status of the 4xx class and every reason at once."""

    def __init__(self, status: int, errors: Sequence[str] | str) -> None:
        self.status = status
        self.errors = [errors] if isinstance(errors, str) else list(errors)
        super().__init__("; ".join(self.errors))


def wants_json(request: Request) -> bool:
    """Tell whether a failure should be told in JSON."""
    path = _path(request)
    accept = request.environ.get("HTTP_ACCEPT", "")
    return (
        path.startswith("/api/")
        or path.endswith((".json", ".jsonfeed"))
        or ("json" in accept and "html" not in accept)
    )


def wants_text(request: Request) -> bool:
    """Tell whether a failure should be told in plain text: where a feed or a table was asked
    for.
    """
    path = _path(request)
    return path.startswith("/feed/") or path.endswith((".csv", ".xml", ".txt"))


def _path(request: Request) -> str:
    return request.environ.get("PATH_INFO", "")  # type: ignore[no-any-return]


def tell(request: Request, status: int, errors: Sequence[str]) -> Response:
    """Make the answer for a failure."""
    heading = _HEADINGS.get(status) or _HEADINGS[500 if status >= 500 else 400]
    if wants_json(request):
        response = Response(
            json_body={"errors": list(errors)}, status=status, content_type="application/json"
        )
    elif wants_text(request):
        text = "\n".join([f"{heading}.", *errors, ""])
        response = Response(text, status=status, content_type="text/plain", charset="UTF-8")
    else:
        templates: Environment = request.registry["foi.templates"]
        html = templates.get_template("problem.jinja2").render(
            heading=heading,
            errors=errors,
            status=status,
            words=guess_words(_path(request)) if status == 404 else "",
        )
        response = Response(html, status=status, content_type="text/html", charset="UTF-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def guess_words(path: str) -> str:
    """Give what somebody may have looked for at an address (a WSGI path): the words of its last
    part.
    """
    last = path.encode("latin-1", "ignore").decode(errors="ignore").rstrip("/").rpartition("/")[2]
    return " ".join(_WORD.findall(last[:_LONGEST_WORDS]))


def on_problem(problem: Problem, request: Request) -> Response:
    """Tell a refusal."""
    return tell(request, problem.status, problem.errors)


def on_http(answer: HTTPException, request: Request) -> Response:
    """Tell what Pyramid or a view raised; redirects pass as they are."""
    if answer.status_code < 400:
        return answer
    generic = (
        status_map[answer.status_code]().explanation if answer.status_code in status_map else ""
    )
    if isinstance(answer, HTTPNotFound):
        said = (
            answer.detail
            if answer.detail and " " in answer.detail and "/" not in answer.detail
            else ""
        )
        return tell(request, 404, [said or "This site has no such page."])
    return tell(request, answer.status_code, [answer.detail or generic])


def on_not_found(request: Request) -> Response:
    """Tell that something is not there: in the words of the view that found out, if one did."""
    return on_http(request.exception, request)


def on_undecodable(_: Exception, request: Request) -> Response:
    """Tell that a path, query or form was not UTF-8."""
    return tell(request, 400, ["The address or form is not in UTF-8."])


def on_crash(problem: Exception, request: Request) -> Response:
    """Tell that something went wrong, without saying what; the log knows."""
    log.error("%s %s failed", request.method, request.path, exc_info=problem)
    return tell(
        request,
        500,
        ["Something went wrong on our side. It has been noted; please try again later."],
    )


def tween_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Turn away addresses that hold NUL or are not UTF-8."""

    def tween(request: Request) -> Response:
        environ = request.environ
        query = environ.get("QUERY_STRING", "")
        path = environ["PATH_INFO"]
        if "\x00" in path or "%00" in query or "\x00" in query:
            return tell(request, 400, ["The address holds a NUL character."])
        try:
            path.encode("latin-1").decode()
            if "%" in query or not query.isascii():
                unquote_to_bytes(query.encode("latin-1")).decode()
        except UnicodeError:
            return tell(request, 400, ["The address is not in UTF-8."])
        return handler(request)

    return tween


def includeme(config: Configurator) -> None:
    """Register the exception views and the tween."""
    config.add_exception_view(on_problem, context=Problem)
    config.add_exception_view(on_http, context=HTTPException)
    config.add_notfound_view(on_not_found, append_slash=False)
    config.add_exception_view(on_undecodable, context=URLDecodeError)
    config.add_exception_view(on_undecodable, context=UnicodeDecodeError)
    config.add_exception_view(on_crash, context=Exception)
    config.add_tween("foi.problems.tween_factory", over="pyramid_tm.tm_tween_factory")
