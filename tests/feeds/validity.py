"""What a feed must be: the schema of RFC 4287, and what the W3C's feed validator warns of.

The validator itself is no package that could be installed, so its rules for Atom are said again
here, in our own words and as far as they concern what this site can write.
"""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from html.entities import name2codepoint
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import html5lib
from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_SCHEMA = etree.RelaxNG(etree.parse(str(Path(__file__).parent / "atom.rng")))

_RELATIONS = {"self", "alternate", "enclosure", "first", "next", "previous"}
_TAG = re.compile(r"tag:[a-z0-9.-]+,\d{4}(-\d\d(-\d\d)?)?:[\w;/?:@&=+$.\-!~*'(),%]*", re.ASCII)
_ADDRESS = re.compile(r"https?://[^/\s]+[\w;/?:@&=+$.\-!~*'(),%#]*", re.ASCII)
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_ELEMENTS = {"p", "br", "a", "details", "summary"}
_ATTRIBUTES = {"href", "rel", "class"}
_HTML = {"a", "b", "i", "p", "br", "div", "span", "script", "style", "title", "table", "html"}


def complaints(body: bytes, url: str) -> list[str]:
    """Say all that is wrong with the feed that an address answered; empty when nothing is."""
    root = etree.fromstring(body)
    if not _SCHEMA.validate(root):
        return [str(_SCHEMA.error_log)]
    found = _of_feed(root, url)
    for entry in root.iter(f"{ATOM}entry"):
        found += _of_entry(entry)
    for name in ("id", "updated", "title"):
        said = Counter(entry.findtext(f"{ATOM}{name}") for entry in root.iter(f"{ATOM}entry"))
        found += [f"two entries have the {name} {text}" for text, n in said.items() if n > 1]
    return found


def _of_feed(root: Any, url: str) -> list[str]:
    found = [] if root.get("{http://www.w3.org/XML/1998/namespace}lang") else ["no xml:lang"]
    links = Counter(
        (link.get("rel"), link.get("type") if link.get("rel") == "alternate" else "")
        for link in root.findall(f"{ATOM}link")
    )
    found += [f"two links {key}" for key, number in links.items() if number > 1]
    [itself] = [link.get("href") for link in root.findall(f"{ATOM}link[@rel='self']")] or [None]
    if itself != url:
        found.append(f"the self link is {itself}, not {url}")
    if any(link.get("rel") == "previous" for link in root.findall(f"{ATOM}link")):
        [first] = [link.get("href") for link in root.findall(f"{ATOM}link[@rel='first']")]
        if first == url:
            found.append("a link from the first page to one before it")
    found += _of_shared(root)
    moments = [entry.findtext(f"{ATOM}updated") for entry in root.iter(f"{ATOM}entry")]
    moments += [tombstone.get("when") for tombstone in root.iter(DELETED)]
    if moments and max(map(datetime.fromisoformat, moments)) != datetime.fromisoformat(
        root.findtext(f"{ATOM}updated")
    ):
        found.append("the feed is not updated when its newest entry is")
    shown = {entry.findtext(f"{ATOM}id") for entry in root.iter(f"{ATOM}entry")}
    gone = [tombstone.get("ref") for tombstone in root.iter(DELETED)]
    found += [f"{ref} is there and gone" for ref in shown & set(gone)]
    found += [f"{ref} is gone twice" for ref, number in Counter(gone).items() if number > 1]
    found += [f"not a tag URI: {ref}" for ref in gone if not _TAG.fullmatch(ref)]
    for name in ("icon", "logo"):
        address = root.findtext(f"{ATOM}{name}")
        if address is not None and not _ADDRESS.fullmatch(address):
            found.append(f"the {name} is at {address}")
    return found


def _of_shared(thing: Any) -> list[str]:
    found = []
    if not _TAG.fullmatch(thing.findtext(f"{ATOM}id")):
        found.append(f"not a tag URI: {thing.findtext(f'{ATOM}id')}")
    for link in thing.findall(f"{ATOM}link"):
        found += _of_link(link)
    if not any(link.get("rel") == "alternate" for link in thing.findall(f"{ATOM}link")):
        found.append("no alternate link")
    title = thing.find(f"{ATOM}title")
    look = _of_plain if title.get("type", "text") == "text" else _of_html
    found += look(title.text or "")
    for author in thing.findall(f"{ATOM}author"):
        if not (author.findtext(f"{ATOM}name") or "").strip():
            found.append("an author without a name")
    for category in thing.findall(f"{ATOM}category"):
        found += [*_of_plain(category.get("label", "-")), *_of_term(category.get("term"))]
    for element in thing.iter(f"{ATOM}updated", f"{ATOM}published"):
        moment, soon = datetime.fromisoformat(element.text), timedelta(minutes=10)
        if not datetime(1990, 1, 1, tzinfo=UTC) < moment < datetime.now(UTC) + soon:
            found.append(f"not a plausible moment: {element.text}")
    for text in [*thing.itertext(), *(v for e in thing.iter() for v in e.attrib.values())]:
        if bad := re.search("[\x7f-\x9f\ufffd\ufdd0-\ufdef]", text):
            found.append(f"a character that is hardly meant: {bad[0]!r}")
    return found


def _of_link(link: Any) -> list[str]:
    found = _of_plain(link.get("title", "-"))
    if link.get("rel") not in _RELATIONS:
        found.append(f"a link of relation {link.get('rel')}")
    if not _ADDRESS.fullmatch(link.get("href")):
        found.append(f"not an absolute address of a web page: {link.get('href')}")
    if not _MEDIA_TYPE.fullmatch(link.get("type", "")):
        found.append(f"not a media type: {link.get('type')}")
    return found


def _of_term(term: str) -> list[str]:
    return [] if term.strip() else ["a category without a term"]


def _of_entry(entry: Any) -> list[str]:
    found = _of_shared(entry) + _of_html(entry.findtext(f"{ATOM}content") or "")
    if len(entry.findall(f"{ATOM}author")) != 1:
        found.append("not one author")
    updated = datetime.fromisoformat(entry.findtext(f"{ATOM}updated"))
    if datetime.fromisoformat(entry.findtext(f"{ATOM}published")) > updated:
        found.append("published after it was updated")
    return found


def _of_plain(text: str) -> list[str]:
    tags = [tag for tag in re.findall(r"</(\w+)>", text) if tag.lower() in _HTML]
    names = [
        name
        for name in re.findall(r"&(#?\w+)", text)
        if name in name2codepoint or name == "apos" or not name.isalpha()
    ]
    if tags or names:
        return [f"a plain text looks like HTML: {text}"]
    return [] if text.strip() else ["a text is blank"]


@cache
def _of_html(text: str) -> list[str]:
    if not text.strip():
        return ["blank content"]
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"))
    tree = parser.parseFragment(text)
    found = [f"not valid HTML: {code} at {place}" for place, code, _ in parser.errors]
    for element in tree.iter():
        name = str(element.tag).rpartition("}")[2]
        if name == "DOCUMENT_FRAGMENT":
            continue
        if name not in _ELEMENTS or not set(element.attrib) <= _ATTRIBUTES:
            found.append(f"unexpected in content: {name} {dict(element.attrib)}")
        for address in (element.get("href"), element.get("src")):
            if address is not None and urlsplit(address).scheme not in ("http", "https"):
                found.append(f"not an absolute address in content: {address}")
    return found
