"""Receipts say what an object points at, which bytes Aleph has, and what verifying it found.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bridge_receipt", schema=None) as batch_op:
        for name in ("parent", "refers", "reason"):
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(
            sa.Column("sha1", sa.String(length=40), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("state", sa.String(length=12), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("bridge_receipt", schema=None) as batch_op:
        for name in ("verified_at", "shown", "state", "sha1", "reason", "refers", "parent"):
            batch_op.drop_column(name)
