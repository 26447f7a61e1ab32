"""`foi bridge alerts`: being told of what is new."""

from foi.site import Site
from tests.aleph import Aleph
from tests.aleph.store import now
from tests.bridge.commands import refused, run, told
from tests.bridge.records import COLLECTION


def test_an_alert_for_a_search_is_made_once(pushed: Site, aleph: Aleph) -> None:
    first = told(pushed, "alerts", "add", "turbot quotas")
    assert first["made"] is True
    assert first["finds"] > 0
    again = told(pushed, "alerts", "add", " turbot  quotas ")
    assert (again["made"], again["id"]) == (False, first["id"])
    (only,) = told(pushed, "alerts", "list")["alerts"]
    assert only["query"] == "turbot quotas"
    assert "was there already" in run(pushed, "alerts", "add", "turbot quotas").stdout


def test_an_answer_that_is_lost_makes_no_second_alert(pushed: Site, aleph: Aleph) -> None:
    aleph.fail_next("drop", after=True, method="POST", path="alerts")
    made = told(pushed, "alerts", "add", "turbot")
    assert [each["id"] for each in told(pushed, "alerts", "list")["alerts"]] == [made["id"]]


def test_a_whole_collection_is_watched_by_its_number(pushed: Site, aleph: Aleph) -> None:
    number = aleph.collection(COLLECTION).id
    found = told(pushed, "alerts", "add", "--collection", COLLECTION)
    assert found["query"] == f"collection_id:{number}"
    assert found["finds"] > 4
    within = told(pushed, "alerts", "add", "quotas OR fish", "--collection", COLLECTION)
    assert within["query"] == f"(quotas OR fish) AND collection_id:{number}"


def test_show_gives_what_the_next_check_will_tell(pushed: Site, aleph: Aleph) -> None:
    number = told(pushed, "alerts", "add", "--collection", COLLECTION)["id"]
    alerts = aleph.server.store.alerts
    alerts.save(number, {**alerts.get(number), "updated_at": "2020-01-01T00:00:00"})
    found = told(pushed, "alerts", "show", number)
    assert found["new"] == len(found["tells"]) > 4
    assert "Turbot quotas" in {each["name"] for each in found["tells"]}
    assert "Folder Turbot quotas" in run(pushed, "alerts", "show", number).stdout
    alerts.save(number, {**alerts.get(number), "updated_at": f"2100{now()[4:]}"})
    later = told(pushed, "alerts", "show", number)
    assert (later["new"], later["tells"]) == (0, [])


def test_nothing_that_aleph_says_moves_a_terminal(pushed: Site, aleph: Aleph) -> None:
    number = told(pushed, "alerts", "add", "turbot")["id"]
    alerts = aleph.server.store.alerts
    alerts.save(number, {**alerts.get(number), "query": "tur\x1b]0;mine\x07bot\x9b2J\u202e\rno"})
    assert "tur]0;minebot2Jno" in run(pushed, "alerts", "list").stdout
    shown = run(pushed, "alerts", "show", number).output
    assert not set(shown) & set("\x1b\x07\x9b\u202e\r")


def test_an_alert_is_removed(pushed: Site) -> None:
    number = told(pushed, "alerts", "add", "turbot")["id"]
    assert told(pushed, "alerts", "remove", number)["removed"] is True
    assert told(pushed, "alerts", "list") == {"alerts": []}
    assert "no alert" in refused(pushed, "alerts", "show", number)
    assert "no alert" in refused(pushed, "alerts", "remove", "../roles/5")


def test_what_aleph_would_drop_is_not_made(pushed: Site) -> None:
    assert "cannot read" in refused(pushed, "alerts", "add", "(turbot")
    assert "3 to 100" in refused(pushed, "alerts", "add", "ab")
    assert "3 to 100" in refused(pushed, "alerts", "add", "x" * 101)
    assert "say what" in refused(pushed, "alerts", "add")
    assert "'foi_no'" in refused(pushed, "alerts", "add", "--collection", "foi_no")
    assert told(pushed, "alerts", "list") == {"alerts": []}


def test_alerts_of_somebody_else_need_their_key(pushed: Site, aleph: Aleph) -> None:
    env = {"RITAS_KEY": aleph.admin_key}
    told(pushed, "alerts", "add", "turbot", "--key-variable", "RITAS_KEY", env=env)
    assert told(pushed, "alerts", "list") == {"alerts": []}
    hers = told(pushed, "alerts", "list", "--key-variable", "RITAS_KEY", env=env)
    assert [each["query"] for each in hers["alerts"]] == ["turbot"]
    wrong = {"RITAS_KEY": "nobodys"}
    said = refused(pushed, "alerts", "list", "--key-variable", "RITAS_KEY", env=wrong)
    assert "nobody's" in said
    assert "nobodys" not in said.replace("nobody's", "")
    assert "NO_KEY is empty" in refused(pushed, "alerts", "list", "--key-variable", "NO_KEY")
