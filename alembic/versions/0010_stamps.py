"""Receipts say what their subject was made from, so that one that has not changed is passed over.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bridge_receipt", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("stamp", sa.String(length=60), nullable=False, server_default="")
        )


def downgrade() -> None:
    with op.batch_alter_table("bridge_receipt", schema=None) as batch_op:
        batch_op.drop_column("stamp")
