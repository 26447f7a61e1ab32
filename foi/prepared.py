"""Statements that are made once and run for every page, with what the driver needs kept ready.

SQLAlchemy compiles a statement once, but looks its compilation up, builds a context and a result
of many parts for each call: more than SQLite takes to answer, ten times for a page. What it gives
up: streaming (all rows are read at once), and all but the plainest ways to read a result.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Self
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

Convert = Callable[[Any], Any] | None


class Rows(list[Any]):
    """The rows of a result, each a named tuple, or the values of one column."""

    def all(self) -> Self:
        """Give all of them."""
        return self

    def first(self) -> Any:
        """Give the first one; None when there is none."""
        return self[0] if self else None

    def one_or_none(self) -> Any:
        """Give the only one; None when there is none."""
        if len(self) > 1:
            raise MultipleResultsFound("Multiple rows were found when one or none was required")
        return self.first()

    def one(self) -> Any:
        """Give the only one."""
        if not self:
            raise NoResultFound("No row was found when one was required")
        return self.one_or_none()

    def scalars(self) -> "Rows":
        """Give the first value of each row."""
        return Rows(map(itemgetter(0), self))

    def scalar(self) -> Any:
        """Give the first value of the first row; None when there is none."""
        return self[0][0] if self else None


class Prepared:
    """A statement in one dialect, for such parameters as these: of these names, and where they
    are lists, of these lengths.
    """

    def __init__(
        self, statement: Any, compiled: Any, dialect: Dialect, params: Mapping[str, Any]
    ) -> None:
        made = compiled.construct_expanded_state(params)
        self.sql = made.statement
        self._order: Sequence[str] | None = made.positiontup
        self._values: dict[str, Any] = dict(made.parameters)
        self._spread: Mapping[str, list[str]] = made.parameter_expansion
        # Those of lists are all that the expanded state knows of.
        single = {name: _to_driver(bind, dialect) for bind, name in compiled.bind_names.items()}
        self._to_driver = {
            name: convert
            for name, convert in {**single, **made.processors}.items()
            if convert is not None and name in self._values
        }
        columns = list(statement.selected_columns)
        row: Any = namedtuple("Row", [column.key for column in columns], rename=True)  # type: ignore[misc]
        self._make = row._make
        converts: Iterable[Convert] = (
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        )
        self._from_driver = [(i, each) for i, each in enumerate(converts) if each is not None]

    def run(self, connection: Any, params: Mapping[str, Any]) -> Rows:
        """Run it on a connection of the driver."""
        values = dict(self._values)
        for name, value in params.items():
            if name in self._spread:
                values.update(zip(self._spread[name], value, strict=True))
            else:
                values[name] = value
        for name, convert in self._to_driver.items():
            values[name] = convert(values[name])
        cursor = connection.cursor()
        try:
            cursor.execute(
                self.sql, values if self._order is None else [values[n] for n in self._order]
            )
            found = cursor.fetchall()
        finally:
            cursor.close()
        make, converts = self._make, self._from_driver
        if not converts:
            return Rows(map(make, found))
        rows = Rows()
        for raw in found:
            row = list(raw)
            for i, convert in converts:
                row[i] = convert(row[i])
            rows.append(make(row))
        return rows


def _to_driver(bind: Any, dialect: Dialect) -> Convert:
    convert: Convert = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _prepare(statement: Any, dialect: Dialect, params: Mapping[str, Any]) -> Prepared | None:
    """Prepare a statement; None for one whose SQL, values or columns are not all known by now."""
    compiled = statement.compile(dialect=dialect)
    # Columns in plain text are described, but not among those selected.
    described = getattr(statement, "column_descriptions", statement.selected_columns)
    if len(described) != len(statement.selected_columns) or compiled.literal_execute_params:
        return None
    for bind, name in compiled.bind_names.items():
        if bind.callable or (name != bind.key and bind.key in params):
            return None
        if bind.expanding and not _is_plain_list(params.get(name, bind.value)):
            return None
    return Prepared(statement, compiled, dialect, params)


def _is_plain_list(value: Any) -> bool:
    """Tell whether a value is a list of single values: not a set, nor pairs."""
    return isinstance(value, list | tuple) and not any(
        isinstance(each, list | tuple) for each in value
    )


_Shape = tuple[tuple[str, int], ...]
"""The names of parameters, and the lengths of those that are lists; -1 for the others."""
_Kept = dict[tuple[str, _Shape], Prepared | None]
_prepared: "WeakKeyDictionary[Any, _Kept]" = WeakKeyDictionary()


def prepared(statement: Any, dialect: Dialect, params: Mapping[str, Any]) -> Prepared | None:
    """Give a statement prepared, from the second time on that it is asked for: one that is built
    anew each time is not worth it. None for that, where a list among the parameters is empty, and
    for what only SQLAlchemy can make of its parameters.
    """
    known = _prepared.get(statement)
    if known is None:
        _prepared[statement] = {}
        return None
    shape = tuple(
        (name, len(value) if isinstance(value, list | tuple) else -1)
        for name, value in params.items()
    )
    key = (dialect.driver, shape)
    found = known.get(key)
    if found is None and key not in known and len(known) < _MOST:
        empty = not all(length for _, length in shape)
        found = known[key] = None if empty else _prepare(statement, dialect, params)
    return found


_MOST = 100
"""Shapes for which a statement is kept."""
