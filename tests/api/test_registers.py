"""What existing registers send, byte for byte: FOI Register's forms as Ruby's multipart-post
makes them, and a client written from Alaveteli's document alone.
"""

import json
from typing import Any
from urllib.parse import quote, urlencode

from foi.archive import casework
from tests.api.calls import Authority
from tests.conftest import add_person, add_request
from tests.pages.scene import PAGE, PDF

BOUNDARY = "-----------RubyMultipartPost"
RUBY = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def ruby_form(*parts: tuple[str, Any]) -> bytes:
    """Make a form as multipart-post does, with its lengths, encodings and the line at the end."""
    made = b""
    for name, value in parts:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, tuple):
            filename, media_type, content = value
            made += (
                f'{head}; filename="{filename}"\r\nContent-Length: {len(content)}\r\n'
                f"Content-Type: {media_type}\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            ).encode()
            made += content + b"\r\n"
        else:
            made += f"{head}\r\n\r\n{value}\r\n".encode()
    return made + f"--{BOUNDARY}--\r\n\r\n".encode()


def test_foi_register(council: Authority) -> None:
    web = council.web

    def post(path: str, *parts: tuple[str, Any]) -> Any:
        told = web.post(path, ruby_form(("k", council.key), *parts), RUBY).json
        assert told.get("errors") is None
        return told

    request = {
        "title": "Lamp posts in Mill Lane",
        "body": "How many lamp posts are there – and how old?",
        "external_url": "https://register.test/requests/1",
        "external_user_name": "Bob Rushes",
    }
    made = post("/api/v2/request.json", ("request_json", json.dumps(request)))
    number = made["id"]
    assert web.get(f"/request/{number}").status_int in (301, 302)

    response = {
        "direction": "response",
        "body": "Please see the attached files.",
        "state": "error",  # whatever is not disclosed in one of three ways
        "sent_at": "2026-03-20T09:30:00Z",
    }
    post(
        f"/api/v2/request/{number}.json",
        ("correspondence_json", json.dumps(response)),
        ("attachments[]", ("reply.pdf", "application/pdf", PDF)),
        ("attachments[]", ("list.html", "text/html", PAGE)),
        ("attachments[]", ("reply.pdf", "application/octet-stream", PDF)),
    )
    told = web.get(f"/api/v2/request/{number}.json?k={council.key}").json
    assert told["status"] == "waiting_classification"
    files = told["correspondence"][1]["attachments"]
    assert [f["filename"] for f in files] == ["reply.pdf", "list.html", "reply.pdf"]

    post(f"/api/v2/request/{number}/update.json", ("state", "successful"))
    told = web.get(f"/api/v2/request/{number}.json?k={council.key}").json
    assert told["status"] == "successful"

    add_request(council.db, council.body, person=add_person(council.db))
    path = f"/api/v2/body/{council.body.id}/request_events.json"
    new, own = web.get(f"{path}?k={council.key}").json
    assert own["request_id"] == number
    assert new["user_url"]
    assert web.get(f"{path}?k={council.key}&since_event_id={new['event_id']}").json == []


def test_a_client_written_from_the_document_alone(council: Authority) -> None:
    key = "abc+def/ghi+jkl0123456789"  # as Alaveteli makes them
    casework.carry_key(council.db, council.body, key, "import")
    council.db.flush()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    document = {
        "title": "Lamp posts in Mill Lane",
        "body": "How many?",
        "external_user_name": "Bob Rushes",
        "external_url": "https://register.test/requests/2",
        "tags": "lamps",
    }
    body = urlencode({"json": json.dumps(document)}).encode()
    made = council.web.post(f"/api/v2/request?k={key}", body, form).json  # + arrives as a blank
    assert set(made) == {"url", "id"}
    path = f"/api/v2/request/{made['id']}"
    for direction, state in (("request", None), ("response", "rejected")):
        sent = {
            "direction": direction,
            "body": "A further letter.",
            "sent_at": "2026-03-20T09:30Z",
        }
        sent |= {"state": state} if state else {}
        fields = [("json", json.dumps(sent)), ("k", key)]
        if state:
            fields += [("attachment_0", ("a.pdf", "application/pdf", PDF))]  # type: ignore[list-item]
            fields += [("attachments", ("b.pdf", "application/pdf", PDF))]  # type: ignore[list-item]
        told = council.web.post(f"{path}.json", ruby_form(*fields), RUBY).json
        assert told == {"url": made["url"]}
    body = urlencode({"json": json.dumps({"state": "partially_successful"}), "k": key}).encode()
    council.web.post(f"{path}/update.json", body, form)
    told = council.web.get(f"{path}.json?k={quote(key)}").json
    assert (told["status"], told["tags"]) == ("partially_successful", ["lamps"])
    assert len(told["correspondence"][-1]["attachments"]) == 2
    assert all(a["sha256"] for a in told["correspondence"][-1]["attachments"])
