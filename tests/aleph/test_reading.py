"""The traps of reading: silent anonymity, the window of 9,999, expansion, the queue's zeros."""

import io
import json
import time
import zipfile

import pytest
import requests

from tests.aleph import Aleph
from tests.aleph.application import RATE_LIMIT
from tests.aleph.client import Client, entity


def test_a_wrong_key_is_nobody_and_not_an_error(client: Client) -> None:
    wrong = Client(client.aleph, "not-a-key")
    listed = wrong.call("GET", "/collections")
    assert (listed.status_code, listed.json()["total"]) == (200, 0)
    assert listed.headers["X-Rate-Limit"] == str(RATE_LIMIT)
    refused = wrong.call("GET", "/status")
    assert refused.status_code == 403
    assert refused.json()["roles"] == [1]
    known = client.call("GET", "/status")
    assert known.status_code == 200
    assert "X-Rate-Limit" not in known.headers


def test_a_key_can_expire(client: Client) -> None:
    client.aleph.revoke()
    assert client.call("GET", f"/collections/{client.collection}").status_code == 403


def test_anonymous_callers_run_into_the_rate_limit(aleph: Aleph) -> None:
    http = requests.Session()
    http.headers["X-Forwarded-For"] = "198.51.100.7"
    url = f"{aleph.url}/api/2/statistics"
    codes = [http.get(url, timeout=5).status_code for _ in range(RATE_LIMIT)]
    assert set(codes) == {200}
    limited = http.get(url, timeout=5)
    assert limited.status_code == 429
    assert limited.headers["Content-Type"].startswith("text/html")
    key = {"Authorization": f"ApiKey {aleph.user_key}"}
    assert http.get(url, headers=key, timeout=5).status_code == 200


def test_errors_may_be_html(client: Client) -> None:
    wrong_method = client.call("PATCH", "/collections")
    assert wrong_method.status_code == 405
    assert wrong_method.text.startswith("<!doctype html>")
    client.http.headers["Authorization"] = "Token 1.gone"
    assert client.call("GET", "/collections").status_code == 401


def test_a_taken_foreign_id_is_a_bare_400_and_a_deleted_one_comes_back(client: Client) -> None:
    other = Client(client.aleph, client.aleph.admin_key)
    body = {"label": "Another", "foreign_id": "site"}
    taken = other.call("POST", "/collections", json=body)
    assert taken.status_code == 400
    assert "errors" not in taken.json()
    first = client.collection
    client.upload("a", b"x")
    assert client.call("DELETE", f"/collections/{first}").status_code == 204
    assert other.call("POST", "/collections", json=body).status_code == 400
    assert client.make() == first
    assert client.stream("id") == []


def test_a_user_makes_casefiles_only_and_cannot_publish_them(client: Client) -> None:
    path = f"/collections/{client.collection}"
    changed = client.call("POST", path, json={"label": "Renamed", "category": "library"}).json()
    assert (changed["category"], changed["casefile"]) == ("casefile", True)
    grant = [{"role_id": "1", "read": True, "write": False}]
    assert client.call("POST", f"{path}/permissions", json=grant).status_code == 200
    assert Client(client.aleph, "nobody").call("GET", path).status_code == 403
    admin = Client(client.aleph, client.aleph.admin_key, "library")
    admin.make(category="library")
    path = f"/collections/{admin.collection}"
    admin.call("POST", f"{path}/permissions", json=grant)
    assert Client(client.aleph, "nobody").call("GET", path).status_code == 200


def test_openaleph_wants_slugs_and_aleph_takes_anything(
    client: Client, open_client: Client
) -> None:
    body = {"label": "Hyphen", "foreign_id": "foi-site"}
    assert client.call("POST", "/collections", json=body).status_code == 200
    assert open_client.call("POST", "/collections", json=body).status_code == 400


def test_aleph_searches_only_with_a_schema(client: Client, open_client: Client) -> None:
    where = {"filter:collection_id": client.collection}
    assert client.call("GET", "/entities", params=where).status_code == 400
    assert open_client.call("GET", "/entities", params=where).status_code == 200


@pytest.mark.parametrize("query", ["(open", '"open', "close)"])
def test_unbalanced_queries_are_errors(client: Client, open_client: Client, query: str) -> None:
    params = {"filter:schemata": "Thing", "q": query}
    refused = client.call("GET", "/entities", params=params)
    assert refused.status_code == 400
    assert query in refused.json()["message"]
    assert open_client.call("GET", "/entities", params=params).status_code == 500


def test_words_are_joined_by_and_and_phrases_keep_their_order(client: Client) -> None:
    client.load(
        entity("a", "Email", subject=["Turbot quota"], bodyText=["five tonnes & more"]),
        entity("b", "Email", subject=["Quota of turbot"]),
    )
    assert client.find(("q", "turbot quota"))["total"] == 2
    assert client.find(("q", '"turbot quota"'))["total"] == 1
    assert client.find(("q", "turbot tonnes"))["total"] == 1
    assert client.find(("q", "tonnes OR of"))["total"] == 2
    hit = client.find(("q", "tonnes"), ("highlight", "true"))["results"][0]
    assert hit["highlight"] == ["five <em>tonnes</em> &amp; more"]


@pytest.mark.thorough
def test_nobody_reads_past_the_9999th_hit(client: Client) -> None:
    for start in (0, 5100):
        people = [entity(f"p{i}", "Person", name=["P"]) for i in range(start, start + 5100)]
        assert client.load(*people).status_code == 204
    path = f"{client.aleph.url}/api/2/entities?filter:schema=Person&limit=5000"
    seen, following = 0, path
    while following:
        answer = client.http.get(following, timeout=20)
        if answer.status_code == 500:
            break
        page = answer.json()
        assert (page["total"], page["total_type"]) == (10000, "gte")
        seen, following = seen + len(page["results"]), page["next"]
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("We found 10000 results")
    assert seen == 9999
    assert len(client.stream("id")) == 10200


def test_references_are_objects_in_searches_and_ids_in_streams(client: Client) -> None:
    client.load(entity("p", "Person", name=["Jane"]), entity("m", "Email", emitters=["p", "gone"]))
    view = client.aleph.collection("site")
    emitters = client.get(view.sign("m"))["properties"]["emitters"]
    assert emitters[0]["properties"]["name"] == ["Jane"]
    assert emitters[1] == view.sign("gone")
    streamed = next(line for line in client.stream("properties.emitters") if "properties" in line)
    assert streamed["properties"]["emitters"] == [view.sign("p"), view.sign("gone")]


def test_streaming_needs_the_right_to_write(client: Client) -> None:
    admin = Client(client.aleph, client.aleph.admin_key, "library")
    admin.make(category="library")
    admin.call(
        "POST",
        f"/collections/{admin.collection}/permissions",
        json=[{"role_id": "2", "read": True, "write": False}],
    )
    path = f"/collections/{admin.collection}"
    assert client.call("GET", path).status_code == 200
    assert client.call("GET", f"{path}/_stream").status_code == 403


def test_a_conditional_request_is_304_whatever_changed(client: Client) -> None:
    client.load(entity("p", "Person", name=["Old"]))
    path = f"/entities/{client.aleph.collection('site').sign('p')}"
    etag = client.call("GET", path).headers["ETag"]
    client.load(entity("p", "Person", name=["New"]))
    assert client.call("GET", path, headers={"If-None-Match": etag}).status_code == 304


def test_file_links_work_without_a_key_for_whoever_has_them(client: Client) -> None:
    id_ = client.upload("a", b"bytes", file_name="a b.txt").json()["id"]
    link = client.get(id_)["links"]["file"]
    fetched = requests.get(link, timeout=5)
    assert fetched.content == b"bytes"
    assert requests.get(link[:-3], timeout=5).status_code == 401


@pytest.mark.parametrize("flavour", ["aleph3", "aleph", "openaleph"])
def test_the_queue_shows_work_and_falls_back_to_zero(flavour: str) -> None:
    with Aleph(flavour=flavour, delay=0.4) as aleph:
        client = Client(aleph)
        client.make()
        path = f"/collections/{client.collection}/status"
        idle = client.call("GET", path).json()
        id_ = client.upload("a", b"x", file_name="a.txt").json()["id"]
        busy = client.call("GET", path).json()
        assert client.call("GET", f"/entities/{id_}").status_code == 404
        assert client.call("GET", "/status").json()["total"] == 1
        aleph.wait_until_idle()
        assert client.call("GET", path).json() | {"collection": 0} == idle | {"collection": 0}
        assert client.get(id_)["schema"] == "PlainText"
    assert {"aleph3": "jobs", "aleph": "stages", "openaleph": "batches"}[flavour] in busy
    assert (busy["active"] if flavour == "openaleph" else busy["pending"]) == 1


def test_an_idle_queue_comes_before_the_engine_shows_the_work() -> None:
    with Aleph(delay=0.4) as aleph:
        client = Client(aleph)
        client.make()
        client.load(entity("p", "Person", name=["Jane"]))
        while client.call("GET", f"/collections/{client.collection}/status").json()["stages"]:
            time.sleep(0.01)
        assert client.find()["total"] == 0
        aleph.wait_until_idle()
        assert client.find()["total"] == 1


def test_uploads_wait_for_ever_where_no_worker_ingests() -> None:
    with Aleph(flavour="openaleph", ingest_worker=False) as aleph:
        client = Client(aleph)
        client.make()
        id_ = client.upload("a", b"x", file_name="a.txt").json()["id"]
        status = client.call("GET", f"/collections/{client.collection}/status").json()
        assert status["todo"] == 1
        assert client.call("GET", f"/entities/{id_}").status_code == 404
        client.call("POST", f"/collections/{client.collection}/reindex")
        for _ in range(100):  # the queue is never idle here, so there is nothing else to wait for
            if client.call("GET", f"/entities/{id_}").status_code == 200:
                break
            time.sleep(0.05)
        assert "processingStatus" not in client.get(id_)["properties"]


def test_a_person_joins_by_id_in_openaleph_and_needs_an_address_in_aleph(
    client: Client, open_client: Client
) -> None:
    row = {"role_id": "4", "read": True, "write": False}

    def readers(of: Client, item: dict[str, object]) -> list[str]:
        path = f"/collections/{of.collection}/permissions"
        rows = of.call("POST", path, json=[item]).json()["results"]
        return [right["role"]["id"] for right in rows if right["read"]]

    assert readers(client, row) == ["5"]
    assert readers(client, {**row, "email": "admin@aleph.example"}) == ["5", "4"]
    assert readers(open_client, row) == ["5", "4"]


def test_others_learn_what_happened_in_their_collections(client: Client) -> None:
    client.upload("a", b"x", file_name="a.txt")
    admin = Client(client.aleph, client.aleph.admin_key)
    heard = [
        event["event"]["name"] for event in admin.call("GET", "/notifications").json()["results"]
    ]
    assert heard == ["INGEST_DOCUMENT", "CREATE_COLLECTION"]
    assert client.call("GET", "/notifications").json()["total"] == 0


def test_alerts_are_made_twice_if_asked_twice(client: Client) -> None:
    for _ in range(2):
        assert client.call("POST", "/alerts", data={"query": "fish"}).status_code == 200
    assert client.call("GET", "/alerts").json()["total"] == 2
    assert client.call("POST", "/alerts", json={"query": "ab"}).status_code == 400


def test_a_script_learns_the_model_from_metadata(client: Client) -> None:
    model = client.call("GET", "/metadata").json()["model"]["schemata"]
    assert model["Email"]["properties"]["emitters"]["range"] == "LegalEntity"
    assert set(model["PublicBody"]["schemata"]) == {
        "PublicBody",
        "Organization",
        "LegalEntity",
        "Thing",
    }
    assert "Folder" in model["Email"]["schemata"]


def test_a_search_can_be_exported_and_fetched(client: Client) -> None:
    client.load(entity("p", "Person", name=["Jane"]), entity("q", "Person", name=["Joe"]))
    params = {"filter:collection_id": client.collection, "filter:schema": "Person", "q": "jane"}
    assert client.call("POST", "/search/export", params=params).status_code == 202
    (export,) = client.call("GET", "/exports").json()["results"]
    assert export["status"] == "successful"
    packed = requests.get(export["links"]["download"], timeout=5).content
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert json.loads(archive.read("export.jsonl"))["properties"] == {"name": ["Jane"]}


def test_a_mapping_loads_only_when_triggered(client: Client) -> None:
    table = client.upload("t", b"id,name\n1,Mara\n2,Milo\n", file_name="t.csv").json()["id"]
    query = {"p": {"schema": "Person", "keys": ["id"], "properties": {"name": {"column": "name"}}}}
    path = f"/collections/{client.collection}/mappings"
    body = {"table_id": table, "mapping_query": query}
    made = client.call("POST", path, json=body).json()
    assert made["last_run_status"] == "pending"
    assert client.find(schemata="Person")["total"] == 0
    client.call("POST", f"{path}/{made['id']}/trigger")
    assert client.find(schemata="Person")["total"] == 2
    assert client.call("GET", f"{path}/{made['id']}").json()["last_run_status"] == "successful"
    client.call("POST", f"{path}/{made['id']}/flush")
    assert client.find(schemata="Person")["total"] == 0


def test_equal_names_in_two_collections_are_matched(client: Client) -> None:
    other = Client(client.aleph, foreign_id="other")
    other.make()
    for one in (client, other):
        one.load(entity("p", "Person", name=["Vladimira Zwetkowa"]))
    path = f"/collections/{client.collection}/xref"
    assert client.call("POST", path).status_code == 202
    (match,) = client.call("GET", path).json()["results"]
    assert match["match"]["collection"]["foreign_id"] == "other"


def test_a_new_key_replaces_the_old_one(client: Client) -> None:
    role = client.call("GET", f"/collections/{client.collection}").json()["creator"]["id"]
    new = client.call("POST", f"/roles/{role}/generate_api_key").json()["api_key"]
    assert client.call("GET", "/status").status_code == 403
    assert Client(client.aleph, new).call("GET", "/status").status_code == 200
    assert client.aleph.user_key == new
