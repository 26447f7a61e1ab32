"""Addresses of the site itself: the front page, health, and what crawlers are told."""

from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import exists, func, select, text

from foi import __version__, migrations
from foi.archive import reading
from foi.archive.kinds import Kind
from foi.archive.models import Body, Event, InfoRequest, Message
from foi.pages import events, paging
from foi.pages.entries import entries_of
from foi.pages.page import Page
from foi.problems import tell
from foi.site import site_of

SHOWN = 6
AMONG = 200
"""How many of the answers recorded last are looked at for the newest ones."""


def front(request: Request) -> Page:
    """What this site is, and what is new on it: of what has no date, nobody can tell."""
    db = request.db
    dated = InfoRequest.day_zero.is_not(None)
    part = paging.requests_before(request, reading.listed(), dated, limit=SHOWN)
    sent = exists().where(Message.id == Event.message_id, Message.sent_at.is_not(None))
    newest = db.execute(
        events.select_events(Event.kind == Kind.RESPONSE, sent.correlate(Event.__table__))
        .order_by(Event.id.desc())
        .limit(AMONG)
    ).all()
    answers = sorted(newest, key=lambda event: event.happened_at, reverse=True)[:SHOWN]
    return Page(
        title=site_of(request).settings.site_name,
        path="/",
        feed_path="/list",
        scopes=("requests", "bodies", "people"),
        template="front.jinja2",
        shows={
            "part": part,
            "answers": entries_of(db, site_of(request), answers),
            "body_count": db.scalar(select(func.count()).select_from(Body)),
            "request_count": db.scalar(
                select(func.count()).select_from(InfoRequest).where(reading.listed())
            ),
        },
    )


def health(request: Request) -> Response:
    """Whether the site can answer: 200 when its database is there and of this release's schema,
    else 503.
    """
    site = site_of(request)
    try:
        with site.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        state = migrations.current(site.engine)
    except Exception:
        return tell(request, 503, ["The database cannot be reached."])
    if state != request.registry["foi.head"]:
        return tell(
            request, 503, ["The database is not of this release's schema: run `foi upgrade`."]
        )
    response = Response(json_body={"status": "ok", "version": __version__})
    response.headers["Cache-Control"] = "no-store"
    return response


_DISALLOWED = (
    "/search",
    "/feed/search",
    "/api/",
    "/desk",
    "/sign-in",
    "/*?*before=",
    "/*?*after=",
    "/*?*since=",
)


def robots(request: Request) -> Response:
    """What crawlers should leave alone (RFC 9309): searches and their feeds, which have no end,
    and older parts of lists, since the sitemaps name every request.
    """
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in _DISALLOWED),
        "",
        f"Sitemap: {site_of(request).url('/sitemap.xml')}",
        "",
    ]
    return Response("\n".join(lines), content_type="text/plain", charset="UTF-8")
