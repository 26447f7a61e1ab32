"""Validators and the cache of finished pages, in one tween above the transaction.

A page's version is known before the page is loaded: the positions of the scopes it shows, the
site-local day and the epoch (release and settings). So a page that has not changed is answered
from memory, or with 304, after one raw look at the versions, and without even that while nothing
at all was committed; nothing is ever purged. Cached bytes hold no token, cookie or identity.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime, parsedate_to_datetime

from pyramid.config import Configurator
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response

from foi import __version__
from foi.archive.calendar import Calendar
from foi.pages.packing import pack, takes_gzip
from foi.settings import Settings
from foi.site import Site

CACHE_CONTROL = "public, max-age=0, must-revalidate"
_OVERHEAD = 2000  # bytes of a cached page beside its body, plain and compressed

Address = tuple[str, str, str]
"""Path, query, and both as the client sent them."""


@dataclass(slots=True)
class Kept:
    """A finished page and what it was made from."""

    scopes: tuple[str, ...]
    positions: tuple[tuple[str, int], ...]
    day: date
    headers: list[tuple[str, str]]
    body: bytes
    etag: str
    modified: datetime
    seen: bytes | None = None
    """The database's mark when the versions were last looked at, and were still these."""
    packed: bytes | None = None
    """The body compressed, once somebody has taken it so."""


class Cache:
    """Finished pages by address, the least recently used ones leaving first."""

    def __init__(self, megabytes: int) -> None:
        self._limit = megabytes << 20
        self._size = 0
        self._pages: OrderedDict[Address, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, address: Address) -> Kept | None:
        """Give the page kept for an address, whether or not it is still right."""
        kept = self._pages.get(address)
        if kept is not None:
            try:
                self._pages.move_to_end(address)
            except KeyError:
                return None  # another thread has just let go of it
        return kept

    def put(self, address: Address, kept: Kept) -> None:
        """Keep a page; one of more than a sixteenth of the memory is not worth it."""
        weight = _weight(kept)
        if weight > self._limit // 16:
            return
        with self._lock:
            former = self._pages.pop(address, None)
            self._size += weight - (_weight(former) if former else 0)
            self._pages[address] = kept
            while self._size > self._limit:
                _, dropped = self._pages.popitem(last=False)
                self._size -= _weight(dropped)


def _weight(kept: Kept) -> int:
    """Give the bytes that a page takes, its compressed form reckoned at a third."""
    return len(kept.body) * 4 // 3 + _OVERHEAD


class _Today:
    """The site-local day, worked out at most once a second."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._second, self._day = 0, calendar.today()

    def __call__(self) -> date:
        second = int(time.time())
        if second != self._second:
            self._second, self._day = second, self._calendar.today()
        return self._day


def epoch(settings: Settings) -> str:
    """Give what all pages of this release under these settings have in common."""
    told = (
        __version__,
        settings.site_url,
        settings.site_name,
        settings.site_contact,
        settings.site_locale,
        str(settings.site_zone),
        settings.jurisdiction,
        settings.extensions,
    )
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def tween_factory(
    handler: Callable[[Request], Response], registry: Registry
) -> Callable[[Request], Response]:
    """Answer from memory what has not changed, and give every page its validators."""
    site: Site = registry["foi.site"]
    versions = site.versions
    cache = Cache(site.settings.cache_megabytes)
    today = _Today(site.calendar)
    release = epoch(site.settings)

    def fresh(address: Address) -> Kept | None:
        kept = cache.get(address)
        if kept is None or kept.day != today():
            return None
        mark = versions.mark()  # before the look, so that a commit in between is not missed
        if mark is None or mark != kept.seen:
            if kept.positions != versions.read(kept.scopes):
                return None
            kept.seen = mark
        return kept

    def make(request: Request, address: Address, keep: bool) -> Response:
        day = today()
        response = handler(request)
        stamp = getattr(request, "foi_stamp", None)
        if stamp is None or response.status_code != 200:
            return response
        kept = _keep(response, stamp, day, site, f"{release}{address}")
        if keep:
            cache.put(address, kept)
        return _answer(request, kept)

    def tween(request: Request) -> Response:
        environ = request.environ
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return handler(request)
        # A search tells an encoded slash from a plain one: the address as it was sent counts too.
        address = (
            environ["PATH_INFO"],
            environ.get("QUERY_STRING", ""),
            environ.get("REQUEST_URI") or environ.get("RAW_URI") or "",
        )
        if "foi.db" in environ:  # a test's own transaction, of which the cache knows nothing
            return make(request, address, keep=False)
        kept = fresh(address)
        return make(request, address, keep=True) if kept is None else _answer(request, kept)

    return tween


def _keep(
    response: Response,
    stamp: tuple[tuple[str, ...], tuple[tuple[str, int], ...], datetime],
    day: date,
    site: Site,
    address: str,
) -> Kept:
    scopes, positions, moment = stamp
    told = repr((positions, day, address)).encode()
    etag = f'"{hashlib.blake2b(told, digest_size=15).hexdigest()}"'
    modified = max(moment, site.calendar.midnight(day)).replace(microsecond=0)
    response.headers["ETag"] = etag
    response.headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Vary"] = "Accept-Encoding"
    return Kept(scopes, positions, day, list(response.headerlist), response.body, etag, modified)


def _answer(request: Request, kept: Kept) -> Response:
    packed = takes_gzip(request.environ.get("HTTP_ACCEPT_ENCODING")) and _packed(kept)
    if unchanged(request, kept.etag, kept.modified):
        headers = [(n, v) for n, v in kept.headers if n not in ("Content-Type", "Content-Length")]
        response = Response(status=304, headerlist=headers)
    elif packed:
        response = Response(body=packed, headerlist=kept.headers.copy())
        response.headers["Content-Encoding"] = "gzip"
    else:
        return Response(body=kept.body, headerlist=kept.headers.copy())
    if packed:
        response.headers["ETag"] = _packed_tag(kept.etag)
    return response


def _packed(kept: Kept) -> bytes:
    """Give a page's body compressed; empty when that would not make it smaller."""
    if kept.packed is None:
        kept.packed = pack(kept.body)
    return kept.packed


def _packed_tag(etag: str) -> str:
    """Give the entity tag of the compressed form, which differs from the plain one's."""
    return f'{etag[:-1]}-gzip"'


def unchanged(request: Request, etag: str, modified: datetime | None = None) -> bool:
    """Judge the request's conditions (RFC 9110 section 13.1) by an answer's entity tag, without
    the sign of a weak one, and date; the date decides only where no entity tag is asked for.
    """
    asked = request.environ.get("HTTP_IF_NONE_MATCH")
    if asked is not None:
        tags = (etag, _packed_tag(etag), "*")
        return any(tag.strip().removeprefix("W/") in tags for tag in asked.split(","))
    if modified is None:
        return False
    since = request.environ.get("HTTP_IF_MODIFIED_SINCE")
    # A date has whole seconds: while the second of the last change runs, more may come that it
    # cannot tell apart.
    if since is None or (datetime.now(UTC) - modified).total_seconds() < 2:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except (ValueError, OverflowError):
        return False
    return moment.tzinfo is not None and modified <= moment


def includeme(config: Configurator) -> None:
    """Put the tween above retries, transaction and exception views."""
    config.add_tween(
        "foi.pages.cache.tween_factory",
        over=["pyramid_tm.tm_tween_factory", "foi.problems.tween_factory"],
    )
