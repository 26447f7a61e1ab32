"""What the archive promises on every database: run on SQLite by test_sqlite, on PostgreSQL by
test_postgres.

Concurrency is real: threads for what must not clash, four processes for what must not be lost.
FOI_THOROUGH=20 in the environment tries twenty times as many sequences of verbs.
"""

import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import hypothesis
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, Phase
from sqlalchemy import select
from sqlalchemy.orm import Session

from foi import migrations
from foi.archive import casework, ledger
from foi.archive.casework import names
from foi.archive.columns import Base
from foi.archive.models import Body, Delivery, Event, InfoRequest, Message, Version
from foi.db import changed_at
from foi.site import Site
from foi.work.fanout import Fanout
from tests.contract.crowd import (
    Follower,
    in_processes,
    opened,
    together,
    write_elsewhere,
    write_many,
)
from tests.contract.world import STEPS, Step, World

WRITERS = 8


def every_event(site: Site) -> list[int]:
    """Give the ids of all events, as they stand in the table."""
    with site.sessions.reading() as db:
        return list(db.scalars(select(Event.id).order_by(Event.id)))


def described(db: Session, request_id: int) -> tuple[str | None, bool]:
    """Work out from the events how a request stands: what was said last counts."""
    state, awaiting = "waiting_response", False
    log = select(Event).where(Event.request_id == request_id).order_by(Event.id)
    for event in db.scalars(log):
        if event.kind == "status_update":
            state, awaiting = event.params["state"], False
        elif event.kind == "response":
            awaiting = True
    return state, awaiting


class ArchiveContract:
    """The promises; a subclass gives the fixture `site`."""

    writes = 8
    """How often each of the writers writes."""
    sequences = 8
    """How many sequences of verbs are tried."""

    def test_any_sequence_of_verbs_keeps_the_archive_whole(self, site: Site) -> None:
        site.consumers.add(Fanout(site))
        thorough = int(os.environ.get("FOI_THOROUGH", "1"))

        @hypothesis.settings(
            max_examples=self.sequences * thorough,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(STEPS)
        def run(steps: list[Step]) -> None:
            db = site.sessions.make(writing=True)
            try:
                world = World(site, db)
                for step in steps:
                    world.do(step)
            finally:
                db.rollback()
                db.close()

        run()

    def test_the_migration_makes_the_schema_of_the_models(self, site: Site) -> None:
        migrations.upgrade(site.engine, site.settings)  # knows of all tables from here on
        with site.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []

    def test_a_follower_misses_nothing_while_eight_write(self, site: Site) -> None:
        requests = opened(site, WRITERS)
        follower = Follower(site)
        follower.start()
        together(
            *(
                lambda n=n, mine=mine: write_many(site, n, mine, self.writes)
                for n, mine in enumerate(requests)
            )
        )
        met = follower.finish()
        assert met == every_event(site)
        moments = [moment for _, moment in follower.seen]
        assert moments == sorted(moments)
        self._consistent(site)

    def test_a_follower_misses_nothing_of_four_processes(self, site: Site) -> None:
        requests = opened(site, 4)
        before = len(every_event(site))
        follower = Follower(site)
        follower.start()
        made = in_processes(
            write_elsewhere,
            [(site.settings, n, mine, 2 * self.writes) for n, mine in enumerate(requests)],
        )
        met = follower.finish()
        assert met == every_event(site)
        assert len(met) == before + sum(made)
        self._consistent(site)

    @staticmethod
    def _consistent(site: Site) -> None:
        """Compare versions, slugs and states with the events that should have made them."""
        with site.sessions.reading() as db:
            newest: dict[str, int] = {}
            for event in db.scalars(select(Event).order_by(Event.id)):
                for scope in ("events", f"request:{event.request_id}", f"body:{event.body_id}"):
                    newest[scope] = event.id
            newest.pop("request:None")
            held = {version.scope: version.position for version in db.scalars(select(Version))}
            assert {scope: held.get(scope) for scope in newest} == newest
            slugs = list(db.scalars(select(InfoRequest.url_title)))
            assert len(slugs) == len(set(slugs))
            for request in db.scalars(select(InfoRequest)):
                state = (request.described_state, request.awaiting_description)
                assert state == described(db, request.id)

    def test_requests_of_one_title_get_slugs_of_their_own(self, site: Site) -> None:
        (first,) = opened(site)

        def ask() -> None:
            with site.sessions.writing() as db:
                body = db.get_one(InfoRequest, first).body
                casework.open_request(db, "desk", body=body, title="Mill Lane", text="?")

        together(*[ask] * 6)
        with site.sessions.reading() as db:
            slugs = set(db.scalars(select(InfoRequest.url_title).where(InfoRequest.id != first)))
        assert slugs == {"mill_lane", *(f"mill_lane_{n}" for n in range(2, 7))}

    def test_state_follows_the_order_of_events_when_two_change_one_request(
        self, site: Site
    ) -> None:
        (request_id,) = opened(site)

        def answer() -> None:
            with site.sessions.writing() as db:
                request = db.get_one(InfoRequest, request_id)
                casework.correspond(db, request, "desk", direction="response", text="Forty.")

        def describe() -> None:
            with site.sessions.writing() as db:
                casework.classify(
                    db, db.get_one(InfoRequest, request_id), "desk", "partially_successful"
                )

        for _ in range(25):
            together(answer, describe)
            with site.sessions.reading() as db:
                request = db.get_one(InfoRequest, request_id)
                stands = (request.described_state, request.awaiting_description)
                assert stands == described(db, request_id)

    def test_renaming_an_authority_blocks_nobody_who_records_about_it(self, site: Site) -> None:
        """A deadlock ends one of the two with an error, which fails this test."""
        requests = opened(site, 3)

        def rename() -> None:
            for number in range(8):
                with site.sessions.writing() as db:
                    body = db.get_one(InfoRequest, requests[0]).body
                    casework.edit_body(db, body, "desk", url_name=f"fenby_{number}")
                with site.sessions.writing() as db:
                    request = db.get_one(InfoRequest, requests[0])
                    casework.edit_request(db, request, "desk", title=f"Question {number}b")

        def describe(request_id: int) -> None:
            for _ in range(12):
                with site.sessions.writing() as db:
                    casework.classify(
                        db, db.get_one(InfoRequest, request_id), "desk", "successful"
                    )

        together(rename, *(lambda mine=mine: describe(mine) for mine in requests))
        with site.sessions.reading() as db:
            body = db.get_one(InfoRequest, requests[0]).body
            assert body.url_name == "fenby_7"
            assert body.version == 9
            assert names.resolve_former(db, "body", "fenby_0") == "fenby_7"

    def test_versions_never_go_back_and_agree_with_what_a_page_reads(self, site: Site) -> None:
        (request_id,) = opened(site)
        scopes = ("events", f"request:{request_id}", "requests", "unheard_of")
        before = site.versions.read(scopes)
        with site.sessions.writing() as db:
            casework.classify(db, db.get_one(InfoRequest, request_id), "desk", "rejected")
            ledger.bump(db, "search")
            ledger.bump(db, "search", "search")
        after = site.versions.read((*scopes, "search"))
        with site.sessions.reading() as db:
            positions, moment = changed_at(db, (*scopes, "search"))
            last = db.scalars(ledger.since(0)).all()[-1]
            assert moment >= last.recorded_at
        assert positions == after
        assert dict(after) == {**dict.fromkeys(scopes[:3], after[0][1]), "search": 2}
        assert all(dict(after)[scope] > position for scope, position in before)

    def test_moments_and_parameters_come_back_as_they_were(self, site: Site) -> None:
        (request_id,) = opened(site)
        at = datetime(2024, 3, 31, 1, 30, 0, 123456, tzinfo=UTC)
        with site.sessions.writing() as db:
            request = db.get_one(InfoRequest, request_id)
            casework.correspond(
                db, request, "desk", direction="response", text="Ü\u2028“…” 𝔘", sent_at=at, at=at
            )
            casework.edit_request(db, request, "desk", title="Été", tag_texts=["a:b:c", "ü"])
        with site.sessions.reading() as db:
            message = db.scalars(select(Message).order_by(Message.id.desc())).first()
            assert message is not None
            assert (message.sent_at, message.created_at) == (at, at)
            assert message.sent_at is not None
            assert message.sent_at.tzinfo is UTC
            assert message.body == "Ü\u2028“…” 𝔘"
            newest = db.scalars(select(Event).order_by(Event.id.desc())).first()
            assert newest is not None
            assert newest.params == {"changed": ["title", "tags"]}
            assert casework.tags_of(db, "request", request_id) == [("a", "b:c"), ("ü", "")]

    def test_a_failed_write_leaves_nothing(self, site: Site) -> None:
        (request_id,) = opened(site)
        before = every_event(site)

        def fail() -> None:
            with site.sessions.writing() as db:
                request = db.get_one(InfoRequest, request_id)
                casework.correspond(db, request, "desk", direction="response", text="Forty.")
                raise RuntimeError("after all")

        with pytest.raises(RuntimeError, match="after all"):
            fail()
        assert every_event(site) == before
        with site.sessions.reading() as db:
            assert db.query(Message).count() == 1
            assert db.get_one(InfoRequest, request_id).awaiting_description is False
            assert Counter(db.scalars(select(Delivery.mark))) == {1: 2}

    def test_an_announcement_is_made_once_whatever_the_servers_zone(self, site: Site) -> None:
        (request_id,) = opened(site)
        with site.sessions.writing() as db:
            due = db.get_one(InfoRequest, request_id).due_on
            assert due is not None

        def announce(today: date) -> int:
            with site.sessions.writing() as db:
                ledger.lock(db)
                return casework.announce_overdue(db, today)

        told = [announce(due + timedelta(days=after)) for after in (0, 1, 1, 2)]
        assert told == [0, 1, 0, 0]
        with site.sessions.reading() as db:
            event = db.scalars(select(Event).where(Event.kind == "overdue")).one()
            assert event.happened_at == site.calendar.midnight(due + timedelta(days=1))

    def test_a_key_survives_only_its_own_generation(self, site: Site) -> None:
        opened(site)

        def rotate() -> None:
            with site.sessions.writing() as db:
                casework.rotate_key(db, db.get_one(Body, 1), "desk")

        together(*[rotate] * 4)
        with site.sessions.reading() as db:
            assert db.get_one(Body, 1).key_generation == 5
            owners = [site.keys.owner(db, site.keys.make(1, n)) for n in range(1, 7)]
        assert owners == [None, None, None, None, 1, None]
