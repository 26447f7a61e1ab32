"""States: what is shown on which day, and that every list of them holds known ones."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foi.archive import states

DAY = date(2026, 3, 31)


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (DAY - timedelta(days=40), "waiting_response"),
        (DAY, "waiting_response"),
        (DAY + timedelta(days=1), "waiting_response_overdue"),
        (DAY + timedelta(days=28), "waiting_response_overdue"),
        (DAY + timedelta(days=29), "waiting_response_very_overdue"),
    ],
)
def test_a_deadline_day_is_in_time_and_the_day_after_is_late(day: date, shown: str) -> None:
    very = DAY + timedelta(days=28)
    assert states.calculated("waiting_response", False, DAY, very, day).name == shown


def test_without_a_deadline_nothing_is_late() -> None:
    assert states.calculated("waiting_response", False, None, None, date.max).name == (
        "waiting_response"
    )


@given(
    st.sampled_from([None, *states.STATES]),
    st.booleans(),
    st.none() | st.dates(),
    st.none() | st.dates(),
    st.dates(),
)
def test_every_request_has_a_state_to_show(
    described: str | None, awaiting: bool, due: date | None, very: date | None, today: date
) -> None:
    shown = states.calculated(described, awaiting, due, very, today).name
    assert shown in states.LABELS
    if awaiting:
        assert shown == "waiting_classification"
    elif described is None:
        assert shown == "unknown"
    elif described == "waiting_response":
        assert shown.startswith("waiting_response")
    else:
        assert shown == described


def test_lists_of_states_hold_stored_ones_and_each_at_most_once() -> None:
    listed = [name for view in states.VIEWS.values() for name in view]
    assert set(listed) <= set(states.STATES)
    assert len(listed) == len(set(listed))
    assert set(states.API_STATES) <= set(states.STATES)
    assert not set(states.STATES) & set(states.CALCULATED)
    assert all(name == state.name for name, state in (states.STATES | states.CALCULATED).items())
