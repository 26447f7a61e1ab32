"""What the model of the archive knows, and the comparison of the archive with it."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import event as events
from sqlalchemy import func, inspect, select
from sqlalchemy.orm import Session

from foi.archive import reading
from foi.archive.casework.names import resolve_former
from foi.archive.kinds import Audience
from foi.archive.models import (
    Annotation,
    Attachment,
    Body,
    Delivery,
    Event,
    InfoRequest,
    Message,
    Person,
    Version,
)
from foi.site import Site

SLUG: dict[str, Any] = {
    "body": Body.url_name,
    "person": Person.url_name,
    "request": InfoRequest.url_title,
}


@dataclass
class Standing:
    """What the model knows of a request."""

    state: str | None
    awaiting: bool = False
    day_zero: date | None = None
    due: tuple[date | None, date | None] = (None, None)
    announced: set[tuple[str, date]] = field(default_factory=set)


class Comparison:
    """The archive in one transaction, and what should be in it."""

    def __init__(self, site: Site, db: Session) -> None:
        self.site, self.db = site, db
        self.words_of: dict[str, Any] = {}
        """The row whose text holds the word."""
        self.standing: dict[int, Standing] = {}
        self.owner: dict[tuple[str, str], int] = {}
        """The row that last took the slug."""
        self.marks: Counter[tuple[str, str]] = Counter()
        self.versions: dict[str, int] = {}
        self.told = db.scalar(select(func.max(Event.id))) or 0
        self.statements: list[str] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note every statement that is sent meanwhile."""
        self.statements.clear()
        connection = self.db.connection()
        events.listen(connection, "before_cursor_execute", self._note)
        try:
            yield
        finally:
            events.remove(connection, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.statements.append(statement)

    def check(self) -> None:
        """Compare everything."""
        fresh = self.db.scalars(select(Event).where(Event.id > self.told).order_by(Event.id)).all()
        self._check_order(bool(fresh))
        scopes: dict[str, int] = {}
        subjects = set()
        for event in fresh:
            self._check_pointers(event)
            touched, subject = self._touched(event)
            scopes |= dict.fromkeys(touched, event.id)
            subjects |= {subject} if subject else set()
            self.told = event.id
        self._check_versions(scopes)
        self._check_deliveries(subjects)
        self._check_slugs()
        self._check_standing()
        self._check_readable()

    def _check_order(self, recorded: bool) -> None:
        """One record, and after its first event only events, versions and deliveries."""
        written = [s for s in self.statements if re.match(r"INSERT|UPDATE|DELETE", s)]
        if not recorded:
            assert written == []
            return
        table = re.compile(r"(?:INSERT INTO|DELETE FROM|UPDATE) (\w+)")
        tables = [found[1] for s in written if (found := table.match(s))]
        after = tables[tables.index("event") :]
        assert set(after) <= {"event", "version", "delivery"}, after
        assert after.count("version") == 1, after

    def _check_pointers(self, event: Event) -> None:
        """Every pointer leads to a row, and those of a request's parts to that request."""
        for relation in inspect(Event).relationships:
            column = getattr(event, f"{relation.key}_id")
            if column is not None:
                assert self.db.get(relation.mapper.class_, column) is not None
        if event.message_id is not None:
            assert self.db.get_one(Message, event.message_id).request_id == event.request_id
        if event.annotation_id is not None:
            annotation = self.db.get_one(Annotation, event.annotation_id)
            assert annotation.request_id == event.request_id
        if event.attachment_id is not None:
            attachment = self.db.get_one(Attachment, event.attachment_id)
            assert attachment.message_id == event.message_id
        if event.request_id is not None:
            assert event.body_id is not None

    def _touched(self, event: Event) -> tuple[set[str], str | None]:
        """Give the scopes whose pages an event changes, and the subject to look at."""
        if event.audience == Audience.DESK:
            return {"events"}, None
        if event.request_id is None:
            kind = "body" if event.body_id is not None else "person"
            subject = f"{kind}:{event.body_id or event.person_id}"
            return {"events", "bodies" if kind == "body" else "people", subject}, subject
        request = self.db.get_one(InfoRequest, event.request_id)
        scopes = {"events", "requests", f"request:{request.id}", f"body:{event.body_id}"}
        scopes |= {f"person:{p}" for p in (event.person_id, request.person_id) if p is not None}
        if event.kind == "move_request":
            scopes.add(f"body:{event.params['from']}")
        return scopes, f"request:{request.id}"

    def _check_versions(self, raised: dict[str, int]) -> None:
        self.versions |= raised
        held = {row.scope: row.position for row in self.db.scalars(select(Version))}
        assert held == self.versions

    def _check_deliveries(self, subjects: set[str]) -> None:
        for owed, subject in itertools.product(self.site.consumers.owed(), subjects):
            if subject.split(":")[0] in owed.subjects:
                self.marks[owed.consumer, subject] += 1
        rows = self.db.execute(select(Delivery.consumer, Delivery.subject, Delivery.mark))
        assert {(consumer, subject): mark for consumer, subject, mark in rows} == self.marks

    def _check_slugs(self) -> None:
        for kind, column in SLUG.items():
            rows = self.db.execute(select(column, column.class_.id)).all()
            present = {row[0]: row[1] for row in rows}
            assert len(present) == len(rows)
            by_id = {row[1]: row[0] for row in rows}
            for (kind_of, slug), owner in self.owner.items():
                if kind_of == kind and slug not in present:
                    assert resolve_former(self.db, kind, slug) == by_id[owner]
                elif kind_of == kind:
                    assert present[slug] == owner

    def _check_standing(self) -> None:
        for request in self.db.scalars(select(InfoRequest)):
            stands = self.standing[request.id]
            assert (request.described_state, request.awaiting_description) == (
                stands.state,
                stands.awaiting,
            )
            assert request.day_zero == stands.day_zero
            assert (request.due_on, request.very_overdue_on) == stands.due

    def _check_readable(self) -> None:
        """What may be read can be, and nothing else can."""
        text = []
        for request in self.db.scalars(select(InfoRequest)):
            read = reading.correspondence(self.db, request.id)
            noted = reading.annotations_of(self.db, request.id)
            text.append(repr((read, noted)))
        found = set(re.findall(r"[a-z]+word\d+w", "".join(text)))
        assert found == {word for word, row in self.words_of.items() if self._shown(row)}
        for row in self.words_of.values():
            if row.erased_at is not None:
                kept = [getattr(row, name, None) for name in ("body", "name", "link", "sha256")]
                assert not any(kept), kept

    def _shown(self, row: Any) -> bool:
        shown: bool = row.prominence == "normal" and row.erased_at is None
        if isinstance(row, Attachment):
            return shown and self._shown(self.db.get_one(Message, row.message_id))
        return shown
