"""Titled groups of tags, by which authorities are found.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tag_category",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_category")),
        sa.UniqueConstraint("title", name=op.f("uq_tag_category_title")),
    )


def downgrade() -> None:
    op.drop_table("tag_category")
