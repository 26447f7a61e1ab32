"""Searching the texts in Aleph through the site: what is shown, and what never is."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import webtest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from bridge import searching
from bridge.models import Receipt
from bridge.receipts import Held, Receipts
from bridge.searching import plain_query
from foi.archive import casework
from foi.archive.models import InfoRequest, Message
from tests.aleph import Aleph
from tests.aleph.query import parse
from tests.bridge.records import COLLECTION, DAY, Attachment, hide, names
from tests.bridge.servers import serving
from tests.bridge.web import REQUEST, Web, pushed, served

PATH = "/search-documents"
ON = {"aleph.search": "true"}
START = "http://foi.test/request/"


@pytest.fixture
def web(tmp_path: Path, migrated: bytes) -> Iterator[Web]:
    """Run the application; it ends with the test."""
    with ExitStack() as stack:
        yield lambda server, **ini: stack.enter_context(
            served(tmp_path / "site", migrated, server, **(ON | ini))
        )


def found(app: webtest.TestApp, words: str, **more: Any) -> list[str]:
    page = app.get(PATH, {"query": words, **more})
    return [a["href"] for a in page.html.select(".lines .line-title a")]


def said(app: webtest.TestApp, words: str, status: int = 503) -> str:
    page = app.get(PATH, {"query": words}, status=status)
    return str(page.html.select_one(".note").text)


def test_hits_lead_to_our_own_pages_and_to_aleph(web: Web, aleph: Aleph) -> None:
    app, running, made = web(aleph)
    pushed(running.site)
    page = app.get(PATH, {"query": "minutes"})
    (line,) = page.html.select(".lines li")
    assert line.select_one(".line-title a")["href"] == (
        f"{REQUEST}/response/{made.answer}/attach/2/minutes.txt"
    )
    inside, outside = line.select(".line-facts a")
    assert (inside["href"], inside.text) == (REQUEST, "Turbot quotas")
    id_ = names(aleph.collection(COLLECTION))["PlainText minutes.txt"]
    assert outside["href"] == f"{aleph.url}/entities/{id_}"
    assert found(app, '"Please send the quotas"') == [f"{REQUEST}#outgoing-{made.letter}"]
    assert found(app, "nowhere") == []
    assert "Nothing was found" in app.get(PATH, {"query": "nowhere"})


def test_words_are_shown_in_their_context(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    page = app.get(PATH, {"query": "send"})
    assert "Please <mark>send</mark> the quotas" in page
    assert "[email address]" in page
    assert "jane@doe.example" not in page


def test_it_is_off_unless_it_is_turned_on(web: Web, aleph4: Aleph) -> None:
    app, *_ = web(aleph4, **{"aleph.search": "false"})
    app.get(PATH, status=404)
    assert PATH not in app.get("/search")


def test_a_search_of_the_site_leads_there(web: Web, aleph4: Aleph) -> None:
    app, _, _ = web(aleph4)
    link = app.get("/search").html.select_one(f'a[href^="{PATH}"]')
    assert link["href"] == PATH
    assert "Search the documents" in app.get(link["href"])


def test_what_is_hidden_here_is_not_found_though_aleph_still_has_it(
    web: Web, aleph4: Aleph
) -> None:
    app, running, made = web(aleph4)
    pushed(running.site)
    assert found(app, "minutes")
    hide(running.site, Attachment, made.minutes)
    assert found(app, "minutes") == []
    assert found(app, "quotas")
    hide(running.site, Message, made.letter)
    assert "Please" not in app.get(PATH, {"query": "send"})
    hide(running.site, InfoRequest, made.request)
    assert found(app, "quotas") == []


def test_others_collections_and_what_others_put_into_ours_are_never_shown(
    web: Web, aleph4: Aleph
) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    session = requests.Session()
    session.headers["Authorization"] = f"ApiKey {aleph4.user_key}"
    api = f"{aleph4.url}/api/2/collections"
    secret = session.post(api, json={"label": "Secret", "foreign_id": "secret"}).json()["id"]
    own = aleph4.collection(COLLECTION).id
    for number in (secret, own):
        entity = {
            "id": f"stranger{number}",
            "schema": "PlainText",
            "properties": {
                "title": ["minutes of the secret service"],
                "sourceUrl": [f"http://foi.test{REQUEST}"],
            },
        }
        session.post(f"{api}/{number}/_bulk", json=[entity]).raise_for_status()
    every = session.get(
        f"{aleph4.url}/api/2/entities", params={"q": "minutes", "filter:schemata": "Document"}
    ).json()
    assert every["total"] == 3  # this is what the key may see
    assert len(found(app, "minutes")) == 1
    assert "secret" not in app.get(PATH, {"query": "minutes"})
    for words in ("service OR minutes", f"collection_id:{secret}", "schema:PlainText OR *"):
        assert "secret service" not in app.get(PATH, {"query": words})


def test_only_our_collections_are_asked_for(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    aleph4.reset_calls()
    app.get(PATH, {"query": "quotas"})
    (call,) = [call for call in aleph4.calls if call.path.endswith("/entities")]
    asked = parse_qs(call.query)
    assert asked["filter:collection_id"] == [aleph4.collection(COLLECTION).id]
    assert "api_key" not in asked
    assert call.method == "GET"


class Answering:
    """An Aleph that answers a search with what a test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
        ask = searching.Searcher._ask

        def asked(searcher: Any, words: str, page: int) -> searching.Answer:
            answer = ask(searcher, words, page)
            hits = json.loads(json.dumps(answer.hits))
            return searching.Answer(tuple(map(change, hits)), answer.places, answer.more)

        monkeypatch.setattr(searching.Searcher, "_ask", asked)


def test_what_aleph_says_is_text_and_nothing_else(
    web: Web, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)

    def poisoned(hit: dict[str, Any]) -> dict[str, Any]:
        hit["caption"] = "<b>caption</b>"
        hit["highlight"] = ["<script>alert(1)</script> <em>minutes</em> &lt;img src=x&gt; <em>"]
        return hit

    Answering(monkeypatch, poisoned)
    page = app.get(PATH, {"query": "minutes"})
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <mark>minutes</mark> &lt;img src=x&gt;" in page
    for forbidden in ("<script", "<img src=x", "<b>caption"):
        assert forbidden not in page


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (7, []),
        ({"0": "minutes"}, []),
        ("minutes", []),
        ([None, 7, ["minutes"]], []),
        (["\ud800 of \0the\x1b[2J \u202e<em>minutes</em>"], [" of the[2J minutes"]),
        (["</em>one<em>two"] * 9, ["onetwo"] * 3),
    ],
)
def test_words_that_are_none_harm_nobody(
    web: Web, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch, told: Any, shown: list[str]
) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    Answering(monkeypatch, lambda hit: hit | {"highlight": told})
    page = app.get(PATH, {"query": "minutes"})
    assert [p.text for p in page.html.select(".snippet")] == shown
    assert len(page.html.select(".lines .line-title a")) == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"results": 5}', 200),
        (b'{"results": {"id": "a"}}', 200),
        (b'{"results":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 503),
        (json.dumps({"results": [{"properties": {"sourceUrl": [f"{START}\ud800"]}}]}), 200),
        (json.dumps({"results": [{"properties": {"sourceUrl": [f"{START}%00"]}}]}), 200),
        (
            json.dumps(
                {"results": [{"properties": {"sourceUrl": [f"{START}{i}" for i in range(10**5)]}}]}
            ),
            200,
        ),
    ],
    ids=["a number", "an object", "too deep", "half a letter", "nothing", "very many"],
)
def test_an_answer_that_is_meant_to_do_harm_does_none(
    web: Web, content: str | bytes, status: int
) -> None:
    answered = content if isinstance(content, bytes) else content.encode()
    with serving(200, answered) as address:
        app = sent(web, SimpleNamespace(url=address, user_key="key"))
        page = app.get(PATH, {"query": "minutes"}, status=status)
        assert page.html.select(".line-title") == []


def test_addresses_and_numbers_in_files_are_masked(
    web: Web, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    text = "minutes: <em>jane</em>@doe.example, mobile 07700 <em>900123</em>"
    Answering(monkeypatch, lambda hit: hit | {"highlight": [text]})
    page = app.get(PATH, {"query": "minutes"})
    assert "doe.example" not in page
    assert "900123" not in page
    assert "[email address]" in page


def test_of_other_bytes_and_former_texts_nothing_is_quoted(
    web: Web, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    Answering(monkeypatch, lambda hit: hit | {"highlight": ["what it <em>said</em> before"]})
    assert "<mark>said</mark>" in app.get(PATH, {"query": "minutes"})
    with running.site.sessions.writing() as db:
        db.execute(update(Receipt).where(Receipt.file_name == "minutes.txt").values(sha256="x"))
    assert "<mark>" not in app.get(PATH, {"query": "minutes"})
    assert found(app, "send")
    assert "<mark>" not in app.get(PATH, {"query": "send"})  # a letter


@pytest.mark.parametrize(
    "change",
    [
        lambda hit: {},
        lambda hit: {"id": hit["id"]},
        lambda hit: hit | {"properties": None},
        lambda hit: hit | {"properties": {"sourceUrl": "no list"}},
        lambda hit: hit | {"properties": {"sourceUrl": [None, 7, "http://foi.test/request/"]}},
        lambda hit: hit | {"collection": {"id": "4711"}, "collection_id": "4711"},
        lambda hit: hit | {"id": "made.up"},
    ],
)
def test_nonsense_is_no_hit(
    web: Web, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    Answering(monkeypatch, change)
    assert found(app, "minutes") == []


def test_a_sentence_when_aleph_does_not_answer(web: Web, tmp_path: Path) -> None:
    server = Aleph()
    with server:
        app, running, _ = web(server)
        pushed(running.site)
        assert found(app, "minutes")
    assert said(app, "minutes") == searching.DOWN
    assert app.get(REQUEST)


def sent(web: Web, server: Any) -> webtest.TestApp:
    """Run the application as if something had been sent to a server before."""
    app, running, _ = web(server)
    row = Held("collection", "collection", COLLECTION, "1", DAY)
    Receipts(running.site, server.url, COLLECTION).write("1", [row])
    return app


def test_a_sentence_when_the_key_is_not_good(web: Web, aleph: Aleph) -> None:
    app = sent(web, SimpleNamespace(url=aleph.url, user_key="wrong"))
    assert said(app, "minutes") == searching.DOWN


def test_a_sentence_before_anything_was_sent(web: Web, aleph4: Aleph) -> None:
    app, _, _ = web(aleph4)
    aleph4.reset_calls()
    assert said(app, "minutes", 200) == searching.EMPTY
    assert aleph4.calls == []


def test_a_slow_aleph_is_not_waited_for_and_others_are_served(
    web: Web, aleph4: Aleph, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    held = threading.Event()
    monkeypatch.setattr(searching, "_SECONDS", 0.5)
    monkeypatch.setattr(
        searching.Searcher, "_ask", lambda *_: held.wait(10) and searching.Answer()
    )
    sentences: list[str] = []
    threads = [
        threading.Thread(target=lambda: sentences.append(said(app, "slow"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    begun = time.monotonic()
    assert said(app, "slow") == searching.BUSY  # two of four threads may wait
    assert app.get(f"{REQUEST}.json")
    assert time.monotonic() - begun < 0.4
    for thread in threads:
        thread.join()
    assert sentences == [searching.DOWN] * 2
    assert said(app, "slow") == searching.BUSY  # they still wait, and keep their places
    held.set()
    time.sleep(0.1)
    app.get(PATH, {"query": "slow"})


def test_long_and_broken_queries(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    aleph4.reset_calls()
    assert said(app, "x" * 201, 200) == searching.LONG
    assert aleph4.calls == []
    for words in ('"minutes', "(minutes", "minutes)", "minutes/", "[minutes", "minutes~", '"("'):
        app.get(PATH, {"query": words})
    assert len(found(app, '(minutes "')) == 1
    app.get(f"{PATH}?query=%ff", status=400)
    app.get(f"{PATH}?query=a%00b", status="*")
    app.get(f"{PATH}?query=minutes&page=99999999999999")
    app.get(f"{PATH}?query=minutes&page=-1")
    assert app.get(PATH)
    app.post(PATH, status=405)


def test_operators_that_lead_nowhere_are_words(web: Web, aleph: Aleph) -> None:
    app, running, _ = web(aleph)
    pushed(running.site)
    for words in ("AND", "minutes OR", "( OR )", '"" AND ()'):
        assert app.get(PATH, {"query": words}).status_int == 200


@given(st.text(alphabet='ab"()*-/:[]{}^~!?\\&| ANDORT', max_size=40))
def test_whatever_is_typed_can_be_asked(words: str) -> None:
    made = plain_query(words)
    assert made.count('"') % 2 == 0
    assert not set(made) & set("/:[]{}^~!?\\")
    if "(" not in made and ")" not in made and '"' not in made:
        parse(made)


def test_pages_of_hits(web: Web, aleph4: Aleph) -> None:
    app, running, made = web(aleph4)
    with running.site.sessions.writing() as db:
        request = db.get_one(InfoRequest, made.request)
        for number in range(25):
            casework.correspond(
                db, request, "desk", direction="response", text=f"Turbine {number}", at=DAY
            )
    pushed(running.site)
    first = app.get(PATH, {"query": "turbine"})
    second = first.click("Next results")
    hits = [a["href"] for p in (first, second) for a in p.html.select(".line-title a")]
    assert len(hits) == len(set(hits)) == 25
    assert second.click("Previous results").request.path_qs.endswith("page=1")


def test_it_is_neither_indexed_nor_kept(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    page = app.get(PATH, {"query": "minutes"})
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.html.find("meta", {"name": "robots"})["content"] == "noindex"
    (rule,) = [r for r in app.get("/robots.txt").text.splitlines() if r.endswith(" /search")]
    assert PATH.startswith(rule.removeprefix("Disallow: "))


def test_it_counts_as_a_search(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4, **{"limits.searches_per_address": "2"})
    pushed(running.site)
    for _ in range(2):
        app.get(PATH, {"query": "minutes"})
    aleph4.reset_calls()
    app.get(PATH, {"query": "minutes"}, status=429)
    assert aleph4.calls == []


def test_something_that_is_no_aleph(web: Web) -> None:
    with serving(200) as address:
        app = sent(web, SimpleNamespace(url=address, user_key="key"))
        assert said(app, "minutes") == searching.DOWN
