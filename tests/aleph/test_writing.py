"""The traps of writing: identity of uploads, lost metadata, replaced fragments, lost entities."""

import hashlib
import hmac
from typing import Any

import pytest

from tests.aleph import Aleph
from tests.aleph.client import Client, entity


def test_an_upload_is_acknowledged_with_a_signed_id(client: Client) -> None:
    answer = client.upload("a", b"text", file_name="a.txt")
    assert answer.status_code == 201
    plain, _, mac = answer.json()["id"].partition(".")
    assert plain.isdigit()
    assert mac == hmac.new(b"site", plain.encode(), hashlib.sha1).hexdigest()


def test_the_same_foreign_id_is_another_document_under_another_parent(client: Client) -> None:
    one, two = (client.upload(name, file_name=name).json()["id"] for name in ("r1", "r2"))
    first = client.upload("att", b"x", file_name="x.txt", parent_id=one).json()["id"]
    assert client.upload("att", b"y", file_name="x.txt", parent_id=one).json()["id"] == first
    assert client.upload("att", b"y", file_name="x.txt", parent_id=two).json()["id"] != first


def test_without_a_foreign_id_the_same_bytes_are_the_same_document(client: Client) -> None:
    first = client.upload("named", b"same bytes", file_name="a.txt").json()["id"]
    assert client.upload(None, b"same bytes", file_name="b.txt").json()["id"] == first
    assert client.get(first)["properties"]["fileName"] == ["b.txt"]


def test_metadata_left_out_is_kept_null_clears_and_countries_are_emptied(client: Client) -> None:
    id_ = client.upload(
        "a", b"1", file_name="a.txt", title="T", author="A", countries=["gb"], languages=["en"]
    ).json()["id"]
    assert client.get(id_)["properties"]["language"] == ["eng"]
    client.upload("a", b"1", title=None)
    props = client.get(id_)["properties"]
    assert props["author"] == ["A"]
    assert props["fileName"] == ["a.txt"]
    assert not {"title", "country", "language"} & set(props)


def test_a_forgotten_file_part_turns_a_file_into_a_folder(client: Client) -> None:
    id_ = client.upload("a", b"text", file_name="a.txt").json()["id"]
    assert client.get(id_)["schema"] == "PlainText"
    assert client.upload("a", file_name="a.txt", _q={"sync": "true"}).json()["id"] == id_
    assert client.get(id_)["schema"] == "Folder"
    refused = client.upload(None, file_name="a.txt")
    assert refused.status_code == 400
    assert refused.json()["message"] == "Directories need to have a foreign_id"


@pytest.mark.parametrize(
    ("meta", "place"),
    [
        ({"parent_id": 5}, "parent_id"),
        ({"countries": [None]}, "countries.0"),
        ({"countries": None}, "countries"),
        ({"languages": ["klingon"]}, "languages.0"),
        ({"source_url": "not a url"}, "source_url"),
        ({"date": "yesterday"}, "date"),
    ],
)
def test_metadata_of_the_wrong_type_is_refused(
    client: Client, meta: dict[str, Any], place: str
) -> None:
    answer = client.upload("a", b"x", **meta)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [place]


def test_a_parent_is_known_by_id_only_and_must_be_an_upload(client: Client) -> None:
    folder = client.upload("r1", file_name="r1").json()["id"]
    lost = client.upload("a", b"x", file_name="a", parent={"foreign_id": "r1"}).json()["id"]
    held = client.upload("b", b"y", file_name="b", parent={"id": folder}).json()["id"]
    assert "parent" not in client.get(lost)["properties"]
    assert [p["id"] for p in client.get(held)["properties"]["parent"]] == [folder]
    client.load(entity("made", "Folder", fileName=["made"]))
    made = client.aleph.collection("site").sign("made")
    assert client.upload("c", b"z", parent_id=made).status_code == 400


def test_a_hidden_stub_becomes_a_mail_and_keeps_its_attachment(client: Client) -> None:
    stub = client.upload("m1", file_name="m1", _q={"index": "false"}).json()["id"]
    assert client.call("GET", f"/entities/{stub}").status_code == 404
    held = client.upload("att", b"a,b\n", file_name="t.csv", parent_id=stub).json()["id"]
    client.load(entity(stub, "Email", subject=["Answer"], fileName=["m1"]))
    assert client.get(stub)["schema"] == "Email"
    assert client.aleph.collection("site").parent(held) == stub
    client.upload("m1", file_name="m1", _q={"index": "false"})
    client.call("POST", f"/collections/{client.collection}/reindex", params={"flush": "true"})
    assert client.get(stub)["properties"]["subject"] == ["Answer"]


def test_a_date_with_a_z_loses_the_whole_thing_in_aleph(client: Client) -> None:
    good = client.upload("a", b"x", file_name="a", published_at="2024-01-02T10:00:00")
    bad = client.upload("b", b"y", file_name="b", published_at="2024-01-02T10:00:00Z")
    client.load(entity("m", "Email", date=["2024-01-02T10:00:00Z"]))
    assert bad.status_code == 201
    assert client.find()["total"] == 1
    assert client.find()["results"][0]["id"] == good.json()["id"]


def test_a_date_with_a_z_loses_its_seconds_in_openaleph(open_client: Client) -> None:
    id_ = open_client.upload("b", b"y", published_at="2024-01-02T10:00:00Z").json()["id"]
    assert open_client.get(id_)["properties"]["publishedAt"] == ["2024-01-02T10:00"]


def test_a_bulk_load_replaces_an_entity_whole_and_adds_to_an_upload(client: Client) -> None:
    client.load(entity("p", "Person", name=["Old"], country=["gb"]))
    client.load(entity("p", "Person", name=["New"]))
    view = client.aleph.collection("site")
    assert view.properties("p") == {"name": ["New"]}
    id_ = client.upload("a", b"text", file_name="a.txt").json()["id"]
    client.load(entity(id_, "PlainText", keywords=["kept"]))
    client.upload("a", b"text 2", file_name="a.txt")
    props = client.get(id_)["properties"]
    assert props["keywords"] == ["kept"]
    assert props["bodyText"] == ["text 2"]


def test_a_bulk_load_signs_ids_and_references_and_drops_checksums(client: Client) -> None:
    mail = entity("m", "Email", emitters=["p"], contentHash=["0" * 40], nosuch=["x"])
    mail["properties"]["date"] = ["not a date"]
    assert client.load(entity("p", "Person", name="Jane"), mail, safe="false").status_code == 204
    view = client.aleph.collection("site")
    assert view.properties("m") == {"emitters": [view.sign("p")]}
    assert client.get(view.sign("m"))["properties"]["emitters"][0]["properties"]["name"]
    assert client.call("GET", "/entities/m").status_code == 404


def test_ids_with_a_dot_overwrite_each_other(client: Client) -> None:
    client.load(entity("msg.1", "Person", name=["One"]), entity("msg.2", "Person", name=["Two"]))
    assert [e["properties"]["name"] for e in client.find()["results"]] == [["Two"]]


def test_one_bad_entity_refuses_the_whole_load(client: Client, open_client: Client) -> None:
    good = entity("p", "Person", name=["Jane"])
    refused = client.load(good, entity("under_score", "Person", name=["X"]))
    assert refused.status_code == 400
    assert refused.json()["message"] == "No ID for entity"
    assert refused.json()["errors"]["id"] is None
    assert client.load(good, entity("x", "NoSuch")).status_code == 400
    assert client.load(good, "text").status_code == 500
    assert client.find()["total"] == 0
    assert open_client.load(good, entity("under_score", "Person")).status_code == 500


def test_a_changed_schema_leaves_a_stale_copy_until_flushed(client: Client) -> None:
    client.load(entity("x", "Person", name=["X"]))
    client.load(entity("x", "PublicBody", name=["X"]))
    found = client.find()["results"]
    assert sorted(e["schema"] for e in found) == ["Person", "PublicBody"]
    assert len({e["id"] for e in found}) == 1
    client.call("POST", f"/collections/{client.collection}/reindex", params={"flush": "true"})
    assert [e["schema"] for e in client.find()["results"]] == ["PublicBody"]


def test_a_fragment_that_does_not_fit_is_skipped_and_abstract_ones_never_show(
    client: Client,
) -> None:
    folder = client.upload("f", file_name="f", title="A folder").json()["id"]
    client.load(entity(folder, "PlainText", title=["Not this"]), entity("i", "Interval"))
    assert client.get(folder)["properties"]["title"] == ["A folder"]
    assert [line["id"] for line in client.stream("id")] == [folder]


def test_deleting_takes_everything_along_that_mentions_it(client: Client) -> None:
    client.load(
        entity("body", "PublicBody", name=["Ministry"]),
        entity("m1", "Email", recipients=["body"]),
        entity("m2", "Email", inReplyToEmail=["m1"]),
        entity("m3", "Email", subject=["Unrelated"]),
    )
    sign = client.aleph.collection("site").sign
    assert client.call("DELETE", f"/entities/{sign('body')}").status_code == 204
    assert [line["id"] for line in client.stream("id")] == [sign("m3")]


def test_a_deleted_document_comes_back_under_another_id(client: Client) -> None:
    folder = client.upload("f", file_name="f").json()["id"]
    client.upload("a", b"x", file_name="a", parent_id=folder)
    client.call("DELETE", f"/entities/{folder}")
    assert client.stream("id") == []
    assert client.upload("f", file_name="f").json()["id"] != folder


def test_files_are_processed_by_their_kind(client: Client) -> None:
    mail = (
        b"From: FOI Team <foi@ministry.example>\nTo: Jane <jane@foi.example>\n"
        b"Subject: Answer\nMessage-ID: <1@ministry.example>\nMIME-Version: 1.0\n"
        b"Date: Tue, 02 Jan 2024 11:00:00 +0100\n"
        b'Content-Type: multipart/mixed; boundary="B"\n\n--B\nContent-Type: text/plain\n\n'
        b"Please find attached.\n--B\nContent-Type: text/csv\n"
        b'Content-Disposition: attachment; filename="fish.csv"\n\na,b\n1,2\n--B--\n'
    )
    id_ = client.upload("m", mail, file_name="m.eml").json()["id"]
    props = client.get(id_)["properties"]
    assert client.get(id_)["schema"] == "Email"
    assert props["date"] == ["2024-01-02T10:00:00"]
    assert props["emitters"][0]["properties"]["email"] == ["foi@ministry.example"]
    children = client.find(("filter:properties.parent", id_), schemata="Document")["results"]
    assert [(c["schema"], c["properties"]["fileName"]) for c in children] == [
        ("Table", ["fish.csv"])
    ]


def test_a_document_can_fail_be_lost_or_stick(aleph: Aleph, client: Client) -> None:
    aleph.poison("bad.txt")
    aleph.poison(hashlib.sha1(b"lost").hexdigest(), "lost")
    aleph.poison("stuck.txt", "stuck")
    bad = client.upload("bad", b"bad", file_name="bad.txt").json()["id"]
    lost = client.upload("lost", b"lost", file_name="lost.txt").json()["id"]
    assert client.get(bad)["properties"]["processingStatus"] == ["failure"]
    assert client.call("GET", f"/entities/{lost}").status_code == 404
    status = f"/collections/{client.collection}/status"
    assert client.call("GET", status).json()["pending"] == 0
    client.upload("stuck", b"stuck", file_name="stuck.txt")
    assert client.call("GET", status).json()["pending"] == 1
    assert client.call("DELETE", status).status_code == 204
    assert client.call("GET", status).json()["pending"] == 0
    aleph.cure("bad.txt")
    client.upload("bad", b"bad", file_name="bad.txt")
    assert client.get(bad)["properties"]["processingStatus"] == ["success"]
