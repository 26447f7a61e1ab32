"""Two sites with feeds of every kind: the demo content, and what nobody would write."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import webtest
from sqlalchemy.orm import Session

from foi import demo
from foi.archive import casework
from foi.site import Site
from tests.conftest import Running, add_body, add_person, add_request, start
from tests.pages.scene import PDF, answer, build_index, file, furnish

NASTY = {
    "control characters": "".join(map(chr, range(32))) + "\x7f\x80\x85\x9f and on",
    "the end of CDATA": "a ]]> b <![CDATA[ c ]]>",
    "HTML": "<p>One</p><script>alert(1)</script><img src=/x onerror=alert(1)><!-- -- --></b>",
    "entities": "Fish &amp; chips &copy &#60;b&#62; &nosuch; R&D Q&A2",
    "emoji": "Thank you 👩‍👩‍👧‍👦 🇬🇧 ❤️",
    "right to left": "\u202eשלום עולם\u202c مرحبا بالعالم",
    "noncharacters": "a\ufffe\uffff\ufdd0\U0001fffe\U0010ffff\ufffdb",
    "no text": "   ",
    "addresses": "See https://fenby.test/a?b=1&c=<2> and http://[bad and javascript:alert(1)",
    "one long line": "word " * 40,
}


@dataclass
class Fed:
    """A site with feeds."""

    app: webtest.TestApp
    site: Site
    pages: list[str] = field(default_factory=list)
    """The paths of pages that have a feed."""

    @property
    def feeds(self) -> list[str]:
        """The paths of all feeds."""
        return [f"/feed{page}" for page in self.pages]


LISTS = ["/list", "/list/recent", "/list/successful", "/list/unsuccessful", "/list/awaiting",
         "/list/overdue", "/body/list", "/body/list/council", "/events"]  # fmt: skip


def _fed(running: Running) -> Fed:
    build_index(running.site)
    app = webtest.TestApp(running.app, extra_environ={"HTTP_HOST": "foi.test"})
    pages = [*LISTS, "/search/council/requests", "/search/%22not%22%20%2F%20there/requests"]
    path = "/list.json"
    while path:
        told = app.get(path).json
        for request in told["requests"]:
            pages.append(f"/request/{request['url_title']}")
            pages.append(f"/body/{request['public_body']['url_name']}")
            if "url_name" in request["user"]:
                pages.append(f"/user/{request['user']['url_name']}")
        path = told["links"].get("next", "").removeprefix("http://foi.test")
    return Fed(app, running.site, list(dict.fromkeys(pages)))


@pytest.fixture(scope="package")
def demonstration(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Fed]:
    """The demo content."""
    running = start(tmp_path_factory.mktemp("demo"), migrated)
    demo.load(running.site)
    yield _fed(running)
    running.close()


@pytest.fixture(scope="package")
def nasty(tmp_path_factory: pytest.TempPathFactory, migrated: bytes) -> Iterator[Fed]:
    """Everything that can go wrong in a text, a name, a tag or a file."""
    running = start(tmp_path_factory.mktemp("nasty"), migrated)
    with running.site.sessions.writing() as db:
        furnish(running.site, db)
        for name, text in NASTY.items():
            _add(running.site, db, name, text)
        _add_long(db)
    yield _fed(running)
    running.close()


def _add(site: Site, db: Session, name: str, text: str) -> None:
    short = text[:200]
    body = add_body(db, f"Council of {name} {short}"[:200], tag_texts=["council"])
    person = add_person(db, f"Ada {name}")
    for _ in range(2):  # two of one title
        asked = add_request(db, body, short, text=text, person=person, tag_texts=["a", "b:c"])
    files = [
        casework.File(f"{short[:80]}.pdf", "application/pdf", None, file(site, PDF, "a").sha256),
        casework.File("a.b", "no type; at all", 3, file(site, b"abc", "b").sha256),
        casework.File("", "", 0, file(site, b"", "c").sha256),
    ]
    for _ in range(2):
        answer(db, asked, text, files=files)
    casework.annotate(db, asked, person, text)
    casework.annotate(db, asked, add_person(db, f"Cy {name}"), text)
    casework.classify(db, asked, "desk", "successful")
    casework.classify(db, asked, "desk", "rejected")
    casework.classify(db, asked, "desk", "successful")
    casework.edit_body(db, body, "desk", notes="One")
    casework.edit_body(db, body, "desk", notes="Two")
    casework.hide(db, answer(db, asked, "Withdrawn."), "desk")
    db.flush()


def _add_long(db: Session) -> None:
    asked = add_request(db, title="Something long")
    answer(db, asked, "word " * 40_000)
    answer(db, asked, "> quoted\n" * 20_000)


def everything_of(fed: Fed, path: str) -> Iterator[tuple[str, webtest.TestResponse]]:
    """Read a feed to its end, by its own links."""
    while path:
        answered = fed.app.get(path)
        yield path, answered
        links = answered.lxml.findall("{*}link[@rel='next']")
        path = links[0].get("href").removeprefix("http://foi.test") if links else ""
