"""Views of files as HTML.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "file_view",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["extracted_text.sha256"],
            name=op.f("fk_file_view_sha256"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file_view")),
    )
    # Whatever is held already is to be looked at once more.
    op.execute(
        """
        INSERT INTO delivery
            (consumer, subject, mark, due_at, attempts, error, parked, created_at)
        SELECT DISTINCT 'texts', 'request:' || message.request_id, 1, CURRENT_TIMESTAMP, 0, '',
            false, CURRENT_TIMESTAMP
        FROM attachment JOIN message ON message.id = attachment.message_id
        WHERE attachment.sha256 IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM delivery AS open_one
            WHERE open_one.consumer = 'texts'
            AND open_one.subject = 'request:' || message.request_id
        )
        """
    )


def downgrade() -> None:
    op.drop_table("file_view")
