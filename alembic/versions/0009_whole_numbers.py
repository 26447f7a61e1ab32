"""Whole numbers of 64 bits, so that a number from outside is compared and never refused.

Revision: 0009, after 0008. SQLite's whole numbers have 64 bits already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = {
    "account": ("id", "person_id", "totp_generation"),
    "account_role": ("account_id",),
    "account_session": ("id", "account_id"),
    "annotation": ("id", "request_id", "person_id"),
    "api_call": ("body_id",),
    "attachment": ("id", "message_id", "number"),
    "body": ("id", "version", "key_generation"),
    "body_version": ("body_id", "version"),
    "bridge_receipt": ("id",),
    "carried_key": ("body_id",),
    "delivery": ("mark", "attempts"),
    "event": (
        "request_id",
        "body_id",
        "person_id",
        "message_id",
        "attachment_id",
        "annotation_id",
    ),
    "file_view": ("version",),
    "former_name": ("subject_id",),
    "message": ("id", "request_id"),
    "person": ("id",),
    "recovery_code": ("account_id",),
    "request": ("id", "body_id", "person_id"),
    "sign_in_attempts": ("tries",),
    "tag": ("id", "subject_id"),
    "tag_category": ("id",),
    "webhook": ("id", "body_id", "generation", "failures"),
    "webhook_attempt": ("webhook_id", "milliseconds", "status"),
}


def upgrade() -> None:
    _widen("bigint", sa.BigInteger(), sa.Integer())


def downgrade() -> None:
    _widen("integer", sa.Integer(), sa.BigInteger())


def _widen(name: str, wanted: sa.types.TypeEngine, present: sa.types.TypeEngine) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, columns in COLUMNS.items():
        for column in columns:
            op.alter_column(table, column, type_=wanted, existing_type=present)
            if column == "id":
                op.execute(f"ALTER SEQUENCE IF EXISTS {table}_id_seq AS {name}")
