"""States of a request: their names, labels and phases, and who may set which.

Names and labels are Alaveteli's (InfoRequest::State), so that its JSON and searches mean the same
here.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Phase(StrEnum):
    """How far a request has come, for lists and colours."""

    AWAITING = "awaiting"
    OVERDUE = "overdue"
    CLARIFICATION = "clarification"
    RECEIVED = "received"
    SUCCESS = "success"
    REFUSED = "refused"
    OTHER = "other"


@dataclass(frozen=True)
class State:
    """One state: its label, a sentence for the request page, and its phase."""

    name: str
    label: str
    sentence: str
    phase: Phase


def _table(*states: State) -> dict[str, State]:
    return {state.name: state for state in states}


STATES = _table(
    State(
        "waiting_response", "Awaiting response", "The authority has yet to answer.", Phase.AWAITING
    ),
    State(
        "waiting_clarification",
        "Awaiting clarification",
        "The authority has asked the requester to explain the request.",
        Phase.CLARIFICATION,
    ),
    State(
        "gone_postal", "Handled by postal mail", "The authority answers by post.", Phase.AWAITING
    ),
    State(
        "not_held",
        "Information not held",
        "The authority says that it does not hold this.",
        Phase.REFUSED,
    ),
    State("rejected", "Refused", "The authority has refused the request.", Phase.REFUSED),
    State(
        "successful", "Successful", "The authority has released what was asked for.", Phase.SUCCESS
    ),
    State(
        "partially_successful",
        "Partially successful",
        "The authority has released a part.",
        Phase.SUCCESS,
    ),
    State(
        "internal_review",
        "Awaiting internal review",
        "The authority has been asked to look at its answer again.",
        Phase.AWAITING,
    ),
    State("error_message", "Delivery error", "A message could not be delivered.", Phase.OTHER),
    State(
        "requires_admin",
        "Unusual response",
        "The answer needs a look by those who run this site.",
        Phase.OTHER,
    ),
    State(
        "user_withdrawn",
        "Withdrawn by the requester",
        "The requester has withdrawn the request.",
        Phase.OTHER,
    ),
    State(
        "attention_requested",
        "Reported for administrator attention",
        "Somebody has asked those who run this site to look at the request.",
        Phase.OTHER,
    ),
    State(
        "vexatious",
        "Vexatious",
        "Those who run this site consider the request vexatious.",
        Phase.OTHER,
    ),
    State("not_foi", "Not an FOI request", "This is not a request for information.", Phase.OTHER),
)
"""The states that are stored, as somebody described them."""

CALCULATED = _table(
    State(
        "waiting_classification",
        "Awaiting classification",
        "The authority has answered; nobody has yet said what the answer means.",
        Phase.RECEIVED,
    ),
    State("waiting_response_overdue", "Delayed", "The answer is late.", Phase.OVERDUE),
    State(
        "waiting_response_very_overdue", "Long overdue", "The answer is very late.", Phase.OVERDUE
    ),
    State("unknown", "State not known", "How this request ended is not known.", Phase.OTHER),
)
"""The states that follow from the others and the date; never stored."""

LABELS = {name: state.label for name, state in (STATES | CALCULATED).items()}

API_STATES = ("waiting_response", "rejected", "successful", "partially_successful")
"""What an authority may set through the write API (InfoRequest.allowed_incoming_states)."""

REQUEST_PROMINENCE = ("normal", "backpage", "requester_only", "hidden")
PART_PROMINENCE = ("normal", "requester_only", "hidden")

VIEWS: dict[str, tuple[str, ...]] = {
    "successful": ("successful", "partially_successful"),
    "unsuccessful": ("rejected", "not_held"),
    "awaiting": (
        "waiting_response",
        "waiting_clarification",
        "internal_review",
        "gone_postal",
        "error_message",
        "requires_admin",
    ),
}
"""List views and the described states they hold; `awaiting` holds the unclassified ones too."""


def calculated(
    described: str | None,
    awaiting_description: bool,
    due_on: date | None,
    very_overdue_on: date | None,
    today: date,
) -> State:
    """Give the state to show on the site-local day `today`; a deadline day itself is still in
    time.
    """
    if awaiting_description:
        return CALCULATED["waiting_classification"]
    if described is None:
        return CALCULATED["unknown"]
    if described == "waiting_response":
        if very_overdue_on is not None and today > very_overdue_on:
            return CALCULATED["waiting_response_very_overdue"]
        if due_on is not None and today > due_on:
            return CALCULATED["waiting_response_overdue"]
    return STATES[described]
