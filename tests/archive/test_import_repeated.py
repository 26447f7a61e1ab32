"""Whatever lines come, in whatever order and however often, the archive ends up the same."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from foi.archive import casework
from foi.archive.models import Annotation, InfoRequest, Message
from foi.site import Site
from tests.archive.test_import_requests import THREAD, bring, everything, line, open_archive

pytestmark = pytest.mark.thorough

LETTERS = [{"direction": "request", "sent_at": "2021-03-01", "body": "Why?"}]
LINES = [
    THREAD,
    line(source_ref="a", title="Unknown in every way"),
    line(source_ref="b", title="Of a year", created_at="2012", state="rejected", messages=LETTERS),
    line(source_ref="c", title="Cleo's", requester={"name": "Cleo"}, url="https://e.test/c"),
    line(
        source_ref="c",
        title="Like Cleo's",
        tags=["lamps"],
        state="not_held",
        awaiting_description=True,
    ),
    line(
        source_ref="d",
        title="Hidden",
        requester={"name": "Ben Holt", "registered": True},
        prominence="hidden",
        messages=[*LETTERS, {"direction": "response", "prominence": "requester_only"}],
    ),
    line(
        source_ref="e",
        title="Described",
        authority={"name": "Sallow Fen"},
        messages=[*LETTERS, {"direction": "response", "sent_at": "2021-04", "state": "rejected"}],
        states=[{"at": "2021-05-01T12:00:00Z", "state": "successful"}],
    ),
    line(source_ref="f", title="Refused", state="no such state"),
    line(source_ref="g", title="To nobody", authority="nobody"),
    b"not JSON\n",
]
GOOD = range(7)


def content(site: Site) -> dict[tuple[str, str], Any]:
    """What the archive says of each request, without ids and moments of recording."""
    with site.sessions.reading() as db:
        found = {}
        loaded = select(InfoRequest).options(
            selectinload(InfoRequest.messages).selectinload(Message.attachments)
        )
        for r in db.scalars(loaded):
            person = r.person.url_name if r.person else r.external_user_name
            long_ago = datetime.now(UTC) - r.created_at > timedelta(days=1)
            dated = r.created_at if long_ago else None
            comments = db.execute(
                select(Annotation.body, Annotation.created_at).where(Annotation.request_id == r.id)
            )
            found[r.source_ref, r.source_url] = (
                (r.title, r.url_title, r.body.name, person, r.external_url, r.via_api, dated),
                (r.described_state, r.awaiting_description, r.prominence, r.due_on),
                casework.tags_of(db, "request", r.id),
                [(m.direction, m.purpose, m.body, m.sent_at, m.prominence) for m in r.messages],
                [(a.name, a.link) for m in r.messages for a in m.attachments],
                [tuple(comment) for comment in comments],
            )
        return found


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(chosen=st.lists(st.integers(0, len(LINES) - 1), max_size=16))
@example(chosen=[*range(len(LINES)), *reversed(range(len(LINES)))])
def test_any_selection_of_lines_leaves_the_same(
    tmp_path: Path, migrated: bytes, chosen: list[int]
) -> None:
    distinct = sorted({n for n in chosen if n in GOOD})
    said = []
    for folder, numbers in ((tmp_path / "one", chosen), (tmp_path / "other", distinct)):
        shutil.rmtree(folder, ignore_errors=True)
        site = open_archive(folder, migrated)
        lines = [LINES[n] for n in numbers]
        first = bring(site, folder, *lines)
        assert (first.created, first.updated) == (len(distinct), 0)
        assert len(first.refused) == len(numbers) - len(distinct)
        before = everything(site)
        again = bring(site, folder, *lines)
        assert (again.created, again.updated, again.unchanged) == (0, 0, len(distinct))
        assert again.refused == first.refused
        assert everything(site) == before
        said.append(content(site))
        site.close()
    assert said[0] == said[1]
