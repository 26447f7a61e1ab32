"""How a request stands: its described state and whether it awaits a description, as its source has
it.

`classify` says what somebody has described just now. A source may also know that nobody
has described an answer yet, or not know the state at all.
"""

from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.casework.requests import classify
from foi.archive.kinds import Kind
from foi.archive.models import InfoRequest


def open_standing(request: InfoRequest, state: str | None, awaiting: bool) -> None:
    """Let a request that is being opened stand as its source has it; recorded with its opening.

    When somebody described it so is not known, hence there is no event that would say so.
    """
    request.described_state, request.awaiting_description = state, awaiting


def change_standing(db: Session, request: InfoRequest, state: str | None, awaiting: bool) -> bool:
    """Let a request stand as its source has it now, and tell whether that changed anything."""
    if (request.described_state, request.awaiting_description) == (state, awaiting):
        return False
    if state is not None and not awaiting:
        classify(db, request, "import", state)
        return True
    request.described_state, request.awaiting_description = state, awaiting
    request.updated_at = ledger.now()
    shown = "waiting_classification" if awaiting else "unknown"
    event = ledger.happening(
        Kind.STATUS_UPDATE, "import", request=request, body=request.body, state=shown
    )
    ledger.record(db, event)
    return True
