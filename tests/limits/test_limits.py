"""Limits, through the front door: what is counted, what a refusal says, and that it changes
nothing.
"""

import configparser
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import webtest
from pyramid.interfaces import ITweens
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from foi import configure, migrations, settings
from foi.archive import ledger
from foi.archive.models import Event, InfoRequest
from foi.limits import limiter
from foi.limits.limiter import Limiter
from foi.limits.memory import MemoryEngine
from tests.conftest import Running, add_body, add_request, key_for, start

ROOT = Path(__file__).parent.parent.parent
GOOD = '{"title": "Salt on Wicken Hill", "body": "How much?"}'


@pytest.fixture(autouse=True)
def _early_in_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test runs across the end of a minute."""
    moment = time.time() // 60 * 60 + 1
    monkeypatch.setattr(time, "time", lambda: moment)
    monkeypatch.setattr(MemoryEngine.__init__, "__defaults__", (lambda: moment,))


@contextmanager
def limited(folder: Path, migrated: bytes, **ini: str) -> Iterator[Running]:
    made = start(folder / "site", migrated, **ini)
    yield made
    made.close()


def browser(made: Running, address: str = "192.0.2.1", **more: str) -> webtest.TestApp:
    environ = {"HTTP_HOST": "foi.test", "REMOTE_ADDR": address, **more}
    return webtest.TestApp(made.app, extra_environ=environ)


def council(made: Running, name: str = "Fenby") -> str:
    """Add an authority and give its key."""
    with made.site.sessions.writing() as db:
        return key_for(made.site, add_body(db, name))


def requests(made: Running) -> int:
    with made.site.sessions.reading() as db:
        return db.scalar(select(func.count()).select_from(InfoRequest)) or 0


def test_nothing_is_limited_or_in_the_way_unless_it_is_set(running: Running) -> None:
    app = browser(running)
    for n in range(30):
        answer = app.get(f"/search.json?query=salt{n}")
        assert "RateLimit" not in answer.headers
    names = [name for name, _ in _tweens(running)]
    assert not [name for name in names if "limits" in name]


def _tweens(made: Running) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = made.config.registry.queryUtility(ITweens).implicit()
    return found


def test_writes_with_one_key_are_limited_and_a_refused_one_changes_nothing(
    tmp_path: Path, migrated: bytes
) -> None:
    with limited(tmp_path, migrated, **{"limits.writes_per_key": "2"}) as made:
        key, other = council(made), council(made, "Marsham")
        app, elsewhere = browser(made), browser(made, "192.0.2.2")
        first = app.post("/api/v2/request.json", {"k": key, "request_json": GOOD})
        assert first.headers["RateLimit-Policy"] == '"writes-per-key";q=2;w=60'
        assert re.fullmatch(r'"writes-per-key";r=1;t=\d+', first.headers["RateLimit"])
        app.post("/api/v2/request.json", {"k": key, "request_json": GOOD})
        refused = elsewhere.post(
            "/api/v2/request.json", {"k": key, "request_json": GOOD}, status=429
        )
        assert list(refused.json) == ["errors"]
        assert refused.json["errors"][0].startswith("More than 2 a minute (writes-per-key)")
        assert 1 <= int(refused.headers["Retry-After"]) <= 120
        assert refused.headers["RateLimit"] == (
            f'"writes-per-key";r=0;t={refused.headers["Retry-After"]}'
        )
        assert refused.headers["Cache-Control"] == "no-store"
        assert refused.headers["X-Content-Type-Options"] == "nosniff"
        assert requests(made) == 2
        elsewhere.post("/api/v2/request.json", {"k": other, "request_json": GOOD})


def test_writes_from_one_address_are_limited_before_anything_is_read(
    tmp_path: Path, migrated: bytes
) -> None:
    with limited(tmp_path, migrated, **{"limits.writes_per_address": "3"}) as made:
        key = council(made)
        app = browser(made, "2001:db8:1:2:3:4:5:6")
        neighbour = browser(made, "2001:db8:1:2:ffff::1")
        for _ in range(3):
            app.post("/api/v2/request.json", {"k": key}, status=400)
        with made.site.sessions.reading() as db:
            before = db.scalar(select(func.count()).select_from(Event))
        neighbour.post("/api/v2/request.json", {"k": key, "request_json": GOOD}, status=429)
        neighbour.post("/sign-in", {"email": "a@b.example", "password": "x"}, status=429)
        with made.site.sessions.reading() as db:
            assert db.scalar(select(func.count()).select_from(Event)) == before
        assert neighbour.get("/list").status_code == 200
        browser(made, "2001:db8:1:3::1").post(
            "/api/v2/request.json", {"k": key, "request_json": GOOD}
        )


def test_searches_are_limited_pages_are_not_and_what_is_in_memory_is_free(
    tmp_path: Path, migrated: bytes
) -> None:
    with limited(tmp_path, migrated, **{"limits.searches_per_address": "2"}) as made:
        app = browser(made)
        for _ in range(10):
            answer = app.get("/search.json?query=salt")
            assert "RateLimit" not in answer.headers, "anybody may be given this page"
        app.get("/feed/search?query=grit")
        said = app.get("/search?query=more", status=429)
        assert said.content_type == "text/html"
        assert "That is too often" in said
        assert said.headers["Retry-After"]
        assert said.headers["Content-Security-Policy"]
        assert app.get("/body/all-authorities.csv", status=429).content_type == "text/plain"
        assert app.get("/feed/search?query=x", status=429).content_type == "text/plain"
        assert app.get("/search.json?query=x", status=429).json["errors"]
        assert app.get("/search.json?query=salt").status_code == 200
        assert app.get("/list").status_code == 200
        assert browser(made, "192.0.2.7").get("/search.json?query=x").status_code == 200


def test_a_refusal_is_not_kept_for_others(tmp_path: Path, migrated: bytes) -> None:
    with limited(tmp_path, migrated, **{"limits.pages_per_address": "1"}) as made:
        app = browser(made)
        app.get("/list")
        app.get("/body/list", status=429)
        assert browser(made, "192.0.2.7").get("/body/list").status_code == 200
        assert app.get("/body/list").status_code == 200, "made for somebody else"
        for _ in range(5):
            assert app.get("/health").status_code == 200
            app.get("/static/style.css")


def test_feeds_are_counted_apart(tmp_path: Path, migrated: bytes) -> None:
    with limited(tmp_path, migrated, **{"limits.feeds_per_address": "1"}) as made:
        app = browser(made)
        app.get("/feed/list")
        assert "too often" in app.get("/feed/events", status=429).text
        app.get("/list")


def test_whoever_tries_keys_that_are_none_is_told_nothing_more(
    tmp_path: Path, migrated: bytes
) -> None:
    with limited(tmp_path, migrated, **{"limits.bad_keys_per_address": "3"}) as made:
        key, app = council(made), browser(made)
        for n in range(3):
            app.post("/api/v2/request.json", {"k": f"1-wrong{n}"}, status=403)
        app.post("/api/v2/request.json", {"k": "1-wrong"}, status=429)
        app.post("/api/v2/request.json", {"k": key, "request_json": GOOD}, status=429)
        assert requests(made) == 0
        browser(made, "192.0.2.7").post("/api/v2/request.json", {"k": key, "request_json": GOOD})


def test_behind_a_trusted_proxy_the_client_counts_and_nobody_can_pretend(
    tmp_path: Path, migrated: bytes
) -> None:
    ini = {"limits.searches_per_address": "1", "server.trusted_proxies": "10.0.0.0/8"}
    with limited(tmp_path, migrated, **ini) as made:

        def search(word: str, peer: str, forwarded: str, status: int = 200) -> None:
            app = browser(made, peer, HTTP_X_FORWARDED_FOR=forwarded)
            app.get(f"/search.json?query={word}", status=status)

        search("a", "10.0.0.1", "203.0.113.1")
        search("b", "10.0.0.1", "203.0.113.2")
        search("c", "10.0.0.1", "198.51.100.9, 203.0.113.2", 429)
        search("d", "203.0.113.2", "198.51.100.77", 429)
        search("e", "203.0.113.3", "198.51.100.77")
        search("f", "203.0.113.3", "198.51.100.78", 429)


def test_a_call_that_is_tried_again_after_a_lost_race_counts_once(
    tmp_path: Path, migrated: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ini = {"limits.writes_per_key": "9", "limits.writes_per_address": "9"}
    with limited(tmp_path, migrated, **ini) as made:
        key = council(made)
        engine = made.config.registry["foi.limits"].engine
        limits: Limiter = made.config.registry["foi.limits"]
        app = browser(made)
        answer = app.post("/api/v2/request.json", {"k": key, "request_json": GOOD})
        assert answer.headers["RateLimit-Policy"].split(", ") == [
            '"writes";q=9;w=60',
            '"writes-per-key";q=9;w=60',
        ]
        assert engine.peek(limits.writes, "192.0.2.1").remaining == 8
        failing, lock = [True], ledger.lock

        def losing_once(db: Session) -> None:
            if failing:
                failing.pop()
                raise OperationalError("lost", {}, Exception("a race"))
            lock(db)

        monkeypatch.setattr(ledger, "lock", losing_once)
        app.post("/api/v2/request.json", {"k": key, "request_json": GOOD})
        assert not failing
        assert engine.peek(limits.writes, "192.0.2.1").remaining == 7
        assert engine.peek(limits.key_writes, "1").remaining == 7


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/search/salt", "searches"),
        ("/feed/search/salt", "searches"),
        ("/list.csv", "searches"),
        ("/request/x/download", "searches"),
        ("/request/x/similar", "searches"),
        ("/feed/list", "feeds"),
        ("/list", "pages"),
        ("/request/x", "pages"),
        ("/api/v2/request/7.json", "pages"),
        ("/health", None),
        ("/static/style.css", None),
    ],
)
def test_what_counts_as_what(path: str, name: str | None) -> None:
    every = {f"limits.{n}_per_address": "5" for n in ("searches", "feeds", "pages", "writes")}
    limits = Limiter(settings.load(every, {}), MemoryEngine())
    found = limits.policy("GET", path)
    assert (found.name if found else None) == name
    written = limits.policy("POST", path)
    assert written is not None
    assert written.name == "writes"


def test_a_verdict_is_found_within_microseconds() -> None:
    ini = {"limits.pages_per_address": "1000000"}
    limits = Limiter(settings.load(ini, {}), MemoryEngine(time.perf_counter))
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(2000):
            policy = limits.policy("GET", "/request/salt_on_wicken_hill")
            assert policy is not None
            limits.engine.take(policy, limiter.who("2001:db8:1:2:3:4:5:6"))
        best = min(best, (time.perf_counter() - began) / 2000)
    assert best < 100e-6, "some 10 on an idle machine"


def production() -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((ROOT / "production.ini").read_text(encoding="utf-8"))
    return dict(parser["app:main"])


def test_production_ini_is_a_site_with_every_limit_on(tmp_path: Path) -> None:
    ini = production() | {"data": str(tmp_path)}
    made = settings.load(ini, {})
    assert made.any_limit
    for name in (
        "key_writes", "address_writes", "address_pages", "address_searches", "address_feeds",
        "address_bad_keys",
    ):  # fmt: skip
        assert getattr(made, name) > 0
    assert not settings.load({}, {}).any_limit, "make serve reads no ini"
    assert not made.webhooks_private
    config = configure(made)
    running = Running(config, config.registry["foi.site"], config.make_wsgi_app())
    migrations.upgrade(running.site.engine, made)
    running.site.consumers.prepare()
    with running.site.sessions.writing() as db:
        request = add_request(db)
        key = key_for(running.site, request.body)
    app = browser(running, "127.0.0.1")
    for path in ("/", "/list", "/search/lamp", "/feed/list", "/body/all-authorities.csv"):
        assert app.get(path).status_code == 200
    app.post("/api/v2/request.json", {"k": key, "request_json": GOOD})
    running.close()


def test_production_ini_is_what_the_server_and_alembic_read() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((ROOT / "production.ini").read_text(encoding="utf-8"))
    assert parser["server:main"]["use"] == "egg:waitress#main"
    assert parser["server:main"]["clear_untrusted_proxy_headers"] == "false"
    assert parser["alembic"]["script_location"] == "%(here)s/alembic"
    assert "production.ini" in (ROOT / "MANIFEST.in").read_text(encoding="utf-8")
