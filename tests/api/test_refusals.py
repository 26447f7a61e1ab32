"""Bad calls of the write API: each is a 4xx in the documented shape and leaves the database as it
was.
"""

import json
from typing import Any

import pytest
import webtest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from foi.archive.models import InfoRequest
from foi.site import Site
from tests.api.calls import (
    ANSWER,
    CREATION,
    MULTIPART,
    Authority,
    field,
    multipart,
    upload,
)
from tests.conftest import add_body, add_person, add_request, examples, key_for
from tests.pages.scene import PDF, dump

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
CREATE, ADD, UPDATE = "/api/v2/request", "/api/v2/request/{id}.json", "/api/v2/request/{id}/update"
ALL = (CREATE, ADD, UPDATE)


@pytest.fixture
def made(council: Authority) -> InfoRequest:
    return council.made()


def refused(
    council: Authority,
    path: str,
    body: bytes,
    kind: str,
    status: int | tuple[int, ...],
    said: str = "",
) -> None:
    """Check that a call is refused so, says so, and changes nothing."""
    before = dump(council.db)
    answered = council.send(path, body, kind)
    assert answered.status_int in ((status,) if isinstance(status, int) else status), answered.text
    assert answered.content_type == "application/json"
    assert set(answered.json) == {"errors"}
    assert answered.json["errors"]
    assert all(isinstance(each, str) and each for each in answered.json["errors"])
    assert any(said in each for each in answered.json["errors"]), answered.json
    assert council.key not in answered.text
    assert dump(council.db) == before


MALFORMED: dict[str, tuple[str, bytes, int, str]] = {
    "nothing": ("", b"", 400, "no field"),
    "nothing of a blank type": (" ", b"", 400, "no field"),
    "empty form": (FORM, b"", 400, "no field"),
    "another field": (FORM, b"jsonx=1", 400, "no field"),
    "form not in UTF-8": (FORM, b"json=%FF%FE", 400, "UTF-8"),
    "form not in UTF-8, bare": (FORM, b"json=\xff\xfe", 400, "UTF-8"),
    "form in UTF-16": (f"{FORM}; charset=utf-16", "json={}".encode("utf-16"), 400, ""),
    "form in latin-1": (f"{FORM}; charset=iso-8859-1", b"json=%E4", 400, "UTF-8"),
    "form in nonsense": (f"{FORM}; charset=nonsense", b"json=%7B", 400, ""),
    "field twice": (FORM, b"json=%7B%7D&json=%7B%22a%22:1%7D", 400, "twice"),
    "too many fields": (FORM, b"a=1&" * 1001, 400, ""),
    "JSON cut short": (FORM, b"json=%7B%22title", 400, "not valid JSON"),
    "JSON body cut short": (JSON, b'{"title"', 400, "not valid JSON"),
    "JSON body empty": (JSON, b"", 400, "not valid JSON"),
    "JSON not in UTF-8": (JSON, b'{"title": "\xff"}', 400, "UTF-8"),
    "JSON in UTF-16": (JSON, '{"title": "A"}'.encode("utf-16"), 400, "UTF-8"),
    "JSON in latin-1": (f"{JSON}; charset=latin-1", b'{"state": "\xe4"}', 400, "UTF-8"),
    "JSON NaN": (JSON, b'{"title": NaN}', 400, "not valid JSON"),
    "JSON infinity": (JSON, b'{"title": -Infinity}', 400, "not valid JSON"),
    "JSON number beyond 64 bits": (JSON, b'{"title": 9223372036854775808}', 400, "64 bits"),
    "JSON number of a million digits": (JSON, b'{"title": ' + b"9" * 10**6 + b"}", 400, "64 bits"),
    "JSON deep": (JSON, b'{"title": ' + b"[" * 50 + b"]" * 50 + b"}", 400, "deep"),
    "JSON bottomless": (JSON, b"[" * 200_000 + b"]" * 200_000, 400, "deep"),
    "JSON bottomless objects": (JSON, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, "deep"),
    "JSON too large": (JSON, b'"' + b"x" * (2 << 20) + b'"', 413, "larger than"),
    "form too large": (FORM, b"json=" + b"x" * (2 << 20), 413, "larger than"),
    "XML": ("application/xml", b"<title/>", 415, "multipart/form-data"),
    "text": ("text/plain", b"title", 415, ""),
    "type is nonsense": ("nonsense", b"title", 415, ""),
    "multipart without boundary": ("multipart/form-data", b"x", 400, ""),
    "multipart with an empty boundary": ("multipart/form-data; boundary=", b"x", 400, ""),
    "multipart with a bad boundary": ('multipart/form-data; boundary="\xe4"', b"x", 400, ""),
    "multipart with nothing in it": (MULTIPART, b"", 400, "cannot be read"),
    "multipart with another boundary": (
        MULTIPART, multipart(boundary="OTHER"), 400, "cannot be read"
    ),
    "multipart cut short": (MULTIPART, multipart(field("json", "{}"), end=False), 400, "end"),
    "multipart cut in a header": (MULTIPART, b"--BOUNDARY\r\nContent-Disp", 400, ""),
    "part without a name": (
        MULTIPART, multipart(("Content-Disposition: form-data", b"x")), 400, "no name"
    ),
    "part without headers": (MULTIPART, multipart(("", b"x")), 400, "cannot be read"),
    "file without a field's name": (
        MULTIPART,
        multipart(('Content-Disposition: form-data; filename="a.pdf"', PDF)),
        400,
        "no name",
    ),
    "part not in UTF-8": (MULTIPART, multipart(field("json", b'{"title": "\xff"}')), 400, "UTF-8"),
    "part header not in UTF-8": (
        MULTIPART,
        multipart(field("name", "x")).replace(b"name", b"\xff"),
        400,
        "UTF-8",
    ),
    "part in latin-1": (
        MULTIPART,
        multipart(
            (field("json", "")[0] + "\r\nContent-Type: text/plain; charset=latin-1", b"{}")
        ),
        400,
        "UTF-8",
    ),
    "part in a charset of nobody's": (
        MULTIPART,
        multipart((field("json", "")[0] + "\r\nContent-Type: text/plain; charset=zip", b"{}")),
        400,
        "UTF-8",
    ),
    "part in base64": (
        MULTIPART,
        multipart((field("json", "")[0] + "\r\nContent-Transfer-Encoding: base64", b"e30=")),
        400,
        "transfer encoding",
    ),
    "form within the form": (
        MULTIPART,
        multipart(
            (field("a", "")[0] + "\r\nContent-Type: multipart/mixed; boundary=IN", b"--IN--")
        ),
        400,
        "form itself",
    ),
    "form in a part": (
        MULTIPART,
        multipart((field("a", "")[0] + f"\r\nContent-Type: {FORM}", b"json={}")),
        400,
        "form itself",
    ),
    "parts twice": (MULTIPART, multipart(field("json", "{}"), field("json", "[]")), 400, "twice"),
    "too many parts": (MULTIPART, multipart(*[field("a", "1")] * 1001), 400, "1000"),
    "too many files": (
        MULTIPART,
        multipart(*[upload("attachments", "a.txt", b"a")] * 201),
        413,
        "200",
    ),
    "part too large": (MULTIPART, multipart(field("json", "x" * (2 << 20) + "x")), 413, "larger"),
    "file by another name": (
        MULTIPART, multipart(upload("document", "a.pdf", PDF)), 400, "attachments"
    ),
    "JSON as a file": (
        MULTIPART, multipart(upload("json", "a.json", b"{}")), 400, "attachments"
    ),
    "file without a file name": (
        MULTIPART, multipart(field("attachments[]", PDF)), 400, "file name"
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("case", MALFORMED)
def test_malformed(council: Authority, made: InfoRequest, path: str, case: str) -> None:
    kind, body, status, said = MALFORMED[case]
    if path == UPDATE and said == "no field":
        status, said = 422, "'' is not a valid request state"
    refused(council, path.format(id=made.id), body, kind, status, said)


WRONG: tuple[tuple[str, dict[str, Any], str], ...] = (
    (CREATE, {"title": ...}, "title is missing"),
    (CREATE, {"title": None}, "title is missing"),
    (CREATE, {"title": ""}, "title must have 3"),
    (CREATE, {"title": "ab"}, "title must have 3"),
    (CREATE, {"title": " \n "}, "title must have 3"),
    (CREATE, {"title": "A" + "b" * 200}, "title must have 3 to 200"),
    (CREATE, {"title": "12345"}, "title must contain a letter"),
    (CREATE, {"title": "all small letters"}, "title must not be written"),
    (CREATE, {"title": "ALL LARGE LETTERS"}, "title must not be written"),
    (CREATE, {"title": "FOI requests"}, "title must say"),
    (CREATE, {"title": "Freedom of Information request"}, "title must say"),
    (CREATE, {"title": 12}, "title must be a text"),
    (CREATE, {"title": ["Lamp posts"]}, "title must be a text"),
    (CREATE, {"title": {"a": "Lamp posts"}}, "title must be a text"),
    (CREATE, {"title": True}, "title must be a text"),
    (CREATE, {"title": "Lamp\x00posts"}, "title holds a NUL"),
    (CREATE, {"title": "Lamp \ud800 posts"}, "title holds half a character"),
    (CREATE, {"body": ...}, "body is missing"),
    (CREATE, {"body": None}, "body is missing"),
    (CREATE, {"body": ""}, "body is empty"),
    (CREATE, {"body": " \n\t "}, "body is empty"),
    (CREATE, {"body": "x" * 500_001}, "body must have at most"),
    (CREATE, {"body": "a\x00"}, "body holds a NUL"),
    (CREATE, {"body": 1.5}, "body must be a text"),
    (CREATE, {"external_user_name": 5}, "external_user_name must be a text"),
    (CREATE, {"external_user_name": "x" * 201}, "external_user_name"),
    (CREATE, {"external_url": "javascript:alert(1)"}, "external_url must be an http"),
    (CREATE, {"external_url": "//fenby.test/1"}, "external_url must be an http"),
    (CREATE, {"external_url": "http://"}, "external_url must be an http"),
    (CREATE, {"external_url": "http://[::1"}, "external_url must be an http"),
    (CREATE, {"external_url": "http://a.test/ b"}, "external_url must be an http"),
    (CREATE, {"external_url": 'http://a.test/"x'}, "external_url must be an http"),
    (CREATE, {"external_url": "http://a.test/\x01"}, "external_url must be an http"),
    (CREATE, {"external_url": "http://a.test/" + "x" * 2000}, "external_url must be an http"),
    (CREATE, {"external_url": ["http://a.test"]}, "external_url must be a text"),
    (CREATE, {"tags": {"a": 1}}, "tags must be a text"),
    (CREATE, {"tags": [1]}, "tags must be a text"),
    (CREATE, {"tags": ["a b"]}, "tags holds"),
    (CREATE, {"tags": "x" * 201}, "tags holds"),
    (CREATE, {"tags": [f"t{n}" for n in range(51)]}, "tags holds more than 50"),
    (CREATE, {"tags": "a\x00"}, "tags holds a NUL"),
    (ADD, {"direction": ...}, "direction is missing"),
    (ADD, {"direction": None}, "direction is missing"),
    (ADD, {"direction": "sideways"}, "direction"),
    (ADD, {"direction": ["response"]}, "direction must be a text"),
    (ADD, {"body": ...}, "body is missing"),
    (ADD, {"body": ""}, "body is empty"),
    (ADD, {"body": "\udc00"}, "body holds half a character"),
    (ADD, {"sent_at": "yesterday"}, "sent_at must be a time"),
    (ADD, {"sent_at": "2026-13-01T00:00:00Z"}, "sent_at must be a time"),
    (ADD, {"sent_at": "9999-12-31T23:59:59-23:59"}, "sent_at"),
    (ADD, {"sent_at": "0001-01-01T00:00:00+23:59"}, "sent_at"),
    (ADD, {"sent_at": "1850-01-01"}, "sent_at is too long ago"),
    (ADD, {"sent_at": "2999-01-01"}, "sent_at is in the future"),
    (ADD, {"sent_at": 1767225600}, "sent_at must be a text"),
    (ADD, {"state": "nonsense"}, "'nonsense' is not a valid request state"),
    (ADD, {"state": "waiting_clarification"}, "not a valid request state"),
    (ADD, {"state": "not_held"}, "not a valid request state"),
    (ADD, {"state": ["successful"]}, "state must be a text"),
    (ADD, {"state": 1}, "state must be a text"),
)


@pytest.mark.parametrize(("path", "changed", "said"), WRONG)
def test_wrong_members(
    council: Authority, made: InfoRequest, path: str, changed: dict[str, Any], said: str
) -> None:
    document = (CREATION if path == CREATE else ANSWER) | changed
    body = json.dumps({n: v for n, v in document.items() if v is not ...}).encode()
    refused(council, path.format(id=made.id), body, JSON, 422, said)


@pytest.mark.parametrize("path", [CREATE, ADD])
@pytest.mark.parametrize("document", ["[]", "null", "1", '"text"', "true", '[{"title": "A"}]'])
def test_json_that_is_no_object(
    council: Authority, made: InfoRequest, path: str, document: str
) -> None:
    refused(council, path.format(id=made.id), f"json={document}".encode(), FORM, 422, "object")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"state=",
        b"state=nonsense",
        b"state=error",
        b"state=not_held",
        b"state=waiting_response_overdue",
        b"state=%00",
        b"state=successful&state=rejected",
        b"json=[]",
        b"json=null",
        b'json={"state": ["successful"]}',
        b'json={"state": null}',
        b'json={"State": "successful"}',
    ],
)
def test_no_state_that_an_authority_may_set(
    council: Authority, made: InfoRequest, body: bytes
) -> None:
    refused(council, UPDATE.format(id=made.id), body, FORM, (400, 422))


@pytest.mark.parametrize("state", ["nonsense", "", "error", "x" * 10_000])
@pytest.mark.parametrize("direction", ["request", "response"])
def test_wrong_state_beside_a_message(
    council: Authority, made: InfoRequest, state: str, direction: str
) -> None:
    document = json.dumps(ANSWER | {"direction": direction})
    body = multipart(field("json", document), field("state", state))
    refused(council, ADD.format(id=made.id), body, MULTIPART, 422, "is not a valid request state")


def test_every_error_is_told_at_once(council: Authority, made: InfoRequest) -> None:
    document = {"direction": "up", "body": "", "sent_at": "soon", "state": "nonsense"}
    for beside, state in (([field("state", "worse")], "'worse'"), ([], "'nonsense'")):
        body = multipart(field("json", json.dumps(document)), *beside)
        answered = council.send(ADD.format(id=made.id), body, status=422)
        told = " | ".join(answered.json["errors"])
        for each in ("direction", "body is empty", "sent_at", f"{state} is not a valid"):
            assert each in told
        assert len(answered.json["errors"]) == 4
    answered = council.send(CREATE, b'{"title": "x", "tags": 1}', JSON, status=422)
    assert len(answered.json["errors"]) == 3


@pytest.mark.parametrize("path", [CREATE, ADD])
def test_files_where_none_can_be(council: Authority, made: InfoRequest, path: str) -> None:
    document = json.dumps(CREATION | ANSWER | {"direction": "request"})
    body = multipart(field("json", document), upload("attachments", "a.pdf", PDF))
    said = "attachments can only be added to responses"
    refused(council, path.format(id=made.id), body, MULTIPART, 422, said)


class TestKeys:
    @pytest.mark.parametrize("path", ALL)
    @pytest.mark.parametrize(
        "key",
        [
            "",
            "wrong",
            "{id}",
            "{id}-",
            "{id}-AAAA",
            "{key}x",
            "-1-{key}",
            "9999999999999999999999-x",
            "ключ",
            "\x00",
            "x" * 100_000,
            "' OR 1=1 --",
            "{id}-%s%n",
        ],
    )
    def test_a_bad_key_is_refused(
        self, council: Authority, made: InfoRequest, path: str, key: str
    ) -> None:
        key = key.replace("{id}", str(council.body.id)).replace("{key}", council.key)
        before = dump(council.db)
        fields = {"k": key, "json": json.dumps(CREATION | ANSWER), "state": "successful"}
        answered = council.web.post(path.format(id=made.id), fields, status=403)
        answered.request.body_file_raw.close()
        assert answered.json["errors"]
        assert dump(council.db) == before

    @pytest.mark.parametrize("path", ALL)
    def test_no_key_is_refused(self, council: Authority, made: InfoRequest, path: str) -> None:
        answered = council.web.post(path.format(id=made.id), {"json": "{}"}, status=403)
        assert "key" in answered.json["errors"][0]

    @pytest.mark.parametrize("path", ALL)
    def test_a_bad_key_shown_beforehand_is_refused_before_anything_is_read(
        self, council: Authority, made: InfoRequest, path: str
    ) -> None:
        answered = council.web.post(
            path.format(id=made.id),
            b"not even a form",
            {"Authorization": "Bearer wrong", "Content-Type": "text/plain"},
            status=403,
        )
        assert answered.json["errors"]

    def test_reading_needs_the_key(self, council: Authority, made: InfoRequest) -> None:
        for path in (f"/api/v2/request/{made.id}.json", f"/api/v2/request/{made.id}"):
            assert council.web.get(path, status=403).json["errors"]
            assert council.web.get(f"{path}?k=wrong", status=403).json["errors"]
            headers = {"Authorization": f"Bearer {council.key}"}
            assert council.web.get(path, headers=headers).json["id"] == made.id


class TestWhoseRequest:
    @pytest.mark.parametrize("path", [ADD, UPDATE])
    def test_another_authoritys(self, council: Authority, path: str) -> None:
        other = Authority(council.web, council.site, council.db)
        theirs = other.made(title="Something else")
        body = multipart(field("json", json.dumps(ANSWER)), field("state", "successful"))
        refused(
            council, path.format(id=theirs.id), body, MULTIPART, 403,
            f"You do not own request {theirs.id}",
        )  # fmt: skip

    @pytest.mark.parametrize("path", [ADD, UPDATE])
    @pytest.mark.parametrize("own", [True, False])
    def test_one_made_on_this_site(self, council: Authority, path: str, own: bool) -> None:
        body = council.body if own else add_body(council.db, "Another Council")
        theirs = add_request(council.db, body, person=add_person(council.db))
        refused(
            council, path.format(id=theirs.id), b"state=successful", FORM, 403,
            f"Request {theirs.id} cannot be updated using the API",
        )  # fmt: skip

    @pytest.mark.parametrize("path", [ADD, UPDATE])
    @pytest.mark.parametrize("number", [0, 999_999, 2**31, 2**53, 10**18 - 1])
    def test_one_that_is_not_there(self, council: Authority, path: str, number: int) -> None:
        said = f"Could not find request {number}"
        refused(council, path.format(id=number), b"state=successful", FORM, 404, said)

    @pytest.mark.parametrize("number", ["9" * 30, "-1", "1e3", "0x1", "1.5", "%00", "a"])
    def test_no_number_at_all(self, council: Authority, number: str) -> None:
        for path in (ADD, UPDATE):
            refused(council, path.format(id=number), b"state=successful", FORM, (400, 404, 405))
        council.web.get(f"/api/v2/request/{number}.json?k={council.key}", status=(400, 404, 405))

    def test_reading_one_of_another_authority_or_none(self, council: Authority) -> None:
        other = Authority(council.web, council.site, council.db).made()
        answered = council.web.get(f"/api/v2/request/{other.id}.json?k={council.key}", status=403)
        assert answered.json == {"errors": [f"You do not own request {other.id}"]}
        for number in (999_999, 2**40):
            answered = council.web.get(
                f"/api/v2/request/{number}.json?k={council.key}", status=404
            )
            assert answered.json == {"errors": [f"Could not find request {number}"]}

    def test_its_own_made_on_this_site_can_be_read(self, council: Authority) -> None:
        person = add_person(council.db)
        theirs = add_request(council.db, council.body, person=person)
        data = council.web.get(f"/api/v2/request/{theirs.id}.json?k={council.key}").json
        assert data["requestor_url"] == f"http://foi.test/user/{person.url_name}"


def test_a_refused_call_is_rolled_back_in_real_life(app: webtest.TestApp, site: Site) -> None:
    with site.sessions.writing() as db:
        key = key_for(site, add_body(db))
    made = app.post_json(f"{CREATE}?k={key}", CREATION).json
    with site.sessions.reading() as db:
        before = dump(db)
    path = f"/api/v2/request/{made['id']}"
    calls: list[tuple[str, dict[str, Any]]] = [
        (CREATE, {"title": "x"}),
        (path, {"direction": "response", "body": "A", "state": "nonsense"}),
        (f"{path}/update", {"state": "nonsense"}),
        (f"/api/v2/request/{made['id'] + 1}", ANSWER),
    ]
    for address, document in calls:
        app.post_json(f"{address}?k={key}", document, status="4*")
    with site.sessions.reading() as db:
        assert dump(db) == before


def test_an_attachment_that_is_too_large_is_refused(
    council: Authority, made: InfoRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(council.site.settings.__dict__, "attachment_limit", 1000)
    body = multipart(
        field("json", json.dumps(ANSWER)), upload("attachments", "a.bin", b"x" * 1001)
    )
    refused(council, ADD.format(id=made.id), body, MULTIPART, 413, "“a.bin” is larger than 1,000")


JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.sampled_from(["response", "request", "successful", "error", "2026-01-01", "Lamp posts"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
MEMBERS = st.dictionaries(
    st.sampled_from(
        ["title", "body", "direction", "state", "sent_at", "tags", "external_url",
         "external_user_name", "k"]
    ),
    JSONISH,
)  # fmt: skip
FUZZ = settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.deeper
@FUZZ
@given(path=st.sampled_from(ALL), document=MEMBERS | JSONISH, as_form=st.booleans())
@example(path=CREATE, document={"title": "Lamp posts", "body": "\x85\x1c"}, as_form=False)
def test_no_json_makes_it_stumble(
    council: Authority, made: InfoRequest, path: str, document: Any, as_form: bool
) -> None:
    text = json.dumps(document)
    body = multipart(field("json", text)) if as_form else text.encode()
    kind = MULTIPART if as_form else JSON
    answered = council.send(path.format(id=made.id), body, kind)
    assert answered.status_int < 500
    assert ("errors" in answered.json) == (answered.status_int >= 400)
    if answered.status_int == 200 and path != UPDATE:
        council.web.get(answered.json["url"].removeprefix("http://foi.test"))
        council.web.get("/feed/list")


@pytest.mark.deeper
@FUZZ
@given(
    path=st.sampled_from(ALL),
    body=st.binary(max_size=200),
    kind=st.sampled_from([FORM, JSON, MULTIPART, "", "multipart/form-data"])
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
    framed=st.booleans(),
)
def test_no_bytes_make_it_stumble(
    council: Authority, made: InfoRequest, path: str, body: bytes, kind: str, framed: bool
) -> None:
    if framed:
        body = b"--BOUNDARY\r\n" + body + b"\r\n--BOUNDARY--\r\n"
    answered = council.send(path.format(id=made.id), body, kind)
    assert answered.status_int < 500
    assert answered.content_type == "application/json"
