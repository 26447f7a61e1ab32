"""Sends what is owed to webhooks: for each hook the events after its position, one by one, in
order.

An event that is not taken holds up those behind it, so that no receiver has to sort; it is tried
again ever more rarely, and after DISABLED_AFTER without a single success the hook is disabled
with a note to the desk. Twice is possible (a crash between the answer and its note), hence the
stable `webhook-id`. Nothing is sent from within a database transaction.
"""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.site import Site
from foi.webhooks import log, messages, register, sending, signing
from foi.webhooks.messages import Message
from foi.webhooks.models import Webhook
from foi.webhooks.sending import Answer
from foi.work.consumers import Later, Outcome

_log = logging.getLogger(__name__)

PAUSES = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600)
"""Seconds before an event is tried again, the last one for all further tries."""
DISABLED_AFTER = timedelta(days=5)
GONE = 410
SPAN = 20.0
"""Seconds after which a hook with much to come lets others go first."""
SETTLING = 2.0
"""Seconds within which every process has come to know of a new hook."""
_WATCHED = frozenset({"request", "body", "person"})


class Webhooks:
    """Takes `hook:3` (what is new for hook 3), `again:3:700` (event 700 once more) and `test:3`;
    whatever else has changed is spread to all hooks.
    """

    name = register.CONSUMER
    batch = 8

    def __init__(self, site: Site) -> None:
        self._site = site
        self._looking = threading.Lock()
        self._any = False
        self._mark: bytes | None = None
        self._position: object = None
        self._look_at = 0.0

    @property
    def subjects(self) -> frozenset[str]:
        """All kinds, or none while there is no webhook: then no write owes anything."""
        return _WATCHED if self._are_any() else frozenset()

    def deliver(self, subjects: Sequence[str]) -> Outcome:
        """Send to hooks, each in a thread of its own; nobody waits for another's slow server
        longer than one batch takes.
        """
        mine = [s for s in subjects if s.partition(":")[0] in ("hook", "again", "test")]
        if len(mine) < len(subjects):
            self._spread()
        if not mine:
            return {}
        with ThreadPoolExecutor(len(mine), "webhook") as pool:
            return dict(zip(mine, pool.map(self._serve, mine), strict=True))

    def catch_up(self, site: Site) -> None:
        """Owe a look at each hook that lags behind the log: a duty of the clock."""
        with site.sessions.reading() as db:
            newest = ledger.newest(db)
            behind = db.scalars(
                select(Webhook.id).where(Webhook.disabled_at.is_(None), Webhook.since < newest)
            ).all()
        if behind:
            with site.sessions.writing() as db:
                ledger.owe(db, (f"hook:{number}" for number in behind), [self.name])

    def send(self, hook: Webhook, message: Message) -> Answer:
        """Send one message to a hook."""
        signed = signing.headers(self._site.keys, hook, message.id, ledger.now(), message.body)
        private = self._site.settings.webhooks_private
        return sending.send(hook.url, message.body, signed, private=private)

    def _spread(self) -> None:
        with self._site.sessions.reading() as db:
            numbers = db.scalars(select(Webhook.id).where(Webhook.disabled_at.is_(None))).all()
        if numbers:
            with self._site.sessions.writing() as db:
                ledger.owe(db, (f"hook:{number}" for number in numbers), [self.name])

    def _serve(self, subject: str) -> Exception | None:
        kind, number, *rest = subject.split(":")
        try:
            if kind == "hook":
                return self._follow(int(number))
            self.send_once(int(number), int(rest[0]) if rest else None)
        except Exception as problem:
            _log.exception("webhook %s failed", number)
            return problem
        return None

    def send_once(self, number: int, event_id: int | None) -> Answer | None:
        """Send an event once more, or a test, and write it down; None when there is no such hook,
        or the event is not one that it may be told of.
        """
        with self._site.sessions.reading() as db:
            hook = _read(db, number)
            if hook is None:
                return None
            message = (
                messages.test(self._site, hook)
                if event_id is None
                else messages.one(db, self._site, hook, event_id)
            )
        if message is None:
            return None
        answer = self.send(hook, message)
        with self._site.sessions.writing() as db:
            if db.get(Webhook, number) is not None:
                log.note(db, number, message, answer)
        return answer

    def _follow(self, number: int) -> Exception | None:
        until = time.monotonic() + SPAN
        while time.monotonic() < until:
            with self._site.sessions.reading() as db:
                hook = _read(db, number)
                if hook is None or hook.disabled_at is not None:
                    return None
                newest = ledger.newest(db)
                message = messages.following(db, self._site, hook)
            if message is None:
                return self._rest(hook, newest)
            answer = self.send(hook, message)
            with self._site.sessions.writing() as db:
                pause = self._settle(db, hook, message, answer)
            if pause is not None:
                return Later(pause, f"hook {number} did not take event {message.event_id}")
        return Later(0.0, "there is more to send")

    def _rest(self, hook: Webhook, newest: int) -> Exception | None:
        """Note that nothing up to the newest event is for a hook. One that is new is looked at
        once more: a process may have written without knowing of it.
        """
        if hook.since < newest:
            with self._site.sessions.writing() as db:
                _move(db, hook, newest)
        age = (ledger.now() - hook.created_at).total_seconds()
        return Later(SETTLING, "the hook is new") if age < SETTLING else None

    def _settle(
        self, db: Session, hook: Webhook, message: Message, answer: Answer
    ) -> float | None:
        """Write down what came of sending; give the seconds until the next try, None when there
        is to be none.
        """
        present = db.get(Webhook, hook.id)
        if present is None:
            return None
        ledger.hold(db, present)
        log.note(db, hook.id, message, answer)
        if answer.taken:
            present.failures, present.failing_since = 0, None
            db.flush()
            _move(db, hook, message.event_id or hook.since)
            return None
        now = ledger.now()
        present.failures += 1
        present.failing_since = present.failing_since or now
        if answer.status == GONE:
            register.disable(db, "clock", present, "it answered that it is gone (410)")
            return None
        if now - present.failing_since >= DISABLED_AFTER:
            days = DISABLED_AFTER.days
            register.disable(db, "clock", present, f"it took nothing for {days} days")
            return None
        pause = PAUSES[min(present.failures, len(PAUSES)) - 1]
        return max(float(pause), answer.retry_after)

    def _are_any(self) -> bool:
        """Tell whether there are webhooks; it is asked before every transaction, so it looks only
        after a commit (SQLite), or once a second.
        """
        site = self._site
        try:
            mark = site.versions.mark()
            if mark is None:
                if time.monotonic() < self._look_at:
                    return self._any
            elif mark == self._mark:
                return self._any
            with self._looking:
                position = site.versions.read((register.SCOPE,))
                if position != self._position:
                    with site.engine.connect() as connection:
                        there = select(exists().where(Webhook.disabled_at.is_(None)))
                        self._any = bool(connection.scalar(there))
                    self._position = position
                self._mark, self._look_at = mark, time.monotonic() + 1.0
        except (SQLAlchemyError, site.engine.dialect.loaded_dbapi.Error):
            return False  # the schema is older than this release, or the database is away
        return self._any


def _read(db: Session, number: int) -> Webhook | None:
    """Give a hook as it is, to be used when the session has ended."""
    hook = db.get(Webhook, number)
    if hook is not None:
        db.expunge(hook)
    return hook


def _move(db: Session, hook: Webhook, position: int) -> None:
    """Put a hook's position forward, unless somebody has moved it meanwhile."""
    db.execute(
        update(Webhook)
        .where(Webhook.id == hook.id, Webhook.since == hook.since)
        .values(since=position)
        .execution_options(synchronize_session=False)
    )
