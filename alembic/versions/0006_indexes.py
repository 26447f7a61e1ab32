"""Indexes for the figures of large authorities and for what was withdrawn.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WITHDRAWALS = sa.text("kind IN ('hide', 'erase')")


def upgrade() -> None:
    op.create_index(
        "ix_event_withdrawals",
        "event",
        ["id"],
        sqlite_where=WITHDRAWALS,
        postgresql_where=WITHDRAWALS,
    )
    op.create_index(
        "ix_request_standing",
        "request",
        [
            "body_id",
            "prominence",
            "described_state",
            "awaiting_description",
            "due_on",
            "very_overdue_on",
        ],
    )


def downgrade() -> None:
    op.drop_index("ix_request_standing", table_name="request")
    op.drop_index("ix_event_withdrawals", table_name="event")
