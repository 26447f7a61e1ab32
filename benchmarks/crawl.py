"""Follow every link of a site to exhaustion and say what is wrong with what is found.

python -m benchmarks.crawl http://127.0.0.1:6543 [--limit N]

Links are those of pages (href and src; forms are left alone), of feeds, sitemaps and the
description of the search, of the header Link, and every address of the site in JSON. Each must
answer with 200, or lead to what does; be of the type that its link claims; and have the place that
its fragment names. Every page must be flawless HTML by the specification's parser and keep some
rules of good pages; every feed must be sound. What can be combined without end (searches, filters)
is followed a number of times for each combination of parameters; everything else always. Exit code
1 when there are faults.
"""

import argparse
import http.client
import json
import re
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import feedparser
import html5lib
from lxml import etree
from lxml import html as lxml_html

SEEDS = ("/", "/sitemap.xml", "/robots.txt", "/health", "/version.json", "/opensearch.xml")
ENDLESS = ("/search",)
"""Beginnings of paths that can be combined without end."""
CURSORS = frozenset({"before", "after", "since", "limit", "v"})
"""Parameters that come to an end."""
_LINK = re.compile(r"<([^>]*)>\s*;[^,]*")
_HREF = re.compile(r'\b(?:href|src)="([^"]*)"')
_TAG = re.compile(r"<(/?[a-zA-Z][^\s>]*)([^>]*)>")
_ATTRIBUTE = re.compile(r'([a-zA-Z-]+)(?:="([^"]*)")?')
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")
_BARE = re.compile(r"&(?!(?:#[0-9]+|#x[0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);)")


@dataclass(frozen=True)
class Answer:
    """What an address answered; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()


@dataclass(frozen=True)
class Link:
    """Where something leads: the address, the place in it, and the type it claims to be."""

    address: str
    fragment: str = ""
    claimed: str = ""


@dataclass
class Crawl:
    """One run over a site; `faults` names each address with what is wrong there."""

    fetch: Callable[[str], Answer]
    base: str
    """The site's own address, without a slash at its end."""
    limit: int = sys.maxsize
    each: int = 12
    """How many addresses of each endless combination are followed."""
    sampled: re.Pattern[str] | None = None
    """Addresses that are followed as few times as endless ones, by what begins them."""
    every_page: bool = True
    """Whether each page is read by the slow, strict parser, or only those with something new."""
    check_feed: Callable[[bytes, str], list[str]] | None = None
    """Says what is wrong with a feed that an absolute address answered."""
    cut_short: bool = False
    """Whether somebody interrupted it; what was found until then is told all the same."""
    seen: dict[str, str] = field(default_factory=dict)
    """Each address met, and where first."""
    faults: list[str] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    pages: dict[str, bytes] = field(default_factory=dict)
    """Pages that were read strictly."""

    def run(self, *seeds: str) -> None:
        """Follow everything that can be reached from the seeds."""
        self._waiting: deque[str] = deque()
        self._combined: Counter[tuple[str, ...]] = Counter()
        self._places: dict[str, frozenset[str]] = {}
        self._wanted: dict[Link, str] = {}
        self._found: dict[str, tuple[str, str]] = {}
        self._steps: set[tuple[str, ...]] = set()
        for seed in seeds or SEEDS:
            self._meet("the beginning", Link(seed))
        try:
            while self._waiting and len(self._found) < self.limit:
                self._visit(self._waiting.popleft())
        except KeyboardInterrupt:
            self.cut_short = True
        for link, source in self._wanted.items():
            self._settle(source, link)

    def _meet(self, source: str, link: Link) -> None:
        if link.fragment or link.claimed:
            self._wanted.setdefault(link, source)
        if link.address in self.seen or not self._worthwhile(link.address):
            return
        self.seen[link.address] = source
        self._waiting.append(link.address)

    def _worthwhile(self, address: str) -> bool:
        parts = urlsplit(address)
        names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
        filters = [name for name in names if name not in CURSORS]
        bare = parts.path.removeprefix("/feed")
        sampled = self.sampled is not None and self.sampled.match(address)
        if not (filters or sampled or bare.startswith(ENDLESS)):
            return True
        first, *rest = bare.split("/")[1:]
        form = rest[-1].partition(".")[2] if rest else ""
        shape = (parts.path[:5], first, *rest[1:], form, *names)
        self._combined[shape] += 1
        return self._combined[shape] <= self.each

    def _visit(self, address: str) -> None:
        answer = self.fetch(address)
        self.types[f"{answer.status} {answer.media_type}"] += 1
        if 300 <= answer.status < 400:
            target = self._own(answer.headers.get("location", ""), address)
            if target is None:
                self._fault(address, f"leads off the site: {answer.headers.get('location')}")
            else:
                self._found[address] = ("redirect", target.address)
                self._meet(address, target)
            return
        self._found[address] = (answer.media_type, "")
        if answer.status != 200:
            self._fault(address, f"answers {answer.status}, linked from {self.seen[address]}")
            return
        for given in _LINK.findall(answer.headers.get("link", "")):
            self._offer(address, given)
        try:
            self._read(address, answer)
        except (etree.XMLSyntaxError, ValueError) as why:
            self._fault(address, f"cannot be read: {why}")

    def _read(self, address: str, answer: Answer) -> None:
        kind = answer.media_type
        if kind == "text/html":
            self._page(address, answer.body)
        elif kind == "application/json" or kind.endswith("+json"):
            self._json(address, json.loads(answer.body))
        elif kind.endswith("xml"):
            self._xml(address, answer.body, kind)
        elif address == "/robots.txt":
            for given in re.findall(r"(?m)^Sitemap: (\S+)$", answer.body.decode()):
                self._offer(address, given)

    def _page(self, address: str, body: bytes) -> None:
        if self.every_page or self._is_new(body.decode()):
            self.pages[address] = body
            parser = html5lib.HTMLParser()
            parser.parse(body, transport_encoding="utf-8")
            for position, code, _ in parser.errors:
                self._fault(address, f"HTML error at {position}: {code}")
        tree = lxml_html.document_fromstring(body, parser=lxml_html.HTMLParser(encoding="utf-8"))
        for rule in RULES:
            for fault in rule(tree):
                self._fault(address, fault)
        self._places[address] = frozenset(tree.xpath("//@id"))
        for element in tree.iter("a", "link", "img", "use"):
            given = element.get("src") if element.tag == "img" else element.get("href")
            if given is not None:
                self._offer(address, given, element.get("type", ""))

    def _is_new(self, text: str) -> bool:
        """Tell whether a page has two tags side by side that no earlier page had so, with these
        attributes and classes, or an ampersand that needs a look.
        """
        tags = [
            (name, *((k, v if k in ("class", "type", "rel") else "") for k, v in sorted(pairs)))
            for name, rest in _TAG.findall(text)
            for pairs in [_ATTRIBUTE.findall(rest)]
        ]
        steps = {(*map(repr, pair),) for pair in pairwise(tags)}
        new = not steps <= self._steps or _BARE.search(text) is not None
        self._steps |= steps
        return new

    def _json(self, address: str, data: Any) -> None:
        if isinstance(data, dict):
            data = list(data.values())
        if isinstance(data, list):
            for each in data:
                self._json(address, each)
        elif isinstance(data, str) and data.startswith(f"{self.base}/") and " " not in data:
            self._offer(address, data)

    def _xml(self, address: str, body: bytes, kind: str) -> None:
        root = etree.fromstring(body)
        self._places[address] = frozenset(root.xpath("//@id"))
        if kind == "image/svg+xml":
            return
        if kind in ("application/atom+xml", "application/rss+xml"):
            for fault in (self.check_feed or sound_feed)(body, self.base + address):
                self._fault(address, fault)
        for element in root.iter(
            "{*}link", "{*}loc", "{*}uri", "{*}Url", "{*}Image", "{*}content"
        ):
            text = (element.text or "").strip()
            if element.tag.endswith("Url"):
                given = element.get("template", "").replace("{searchTerms}", "council")
                self._offer(address, given, element.get("type", ""))
            elif element.tag.endswith("content"):
                for href in _HREF.findall(text):
                    self._offer(address, href.replace("&amp;", "&"))
            elif given := element.get("href") or text:
                self._offer(address, given, element.get("type", ""))

    def _offer(self, source: str, given: str, claimed: str = "") -> None:
        link = self._own(given, source)
        if link is not None:
            self._meet(source, Link(link.address, link.fragment, claimed))

    def _own(self, given: str, source: str) -> Link | None:
        """Give where a link leads; None when that is another site."""
        absolute = urljoin(self.base + source, given.strip())
        parts = urlsplit(absolute)
        if f"{parts.scheme}://{parts.netloc}" != self.base:
            return None
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        return Link(path + (f"?{parts.query}" if parts.query else ""), parts.fragment)

    def _settle(self, source: str, link: Link) -> None:
        """Check what could not be known before the target had been read."""
        address = link.address
        for _ in range(5):
            kind, target = self._found.get(address, ("", ""))
            if kind != "redirect":
                break
            address = target
        if not kind:
            return  # beyond the limit, or one of an endless combination
        claimed = link.claimed.partition(";")[0]
        # What a browser might run is served as mere bytes.
        harmless = kind == "application/octet-stream" and ("html" in claimed or "xml" in claimed)
        if claimed and claimed != kind and not harmless:
            self._fault(source, f"says that {link.address} is {link.claimed}; it is {kind}")
        if link.fragment and link.fragment not in self._places.get(address, frozenset()):
            self._fault(source, f"leads to a place that is not there: {address}#{link.fragment}")

    def _fault(self, address: str, what: str) -> None:
        self.faults.append(f"{address}: {what}")


def sound_feed(body: bytes, _: str = "") -> list[str]:
    """Say what a feed reader finds wrong with a feed."""
    found = feedparser.parse(body)
    missing = [name for name in ("title", "id", "updated") if not found.feed.get(name)]
    faults = [f"the feed has no {name}" for name in missing]
    return faults + ([f"the feed is unsound: {found.bozo_exception}"] if found.bozo else [])


def _ids(tree: Any) -> Iterator[str]:
    for name, count in Counter(tree.xpath("//@id")).items():
        if count > 1 or not name or " " in name:
            yield f"the id {name!r} stands {count} times"


def _headings(tree: Any) -> Iterator[str]:
    levels = [int(h.tag[1]) for h in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1:
        yield f"has {levels.count(1)} headings of the first level"
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}"


def _named(element: Any) -> bool:
    alts = element.xpath(".//img/@alt")
    return bool(
        element.text_content().strip() or element.get("aria-label") or any(a.strip() for a in alts)
    )


def _labels(tree: Any) -> Iterator[str]:
    labelled = set(tree.xpath("//label/@for"))
    for field_ in tree.xpath("//input[not(@type='hidden')] | //select | //textarea"):
        wrapped = any(parent.tag == "label" for parent in field_.iterancestors())
        if not (wrapped or field_.get("id") in labelled or field_.get("aria-label")):
            yield f"the field {field_.get('name')!r} has no label"
    for target in labelled - set(tree.xpath("//@id")):
        yield f"a label is for {target!r}, which is not there"


def _names(tree: Any) -> Iterator[str]:
    for image in tree.xpath("//img[not(@alt)]"):
        yield f"the picture {image.get('src')!r} has no alt"
    for element in tree.iter("a", "button", "summary", "caption", "th", "h1", "h2", "h3"):
        if not _named(element):
            yield f"an empty {element.tag} ({element.get('href', '')})"
    for link in tree.xpath("//a[@href='' or starts-with(@href, 'javascript:')]"):
        yield f"a link leads nowhere: {link.text_content().strip()!r}"


def _frame(tree: Any) -> Iterator[str]:
    if not _LANGUAGE.fullmatch(tree.get("lang", "")):
        yield f"the language {tree.get('lang')!r} is none"
    if not (tree.findtext("head/title") or "").strip():
        yield "has no title"
    if len(tree.xpath("//main")) != 1:
        yield "has not exactly one main part"
    if tree.xpath("//script | //@style | //@*[starts-with(name(), 'on')] | //style"):
        yield "has a script or a style of its own, which its own policy forbids"


RULES: tuple[Callable[[Any], Iterator[str]], ...] = (_ids, _headings, _labels, _names, _frame)
"""What good pages keep beyond the specification; each gives what is wrong with a parsed page."""


class Remote:
    """Fetches from a server over one connection that is kept open."""

    def __init__(self, server: str) -> None:
        self._parts = urlsplit(server)
        self._connection = self._open()
        self.seconds: list[tuple[float, str]] = []

    def _open(self) -> http.client.HTTPConnection:
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        return kind(self._parts.netloc, timeout=60)

    def __call__(self, address: str) -> Answer:
        """Fetch an address; once more, when the server has closed the connection."""
        begun = time.perf_counter()
        try:
            answer = self._ask(address)
        except (http.client.HTTPException, OSError):
            self._connection.close()
            self._connection = self._open()
            answer = self._ask(address)
        self.seconds.append((time.perf_counter() - begun, address))
        return answer

    def _ask(self, address: str) -> Answer:
        self._connection.request("GET", self._parts.path + address)
        response = self._connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


def main(arguments: list[str] | None = None) -> int:
    """Crawl a site from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("server", help="where the site answers")
    parser.add_argument("--base", help="the site's own address (site.url), if it is another")
    parser.add_argument("--limit", type=int, default=sys.maxsize, help="addresses to look at")
    parser.add_argument("--each", type=int, default=200, help="of each endless combination")
    parser.add_argument("--seed", action="append", default=[], help="begin here instead")
    parser.add_argument("--quick", action="store_true", help="parse strictly only what is new")
    given = parser.parse_args(arguments)
    remote = Remote(given.server.rstrip("/"))
    crawl = Crawl(
        remote,
        (given.base or given.server).rstrip("/"),
        limit=given.limit,
        each=given.each,
        every_page=not given.quick,
    )
    begun = time.perf_counter()
    crawl.run(*given.seed)
    for fault in crawl.faults:
        print(fault)
    looked = sum(crawl.types.values())
    print(
        f"{looked:,} addresses in {time.perf_counter() - begun:.0f} s, {len(crawl.pages):,} pages "
        f"parsed strictly, {len(crawl.faults):,} faults"
        + (" (interrupted)" if crawl.cut_short else ""),
        file=sys.stderr,
    )
    for kind, count in crawl.types.most_common():
        print(f"{count:9,} {kind}", file=sys.stderr)
    for seconds, address in sorted(remote.seconds, reverse=True)[:5]:
        print(f"{seconds * 1000:9,.0f} ms {address}", file=sys.stderr)
    return 1 if crawl.faults else 0


if __name__ == "__main__":
    sys.exit(main())
