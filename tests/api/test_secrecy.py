"""An authority's key is in nothing that the site writes, keeps or links."""

import json
import logging
from urllib.parse import quote

import pytest
import webtest

from foi.archive import casework
from tests.api.calls import ANSWER, CREATION, MULTIPART, field, multipart
from tests.conftest import Running, add_body, key_for


def test_a_key_is_nowhere_but_with_whoever_has_it(
    app: webtest.TestApp, running: Running, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    carried = "carried+over/from-elsewhere-0123456789abcd"
    with running.site.sessions.writing() as db:
        body = add_body(db)
        casework.carry_key(db, body, carried, "import")
        key, number, name = key_for(running.site, body), body.id, body.url_name
    answers = []
    for given in (key, carried):
        k = quote(given)
        made = app.post(f"/api/v2/request?k={k}", {"json": json.dumps(CREATION)})
        path = f"/api/v2/request/{made.json['id']}"
        answers += [
            made,
            app.post(path, {"k": given, "json": json.dumps(ANSWER)}, {"Idempotency-Key": given}),
            app.post(
                f"{path}/update", {"state": "successful"}, {"Authorization": f"Bearer {given}"}
            ),
            app.post(path, multipart(field("k", given)), {"Content-Type": MULTIPART}, status=400),
            app.post(f"{path}0000?k={k}", status=404),
            app.get(f"{path}?k={k}"),
            app.get(f"/api/v2/body/{number}/request_events.json?k={k}"),
            app.get(f"/api/v2/body/{number}/request_events.atom?k={k}"),
            app.get(f"/nothing/here?k={k}", status=404),
        ]
        with monkeypatch.context() as patched:  # what a crash writes into the log
            patched.setattr(casework, "classify", lambda *_, **__: 1 / 0)
            answers.append(app.post(f"{path}/update?k={k}", {"state": "rejected"}, status=500))
    slug = answers[0].json["url"].rpartition("/")[2]
    for path in ("/list", f"/body/{name}", f"/request/{slug}", "/events"):
        for form in (path, f"{path}.json", f"/feed{path}"):
            answers.append(app.get(f"{form}?k={quote(key)}", status="*"))
    told = [str(answer.headers) + answer.text for answer in answers]
    told += [caplog.text, *capfd.readouterr()]
    told += [str(vars(record)) for record in caplog.records if record.name.startswith("foi")]
    folder = running.site.settings.data_folder
    kept = [p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "key_secret"]
    for secret in (key, key.partition("-")[2], carried):
        for text in told:
            assert secret not in text
            assert quote(secret) not in text
        for content in kept:
            assert secret.encode() not in content


def test_addresses_with_a_key_are_no_referrers(app: webtest.TestApp, running: Running) -> None:
    with running.site.sessions.writing() as db:
        body = add_body(db)
        key, number = key_for(running.site, body), body.id
    made = app.post(f"/api/v2/request?k={key}", {"json": json.dumps(CREATION)})
    for answered in (
        made,
        app.get(f"/api/v2/request/{made.json['id']}?k={key}"),
        app.get(f"/api/v2/body/{number}/request_events.json?k={key}"),
        app.get(f"/api/v2/body/{number}/request_events.atom?k={key}"),
    ):
        assert answered.headers["Referrer-Policy"] == "no-referrer"
        assert answered.headers["Cache-Control"] == "private, no-store"
