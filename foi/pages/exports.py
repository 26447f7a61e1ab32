"""What programs ask of the site as a whole: all authorities as CSV, counts, a description of its
search, its sitemaps, whom to tell of a weakness.

What may be of any length is sent while it is read, a slice by its key at a time, so that a million
requests take the memory of some thousands. Given up: such an answer is of no single moment.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import chain
from typing import Any

from markupsafe import escape
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import String, cast, exists, func, literal, select
from sqlalchemy.orm import Session

from foi import __version__
from foi.archive import reading
from foi.archive.casework import format_tag
from foi.archive.kinds import Audience, Kind
from foi.archive.models import Annotation, Body, Event, InfoRequest, Message, Person, Tag, Version
from foi.pages import help as help_pages
from foi.pages import links, members, paging
from foi.pages.json import dump
from foi.pages.table import written
from foi.pages.variants import kept, streamed
from foi.site import Site, site_of

COLUMNS = (
    "Internal ID",
    "Name",
    "Short name",
    "URL name",
    "Tags",
    "Home page",
    "Publication scheme",
    "Disclosure log",
    "Notes",
    "Created at",
    "Updated at",
    "Version",
)
"""The columns of Alaveteli's all-authorities.csv, in its order."""
INTERNAL_TAG = "site_administration"
"""Authorities with this tag are the site's own affair (Alaveteli's rule)."""
SITEMAP_LENGTH = 50_000
"""Ids in one sitemap, hence at most as many addresses: the protocol's limit (sitemaps.org)."""
_SITEMAPS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def authorities(request: Request) -> Response:
    """All authorities as CSV, for Alaveteli's clients and for `foi import authorities`.

    Values are as they are, also where a spreadsheet would take one for a formula: what reads this
    file expects names, and only those who run the site write them.
    """
    internal = exists().where(
        Tag.subject_kind == "body", Tag.subject_id == Body.id, Tag.name == INTERNAL_TAG
    )
    statement = select(Body.__table__).where(~internal)

    def lines(db: Session, rows: Sequence[Any]) -> list[bytes]:
        tags = members.tags_by_subject(db, "body", [row.id for row in rows])
        return [written(_authority(row, tags.get(row.id, ())) for row in rows)]

    pieces = paging.every(request, statement, _by(Body.id), lines)
    return streamed(request, ("bodies",), chain([written([COLUMNS])], pieces), "text/csv")


def _authority(row: Any, tags: Sequence[tuple[str, str]]) -> Sequence[object]:
    return (
        row.id,
        row.name,
        row.short_name,
        row.url_name,
        " ".join(format_tag(*pair) for pair in tags),
        row.home_page,
        row.publication_scheme,
        row.disclosure_log,
        row.notes,
        f"{row.created_at:%Y-%m-%d %H:%M:%S} UTC",
        f"{row.updated_at:%Y-%m-%d %H:%M:%S} UTC",
        row.version,
    )


def _by(number: Any) -> paging.Key:
    """Sort by the number of a row, the oldest first."""
    return paging.Key((number,), (int,), descending=False)


def version(request: Request) -> Response:
    """Which software this is and how much it holds; members that Alaveteli has bear its names."""
    db = request.db
    shown = select(InfoRequest.id).where(reading.listed())

    def count(model: Any, *conditions: Any) -> int:
        return db.scalar(select(func.count()).select_from(model).where(*conditions)) or 0

    visible = count(InfoRequest, reading.listed())
    counts = {
        "visible_public_body_count": count(Body),
        "visible_request_count": visible,
        "private_request_count": count(InfoRequest) - visible,
        "confirmed_user_count": count(Person),
        "visible_comment_count": count(
            Annotation,
            Annotation.prominence == "normal",
            Annotation.erased_at.is_(None),
            Annotation.request_id.in_(shown),
        ),
        "visible_followup_message_count": count(
            Message,
            Message.direction == "request",
            Message.purpose != "initial",
            Message.prominence == "normal",
            Message.request_id.in_(shown),
        ),
        "request_classification_count": count(
            Event, Event.kind == Kind.STATUS_UPDATE, Event.audience == Audience.PUBLIC
        ),
    }
    told = {"software": "foi-tracker", "version": __version__, "write_api_version": 2} | counts
    return kept(request, ("events", "requests", "bodies", "people"), dump(told), _JSON)


_JSON = "application/json"


def opensearch(request: Request) -> Response:
    """How a browser or reader searches this site (OpenSearch 1.1), in every format there is."""
    site = site_of(request)
    urls = [
        f'<Url type="{variant.media_type}" template="'
        f'{escape(site.url(f"{variant.prefix}/search{variant.suffix}"))}?query={{searchTerms}}"/>'
        for variant in request.registry["foi.variants"]
        if variant.name in ("html", "json") or variant.of_feed
    ]
    name = site.settings.site_name
    text = "\n".join(
        [
            '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">',
            f"<ShortName>{escape(name[:16])}</ShortName>",
            f"<LongName>{escape(name[:48])}</LongName>",
            "<Description>Requests to public authorities, and what they answered</Description>",
            "<InputEncoding>UTF-8</InputEncoding>",
            f"<Language>{escape(site.settings.site_locale)}</Language>",
            f'<Image type="image/svg+xml">{escape(site.url("/static/favicon.svg"))}</Image>',
            *urls,
            f'<Url type="{_OPENSEARCH}" rel="self" template="'
            f'{escape(site.url("/opensearch.xml"))}"/>',
            "</OpenSearchDescription>\n",
        ]
    )
    return kept(request, ("bodies",), (_XML + text).encode(), _OPENSEARCH)


_OPENSEARCH = "application/opensearchdescription+xml"


def sitemaps(request: Request) -> Response:
    """The index of sitemaps: one for so many ids of requests and of authorities, so that an
    address stays in its sitemap; those of which nothing is listed are left out.
    """
    site, db = site_of(request), request.db
    names = ["pages-0"]
    for kind, (key, condition) in _MAPPED.items():
        count = (db.scalar(select(func.max(key))) or 0) // SITEMAP_LENGTH + 1
        for number in range(count):
            inside = select(key).where(*_ids(key, number), condition()).limit(1)
            if db.scalar(inside) is not None:
                names.append(f"{kind}-{number}")
    text = "".join(
        f"<sitemap><loc>{escape(site.url(f'/sitemap/{name}.xml'))}</loc></sitemap>\n"
        for name in names
    )
    body = f"{_XML}<sitemapindex {_SITEMAPS}>\n{text}</sitemapindex>\n"
    return kept(request, ("requests", "bodies"), body.encode(), "application/xml")


_MAPPED: dict[str, tuple[Any, Callable[[], Any]]] = {
    "requests": (InfoRequest.id, reading.listed),
    "bodies": (Body.id, lambda: literal(True)),
}


_PAGES = ("/list", "/body/list", "/events", "/advancedsearch")


def _ids(key: Any, number: int) -> tuple[Any, Any]:
    """Give the conditions under which an id is in a sitemap."""
    return key >= number * SITEMAP_LENGTH, key < (number + 1) * SITEMAP_LENGTH


def sitemap(request: Request) -> Response:
    """The addresses of one sitemap, each with the day and hour of its last change."""
    site, number = site_of(request), int(request.matchdict["number"])
    kind = request.matchdict["kind"]
    if kind == "pages":
        if number:
            raise HTTPNotFound("There is no such sitemap.")
        found = ("/", *_PAGES, *map(help_pages.path, help_pages.TITLES))
        body = b"".join(_framed([_urls(site, [(path, None) for path in found])]))
        return kept(request, ("bodies",), body, "application/xml")
    key, condition = _MAPPED[kind]
    if request.db.scalar(select(func.max(key)).where(*_ids(key, number))) is None:
        raise HTTPNotFound("There is no such sitemap.")
    slug, path, prefix = (
        (InfoRequest.url_title, links.request_path, "request:")
        if kind == "requests"
        else (Body.url_name, links.body_path, "body:")
    )
    scope = literal(prefix, String) + cast(key, String)
    statement = (
        select(key, slug.label("slug"), Version.changed_at)
        .outerjoin(Version, Version.scope == scope)
        .where(*_ids(key, number), condition())
    )

    def urls(_: Session, rows: Sequence[Any]) -> list[bytes]:
        return [_urls(site, [(path(row.slug), row.changed_at) for row in rows])]

    pieces = paging.every(request, statement, _by(key), urls)
    scopes = ("requests",) if kind == "requests" else ("bodies", "requests")
    return streamed(request, scopes, _framed(pieces), "application/xml")


def _urls(site: Site, found: Sequence[tuple[str, datetime | None]]) -> bytes:
    return "".join(
        f"<url><loc>{escape(site.url(path))}</loc>"
        + (f"<lastmod>{changed:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if changed else "")
        + "</url>\n"
        for path, changed in found
    ).encode()


def _framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield f"{_XML}<urlset {_SITEMAPS}>\n".encode()
    yield from pieces
    yield b"</urlset>\n"


def security(request: Request) -> Response:
    """Whom to tell of a weakness (RFC 9116), where the settings name somebody."""
    site = site_of(request)
    contact = site.settings.site_contact
    if not contact:
        raise HTTPNotFound("Those who run this site have not said how to reach them.")
    until = datetime.combine(site.calendar.today() + timedelta(days=180), time(0, tzinfo=UTC))
    text = (
        f"Contact: {contact if '://' in contact else f'mailto:{contact}'}\n"
        f"Expires: {until:%Y-%m-%dT%H:%M:%SZ}\n"
        f"Canonical: {site.url('/.well-known/security.txt')}\n"
        f"Preferred-Languages: {site.settings.site_locale.partition('-')[0]}\n"
    )
    return Response(text, content_type="text/plain", charset="UTF-8")
