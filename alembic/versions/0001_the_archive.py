"""The archive.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "body",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("short_name", sa.Text(), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("home_page", sa.Text(), nullable=False),
        sa.Column("publication_scheme", sa.Text(), nullable=False),
        sa.Column("disclosure_log", sa.Text(), nullable=False),
        sa.Column("request_email", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_generation", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_body")),
    )
    with op.batch_alter_table("body", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_body_name"), ["name"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_body_sort_name_id"), ["sort_name", "id"], unique=False
        )
        batch_op.create_index(
            "uq_body_url_name",
            ["url_name"],
            unique=True,
            postgresql_where=sa.text("url_name IS NOT NULL"),
        )

    op.create_table(
        "bridge_receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("collection_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("foreign_id", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bridge_receipt")),
        sa.UniqueConstraint(
            "target",
            "collection",
            "foreign_id",
            name=op.f("uq_bridge_receipt_target_collection_foreign_id"),
        ),
    )
    with op.batch_alter_table("bridge_receipt", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_bridge_receipt_target_collection_subject"),
            ["target", "collection", "subject"],
            unique=False,
        )

    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("consumer", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("parked", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("consumer", "subject", name=op.f("uq_delivery_consumer_subject")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_delivery_consumer_parked_due_at"),
            ["consumer", "parked", "due_at"],
            unique=False,
        )

    op.create_table(
        "extracted_text",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("extracted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_extracted_text")),
    )
    op.create_table(
        "fact",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fact")),
    )
    op.create_table(
        "former_name",
        sa.Column("subject_kind", sa.String(length=10), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject_kind", "slug", name=op.f("pk_former_name")),
    )
    with op.batch_alter_table("former_name", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_former_name_subject_kind_subject_id"),
            ["subject_kind", "subject_id"],
            unique=False,
        )

    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("ban_text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(
            "uq_person_url_name",
            ["url_name"],
            unique=True,
            postgresql_where=sa.text("url_name IS NOT NULL"),
        )

    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject_kind", sa.String(length=10), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint(
            "subject_kind",
            "subject_id",
            "name",
            "value",
            name=op.f("uq_tag_subject_kind_subject_id_name_value"),
        ),
    )
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_tag_subject_kind_name_value_subject_id"),
            ["subject_kind", "name", "value", "subject_id"],
            unique=False,
        )

    op.create_table(
        "version",
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_version")),
    )
    op.create_table(
        "carried_key",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["body_id"], ["body.id"], name=op.f("fk_carried_key_body_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_carried_key")),
    )
    with op.batch_alter_table("carried_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_carried_key_body_id"), ["body_id"], unique=False)

    op.create_table(
        "request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url_title", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("external_user_name", sa.Text(), nullable=True),
        sa.Column("external_url", sa.Text(), nullable=True),
        sa.Column("via_api", sa.Boolean(), nullable=False),
        sa.Column("described_state", sa.String(length=32), nullable=True),
        sa.Column("awaiting_description", sa.Boolean(), nullable=False),
        sa.Column("law_used", sa.String(length=16), nullable=False),
        sa.Column("prominence", sa.String(length=16), nullable=False),
        sa.Column("prominence_reason", sa.Text(), nullable=False),
        sa.Column("day_zero", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("very_overdue_on", sa.Date(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_request_body_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_request_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(
            "ix_request_awaiting_answer",
            ["due_on"],
            unique=False,
            sqlite_where=sa.text("described_state = 'waiting_response'"),
            postgresql_where=sa.text("described_state = 'waiting_response'"),
        )
        batch_op.create_index(
            batch_op.f("ix_request_body_id_created_at_id"),
            ["body_id", "created_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_request_created_at_id"), ["created_at", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_request_person_id_created_at_id"),
            ["person_id", "created_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            "uq_request_origin",
            ["source", "source_ref", "source_url"],
            unique=True,
            sqlite_where=sa.text("source <> ''"),
            postgresql_where=sa.text("source <> ''"),
        )
        batch_op.create_index(
            "uq_request_url_title",
            ["url_title"],
            unique=True,
            postgresql_where=sa.text("url_title IS NOT NULL"),
        )

    op.create_table(
        "annotation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("prominence", sa.String(length=16), nullable=False),
        sa.Column("prominence_reason", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_annotation_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_annotation_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation")),
    )
    with op.batch_alter_table("annotation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_annotation_person_id_id"), ["person_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_annotation_request_id_id"), ["request_id", "id"], unique=False
        )

    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prominence", sa.String(length=16), nullable=False),
        sa.Column("prominence_reason", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["request.id"], name=op.f("fk_message_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_message_request_id_id"), ["request_id", "id"], unique=False
        )

    op.create_table(
        "attachment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("prominence", sa.String(length=16), nullable=False),
        sa.Column("prominence_reason", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_attachment_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("message_id", "number", name=op.f("uq_attachment_message_id_number")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_sha256"), ["sha256"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.String(length=24),
            nullable=False,
        ),
        sa.Column(
            "audience",
            sa.String(length=24),
            nullable=False,
        ),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=True),
        sa.Column("body_id", sa.Integer(), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("attachment_id", sa.Integer(), nullable=True),
        sa.Column("annotation_id", sa.Integer(), nullable=True),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["annotation_id"], ["annotation.id"], name=op.f("fk_event_annotation_id")
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_event_attachment_id")
        ),
        sa.ForeignKeyConstraint(["body_id"], ["body.id"], name=op.f("fk_event_body_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_event_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_event_person_id")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_event_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_body_id_id"), ["body_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_message_id"), ["message_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_event_person_id_id"), ["person_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_event_request_id_id"), ["request_id", "id"], unique=False
        )


def downgrade() -> None:

    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_request_id_id"))
        batch_op.drop_index(batch_op.f("ix_event_person_id_id"))
        batch_op.drop_index(batch_op.f("ix_event_message_id"))
        batch_op.drop_index(batch_op.f("ix_event_body_id_id"))

    op.drop_table("event")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_sha256"))

    op.drop_table("attachment")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_request_id_id"))

    op.drop_table("message")
    with op.batch_alter_table("annotation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_annotation_request_id_id"))
        batch_op.drop_index(batch_op.f("ix_annotation_person_id_id"))

    op.drop_table("annotation")
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_request_url_title", postgresql_where=sa.text("url_title IS NOT NULL")
        )
        batch_op.drop_index(
            "uq_request_origin",
            sqlite_where=sa.text("source <> ''"),
            postgresql_where=sa.text("source <> ''"),
        )
        batch_op.drop_index(batch_op.f("ix_request_person_id_created_at_id"))
        batch_op.drop_index(batch_op.f("ix_request_created_at_id"))
        batch_op.drop_index(batch_op.f("ix_request_body_id_created_at_id"))
        batch_op.drop_index(
            "ix_request_awaiting_answer",
            sqlite_where=sa.text("described_state = 'waiting_response'"),
            postgresql_where=sa.text("described_state = 'waiting_response'"),
        )

    op.drop_table("request")
    with op.batch_alter_table("carried_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_carried_key_body_id"))

    op.drop_table("carried_key")
    op.drop_table("version")
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tag_subject_kind_name_value_subject_id"))

    op.drop_table("tag")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_index("uq_person_url_name", postgresql_where=sa.text("url_name IS NOT NULL"))

    op.drop_table("person")
    with op.batch_alter_table("former_name", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_former_name_subject_kind_subject_id"))

    op.drop_table("former_name")
    op.drop_table("fact")
    op.drop_table("extracted_text")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_consumer_parked_due_at"))

    op.drop_table("delivery")
    with op.batch_alter_table("bridge_receipt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bridge_receipt_target_collection_subject"))

    op.drop_table("bridge_receipt")
    with op.batch_alter_table("body", schema=None) as batch_op:
        batch_op.drop_index("uq_body_url_name", postgresql_where=sa.text("url_name IS NOT NULL"))
        batch_op.drop_index(batch_op.f("ix_body_sort_name_id"))
        batch_op.drop_index(batch_op.f("ix_body_name"))

    op.drop_table("body")
