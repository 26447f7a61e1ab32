"""Requests with their correspondence, from a file of JSON Lines."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from foi.archive.importing.archive import Archive
from foi.archive.importing.batches import Batches, Entry, Outcome
from foi.archive.importing.format import LONGEST_LINE, schema
from foi.archive.importing.known import Known
from foi.archive.importing.lines import Line, open_lines, read_lines
from foi.archive.importing.opening import open_thread
from foi.archive.importing.report import Progress, Refused, Report
from foi.archive.importing.threads import Thread, read_thread
from foi.archive.importing.updating import update_thread


def import_requests(site: Archive, path: Path, progress: Progress) -> Report:
    """Import a JSON Lines file of requests and report what became of each line.

    A request is known by source, reference and address together; files are looked for in the
    folder of `path`.
    """
    file, total = open_lines(path)
    with file:
        lines = read_lines(file, LONGEST_LINE)
        return import_lines(site, lines, path.resolve().parent, total, progress, Report())


def import_lines(
    site: Archive,
    lines: Iterable[Line],
    folder: Path,
    total: int,
    progress: Progress,
    report: Report,
) -> Report:
    """Import requests from lines of JSON, files looked for in `folder`, and add to the report what
    became of each line; the lines end at `total`.
    """
    sound = schema(site.calendar, folder)

    def entries() -> Iterator[Entry[Thread]]:
        for line in lines:
            try:
                if line.data is None:
                    raise Refused(f"the line is longer than {LONGEST_LINE:,} bytes")
                if line.data.strip():
                    thread = read_thread(
                        line.data, sound, site.blobs, site.settings.attachment_limit
                    )
                    origin = thread.origin
                    identity = (origin.source, origin.ref, origin.url)
                    yield Entry(line.number, len(line.data), identity, "request", thread)
            except Refused as refused:
                report.refuse(line.number, refused.reasons)
            progress(line.end, total, report)

    Batches(site, _take, report).run(entries())
    report.refused.sort(key=lambda refusal: refusal.line)
    progress(total, total, report)
    return report


def _take(db: Session, threads: Sequence[Thread]) -> Callable[[Thread], Outcome]:
    known = Known(db, threads)

    def take(thread: Thread) -> Outcome:
        request = known.requests.get(thread.origin)
        if request is None:
            open_thread(db, known, thread)
            return Outcome.CREATED
        return Outcome.UPDATED if update_thread(db, known, request, thread) else Outcome.UNCHANGED

    return take
