"""Which call counts against which limit, and how a refusal is told.

Headers are those of draft-ietf-httpapi-ratelimit-headers-10. Pages that anybody may keep carry
none, since they would tell one reader's standing to another.
"""

from collections.abc import Callable
from typing import Protocol

from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from foi.limits.address import who
from foi.limits.windows import Policy, Verdict
from foi.problems import Problem, tell
from foi.settings import Settings
from foi.transactions import SAFE_METHODS

UNLIMITED = ("/static/", "/health")
"""Beginnings of addresses that are never refused."""


class Engine(Protocol):
    """Something that counts."""

    def take(self, policy: Policy, who: str) -> Verdict:
        """Count a call, unless it is beyond the limit."""

    def peek(self, policy: Policy, who: str) -> Verdict:
        """Tell what would become of a call, without counting it."""

    def prune(self) -> int:
        """Forget what says nothing any more."""

    def close(self) -> None:
        """Let go of what it holds."""


class TooMany(Problem):
    """A call beyond a limit."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(429, said(verdict))


def said(verdict: Verdict) -> str:
    """Give a refusal in words."""
    noun = "second" if verdict.wait == 1 else "seconds"
    return (
        f"More than {verdict.policy.limit} a minute ({verdict.policy.name}) is too many. "
        f"Please try again in {verdict.wait} {noun}."
    )


class Limiter:
    """The limits of a site."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.engine = engine
        self.key_writes = Policy("writes-per-key", settings.key_writes, shared=True)
        self.writes = Policy("writes", settings.address_writes, shared=True)
        self.bad_keys = Policy("bad-keys", settings.address_bad_keys, shared=True)
        self.searches = Policy("searches", settings.address_searches, shared=True)
        self.feeds = Policy("feeds", settings.address_feeds)
        self.pages = Policy("pages", settings.address_pages)

    def policy(self, method: str, path: str) -> Policy | None:
        """Give the limit by address that a call counts against."""
        if method not in SAFE_METHODS:
            chosen = self.writes
        elif path.startswith(UNLIMITED):
            return None
        elif _is_expensive(path):
            chosen = self.searches
        elif path.startswith("/feed"):
            chosen = self.feeds
        else:
            chosen = self.pages
        return chosen if chosen.limit else None

    def admit_key(self, request: Request, body_id: int) -> None:
        """Count a write with an authority's key; TooMany beyond the limit."""
        if self.key_writes.limit and not _again(request):
            self._admit(request, self.engine.take(self.key_writes, str(body_id)))

    def admit_guess(self, request: Request) -> None:
        """Let nobody try a key who has tried too many that are none; TooMany, also for a good one,
        since else the answer would tell it from the bad ones.
        """
        if self.bad_keys.limit:
            verdict = self.engine.peek(self.bad_keys, _caller(request))
            if not verdict.admitted:
                raise TooMany(verdict)

    def count_guess(self, request: Request) -> None:
        """Count a key that is none; TooMany beyond the limit."""
        if self.bad_keys.limit and not _again(request):
            verdict = self.engine.take(self.bad_keys, _caller(request))
            if not verdict.admitted:
                raise TooMany(verdict)

    def _admit(self, request: Request, verdict: Verdict) -> None:
        if not verdict.admitted:
            raise TooMany(verdict)
        request.foi_standing = [*getattr(request, "foi_standing", ()), verdict]


def _is_expensive(path: str) -> bool:
    """Tell whether making an answer costs many times what a page does: searches, tables of
    everything, zips.
    """
    return (
        path.startswith(("/search", "/feed/search", "/advancedsearch"))
        or path.endswith((".csv", "/download", "/download.zip", "/search_ahead.json"))
        or path.endswith(("/similar", "/similar.json", "/search_ahead"))
    )


def _again(request: Request) -> bool:
    """Tell whether a call is tried again after a lost race: it is counted once."""
    return bool(request.environ.get("retry.attempt"))


def _caller(request: Request) -> str:
    return who(request.environ.get("REMOTE_ADDR", ""))


def _is_kept(request: Request, response: Response) -> bool:
    """Tell whether an answer may be given to others as well, here or by a cache on the way."""
    return getattr(request, "foi_stamp", None) is not None or "public" in response.headers.get(
        "Cache-Control", ""
    )


def limiter_of(request: Request) -> Limiter:
    """Give the limits of the site that a request is to."""
    return request.registry["foi.limits"]  # type: ignore[no-any-return]


def tell_headers(response: Response, verdicts: list[Verdict]) -> None:
    """Tell a client its limits and its standing."""
    response.headers["RateLimit-Policy"] = ", ".join(v.policy.described for v in verdicts)
    response.headers["RateLimit"] = ", ".join(v.told for v in verdicts)


def refuse(request: Request, verdict: Verdict) -> Response:
    """Make the answer to a call that is beyond a limit."""
    response = tell(request, 429, [said(verdict)])
    response.headers["Retry-After"] = str(verdict.wait)
    tell_headers(response, [verdict])
    return response


def on_too_many(problem: TooMany, request: Request) -> Response:
    """Tell a refusal that was found beneath the tween."""
    return refuse(request, problem.verdict)


def tween_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Turn away who calls too often, before any transaction. It is beneath the cache: what is
    answered from memory costs nothing and is not counted.
    """
    limiter: Limiter = registry["foi.limits"]
    take = limiter.engine.take

    def tween(request: Request) -> Response:
        environ = request.environ
        policy = limiter.policy(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
        standing: list[Verdict] = []
        if policy is not None and not _again(request):
            verdict = take(policy, _caller(request))
            if not verdict.admitted:
                return refuse(request, verdict)
            standing.append(verdict)
        response = handler(request)
        standing += getattr(request, "foi_standing", ())
        if standing and not _is_kept(request, response) and response.status_code != 429:
            tell_headers(response, standing)
        return response

    return tween
