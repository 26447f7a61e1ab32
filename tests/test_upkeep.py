"""Backup, restore, check and upgrade, beside a site that serves and is written to."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import webtest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

from foi import cli, migrations
from foi.archive.models import Attachment, Body, Message
from foi.site import Site
from tests.conftest import Running, add_body, key_for


def foi(folder: Path, *arguments: str) -> Result:
    """Run a command on the site in a folder."""
    return CliRunner().invoke(cli.main, list(arguments), env={"FOI_DATA": str(folder)})


def write(app: webtest.TestApp, key: str, number: int) -> None:
    """Publish a request and answer it with a file, as an authority's software does."""
    made = app.post(
        "/api/v2/request.json",
        {
            "k": key,
            "request_json": json.dumps(
                {"title": f"Lamp posts, part {number}", "body": "How many?"}
            ),
        },
    ).json
    app.post(
        f"/api/v2/request/{made['id']}.json",
        {
            "k": key,
            "correspondence_json": json.dumps(
                {"direction": "response", "body": f"Number {number}."}
            ),
        },
        upload_files=[("attachments[]", f"answer {number}.txt", f"There are {number}.".encode())],
    )


@pytest.fixture
def key(site: Site) -> str:
    with site.sessions.writing() as db:
        body = add_body(db)
        made = key_for(site, body)
    return made


@pytest.mark.thorough
def test_a_backup_made_while_the_site_is_written_to_is_a_whole_site(
    running: Running, app: webtest.TestApp, key: str, tmp_path: Path
) -> None:
    folder, copy, other = running.site.settings.data_folder, tmp_path / "copy", tmp_path / "other"
    for number in range(5):
        write(app, key, number)
    stop = threading.Event()
    failures: list[Exception] = []

    def keep_writing() -> None:
        own: Any = webtest.TestApp(running.app)
        number = 100
        while not stop.is_set():
            try:
                write(own, key, number)
            except Exception as problem:
                failures.append(problem)
                return
            number += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for _ in range(3):
            done = foi(folder, "backup", str(copy))
            assert done.exit_code == 0, done.output
            assert foi(folder, "upgrade").exit_code == 0
            assert foi(folder, "check").exit_code == 0
    finally:
        stop.set()
        writer.join()
    assert failures == []
    newest = int(done.stdout)
    assert newest > 15

    restored = foi(other, "restore", str(copy))
    assert restored.exit_code == 0, restored.output
    assert int(restored.stdout) >= newest
    assert foi(other, "upgrade").exit_code == 0
    checked = foi(other, "check", "--hashes")
    assert (checked.exit_code, checked.stdout) == (0, "All is well.\n")
    assert foi(other, "key", "show", "fenby_town_council").stdout.strip() == key
    rebuilt = foi(other, "rebuild", "search")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert int(rebuilt.stdout) >= 11


def test_a_restore_never_writes_over_a_site(running: Running, key: str, tmp_path: Path) -> None:
    folder = running.site.settings.data_folder
    assert foi(folder, "backup", str(tmp_path / "copy")).exit_code == 0
    refused = foi(folder, "restore", str(tmp_path / "copy"))
    assert refused.exit_code == 2
    assert "already" in refused.output


def test_a_folder_without_a_finished_backup_is_refused(tmp_path: Path) -> None:
    refused = foi(tmp_path / "new", "restore", str(tmp_path))
    assert refused.exit_code == 2
    assert "holds no backup" in refused.output
    assert not (tmp_path / "new" / "foi.sqlite").exists()


def test_the_backed_up_secret_stays_secret(running: Running, tmp_path: Path) -> None:
    foi(running.site.settings.data_folder, "backup", str(tmp_path / "copy"))
    assert (tmp_path / "copy" / "key_secret").stat().st_mode & 0o777 == 0o600


def test_check_names_missing_and_damaged_files_and_rows(
    running: Running, app: webtest.TestApp, key: str
) -> None:
    site = running.site
    write(app, key, 1)
    write(app, key, 2)
    with site.sessions.reading() as db:
        first, second = db.scalars(select(Attachment.sha256).order_by(Attachment.id)).all()
        message = db.scalar(select(Message.id).order_by(Message.id.desc()))
    assert first is not None
    assert second is not None
    site.blobs.path(first).unlink()
    site.blobs.path(second).write_bytes(b"x" * site.blobs.path(second).stat().st_size)
    folder = site.settings.data_folder
    assert foi(folder, "check").exit_code == 1
    found = foi(folder, "check", "--hashes", "--json")
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert any("missing" in line and first in line for line in told)
    assert any("damaged" in line and second in line for line in told)
    with site.sessions.writing() as db:
        db.execute(text("DELETE FROM event WHERE message_id = :message"), {"message": message})
    assert f"No event tells of message {message}" in foi(folder, "check").stdout


def test_commands_on_a_database_of_another_schema_say_what_to_do(tmp_path: Path) -> None:
    refused = foi(tmp_path, "key", "show", "x")
    assert refused.exit_code == 2
    assert "foi upgrade" in refused.output
    assert foi(tmp_path, "upgrade", "--check").exit_code == 1
    made = foi(tmp_path, "upgrade")
    assert (made.exit_code, made.stdout) == (0, f"{migrations.head()}\n")
    assert foi(tmp_path, "upgrade", "--check").exit_code == 0


@pytest.mark.parametrize("command", ["check", "upgrade", "key show x"])
def test_a_folder_or_database_that_cannot_be_used_is_named(tmp_path: Path, command: str) -> None:
    (tmp_path / "taken").write_text("a file")
    refused = foi(tmp_path / "taken" / "site", *command.split())
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "taken" in refused.stderr
    away = {"FOI_DATA": str(tmp_path), "FOI_DATABASE_URL": f"sqlite:///{tmp_path}/away/foi.sqlite"}
    refused = CliRunner().invoke(cli.main, command.split(), env=away)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "The database cannot be used: unable to open" in refused.stderr


def test_keys_are_shown_alone_rotated_and_carried(
    running: Running, app: webtest.TestApp, key: str
) -> None:
    folder = running.site.settings.data_folder
    shown = foi(folder, "key", "show", "fenby_town_council")
    assert shown.stdout == f"{key}\n"
    carried = CliRunner().invoke(
        cli.main,
        ["key", "carry", "fenby_town_council"],
        env={"FOI_DATA": str(folder)},
        input="abcd+efgh/0123456789ABCDEFGHIJ\n",
    )
    assert carried.exit_code == 0, carried.output
    write_with = {"request_json": json.dumps({"title": "Old key", "body": "Does it work?"})}
    app.post("/api/v2/request.json", {"k": "abcd efgh/0123456789ABCDEFGHIJ", **write_with})
    rotated = foi(folder, "key", "rotate", "fenby_town_council").stdout.strip()
    assert rotated != key
    for former in (key, "abcd+efgh/0123456789ABCDEFGHIJ"):
        app.post("/api/v2/request.json", {"k": former, **write_with}, status=403)
    app.post("/api/v2/request.json", {"k": rotated, **write_with})
    assert foi(folder, "key", "show", "nobody").exit_code == 2
    with running.site.sessions.reading() as db:
        assert db.scalar(select(Body.key_generation)) == 2
