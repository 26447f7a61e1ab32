"""`foi bridge permissions`: who reads a collection, and letting people in."""

import pytest

from foi.site import Site
from tests.aleph import Aleph
from tests.bridge.commands import refused, run, told
from tests.bridge.conftest import Open, joined
from tests.bridge.records import COLLECTION, make


@pytest.fixture
def published(open_: Open, aleph: Aleph) -> Site:
    """A site that pushes with an admin's key."""
    site = joined(open_, aleph, key=aleph.admin_key)
    make(site)
    assert run(site, "push").exit_code == 0
    return site


def rights(site: Site) -> dict[str, tuple[bool, bool]]:
    """Give who reads and writes, by name."""
    found = told(site, "permissions", "list")["roles"]
    return {each["name"]: (each["read"], each["write"]) for each in found}


def test_the_list_names_who_may_and_which_groups_could(pushed: Site, aleph: Aleph) -> None:
    aleph.group("8", "Newsroom", "5")
    assert rights(pushed) == {"Plain User": (True, True), "Newsroom": (False, False)}
    text = run(pushed, "permissions").stdout
    assert COLLECTION in text
    assert "reads and writes user       5  Plain User" in text


def test_a_group_is_let_in_by_name_and_out_again(pushed: Site, aleph: Aleph) -> None:
    aleph.group("8", "Newsroom", "5")
    found = told(pushed, "permissions", "grant", "newsroom")
    assert found["public"] is False
    assert rights(pushed)["Newsroom"] == (True, False)
    told(pushed, "permissions", "revoke", "Newsroom")
    assert rights(pushed)["Newsroom"] == (False, False)
    assert "no right" in refused(pushed, "permissions", "revoke", "Newsroom")


def test_a_person_is_let_in_by_address(pushed: Site, aleph: Aleph) -> None:
    aleph.person("9", "Rita Reporter", "rita@news.example")
    told(pushed, "permissions", "grant", "rita@news.example", "--write")
    assert rights(pushed)["Rita Reporter"] == (True, True)
    told(pushed, "permissions", "revoke", "Rita Reporter")
    assert "Rita Reporter" not in rights(pushed)


def test_aleph_leaves_out_in_silence_and_the_command_says_so(pushed: Site) -> None:
    assert "not let 999999 in" in refused(pushed, "permissions", "grant", "999999")
    assert "knows nobody" in refused(pushed, "permissions", "grant", "nobody@news.example")
    assert "knows nobody" in refused(pushed, "permissions", "grant", "No Such Group")


def test_who_is_no_admin_cannot_publish(pushed: Site) -> None:
    assert "only an admin" in refused(pushed, "permissions", "grant", "everyone")
    assert rights(pushed) == {"Plain User": (True, True)}


def test_an_admin_publishes_and_takes_it_back(published: Site, aleph: Aleph) -> None:
    found = told(published, "permissions", "grant", "everyone")
    assert found["public"] is True
    assert rights(published)["All visitors"] == (True, False)
    assert "written by nobody" in refused(published, "permissions", "grant", "users", "--write")
    assert told(published, "permissions", "revoke", "everyone")["public"] is False


def test_an_admin_makes_a_dataset_of_an_investigation(pushed: Site, aleph: Aleph) -> None:
    site = pushed
    aleph.server.people.change("5", is_admin=True)
    assert aleph.collection(COLLECTION).row["category"] == "casefile"
    assert told(site, "permissions", "grant", "everyone")["public"] is True
    assert aleph.collection(COLLECTION).row["category"] == "library"


def test_the_bridge_does_not_lock_itself_out(pushed: Site) -> None:
    assert "could not go on" in refused(pushed, "permissions", "revoke", "Plain User")
    assert rights(pushed) == {"Plain User": (True, True)}


def test_what_is_not_there_yet_is_a_sentence(site: Site) -> None:
    assert "not in Aleph yet" in refused(site, "permissions", "list")
    assert "'foi_no'" in refused(site, "permissions", "list", "--collection", "foi_no")
