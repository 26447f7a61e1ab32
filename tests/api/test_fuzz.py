"""Whatever is sent to whatever is described: no failure on the site's side, each answer as the
description has it, and after every write that is refused the archive as it was.
"""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from foi.api.description import document
from tests.api.calls import MULTIPART, Authority, field, multipart, upload
from tests.api.described import Description, Operation
from tests.conftest import Running, add_person, add_request
from tests.pages.scene import PDF, answer, dump, file

pytestmark = pytest.mark.thorough

FUZZ = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FORM = "application/x-www-form-urlencoded"
ODD = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        *("", " ", "0", "-1", "1e9", "9" * 25, "null", "a:b", "../..", "x/y", "%", "%00", "'"),
        *("\x85", "*", '"', "(", "AND", "é" * 300, "status:", "due:..", "WzFd"),
        *("2026-02-30", "31/12/9999", "0001-01-01"),
    ]
)
JSON = st.none() | st.booleans() | st.integers() | ODD | st.lists(ODD, max_size=2)


def values(description: Description, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Give values that mostly are as a schema has them, and sometimes anything else."""
    schema = description.resolve(schema)
    if "anyOf" in schema and "properties" not in schema:
        return st.one_of(*(values(description, each) for each in schema["anyOf"]))
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | JSON
    if kind == "integer":
        return st.integers(0, 100) | st.integers() | ODD
    if kind == "array":
        return st.lists(values(description, schema["items"]), max_size=3) | JSON
    if kind == "object":
        members = schema.get("properties", {})
        return st.fixed_dictionaries(
            {n: values(description, members[n]) for n in schema.get("required", ())},
            optional={
                name: values(description, each)
                for name, each in members.items()
                if name not in schema.get("required", ())
            },
        )
    known = [*schema.get("examples", []), "Lamp posts in Mill Lane", "How many are there?"]
    return st.sampled_from(known) | ODD | JSON


@pytest.fixture
def known(council: Authority, shared: Running, db: Session) -> dict[str, list[Any]]:
    """Something of everything, and its names."""
    person = add_person(db)
    request = add_request(db, council.body, person=person, tag_texts=["roads"])
    message = answer(db, request, files=[file(shared.site, PDF, "a.pdf")])
    mine = council.made()
    return {
        "url_title": [request.url_title, mine.url_title],
        "url_name": [council.body.url_name, person.url_name],
        "message_id": [message.id],
        "number": [0, 1],
        "name": ["a.pdf"],
        "id": [mine.id, request.id, council.body.id],
        "tag": ["roads", "a"],
        "words": ["lamp", "lamp/all/newest"],
    }


@pytest.fixture(scope="module")
def description(shared: Running) -> Description:
    return Description(json.loads(json.dumps(document(shared.config.registry))))


def address(
    draw: Any, description: Description, path: str, described: Operation, known: dict[str, Any]
) -> str:
    """Make an address: often of what is there, with any of its parameters."""
    query = []
    for each in description.parameters(described):
        there = st.sampled_from(known.get(each["name"], [1]))
        if each["in"] == "path":
            value = str(draw(there | values(description, each["schema"])))
            # A segment of dots is taken out of the address by whoever asks.
            value = "x" if value.strip(".") == "" else value
            path = path.replace(f"{{{each['name']}}}", quote(value, safe=""))
        elif each["in"] == "query" and draw(st.booleans()):
            given = draw(values(description, each["schema"]))
            query += [(each["name"], v) for v in (given if isinstance(given, list) else [given])]
    return path + (f"?{urlencode(query)}" if query else "")


def paths(method: str, description: Description) -> list[str]:
    """Give every path that has a method."""
    return [path for path, each, _ in description.operations() if each == method]


@settings(FUZZ, max_examples=400)
@given(data=st.data())
def test_whatever_is_read(
    council: Authority, known: dict[str, Any], description: Description, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(paths("get", description)))
    described = description.document["paths"][path]["get"]
    asked = address(data.draw, description, path, described, known)
    headers = {"Authorization": f"Bearer {council.key}"} if "security" in described else {}
    answered = council.web.get(asked, headers=headers, expect_errors=True)
    assert answered.status_int < 500
    # What was put into the address may have made another one of it; one that is none is a 404.
    if description.path_of(asked) == path and answered.status_int != 404:
        assert description.faults("GET", asked, answered) == []


@settings(FUZZ, max_examples=250)
@given(data=st.data(), how=st.sampled_from(["json", "form", "multipart"]))
def test_whatever_is_written(
    council: Authority,
    known: dict[str, Any],
    description: Description,
    data: st.DataObject,
    how: str,
) -> None:
    path = data.draw(st.sampled_from(paths("post", description)))
    described = description.document["paths"][path]["post"]
    asked = address(data.draw, description, path, described, known)
    body, kind = sent(data.draw, description, described, how)
    headers = {"Authorization": f"Bearer {council.key}", "Content-Type": kind}
    if data.draw(st.booleans()):
        headers["Idempotency-Key"] = data.draw(st.sampled_from(["one", '"two"', "a b", ""]))
    before = dump(council.db)
    answered = council.web.post(asked, body, headers, expect_errors=True)
    assert answered.status_int < 500
    if description.path_of(asked) == path:
        assert description.faults("POST", asked, answered) == []
    if answered.status_int >= 400:
        assert dump(council.db) == before


def sent(draw: Any, description: Description, described: Operation, how: str) -> tuple[bytes, str]:
    """Make what is sent, in one of its forms, and its type."""
    content = described["requestBody"]["content"]
    document = draw(values(description, content["application/json"]["schema"]))
    text = json.dumps(document)
    if how == "json":
        return text.encode(), "application/json"
    fields = list(content["multipart/form-data"]["schema"]["properties"])
    name = draw(st.sampled_from([each for each in fields if each.endswith("json")]))
    if how == "form":
        return urlencode({name: text}).encode(), FORM
    parts = [field(name, text)]
    if draw(st.booleans()):
        names = [each for each in fields if each.startswith("attachments")]
        parts += [upload(each, "a.pdf", PDF) for each in names]
    return multipart(*parts), MULTIPART
