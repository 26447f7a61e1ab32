"""Acts of the desk: one event that only the desk sees beside whatever the verbs themselves record.

So the audit is a reading of the event log, while what the public may know of an act is the public
event of its verb and nothing more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from foi.archive import ledger
from foi.archive.kinds import Kind
from foi.archive.models import Annotation, Attachment, Body, InfoRequest, Message


@contextmanager
def act(
    db: Session,
    actor: str,
    did: str,
    *,
    request: InfoRequest | None = None,
    body: Body | None = None,
    message: Message | None = None,
    attachment: Attachment | None = None,
    annotation: Annotation | None = None,
    **params: Any,
) -> Iterator[None]:
    """Make what the verbs in the block do one act, told to the desk under the name `did`; if they
    change nothing, nothing is told.
    """
    with ledger.gathering(db):
        yield
        if db.info["gathered"]:
            event = ledger.happening(
                Kind.DESK_ACT,
                actor,
                request=request,
                body=body,
                message=message,
                attachment=attachment,
                annotation=annotation,
                did=did,
                **{name: value for name, value in params.items() if value not in (None, "")},
            )
            ledger.record(db, event)


def note(db: Session, actor: str, did: str, **params: Any) -> None:
    """Tell the desk of an act that changes nothing in the archive: what was exported, tried
    again.
    """
    ledger.record(db, ledger.happening(Kind.DESK_ACT, actor, did=did, **params))
