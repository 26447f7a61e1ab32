"""The desk's acts on the command line."""

import json
from pathlib import Path

import click.testing
import pytest
from sqlalchemy import select

from foi.archive.models import Attachment, Body, Delivery, Event, InfoRequest, Message
from foi.cli import main
from foi.site import Site
from tests.conftest import add_body
from tests.desk.test_queue import park
from tests.pages.scene import Scene, furnish

pytestmark = pytest.mark.thorough


@pytest.fixture
def foi(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Run a command on the site of the test."""
    monkeypatch.setenv("FOI_DATA", str(tmp_path / "site"))

    def run(*arguments: str, code: int = 0) -> str:
        done = click.testing.CliRunner().invoke(main, list(arguments))
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout

    return run


@pytest.fixture
def scene(site: Site) -> Scene:
    """Something of everything, and a second authority."""
    with site.sessions.writing() as db:
        made = furnish(site, db)
        add_body(db, "Marsh Board")
        return made


def acts(site: Site) -> list[str]:
    """What the desk did, in order."""
    with site.sessions.reading() as db:
        rows = db.scalars(select(Event).where(Event.kind == "desk_act").order_by(Event.id))
        return [event.params["did"] for event in rows if event.actor == "desk"]


def test_authorities(site: Site, foi) -> None:  # type: ignore[no-untyped-def]
    assert foi("body", "add", "Fenby Council", "--short-name", "FC") == "fc\n"
    assert foi("body", "edit", "fc", "--name", "Fenby City", "--url-name", "fenby") == (
        "name url_name\n"
    )
    assert foi("body", "tag", "fenby", "--add", "council", "--add", "area:fen") == (
        "council\narea:fen\n"
    )
    assert foi("body", "tag", "fenby", "--remove", "council") == "area:fen\n"
    former = [json.loads(line) for line in foi("body", "versions", "fenby").splitlines()]
    assert [(one["version"], one["name"], one["tags"]) for one in former] == [
        (3, "Fenby City", ["council", "area:fen"]),
        (2, "Fenby City", []),
        (1, "Fenby Council", []),
    ]
    assert acts(site) == ["body_added", "body_edited", "body_edited", "body_edited"]


def test_an_address_that_another_used_to_have(site: Site, foi) -> None:  # type: ignore[no-untyped-def]
    foi("body", "add", "Fenby")
    foi("body", "edit", "fenby", "--url-name", "fen")
    foi("body", "add", "Marsh")
    assert "'fenby'" in foi("body", "edit", "marsh", "--url-name", "fenby", code=2)
    assert "'fenby'" in foi("body", "add", "Other", "--url-name", "fenby", code=2)
    foi("body", "edit", "fen", "--url-name", "fenby")


def test_categories(site: Site, foi, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "categories.txt"
    file.write_text("Local\n\n- council Councils\n-  nhs \n", encoding="utf-8")
    told = "Local\n- council Councils\n- nhs\n"
    assert foi("body", "categories", "--set", str(file)) == told
    assert foi("body", "categories") == told
    assert acts(site) == ["categories_set"]
    file.write_text("- council", encoding="utf-8")
    assert "before the first title" in foi("body", "categories", "--set", str(file), code=2)


def test_a_key_that_is_shown_is_recorded(site: Site, foi) -> None:  # type: ignore[no-untyped-def]
    foi("body", "add", "Fenby")
    key = foi("key", "show", "fenby").strip()
    with site.sessions.reading() as db:
        assert site.keys.owner(db, key) == 1
        (event,) = db.scalars(select(Event).where(Event.kind == "key_shown"))
        assert (event.actor, event.body_id) == ("desk", 1)


def test_owed_work_is_tried_again_one_or_all(site: Site, foi) -> None:  # type: ignore[no-untyped-def]
    park(site, "request:7", "request:8", "request:9")
    with site.sessions.reading() as db:
        one = db.scalar(select(Delivery.id).where(Delivery.subject == "request:8"))
    assert f"{one}: search request:8 (tried 8 times)" in _parked(foi)
    assert foi("work", "--retry", str(one)) == "1\n"
    assert "request:8" not in _parked(foi)
    assert foi("work", "--retry", str(one)) == "0\n"
    assert "no number" in foi("work", "--retry", "one", code=2)
    assert foi("work", "--retry") == "2\n"
    assert foi("work", "--parked") == ""
    assert acts(site) == ["retried", "retried"]


def _parked(foi) -> str:  # type: ignore[no-untyped-def]
    told: str = foi("work", "--parked", code=1)
    return told


def test_requests(site: Site, foi, scene: Scene) -> None:  # type: ignore[no-untyped-def]
    slug = foi("request", "edit", scene.request.url_title, "--title", "Lamps").strip()
    assert slug == "lamps"
    foi("request", "move", slug, "marsh_board")
    assert foi("request", "tag", slug, "--remove", "lamps", "--add", "light").endswith("light\n")
    foi("request", "state", slug, "rejected")
    foi("request", "hide", slug, "--prominence", "backpage", "--reason", "Not of wider interest.")
    with site.sessions.reading() as db:
        found = db.get_one(InfoRequest, 1)
        assert (found.title, found.body_id, found.described_state) == ("Lamps", 2, "rejected")
        assert (found.prominence, found.prominence_reason) == (
            "backpage",
            "Not of wider interest.",
        )
    foi("request", "release", slug)
    assert acts(site) == [
        "request_edited",
        "request_moved",
        "request_edited",
        "request_described",
        "hide",
        "release",
    ]


@pytest.mark.parametrize("kind", ["message", "attachment", "annotation"])
def test_parts(site: Site, foi, scene: Scene, kind: str) -> None:  # type: ignore[no-untyped-def]
    number = {"message": str(scene.answer.id), "attachment": "1", "annotation": "1"}[kind]
    foi(kind, "hide", number, "--reason", "It names a child.")
    foi(kind, "release", number)
    foi(kind, "erase", number, "--reason", "A court said so.")
    foi(kind, "erase", number)  # erased already: nothing to tell
    assert acts(site) == ["hide", "release", "erase"]
    with site.sessions.reading() as db:
        if kind == "message":
            assert db.get_one(Message, scene.answer.id).body is None
        if kind != "annotation":
            assert db.get_one(Attachment, 1).sha256 is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("body", "add", " "), "needs a name"),
        (("body", "add", "A", "--url-name", "list"), "cannot be the name of an address"),
        (("body", "add", "A", "--url-name", "marsh_board"), "already"),
        (("body", "add", "A", "--home-page", "javascript:x"), "--home-page"),
        (("body", "add", "A", "--jurisdiction", "XX"), "jurisdiction"),
        (("body", "edit", "nowhere"), "no authority"),
        (("body", "tag", "marsh_board", "--add", ":x"), "not a tag"),
        (("request", "edit", "nowhere"), "no request"),
        (("request", "state", "nowhere", "unknown"), "unknown"),
        (("message", "erase", "99"), "no message 99"),
        (("annotation", "hide", "0"), "0"),
    ],
)
def test_what_cannot_be_done_says_why(
    site: Site, foi, scene: Scene, arguments: tuple[str, ...], said: str
) -> None:  # type: ignore[no-untyped-def]
    assert said in foi(*arguments, code=2)
    assert acts(site) == []
    with site.sessions.reading() as db:
        assert len(db.scalars(select(Body)).all()) == 2
