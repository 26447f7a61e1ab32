"""A log as it would come out: an import whose writes are taken back, and what to show of it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foi.archive.blobs import BlobStore
from foi.archive.disclosure.fields import FIELDS
from foi.archive.disclosure.logs import Log, import_log
from foi.archive.disclosure.rows import Record
from foi.archive.importing.archive import Archive
from foi.archive.importing.rehearsal import Rehearsal
from foi.archive.importing.report import Progress, Report
from foi.archive.states import LABELS

SHOWN = 5
"""Records that are shown as they would be."""


def rehearse_log(site: Archive, log: Log, progress: Progress) -> Report:
    """Import a log and take everything back; give what would have become of each line."""
    with tempfile.TemporaryDirectory(prefix="foi-rehearsal-") as folder:
        return import_log(Rehearsal(site, BlobStore(Path(folder))), log, progress)


def as_it_would_be(line: int, record: Record) -> dict[str, Any]:
    """Give what a record says, as a person would want to check it."""
    request, *answers = record["messages"]
    answer = answers[0] if answers else {}
    state = record["state"] or "unknown"
    if record["awaiting_description"]:
        state = "waiting_classification"
    return {
        "line": line,
        "authority": record["authority"],
        "reference": record["source_ref"],
        "title": record["title"],
        "state": LABELS[state],
        "received": request["sent_at"],
        "answered": answer.get("sent_at"),
        "text": request["body"],
        "answer": answer.get("body"),
        "link": record["url"],
        "files": [file["name"] for file in answer.get("attachments", ())],
        "law": record["law_used"],
        "tags": record["tags"],
    }


def first_records(log: Log) -> list[dict[str, Any]]:
    """Give the first records as they would be."""
    return [as_it_would_be(*each) for each in log.records[:SHOWN]]


def told(log: Log) -> Iterator[str]:
    """Give a log as lines for a terminal: the columns, what was found out, and the first
    records.
    """
    width = max([len(column.label) for column in log.columns] + [6])
    width = min(width, 32)
    yield f"{'column'.ljust(width)}  {'taken for':22}  how sure  for example"
    for column in log.columns:
        example = " ".join(column.samples[0].split())[:40] if column.samples else "(empty)"
        yield (
            f"{column.label[:width].ljust(width)}  {FIELDS[column.field].label[:22]:22}  "
            f"{column.sure or '-':8}  {example}"
        ).rstrip()
    yield ""
    yield from log.said
    for record in first_records(log):
        yield ""
        yield f"line {record['line']}: {record['title']}"
        shown = {
            "text": _short(record["text"]),
            "answer": _short(record["answer"]),
            "files": ", ".join(record["files"]),
            "tags": " ".join(record["tags"]),
        }
        for name in ("authority", "reference", "state", "received", "answered", "text", "answer",
                     "link", "files", "law", "tags"):  # fmt: skip
            value = shown.get(name, record.get(name))
            if value or name in ("received", "answered", "text"):
                yield f"    {name + ':':11} {value or 'not known'}"


def _short(text: str | None) -> str:
    text = " ".join((text or "").split())
    return text if len(text) <= 80 else text[:79] + "…"
