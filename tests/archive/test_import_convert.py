"""The converter's files are what `foi import` takes, from a folder of real data in small."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from benchmarks.convert import AUTHORITIES, REQUESTS, convert
from foi.archive.importing import import_authorities, import_requests
from foi.archive.models import Attachment, InfoRequest, Message
from foi.site import Site
from tests.archive.test_import_requests import open_archive

EVENT = {"created_at": "2024-01-25T12:40:48+00:00", "message_id": 5, "attachments": []}
THREAD = {
    "source": "whatdotheyknow",
    "id": 7,
    "url_title": "lamps",
    "url": "https://there.test/lamps",
    "title": "Lamps",
    "authority_name": "Fenby Council",
    "authority_url_name": "fenby_council",
    "state": "successful",
    "created_at": "2024-01-25T12:40:47+00:00",
    "events": [
        EVENT | {"type": "outgoing", "body": "How many?"},
        EVENT
        | {
            "type": "incoming",
            "body": "Ninety.",
            "attachments": [{"name": "list.pdf", "shown_size": "1.5K"}],
        },
    ],
}
GERMAN = THREAD | {
    "source": "fragdenstaat",
    "authority_name": "Amt Moor",
    "authority_url_name": "",
    "tags": ["zwei Worte"],
    "events": [
        EVENT | {"type": "outgoing", "status": "awaiting_response", "body": ""},
        EVENT | {"type": "incoming", "status": "resolved", "body": "Ja.", "message_id": 6},
    ],
}
SUMMARY = {
    "source": "log",
    "jurisdiction": "GB-SCT",
    "source_ref": "1",
    "url": "",
    "url_title": "",
    "authority_name": "Amt Moor",
    "authority_url_name": "",
    "title": "A thing",
    "body": "",
    "law": "eir",
    "date_sent": "1301-01-01",
    "date_closed": "2015",
    "outcome_original": "",
    "state": "",
    "tags": "a b",
}


def write_rows(path: Path, *rows: dict[str, Any]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def site(tmp_path: Path, migrated: bytes) -> Iterator[Site]:
    opened = open_archive(tmp_path / "site", migrated)
    yield opened
    opened.close()


def test_everything_that_is_converted_can_be_imported(site: Site, tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    for folder in ("authorities", "correspondence", "requests"):
        (data / folder).mkdir(parents=True)
    for name in AUTHORITIES:
        write_rows(
            data / "authorities" / name, {"Name": "Fenby Council", "URL name": "fenby_council"}
        )
    for name, thread in (("uk_sheffield_wdtk", THREAD), ("de_fragdenstaat", GERMAN)):
        (data / "correspondence" / f"{name}.jsonl").write_text(json.dumps(thread) + "\n")
    for name in REQUESTS:
        source = SUMMARY | {"source": name}
        again = source | {"title": "Another thing of that number"}
        nameless = source | {"authority_name": ""}
        write_rows(data / "requests" / name, source, source, again, nameless)

    written = convert(data, out)
    assert [written[name] for name in REQUESTS.values()] == [2, 2, 2, 2]

    def quiet(done: int, total: int, report: Any) -> None:
        pass

    for name in [*AUTHORITIES.values(), "authorities_for_requests.csv"]:
        assert import_authorities(site, out / name, quiet).refused == []
    for name in ["sheffield.jsonl", "fragdenstaat.jsonl", *REQUESTS.values()]:
        report = import_requests(site, out / name, quiet)
        assert (report.created, report.refused) == (written[name], [])
    with site.sessions.reading() as db:
        assert db.execute(select(Attachment.name, Attachment.size)).all() == [("list.pdf", 1536)]
        bodies = select(Message.body).join(InfoRequest).where(InfoRequest.source == "fragdenstaat")
        assert db.scalars(bodies).all() == [None, "Ja."]
