"""A small model of the archive beside the archive itself: any sequence of verbs must keep the two
alike.

A step picks its rows by number, so that every sequence is possible and a failing one shrinks well.
Each row that holds text holds a word of its own, by which the model knows where it may be read.
"""

import itertools
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi.archive import casework, deadlines, ledger
from foi.archive.casework import File
from foi.archive.models import (
    Annotation,
    Attachment,
    Body,
    Event,
    InfoRequest,
    Message,
    Person,
)
from foi.archive.states import STATES
from foi.site import Site
from tests.contract.comparison import SLUG, Comparison, Standing

TITLES = ("Lamp posts", "lamp  posts!", "2024", "list", "Été à Köln", "Lamp posts 2", "x" * 99)
VERBS = (
    *("add_body", "edit_body", "rotate_key", "carry_key", "add_person", "edit_person"),
    *("open_request", "answer", "write", "classify", "annotate", "edit_request", "move"),
    *("hide", "release", "erase", "announce"),
)
SHA = "{:064x}"


@dataclass(frozen=True)
class Step:
    """One verb with its choices, each a number that is taken modulo what there is."""

    verb: str
    pick: int
    other: int
    flag: bool


STEPS = st.lists(
    st.builds(Step, st.sampled_from(VERBS), st.integers(0, 11), st.integers(0, 11), st.booleans()),
    min_size=4,
    max_size=14,
)


class World(Comparison):
    """The archive in one transaction, and the model of it."""

    def __init__(self, site: Site, db: Session) -> None:
        super().__init__(site, db)
        self.words = itertools.count(1)
        for verb in ("add_body", "add_body", "add_person", "open_request", "answer"):
            self.do(Step(verb, 0, 0, True))

    # Choosing

    def word(self, thing: str) -> str:
        """Make a word that is in no other text."""
        return f"{thing}word{next(self.words)}w"

    def one(self, model: Any, number: int) -> Any:
        """Choose a row; None when there is none."""
        rows = self.db.scalars(select(model).order_by(model.id)).all()
        return rows[number % len(rows)] if rows else None

    def moment(self, number: int) -> datetime | None:
        """Choose when something was sent: not known, before all deadlines, long ago, lately."""
        now = ledger.now()
        ago = (None, timedelta(days=365 * 60), timedelta(days=120), timedelta(0))
        chosen = ago[number % 4]
        return None if chosen is None else now - chosen

    # Doing

    def do(self, step: Step) -> None:
        """Do a step and compare the archive with the model."""
        with self.listening():
            getattr(self, f"_{step.verb}")(step)
        self.check()

    def _add_body(self, step: Step) -> None:
        name = TITLES[step.pick % len(TITLES)]
        body = casework.add_body(
            self.db,
            "desk",
            name=name,
            jurisdiction=("", "GB-SCT", "IE")[step.other % 3],
            tag_texts=["a", "a:", " a ", ":", "b:c:d"] if step.flag else (),
        )
        self._named("body", body)

    def _edit_body(self, step: Step) -> None:
        body = self.one(Body, step.pick)
        fields: dict[str, Any] = {"name": TITLES[step.other % len(TITLES)]}
        if step.flag:
            fields = {"url_name": self._new_slug(), "tag_texts": ["x", "y:z"][: step.other % 3]}
        casework.edit_body(self.db, body, "desk", **fields)
        self._named("body", body)

    def _new_slug(self) -> str:
        """Choose a slug that an authority used to have, or one that is new."""
        present = set(self.db.scalars(select(Body.url_name)))
        former = [slug for kind, slug in self.owner if kind == "body" and slug not in present]
        return former[0] if former else self.word("slug")

    def _rotate_key(self, step: Step) -> None:
        casework.rotate_key(self.db, self.one(Body, step.pick), "desk")

    def _carry_key(self, step: Step) -> None:
        body = self.one(Body, step.pick)
        casework.carry_key(self.db, body, f"carried{step.other}", "desk")

    def _add_person(self, step: Step) -> None:
        name = TITLES[step.pick % len(TITLES)]
        self._named("person", casework.add_person(self.db, "desk", name=name))

    def _edit_person(self, step: Step) -> None:
        person = self.one(Person, step.pick)
        about = self.word("about") if step.flag else None
        name = TITLES[step.other % len(TITLES)]
        casework.edit_person(self.db, person, "desk", name=name, about=about)
        self._named("person", person)

    def _open_request(self, step: Step) -> None:
        body, text, sent = self.one(Body, step.pick), self.word("letter"), self.moment(step.other)
        state = (None, "waiting_response", "waiting_clarification", "successful")[step.pick % 4]
        request = casework.open_request(
            self.db,
            "desk",
            body=body,
            title=TITLES[step.other % len(TITLES)],
            text=text,
            person=self.one(Person, step.other) if step.flag else None,
            external_user_name=None if step.flag else "Somebody",
            tag_texts=["q", "r:s"] if step.flag else (),
            sent_at=sent,
            dated=sent is not None,
            state=state,
            files=self._files(step),
        )
        self._named("request", request)
        self.standing[request.id] = Standing(state)
        self._start_clock(request, sent)
        self._wrote(request, text)

    def _files(self, step: Step) -> list[File]:
        if step.pick % 2:
            return []
        held = File(self.word("file"), "text/plain", 3, SHA.format(step.other))
        return [held, File(self.word("file"), "text/plain", link="https://example.org/")]

    def _answer(self, step: Step) -> None:
        request, text = self.one(InfoRequest, step.pick), self.word("letter")
        state = list(STATES)[step.other % len(STATES)] if step.flag else None
        casework.correspond(
            self.db,
            request,
            "desk",
            direction="response",
            text=text,
            state=state,
            files=self._files(step),
        )
        stands = self.standing[request.id]
        if state is not None:
            stands.state, stands.awaiting = state, False
        elif stands.state != "user_withdrawn":
            stands.awaiting = True
        self._wrote(request, text)

    def _write(self, step: Step) -> None:
        request, text = self.one(InfoRequest, step.pick), self.word("letter")
        review = step.other % 3 == 0
        sent = self.moment(step.other)
        casework.correspond(
            self.db,
            request,
            "desk",
            direction="request",
            purpose="internal_review" if review else "followup",
            text=text,
            sent_at=sent,
            dated=sent is not None,
        )
        stands = self.standing[request.id]
        if stands.state == "waiting_clarification" and not stands.awaiting:
            stands.state = "waiting_response"
            self._start_clock(request, sent)
        if review:
            stands.state, stands.awaiting = "internal_review", False
        self._wrote(request, text)

    def _classify(self, step: Step) -> None:
        request, state = self.one(InfoRequest, step.pick), list(STATES)[step.other % len(STATES)]
        if step.flag:
            state = "waiting_clarification" if step.other % 2 else "waiting_response"
        casework.classify(self.db, request, "desk", state)
        stands = self.standing[request.id]
        stands.state, stands.awaiting = state, False

    def _annotate(self, step: Step) -> None:
        request, person = self.one(InfoRequest, step.pick), self.one(Person, step.other)
        text = self.word("comment")
        self.words_of[text] = casework.annotate(self.db, request, person, text)

    def _edit_request(self, step: Step) -> None:
        request = self.one(InfoRequest, step.pick)
        tags = ["q", "r:s", "t"][: step.pick % 4] if step.flag else None
        title = TITLES[step.other % len(TITLES)]
        casework.edit_request(self.db, request, "desk", title=title, tag_texts=tags)
        self._named("request", request)

    def _move(self, step: Step) -> None:
        request, body = self.one(InfoRequest, step.pick), self.one(Body, step.other)
        moved = request.body_id != body.id
        casework.move(self.db, request, body, "desk")
        stands = self.standing[request.id]
        if moved and stands.day_zero is not None:
            self._due(request, stands.day_zero)

    def _part(self, step: Step) -> Any:
        models = [Message, Attachment, Annotation] + [InfoRequest] * (step.verb != "erase")
        return self.one(models[step.other % len(models)], step.pick)

    def _hide(self, step: Step) -> None:
        if (part := self._part(step)) is not None:
            prominence = "requester_only" if step.flag else "hidden"
            casework.hide(self.db, part, "desk", prominence=prominence, reason="For a reason.")

    def _release(self, step: Step) -> None:
        if (part := self._part(step)) is not None:
            casework.release(self.db, part, "desk")

    def _erase(self, step: Step) -> None:
        part = self._part(step)
        if part is None:
            return
        erased = part.erased_at is None
        files: list[Attachment] = [part] if isinstance(part, Attachment) else []
        if isinstance(part, Message):
            files = list(self.db.scalars(select(Attachment).filter_by(message_id=part.id)))
        named = {file.sha256 for file in files if file.sha256} if erased else set()
        casework.erase(self.db, part, "desk", reason="For good.")
        self.marks.update(("files", f"file:{sha256}") for sha256 in named)

    def _announce(self, step: Step) -> None:
        ahead = (0, 30, 100)[step.other % 3]
        today = self.site.calendar.today() + timedelta(days=ahead)
        expected = set()
        for request_id, stands in self.standing.items():
            for kind, due in zip(("overdue", "very_overdue"), stands.due, strict=True):
                late = stands.state == "waiting_response" and not stands.awaiting
                told = self._told(stands, kind)
                if late and due is not None and due < today and not told:
                    expected.add((request_id, kind, due))
        assert casework.announce_overdue(self.db, today) == len(expected)
        told_now = self.db.execute(
            select(Event.request_id, Event.kind).where(Event.id > self.told)
        )
        assert {(number, kind) for number, kind, _ in expected} == {(n, k) for n, k in told_now}
        for request_id, kind, due in expected:
            self.standing[request_id].announced.add((kind, due))

    @staticmethod
    def _told(stands: Standing, kind: str) -> bool:
        """Tell whether a deadline was announced since the clock was last started."""
        since = stands.day_zero
        return since is not None and any(k == kind and d >= since for k, d in stands.announced)

    # What a step means for the model

    def _named(self, kind: str, row: Any) -> None:
        self.db.flush()
        self.owner[kind, getattr(row, SLUG[kind].key)] = row.id

    def _wrote(self, request: InfoRequest, text: str) -> None:
        self.db.flush()
        last = select(Message).filter_by(request_id=request.id).order_by(Message.id.desc())
        message = self.db.scalars(last.limit(1)).one()
        self.words_of[text] = message
        for file in self.db.scalars(select(Attachment).filter_by(message_id=message.id)):
            self.words_of[file.name] = file

    def _start_clock(self, request: InfoRequest, sent: datetime | None) -> None:
        stands = self.standing[request.id]
        stands.day_zero, stands.due = None, (None, None)
        if sent is not None and sent.year >= deadlines.FIRST_YEAR:
            stands.day_zero = sent.astimezone(self.site.settings.site_zone).date()
            self._due(request, stands.day_zero)

    def _due(self, request: InfoRequest, day_zero: date) -> None:
        due = deadlines.due(request.body.jurisdiction or "GB", day_zero)
        self.standing[request.id].due = (due.due_on, due.very_overdue_on)
