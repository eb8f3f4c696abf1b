"""The clearing-house: events, subscriptions, syncs, and what contacts are told."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create its tables, and what programs and keys know more."""
    op.create_table(
        "event_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event_clock"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "event_completion_failures",
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("event_id", sa.String(length=154), nullable=False),
        sa.Column("event_created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["programs.id"],
            name="fk_event_completion_failures_program_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "event_id", name="pk_event_completion_failures"),
    )
    op.create_index(
        "ix_event_completion_failures_due",
        "event_completion_failures",
        ["program_id", "revision", "event_created_at"],
    )
    op.create_index(
        "ix_event_completion_failures_program_id_event_created_at",
        "event_completion_failures",
        ["program_id", "event_created_at"],
    )
    op.create_table(
        "event_completions",
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("through", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["programs.id"],
            name="fk_event_completions_program_id",
        ),
        sa.PrimaryKeyConstraint("program_id", name="pk_event_completions"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=154), nullable=False),
        sa.Column("publisher_program_id", sa.String(length=25), nullable=False),
        sa.Column("publisher_system_id", sa.String(length=25), nullable=True),
        sa.Column("publisher_event_id", sa.String(length=200), nullable=True),
        sa.Column("publisher_participant_id", sa.String(length=200), nullable=False),
        sa.Column("event_type", sa.String(length=50), nullable=False),
        sa.Column("category_value", sa.String(length=200), nullable=True),
        sa.Column("category_label", sa.String(length=200), nullable=True),
        sa.Column("event_data", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["publisher_program_id"],
            ["programs.id"],
            name="fk_events_publisher_program_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index(
        "ix_events_publisher_program_id_category_value_created_at",
        "events",
        ["publisher_program_id", "category_value", "created_at"],
    )
    op.create_index(
        "ix_events_publisher_program_id_event_type_created_at",
        "events",
        ["publisher_program_id", "event_type", "created_at"],
    )
    op.create_index(
        "ix_events_publisher_program_id_created_at",
        "events",
        ["publisher_program_id", "created_at"],
        unique=True,
    )

    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["programs.id"],
            name="fk_notices_program_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("program_id", "kind", "about", name="uq_notices_program_id_kind_about"),
    )
    op.create_table(
        "program_mails",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["programs.id"],
            name="fk_program_mails_program_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_program_mails"),
    )
    op.create_index("ix_program_mails_program_id_at", "program_mails", ["program_id", "at"])

    op.create_table(
        "subscriptions",
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("publisher_program_id", sa.String(length=25), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_sync_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sync_enabled", sa.Boolean(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["programs.id"],
            name="fk_subscriptions_program_id",
        ),
        sa.ForeignKeyConstraint(
            ["publisher_program_id"],
            ["programs.id"],
            name="fk_subscriptions_publisher_program_id",
        ),
        sa.PrimaryKeyConstraint("program_id", "publisher_program_id", name="pk_subscriptions"),
    )
    op.create_index(
        "ix_subscriptions_publisher_program_id", "subscriptions", ["publisher_program_id"]
    )

    op.create_table(
        "syncs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("trigger", sa.String(length=10), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("ignored", sa.Integer(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'succeeded', 'failed', 'cut_short')", name=op.f("ck_syncs_state")
        ),
        sa.CheckConstraint("trigger IN ('call', 'nightly')", name=op.f("ck_syncs_trigger")),
        sa.ForeignKeyConstraint(
            ["program_id"],
            ["programs.id"],
            name="fk_syncs_program_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_syncs"),
    )
    op.create_index(
        "ix_syncs_program_id_started_at_id", "syncs", ["program_id", "started_at", "id"]
    )
    op.create_index("ix_syncs_state", "syncs", ["state"])

    op.create_table(
        "sync_batches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sync_id", sa.String(length=36), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("publisher_program_id", sa.String(length=25), nullable=False),
        sa.Column("import_process_id", sa.String(length=100), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("first_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_moments", sa.JSON(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("queue_batch_id", sa.Text(), nullable=True),
        sa.Column("queue_batch_details", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('sending', 'accepted', 'refused', 'unknown', 'unreached', 'abandoned')",
            name=op.f("ck_sync_batches_state"),
        ),
        sa.ForeignKeyConstraint(
            ["sync_id"],
            ["syncs.id"],
            name="fk_sync_batches_sync_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sync_batches"),
    )
    op.create_index(
        "ix_sync_batches_program_id_publisher_program_id_last_event_at",
        "sync_batches",
        ["program_id", "publisher_program_id", "last_event_at"],
    )
    op.create_index("ix_sync_batches_sync_id_id", "sync_batches", ["sync_id", "id"])

    with op.batch_alter_table("audit") as audit:
        audit.alter_column(
            "subject", type_=sa.String(200), existing_type=sa.String(100), existing_nullable=False
        )
    op.add_column("api_keys", sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True))

    op.add_column(
        "programs", sa.Column("technical_emails", sa.JSON(), nullable=False, server_default="[]")
    )
    op.add_column("programs", sa.Column("nightly_at", sa.String(length=5), nullable=True))
    op.add_column("programs", sa.Column("nightly_zone", sa.String(length=64), nullable=True))
    op.add_column("programs", sa.Column("next_sync_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_programs_next_sync_at", "programs", ["next_sync_at"])
