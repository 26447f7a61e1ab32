"""`foi import log` as an operator meets it."""

import json
from pathlib import Path

from sqlalchemy import func, select

from foi.archive.models import Event
from foi.settings import load
from foi.site import open_site
from tests.archive.test_import_command import CSV, data, foi

__all__ = ["data"]  # the fixture

LOG = (
    "Ref;Subject;Date received;Date closed;Outcome\n1;Ducks;02/01/2024;03/02/2024;Refused\n"
    "2;Geese;01/01/2024;;Passed on\n3;;01/01/2024;;\n"
)


def start(folder: Path) -> Path:
    (folder / "a.csv").write_text(CSV)
    assert foi("import", "authorities", folder / "a.csv").exit_code == 0
    (folder / "log.csv").write_text(LOG)
    return folder / "log.csv"


def events(data: Path) -> int:
    site = open_site(load({"data": str(data), "extensions": ""}, {}))
    with site.sessions.reading() as db:
        number = db.scalar(select(func.count(Event.id)))
    site.close()
    return int(number or 0)


def test_a_dry_run_tells_and_changes_nothing(data: Path, tmp_path: Path) -> None:
    log = start(tmp_path)
    before = events(data)
    done = foi("import", "log", log, "--body", "fenby", "--dry-run")
    assert done.exit_code == 1, "a line would be refused"
    assert events(data) == before
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["column", "taken", "for", "how", "sure", "for", "example"]
    assert "Subject        Title                   sure      Ducks" in lines
    assert "Read as UTF-8 text with semicolons between the cells." in lines
    assert "Outcome: not understood, so not known: “Passed on” (1)." in lines
    assert (
        "Date received: one date is read day before month, though nothing tells; "
        "say so if it is the other way about."
    ) in lines
    assert "line 2: Ducks" in lines
    assert "    answered:   2024-02-03" in lines
    assert lines[-1] == (
        "log.csv: nothing was changed; it would be 2 created, 0 updated, 0 unchanged, 1 refused"
    )
    assert "log.csv, line 4: refused: there is neither a title nor a text in it" in done.stderr


def test_import_and_again(data: Path, tmp_path: Path) -> None:
    log = start(tmp_path)
    words = ("--body", "fenby", "--dates", "mdy", "--outcome", "passed on=not_held")
    done = foi("import", "log", log, *words)
    assert done.stdout.splitlines()[-1] == (
        "log.csv: 2 created, 0 updated, 0 unchanged, 1 refused"
    )
    again = foi("import", "log", log, *words, "--json")
    told = json.loads(again.stdout)
    assert (told["created"], told["unchanged"], told["dry_run"]) == (0, 2, False)
    assert [refusal["line"] for refusal in told["refused"]] == [4]
    assert told["columns"][1] == {
        "column": 2,
        "heading": "Subject",
        "field": "title",
        "sure": "sure",
        "samples": ["Ducks", "Geese"],
    }
    assert "not understood" not in " ".join(told["remarks"])
    dry = foi("import", "log", log, *words, "--json", "--dry-run")
    assert json.loads(dry.stdout)["first"][0]["received"] == "2024-02-01"


def test_a_title_that_is_only_guessed_needs_a_word(data: Path, tmp_path: Path) -> None:
    log = start(tmp_path)
    log.write_text("".join(f"{n},Repairs of the bridge {n},Refused\n" for n in range(9)))
    done = foi("import", "log", log, "--body", "fenby")
    assert done.exit_code == 2
    assert 'say so with --map "title=column 2"' in " ".join(done.stderr.split())
    assert foi("import", "log", log, "--body", "fenby", "--dry-run").exit_code == 0
    assert foi("import", "log", log, "--body", "fenby", "--map", "title=column 2").exit_code == 0


def test_what_was_said_wrongly(data: Path, tmp_path: Path) -> None:
    log = start(tmp_path)
    for words, why in (
        ((), "say whose requests these are"),
        (("--body", "nobody"), "there is no authority 'nobody' here"),
        (("--body", "fenby", "--map", "title"), "'title' is not of the form NAME=VALUE"),
        (("--body", "fenby", "--map", "title=Topic"), "there is no column 'Topic'"),
        (("--body-column", "Subject", "--sheet", "x", "--headings", "9"), "line 9 is blank"),
    ):
        done = foi("import", "log", log, *words)
        assert done.exit_code == 2
        assert why in " ".join(done.stderr.split())
