"""What holds of statements that the driver is given ready: they answer as they would otherwise."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Integer, bindparam, func, select, text, tuple_
from sqlalchemy.exc import (
    MultipleResultsFound,
    NoResultFound,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.orm import Session

from foi.archive import casework
from foi.archive.kinds import Kind
from foi.archive.models import Event, InfoRequest
from foi.prepared import Rows
from foi.site import Site
from tests.conftest import LETTER, add_body

_event, _request = Event.__table__.c, InfoRequest.__table__.c


def answers(site: Site, statement: Any, params: Any = None) -> tuple[list[Any], list[Any]]:
    """Give what a plain session says, and what a reader does the third time."""
    with Session(site.engine) as plain:
        wanted = [tuple(row) for row in plain.execute(statement, params)]
    with site.sessions.reading() as db:
        for _ in range(2):
            db.execute(statement, params)
        got: Any = db.execute(statement, params)
        assert isinstance(got, Rows) or not all((params or {"": 1}).values())
        return wanted, [tuple(row) for row in got]


class PreparedContract:
    """The promises; a subclass gives the fixture `site`."""

    @pytest.fixture
    def filled(self, site: Site) -> Site:
        with site.sessions.writing() as db:
            body = add_body(db)
            for number in range(3):
                casework.open_request(
                    db,
                    "import",
                    body=body,
                    title=f"Benches {number}",
                    text=LETTER,
                    sent_at=datetime(2024, 3, 1 + number, 12, 30, 15, 250, tzinfo=UTC),
                )
        return site

    def test_values_have_the_types_that_they_have_otherwise(self, filled: Site) -> None:
        statement = select(
            _request.id,
            _request.created_at,
            _request.due_on,
            _request.described_state,
            _request.via_api,
            _request.person_id,
            _event.kind,
            _event.params,
            _event.happened_at.label("when"),
            (_request.prominence == "normal").label("shown"),
            func.length(_request.title),
        ).where(_event.request_id == _request.id)
        wanted, got = answers(filled, statement.order_by(_event.id))
        assert got == wanted
        assert [list(map(type, row)) for row in got] == [list(map(type, row)) for row in wanted]
        assert got[0][8] == datetime(2024, 3, 1, 12, 30, 15, 250, tzinfo=UTC)

    def test_parameters_lists_of_any_length_and_what_stands_in_the_statement(
        self, filled: Site
    ) -> None:
        statement = (
            select(_request.id, _event.kind)
            .where(
                _event.request_id == _request.id,
                _request.id.in_(bindparam("ids", expanding=True)),
                _request.prominence.in_(("normal", "backpage")),
                _event.kind.in_(bindparam("kinds", expanding=True)),
                _event.happened_at > bindparam("after"),
            )
            .order_by(_event.id)
        )
        early, late = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2030))
        for ids, kinds, after, found in (
            ([1, 2, 3], [Kind.SENT], early, 3),
            ([3, 1], [Kind.SENT, Kind.RESPONSE], early, 2),
            ([2], [Kind.RESPONSE, Kind.SENT], early, 1),
            ([2], [Kind.RESPONSE], early, 0),
            ([], [Kind.SENT], early, 0),
            ([1, 2, 3], [Kind.SENT], late, 0),
        ):
            params = {"ids": ids, "kinds": kinds, "after": after}
            wanted, got = answers(filled, statement, params)
            assert got == wanted
            assert len(got) == found

    def test_values_reach_the_driver_as_the_database_keeps_them(self, filled: Site) -> None:
        sent = datetime(2024, 3, 2, 12, 30, 15, 250, tzinfo=UTC)
        for statement, value in (
            (select(_event.id).where(_event.happened_at == bindparam("value")), sent),
            (
                select(_event.id).where(_event.happened_at <= bindparam("value")),
                sent.replace(microsecond=0),
            ),
            (select(_request.id).where(_request.due_on == bindparam("value")), None),
            (select(_request.id).where(_request.via_api == bindparam("value")), False),
        ):
            wanted, got = answers(filled, statement, {"value": value})
            assert got == wanted
        same = select(_event.request_id).where(_event.happened_at == sent)
        assert set(answers(filled, same)[1]) == {(2,)}

    def test_what_only_sqlalchemy_can_make_of_its_parameters_is_left_to_it(
        self, filled: Site
    ) -> None:
        ids = select(_request.id).where(_request.id.in_(bindparam("ids", expanding=True)))
        pair = tuple_(_request.id, _request.prominence)
        now = iter(range(1, 100))
        cases: list[tuple[Any, list[Any], list[list[int]]]] = [
            (ids, [{1}, {1}, {2, 3}, set()], [[1], [1], [2, 3], []]),
            (ids, [{3: 0}.keys()] * 3, [[3]] * 3),
            (
                select(_request.id).where(pair.in_(bindparam("ids", expanding=True))),
                [[(n, "normal")] for n in (1, 1, 2)],
                [[1], [1], [2]],
            ),
            (
                select(_request.id).where(
                    _request.id == bindparam("ids", type_=Integer, literal_execute=True)
                ),
                [1, 1, 2],
                [[1], [1], [2]],
            ),
            (
                select(_request.id).where(_request.id == bindparam("x", callable_=now.__next__)),
                [0] * 3,
                [[1], [2], [3]],
            ),
            (select(text("id")).select_from(InfoRequest.__table__), [0] * 3, [[1, 2, 3]] * 3),
        ]
        for statement, values, wanted in cases:
            with filled.sessions.reading() as db:
                got = [sorted(db.scalars(statement, {"ids": value})) for value in values]
            assert got == wanted

    def test_a_statement_made_of_another_is_another(self, filled: Site) -> None:
        every = select(_request.id).order_by(_request.id)
        assert answers(filled, every)[1] == [(1,), (2,), (3,)]
        assert answers(filled, every.where(_request.id > 1))[1] == [(2,), (3,)]
        assert answers(filled, every.limit(1))[1] == [(1,)]

    def test_it_reads_the_snapshot_of_its_session(self, filled: Site) -> None:
        statement = select(func.count(_request.id))
        answers(filled, statement)
        with filled.sessions.reading() as db:
            assert db.scalar(statement) == 3
            with filled.sessions.writing() as other:
                casework.open_request(
                    other, "import", body=add_body(other, "Elsewhere"), title="New", text=LETTER
                )
            assert db.scalar(statement) == 3
        with filled.sessions.reading() as db:
            assert db.scalar(statement) == 4

    @pytest.mark.parametrize("first", ["plain", "mapped"])
    def test_what_is_mapped_is_read_in_the_same_snapshot(self, filled: Site, first: str) -> None:
        statement = select(func.count(_request.id))
        answers(filled, statement)

        def counted(db: Session, which: str) -> int:
            if which == "plain":
                return int(db.scalar(statement))
            return len(db.scalars(select(InfoRequest)).all())

        with filled.sessions.reading() as db:
            for turn in (1, 2):  # a snapshot that was ended begins anew
                begun = counted(db, first)
                with filled.sessions.writing() as other:
                    body = add_body(other, f"Elsewhere {turn}")
                    casework.open_request(other, "import", body=body, title="New", text=LETTER)
                assert counted(db, "plain") == counted(db, "mapped") == begun == 2 + turn
                db.rollback()
            assert counted(db, "mapped") == counted(db, "plain") == 5
        assert filled.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    def test_results_are_read_as_ever(self, filled: Site) -> None:
        statement = select(_request.id, _request.title).where(_request.id >= bindparam("first"))
        statement = statement.order_by(_request.id)
        with filled.sessions.reading() as db:
            db.execute(statement, {"first": 1})
            assert [row.title for row in db.execute(statement, {"first": 2})] == [
                "Benches 1",
                "Benches 2",
            ]
            assert db.execute(statement, {"first": 3}).one().id == 3
            assert db.execute(statement, {"first": 3}).one_or_none() == (3, "Benches 2")
            assert db.execute(statement, {"first": 4}).one_or_none() is None
            assert db.execute(statement, {"first": 4}).first() is None
            assert db.scalar(statement, {"first": 4}) is None
            assert db.scalars(statement, {"first": 2}).all() == [2, 3]
            assert db.scalars(statement, {"first": 2}).first() == 2
            with pytest.raises(NoResultFound):
                db.execute(statement, {"first": 4}).one()
            with pytest.raises(MultipleResultsFound):
                db.execute(statement, {"first": 1}).one()

    def test_a_failure_is_told_as_sqlalchemy_tells_it(self, filled: Site) -> None:
        statement = select(text("1")).select_from(text("nowhere"))
        for _ in range(3):
            with (
                filled.sessions.reading() as db,
                pytest.raises((OperationalError, ProgrammingError), match="nowhere"),
            ):
                db.execute(statement)
