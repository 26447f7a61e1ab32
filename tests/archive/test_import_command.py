"""`foi import` as an operator meets it: exit codes, what goes to which stream, progress."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from foi.commands import importing
from tests.archive.test_import_requests import line

CSV = "Name,URL name\nFenby Town Council,fenby\n"


@pytest.fixture
def data(tmp_path: Path, migrated: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "foi.sqlite").write_bytes(migrated)
    monkeypatch.setenv("FOI_DATA", str(folder))
    monkeypatch.setenv("FOI_EXTENSIONS", " ")
    return folder


def foi(*words: str | Path) -> Result:
    from foi.cli import main

    return CliRunner().invoke(main, [str(word) for word in words])


def test_all_well(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    done = foi("import", "authorities", tmp_path / "a.csv")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "a.csv: 1 created, 0 updated, 0 unchanged, 0 refused\n"
    (tmp_path / "r.jsonl").write_text(json.dumps(line(authority="fenby")))
    done = foi("import", "requests", "--json", tmp_path / "r.jsonl")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"created": 1, "updated": 0, "unchanged": 0, "refused": []}


def test_refused_lines_are_named_on_standard_error(data: Path, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(json.dumps(line()) + "\n{}\n" + json.dumps(line(title="")))
    done = foi("import", "requests", tmp_path / "r.jsonl")
    assert done.exit_code == 1
    assert done.stdout == "r.jsonl: 1 created, 0 updated, 0 unchanged, 2 refused\n"
    assert done.stderr == (
        "r.jsonl, line 2: refused: source: is missing; authority: is missing; title: is missing\n"
        "r.jsonl, line 3: refused: title: is blank\n"
    )
    again = foi("import", "requests", "--json", tmp_path / "r.jsonl")
    assert [each["line"] for each in json.loads(again.stdout)["refused"]] == [2, 3]


def test_a_file_that_cannot_be_used(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Nom\nFenby\n")
    done = foi("import", "authorities", tmp_path / "a.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "'Nom'. The known ones are Name, Short name" in done.stderr
    assert foi("import", "authorities", tmp_path / "none.csv").exit_code == 2
    assert foi("import", "requests", tmp_path).exit_code == 2


def test_a_log_gets_plain_lines(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "EVERY", 0.0)
    (tmp_path / "a.csv").write_text(CSV)
    done = foi("import", "authorities", tmp_path / "a.csv")
    assert done.stderr.splitlines()[-1] == (
        "a.csv: 100 % read, 1 created, 0 updated, 0 unchanged, 0 refused"
    )
    assert "\r" not in done.stderr


@pytest.mark.thorough
def test_a_terminal_gets_a_bar(data: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from foi.cli import main; main()"]
    done = subprocess.run(
        [*command, "import", "authorities", str(tmp_path / "a.csv")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
        timeout=60,
        env=os.environ | {"TERM": "xterm", "PYTHONWARNINGS": "ignore"},
    )
    shown = os.read(ours, 65536).decode()
    os.close(theirs)
    os.close(ours)
    assert "[####################################]  100%" in shown
    assert done.stdout == b"a.csv: 1 created, 0 updated, 0 unchanged, 0 refused\n"
