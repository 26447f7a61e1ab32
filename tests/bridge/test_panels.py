"""What pages and their JSON tell of Aleph, and that their versions move with the receipts."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import webtest
from sqlalchemy import update

from bridge.models import Receipt
from bridge.panels import remember
from tests.aleph import Aleph
from tests.bridge.conftest import linked, push_all
from tests.bridge.records import COLLECTION, Attachment, hide, names, release
from tests.bridge.web import BODY, REQUEST, Web, pushed, served
from tests.pages.scene import plan_of, statements


@pytest.fixture
def web(tmp_path: Path, migrated: bytes) -> Iterator[Web]:
    """Run the application; it ends with the test."""
    with ExitStack() as stack:
        yield lambda server, **ini: stack.enter_context(
            served(tmp_path / "site", migrated, server, **ini)
        )


def told(app: webtest.TestApp) -> dict[str, Any]:
    """What a request's JSON says of its files in Aleph, by their names."""
    messages = app.get(f"{REQUEST}.json").json["messages"]
    return {
        a.get("filename"): a.get("aleph") for message in messages for a in message["attachments"]
    }


def words(app: webtest.TestApp) -> list[str]:
    """What a request's page says of each attachment."""
    items = app.get(REQUEST).html.select(".attachments li")
    return [" ".join(item.get_text(" ").split()) for item in items]


def test_request_and_authority_link_to_their_counterparts(web: Web, aleph: Aleph) -> None:
    app, running, _ = web(aleph)
    assert "in Aleph" not in app.get(REQUEST)
    pushed(running.site)
    found = names(aleph.collection(COLLECTION))
    for path, name in ((REQUEST, "Folder Turbot quotas"), (BODY, "PublicBody Ministry of Fish")):
        address = f"{aleph.url}/entities/{found[name]}"
        page = app.get(path)
        (link,) = [a for a in page.html.select("main a") if a["href"] == address]
        assert link.text.endswith("in Aleph")
        assert app.get(f"{path}.json").json["links"]["aleph"] == address
        assert app.get(f"{path}.json").json["links"]["html"] == f"http://foi.test{path}"


def test_links_lead_to_the_public_address(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4, **{"aleph.public_url": "https://aleph.example/"})
    pushed(running.site)
    address = app.get(f"{REQUEST}.json").json["links"]["aleph"]
    assert address.startswith("https://aleph.example/entities/")
    assert told(app)["quotas.csv"]["url"].startswith("https://aleph.example/entities/")
    assert aleph4.url not in app.get(REQUEST)


def test_each_file_says_what_became_of_it(web: Web, aleph: Aleph) -> None:
    app, running, _ = web(aleph)
    assert told(app) == {"quotas.csv": None, "minutes.txt": None, "map.pdf": None}
    aleph.poison("quotas.csv")
    push_all(running.site)
    files = names(aleph.collection(COLLECTION))
    assert told(app) == {
        "quotas.csv": {"state": "failed", "reason": "Processing failed on purpose", "url": None},
        "minutes.txt": {
            "state": "searchable",
            "reason": None,
            "url": f"{aleph.url}/entities/{files['PlainText minutes.txt']}",
        },
        "map.pdf": None,
    }
    first, second, third = words(app)
    assert first.endswith("could not be read in Aleph: Processing failed on purpose")
    assert second.endswith("searchable in Aleph")
    assert "Aleph" not in third


def test_a_file_that_aleph_still_works_on(web: Web) -> None:
    with Aleph(delay=30) as server:
        app, running, _ = web(server)
        push_all(running.site, wait=0)
        assert told(app)["minutes.txt"] == {"state": "processing", "reason": None, "url": None}
        assert words(app)[1].endswith("being processed for Aleph")


def test_a_reason_is_text_and_nothing_else(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    with running.site.sessions.writing() as db:
        wrong = update(Receipt).where(Receipt.file_name == "quotas.csv")
        db.execute(wrong.values(state="failed", reason="<script>alert(1)</script>"))
    assert "&lt;script&gt;alert(1)" in app.get(REQUEST)
    assert "<script" not in app.get(REQUEST)


def test_the_version_of_a_page_moves_with_its_receipts(web: Web, aleph4: Aleph) -> None:
    app, running, made = web(aleph4)
    addresses = [REQUEST, f"{REQUEST}.json", BODY, f"{BODY}.json"]

    def tags() -> list[str]:
        return [app.get(address).headers["ETag"] for address in addresses]

    def unchanged() -> list[int]:
        return [
            app.get(a, headers={"If-None-Match": t}, status="*").status_int
            for a, t in zip(addresses, known, strict=True)
        ]

    known = tags()
    assert unchanged() == [304] * 4
    pushed(running.site)
    assert unchanged() == [200] * 4
    known = tags()
    pushed(running.site)  # sends nothing
    assert unchanged() == [304] * 4
    # A verification that finds something else of one file moves that request's pages alone.
    with linked(running.site) as (target,):
        target.receipts.verified(
            {("failed", "No text"): [f"request-{made.request}-att-{made.answer}-1"]}
        )
    assert unchanged() == [200, 200, 304, 304]
    known = tags()
    with linked(running.site) as (target,):
        target.receipts.verified(
            {("failed", "No text"): [f"request-{made.request}-att-{made.answer}-1"]}
        )
    assert unchanged() == [304] * 4
    with linked(running.site) as (target,):
        target.receipts.drop()
    assert unchanged() == [200] * 4
    assert told(app)["quotas.csv"] is None


def test_a_file_that_is_shown_again_is_on_its_way(web: Web, aleph4: Aleph) -> None:
    app, running, made = web(aleph4)
    pushed(running.site)
    hide(running.site, Attachment, made.quotas)
    assert "quotas.csv" not in told(app)
    push_all(running.site)
    release(running.site, Attachment, made.quotas)
    assert told(app)["quotas.csv"]["state"] == "processing"
    pushed(running.site)
    assert told(app)["quotas.csv"]["state"] == "searchable"


def test_another_public_address_makes_every_page_anew(web: Web, aleph4: Aleph) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    tag = app.get(REQUEST).headers["ETag"]
    remember(running.site, ())
    assert app.get(REQUEST).headers["ETag"] != tag
    tag = app.get(REQUEST).headers["ETag"]
    remember(running.site, ())
    assert app.get(REQUEST).headers["ETag"] == tag


@pytest.mark.parametrize("path", [REQUEST, f"{REQUEST}.json", BODY, f"{BODY}.json"])
def test_it_costs_one_indexed_statement(web: Web, aleph4: Aleph, path: str) -> None:
    app, running, _ = web(aleph4)
    pushed(running.site)
    with statements(running.site.engine) as seen:
        app.get(path)
    (statement,) = (each for each in seen if "bridge_receipt" in each)
    plan = plan_of(running.site.engine, statement)
    assert "SEARCH" in plan
    assert "target=? AND collection=? AND subject=?" in plan


def test_nothing_is_asked_or_told_when_the_bridge_is_off(web: Web) -> None:
    app, running, _ = web(None)
    with statements(running.site.engine) as seen:
        for path in (REQUEST, f"{REQUEST}.json", BODY, f"{BODY}.json", "/search"):
            assert "aleph" not in app.get(path).text.lower()
    assert not any("bridge_receipt" in each for each in seen)
    app.get("/desk/bridge", status=404)
    app.get("/search-documents", status=404)
    app.get("/data/index.json", status=404)


def test_collections_of_authorities_and_tags(web: Web, aleph4: Aleph, tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(
        '[[collection]]\nforeign_id = "of_tag"\nof = "tag"\ntags = ["fish"]\n'
        '[[collection]]\nforeign_id = "of_body"\nof = "authority"\n'
    )
    app, running, _ = web(aleph4, **{"bridge.file": str(file)})
    pushed(running.site)
    for path in (REQUEST, BODY):
        address = app.get(f"{path}.json").json["links"]["aleph"]
        id_ = address.rpartition("/")[2]
        assert id_ in aleph4.collection("of_tag_fish").indexed
    assert told(app)["quotas.csv"]["state"] == "searchable"
