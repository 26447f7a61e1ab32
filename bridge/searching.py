"""Searching the texts that Aleph holds for this site, on the public's behalf.

The bridge's key may see far more than the public may, so nothing of an answer is taken on trust:
Aleph is asked for our collections only, and of what it finds only that is shown for which there is
a receipt and which the archive shows at this moment. Titles and links are our own, words in their
context are masked like every text. A call takes seconds at most, there are few at once, and it is
made outside any transaction. What it gives up: files within files, and how many were found in all.
"""

import html
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.aleph import Aleph
from bridge.config import Remote
from bridge.items import Item, Source
from bridge.manifest import manifests
from bridge.models import Receipt
from bridge.places import Place, places
from bridge.receipts import Held, Receipts
from bridge.wire import AlephError, Patience
from foi.addresses import get
from foi.archive.models import InfoRequest
from foi.archive.reading import mask_pieces
from foi.pages.page import Page
from foi.site import Site, site_of

PATH = "/search-documents"
LONGEST = 200
"""Letters of a query."""
PER_PAGE = 20
LAST_PAGE = 20
_SECONDS = 4.0
"""How long a reader waits for Aleph."""
_HASTY = Patience(attempts=1, connect=2.0, answer=_SECONDS)
_FRESH = 60.0
"""Seconds for which the collections are remembered, and for which a bad key is not tried again."""
_MOST_COLLECTIONS = 100
_SNIPPETS = 3
_ADDRESSES = 10  # of a hit that are looked at; what we send has one
# Control characters, halves of characters, what turns the text around it back to front.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_MARKS = re.compile(r"(</?em>)")
_SYNTAX = re.compile(r"[\\/:\[\]{}^~!?]|(?<!\w)\*|&&|\|\|")
# What Lucene takes for more than words. Quotation marks, parentheses, AND, OR, NOT, a minus and
# an asterisk after a word remain.

BUSY = "Too many people are searching the documents at the moment. Please try again in a minute."
DOWN = "Aleph cannot be asked at the moment. Please try again later."
EMPTY = "Nothing has been sent to Aleph yet."
LONG = f"A search of documents has at most {LONGEST} letters."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking Aleph: hits as it gives them, or a sentence for why there are none."""

    hits: tuple[Mapping[str, Any], ...] = ()
    places: Mapping[str, Place] | None = None
    """The collections that were asked, by Aleph's number."""
    more: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """Something found, in our own words."""

    title: str
    path: str
    request_title: str
    request_path: str
    aleph: str
    snippets: tuple[Markup, ...]


class Searcher:
    """Asks one Aleph, a few times at once."""

    def __init__(self, site: Site, remote: Remote) -> None:
        self._site, self.remote = site, remote
        # Half of the threads at most may wait for Aleph: the other half serves everybody else.
        at_once = max(1, site.settings.threads // 2)
        self._aleph = Aleph(remote.host, remote.key, _HASTY, at_once)
        self._room = threading.BoundedSemaphore(at_once)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="bridge-search")
        self._known: Mapping[str, Place] = {}
        self._looked = -_FRESH
        self._checked = -_FRESH

    def close(self) -> None:
        """Let go of connections and threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._aleph.close()

    def ask(self, words: str, page: int) -> Answer:
        """Search; an answer comes within seconds, whatever Aleph does."""
        if len(words) > LONGEST:
            return Answer(problem=LONG)
        if not self._room.acquire(blocking=False):
            return Answer(problem=BUSY)
        asked: Future[Answer] = self._pool.submit(self._ask, words, page)
        # A thread that Aleph keeps waiting keeps its place as well.
        asked.add_done_callback(lambda _: self._room.release())
        try:
            return asked.result(_SECONDS)
        except TooSlow:
            return Answer(problem=DOWN)

    def _ask(self, words: str, page: int) -> Answer:
        try:
            known = self._collections()
            if not known:
                return Answer(problem=EMPTY)
            self._check()
            found = self._find(plain_query(words), page, known)
        except AlephError:
            return Answer(problem=DOWN)
        told = _listed(found.get("results"))[:PER_PAGE]
        hits = tuple(each for each in told if isinstance(each, Mapping))
        return Answer(hits, known, more=len(hits) == PER_PAGE and page < LAST_PAGE)

    def _find(self, query: str, page: int, known: Mapping[str, Place]) -> Mapping[str, Any]:
        try:
            return self._aleph.call("GET", "entities", params=_query(query, page, known))
        except AlephError as error:
            if error.status not in (400, 500):
                raise
            # An operator that leads nowhere, in the words of Aleph and of OpenAleph.
            bare = " ".join(re.findall(r"\w+", query.lower()))
            return (
                self._aleph.call("GET", "entities", params=_query(bare, page, known))
                if bare
                else {}
            )

    def _check(self) -> None:
        """Make sure now and then that the key is good: with a bad one Aleph finds nothing."""
        if time.monotonic() - self._checked >= _FRESH:
            self._aleph.call("GET", "status")
            self._checked = time.monotonic()

    def _collections(self) -> Mapping[str, Place]:
        """Give our collections by Aleph's number, the wider ones first."""
        if time.monotonic() - self._looked >= _FRESH or not self._known:
            table: Any = Receipt.__table__.c
            numbers = select(table.collection, table.collection_id).where(
                table.target == self.remote.host, table.subject == "collection"
            )
            with self._site.sessions.reading() as db:
                every = [p for p in places(db, self._site, self.remote) if p.wanted]
                numbered = {row.collection: row.collection_id for row in db.execute(numbers)}
            whole = [p for p in every if p.selection.whole and p.foreign_id in numbered]
            chosen = whole or [p for p in every if p.foreign_id in numbered]
            self._known = {numbered[p.foreign_id]: p for p in chosen[:_MOST_COLLECTIONS]}
            self._looked = time.monotonic()
        return self._known


def _query(query: str, page: int, known: Mapping[str, Place]) -> list[tuple[str, str]]:
    return [
        ("q", query),
        ("filter:schemata", "Document"),
        *(("filter:collection_id", number) for number in known),
        ("highlight", "true"),
        ("highlight_count", str(_SNIPPETS)),
        ("limit", str(PER_PAGE)),
        ("offset", str((page - 1) * PER_PAGE)),
    ]


def plain_query(words: str) -> str:
    """Give a query in which only quotation marks, parentheses, AND, OR, NOT, `-` and `*` mean more
    than themselves: fields could ask for what is not shown, patterns cost a lot, and what does not
    balance is refused.
    """
    text = _SYNTAX.sub(" ", words)
    if text.count('"') % 2:
        text = text.replace('"', " ")
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
    if depth:
        text = text.replace("(", " ").replace(")", " ")
    return " ".join(text.split())


def results(db: Session, site: Site, remote: Remote, answer: Answer) -> list[Result]:
    """Give of what Aleph found only what is ours and public now, in its order."""
    known = answer.places or {}
    slugs = {slug for hit in answer.hits for slug in _slugs(site, hit)}
    asked = select(InfoRequest.id, InfoRequest.url_title).where(InfoRequest.url_title.in_(slugs))
    ids = {slug: number for number, slug in db.execute(asked)} if slugs else {}
    found: dict[tuple[str, str], tuple[Item, Held, Item]] = {}
    for number, place in known.items():
        hits = [hit for hit in answer.hits if _collection(hit) == number]
        subjects = {f"request:{ids[s]}" for hit in hits for s in _slugs(site, hit) if s in ids}
        found |= _public(db, site, remote, number, place, sorted(subjects))
    made = []
    for hit in answer.hits:
        pair = found.pop((_collection(hit), str(hit.get("id"))), None)
        if pair is not None:
            made.append(_result(remote, hit, *pair))
    return made


def _public(
    db: Session, site: Site, remote: Remote, number: str, place: Place, subjects: Sequence[str]
) -> dict[tuple[str, str], tuple[Item, Held, Item]]:
    """Give what a collection may show of some requests, by its number and Aleph's id: the object,
    its receipt, and the request.
    """
    source = Source(site, place.foreign_id, site.calendar.today(), place.selection)
    held = Receipts(site, remote.host, place.foreign_id, number).of(db, subjects)
    found = {}
    for subject, manifest in manifests(db, source, subjects).items():
        for item in manifest.items:
            receipt = held[subject].get(item.foreign_id)
            if receipt is not None and receipt.remote_id and receipt.withdrawn_at is None:
                found[number, receipt.remote_id] = (item, receipt, manifest.items[0])
    return found


def _result(
    remote: Remote, hit: Mapping[str, Any], item: Item, receipt: Held, folder: Item
) -> Result:
    title = _first(item, "title", "subject") or item.file_name
    return Result(
        title,
        _path(_first(item, "sourceUrl")),
        _first(folder, "title"),
        _path(_first(folder, "sourceUrl")),
        remote.page(receipt.remote_id),
        tuple(_snippets(hit, item, receipt)),
    )


def _first(item: Item, *names: str) -> str:
    return next((item.properties[name][0] for name in names if item.properties.get(name)), "")


def _path(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"#{parts.fragment}" if parts.fragment else "")


def _collection(hit: Mapping[str, Any]) -> str:
    within = hit.get("collection")
    number = within.get("id") if isinstance(within, Mapping) else hit.get("collection_id")
    return str(number or hit.get("collection_id") or "")


def _slugs(site: Site, hit: Mapping[str, Any]) -> Iterator[str]:
    """Give the requests that a hit says it comes from; whether it does is to be seen."""
    properties = hit.get("properties")
    values = properties.get("sourceUrl") if isinstance(properties, Mapping) else None
    start = site.url("/request/")
    for address in _listed(values)[:_ADDRESSES]:
        if isinstance(address, str) and address.startswith(start):
            slug = unquote(re.split(r"[/?#]", address.removeprefix(start), maxsplit=1)[0])
            if slug.isprintable():  # what is not, no database takes
                yield slug


def _listed(value: Any) -> list[Any]:
    """Give what ought to be a list; an empty one when it is none."""
    return value if isinstance(value, list) else []


def _snippets(hit: Mapping[str, Any], item: Item, receipt: Held) -> Iterator[Markup]:
    """Give words in their context as Aleph found them: of a file whose bytes are still these, and
    of a letter what still stands in it.
    """
    if item.file is not None and receipt.sha256 != item.file.sha256:
        return
    own = " ".join(" ".join(v.split()) for values in item.properties.values() for v in values)
    texts = [text for text in _listed(hit.get("highlight")) if isinstance(text, str)]
    for text in texts[:_SNIPPETS]:
        pieces = [_UNFIT.sub("", html.unescape(p)) for p in _MARKS.split(text[:2000])]
        words = "".join(pieces[::2])
        if item.file is not None or " ".join(words.split()) in own:
            yield _marked(mask_pieces(pieces[::2]), pieces[1::2])


def _marked(pieces: Sequence[str], marks: Sequence[str]) -> Markup:
    """Give pieces of text as HTML, with those between `<em>` and `</em>` marked."""
    made, inside = Markup(), False
    for piece, mark in zip(pieces, (*marks, ""), strict=True):
        made += (
            Markup("<mark>{}</mark>").format(piece) if inside and piece else Markup.escape(piece)
        )
        inside = mark == "<em>"
    return made


def asked_in(environ: Mapping[str, Any]) -> tuple[str, int]:
    """Read words and page of a WSGI query; nothing from one that is not UTF-8."""
    try:
        given = parse_qs(environ.get("QUERY_STRING", ""), errors="strict", max_num_fields=20)
    except (UnicodeDecodeError, ValueError):
        return "", 1
    words = " ".join(given.get("query", [""])[0].replace("\0", " ").split())
    page = given.get("page", ["1"])[0]
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 1
    return words, min(max(number, 1), LAST_PAGE)


def _view(searcher: Searcher) -> Callable[[Request], Response]:
    def view(request: Request) -> Response:
        site = site_of(request)
        words, page = asked_in(request.environ)
        answer = searcher.ask(words, page) if words else Answer()  # before a transaction begins
        found = results(request.db, site, searcher.remote, answer) if answer.hits else []
        turned = {
            number: f"{PATH}?{urlencode({'query': words, 'page': number})}"
            for number in (page - 1, page + 1)
        }
        shown = {
            "page": Page(
                "Search the documents", PATH, (), template="bridge/search.jinja2", searchable=False
            ),
            "words": words,
            "longest": LONGEST,
            "problem": answer.problem,
            "results": found,
            "back": turned[page - 1] if page > 1 and words else "",
            "on": turned[page + 1] if answer.more else "",
        }
        template = request.registry["foi.templates"].get_template("bridge/search.jinja2")
        status = 200 if not answer.problem or answer.problem in (LONG, EMPTY) else 503
        response = Response(template.render(shown), status=status, charset="UTF-8")
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return view


def _offer(request: Request, page: Page) -> None:
    """Lead from a search of the site to one of the documents."""
    templates = request.registry["foi.templates"]
    page.panels["search"] = templates.get_template("bridge/_panels.jinja2").module.search


def includeme(config: Configurator) -> None:
    """Add the search of documents, in the first Aleph, to the site."""
    site: Site = config.registry["foi.site"]
    searcher = Searcher(site, config.registry["bridge.remotes"][0])
    site.closing.append(searcher.close)
    get(config, "search-documents", PATH, _view(searcher))
    config.add_panel(("search", "search-words"), _offer)
