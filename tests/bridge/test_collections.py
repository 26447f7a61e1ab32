"""Collections for each authority, each tag or a query, and several Alephs at once."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.config import Unusable, remotes
from bridge.consumer import AlephConsumer
from bridge.selection import Asked, NotDecidable, facts_of, meets
from foi import settings
from foi.archive import casework
from foi.archive.models import Body, InfoRequest
from foi.cli import main
from foi.pages import members
from foi.search.query import parse
from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.conftest import HASTY, Open, push_all
from tests.bridge.records import DAY, EVERYTHING, Made, hide, make, names
from tests.bridge.test_consumer import owed, work


def described(tmp_path: Path, text: str) -> str:
    path = tmp_path / "bridge.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def at(open_: Open, server: Aleph, file: str, **more: Any) -> Site:
    return open_(aleph__host=server.url, aleph__api_key=server.user_key, bridge__file=file, **more)


def collections(server: Aleph) -> dict[str, set[str]]:
    return {view.foreign_id: set(names(view)) for view in server.collections()}


def second(site: Site, made: Made) -> int:
    """Add a request to another authority, by the same person."""
    with site.sessions.writing() as db:
        body = casework.add_body(db, "desk", name="Sea Office", tag_texts=["coast"])
        request = casework.open_request(
            db, "desk", body=body, title="Cod", text="Cod?", external_user_name="A", at=DAY,
            tag_texts=["fish", "sea:9"],
        )  # fmt: skip
        db.flush()
        return request.id


def test_one_for_each_authority(open_: Open, aleph: Aleph, tmp_path: Path) -> None:
    file = described(
        tmp_path,
        '[[collection]]\nforeign_id = "office"\nof = "authority"\nlabel = "{authority} at {site}"'
        '\nlanguages = ["deu"]\ncountries = ["de"]\nfrequency = "weekly"\nsummary = "S"\n',
    )
    site = at(open_, aleph, file)
    made = make(site)
    second(site, made)
    assert push_all(site).complete
    found = collections(aleph)
    assert set(found) == {"office_1", "office_2"}
    assert "PublicBody Ministry of Fish" in found["office_1"]
    assert "PublicBody Ministry of Fish" not in found["office_2"]
    assert "Folder Cod" in found["office_2"]
    row = aleph.collection("office_1").row
    assert row["label"] == "Ministry of Fish at Open Answers"
    assert (row["countries"], row["languages"]) == (["de"], ["deu"])
    assert (row["frequency"], row["summary"]) == ("weekly", "S")


def test_a_moved_request_changes_its_collection_and_its_authority_goes(
    open_: Open, aleph4: Aleph, tmp_path: Path
) -> None:
    file = described(tmp_path, '[[collection]]\nforeign_id = "office"\nof = "authority"\n')
    site = at(open_, aleph4, file)
    made = make(site)
    site.consumers.add(AlephConsumer(site, remotes(site.settings)[0], HASTY))
    with site.sessions.writing() as db:
        casework.edit_request(db, db.get_one(InfoRequest, made.request), "desk", title="New")
    work(site)
    assert "Folder New" in collections(aleph4)["office_1"]
    with site.sessions.writing() as db:
        other = casework.add_body(db, "desk", name="Sea Office")
        casework.move(db, db.get_one(InfoRequest, made.request), other, "desk")
    for _ in range(10):
        work(site)
        if not owed(site):
            break
    assert owed(site) == {}
    found = collections(aleph4)
    assert found["office_1"] == set()
    assert {"Folder New", "PublicBody Sea Office", "Person Jane Doe"} <= found["office_2"]


def test_one_for_each_tag_and_one_for_a_query_and_a_request_in_several(
    open_: Open, aleph4: Aleph, tmp_path: Path
) -> None:
    file = described(
        tmp_path,
        '[[collection]]\nforeign_id = "all"\n'
        '[[collection]]\nforeign_id = "tag"\nof = "tag"\ntags = ["fish", "sea"]\n'
        '[[collection]]\nforeign_id = "won"\nquery = "latest_status:successful -tag:sea"\n',
    )
    site = at(open_, aleph4, file)
    made = make(site)
    number = second(site, made)
    with site.sessions.writing() as db:
        casework.classify(db, db.get_one(InfoRequest, made.request), "desk", "successful")
    assert push_all(site).complete
    found = collections(aleph4)
    assert set(found) == {"all", "tag_fish", "tag_sea", "won"}
    folders = {name: {f for f in all_ if f.startswith("Folder")} for name, all_ in found.items()}
    assert folders == {
        "all": {"Folder Turbot quotas", "Folder Cod"},
        "tag_fish": {"Folder Turbot quotas", "Folder Cod"},
        "tag_sea": {"Folder Cod"},
        "won": {"Folder Turbot quotas"},
    }
    with site.sessions.writing() as db:
        request = db.get_one(InfoRequest, number)
        casework.edit_request(db, request, "desk", tag_texts=["fish"])
        casework.classify(db, db.get_one(InfoRequest, made.request), "desk", "rejected")
    assert push_all(site).complete
    found = collections(aleph4)
    assert found["tag_sea"] == found["won"] == set()
    assert "Folder Cod" in found["all"]


def test_a_collection_that_is_no_longer_named_is_emptied(
    open_: Open, aleph4: Aleph, tmp_path: Path
) -> None:
    both = '[[collection]]\nforeign_id = "one"\n[[collection]]\nforeign_id = "two"\n'
    site = at(open_, aleph4, described(tmp_path, both))
    make(site)
    assert push_all(site).complete
    assert collections(aleph4) == {"one": EVERYTHING - MAILS | A, "two": EVERYTHING - MAILS | B}
    site = at(open_, aleph4, described(tmp_path, '[[collection]]\nforeign_id = "one"\n'))
    assert push_all(site).complete
    assert collections(aleph4) == {"one": EVERYTHING - MAILS | A, "two": set()}


MAILS = {"Email foi_test-1", "Email foi_test-2"}
A, B = ({f"Email {name}-{n}" for n in (1, 2)} for name in ("one", "two"))


def test_several_alephs_each_with_a_worker_of_its_own(
    open_: Open, aleph4: Aleph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Aleph(flavour="openaleph") as other:
        monkeypatch.setenv("OTHER_KEY", other.user_key)
        file = described(
            tmp_path,
            f'[[collection]]\nforeign_id = "one"\n[[collection]]\nforeign_id = "two"\n'
            f'[[target]]\nname = "other"\nhost = "{other.url}"\n'
            f'api_key_variable = "OTHER_KEY"\ncollections = ["two"]\n',
        )
        site = at(open_, aleph4, file)
        for remote in remotes(site.settings):
            site.consumers.add(AlephConsumer(site, remote, HASTY))
        assert [each.name for each in site.consumers.all] == ["aleph", "aleph-other"]
        made = make(site)
        aleph4.fail_next("drop", times=100_000)
        work(site)
        assert set(collections(other)) == {"two"}
        assert "Folder Turbot quotas" in collections(other)["two"]
        aleph4.heal()
        work(site)
        assert set(collections(aleph4)) == {"one", "two"}
        hide(site, InfoRequest, made.request)
        work(site)
        assert "Folder Turbot quotas" not in collections(other)["two"]
        assert other.user_key not in repr(remotes(site.settings))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[collection]]\n", "foreign_id"),
        ('[[collection]]\nforeign_id = "A-b"\n', "foreign_id"),
        ('[[collection]]\nforeign_id = "a"\nquery = "fish"\n', "words"),
        ('[[collection]]\nforeign_id = "a"\nquery = "variety:sent"\n', "variety"),
        ('[[collection]]\nforeign_id = "a"\nquery = "status:nonsense"\n', "nonsense"),
        ('[[collection]]\nforeign_id = "a"\nof = "moon"\n', "moon|one of"),
        ('[[collection]]\nforeign_id = "a"\nlable = "x"\n', "lable"),
        ('[[collection]]\nforeign_id = "a"\nfrequency = "hourly"\n', "frequency"),
        ('[[collection]]\nforeign_id = "a"\n[[collection]]\nforeign_id = "a"\n', "two of"),
        (
            '[[collection]]\nforeign_id = "a"\nof = "tag"\n[[collection]]\nforeign_id = "a_b"\n',
            "one of those of a",
        ),
        ('[[target]]\nname = "x"\nhost = "ftp://x"\n', "host"),
        ('[[target]]\nname = "x"\nhost = "http://x"\ncollections = ["no"]\n', "no collection no"),
        ("[[nothing]]\n", "nothing"),
        ("not toml", "TOML"),
    ],
)
def test_a_wrong_file_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    given = {"bridge.file": described(tmp_path, text), "aleph.host": "http://aleph.example"}
    with pytest.raises(Unusable, match=said) as wrong:
        remotes(settings.load(given, {}))
    assert "bridge.file" in str(wrong.value)


@pytest.mark.parametrize("words", ["serve --port 0", "work --once", "upgrade", "bridge status"])
def test_every_command_meets_a_wrong_file_with_a_sentence(tmp_path: Path, words: str) -> None:
    given = {
        "FOI_DATA": str(tmp_path),
        "FOI_BRIDGE_FILE": described(tmp_path, "not toml"),
        "ALEPHCLIENT_HOST": "http://aleph.example",
    }
    result = CliRunner().invoke(main, words.split(), env=given)
    assert result.exit_code == 2
    assert "Error: setting bridge.file: " in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("query", "taken"),
    [
        ("tag:fish", True),
        ("tag:FISH", True),
        ("tag:cod", False),
        ("request_public_body_tag:charity", True),
        ("request_public_body_tag:charity:123", True),
        ("requested_from:mof", True),
        ("requested_by:jane_doe", True),
        ("request:turbot_quotas", True),
        ("latest_status:waiting_classification", False),
        ("status:successful", True),
        ("status:successful -tag:fish", False),
        ("status:rejected OR tag:fish", True),
        ("waiting_classification:no", True),
        ("2024-01-01..2030-01-01", True),
        ("2020-01-01..2020-12-31", False),
        ("status:overdue", False),
        ("due:2024-03-05..", True),
        ("due:..2024-03-05", False),
    ],
)
def test_a_query_is_decided_from_the_rows(open_: Open, query: str, taken: bool) -> None:
    site = open_()
    made = make(site)
    with site.sessions.reading() as db:
        rows = db.execute(members.with_parties().where(InfoRequest.id == made.request)).all()
        (facts,) = facts_of(db, site, rows)
        assert db.get_one(Body, made.body)
    today = date(2024, 6, 1)
    assert Asked(query).takes(facts, today) is taken
    tree = parse(query, today).tree
    assert tree is not None
    assert meets(tree, facts) is taken


def test_words_are_refused() -> None:
    with pytest.raises(NotDecidable, match="words"):
        Asked('tag:fish "annual report"')
