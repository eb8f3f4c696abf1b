"""The pipeline: sources, what has landed from them, and what is still to be made of it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sources",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('webhook', 'poll', 'csv', 'bucket')", name=op.f("ck_sources_kind")
        ),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name="fk_sources_program_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
    )
    op.create_index("ix_sources_deleted_at", "sources", ["deleted_at"])
    op.create_index("ix_sources_next_at", "sources", ["next_at"])
    op.create_index(
        "ix_sources_program_id_created_at_id", "sources", ["program_id", "created_at", "id"]
    )
    op.create_table(
        "source_files",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("source_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("landed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("unpacked", sa.Boolean(), nullable=False),
        sa.Column("cut_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Integer(), nullable=False),
        sa.Column("cut_through", sa.BigInteger(), nullable=False),
        sa.Column("next_line", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("skips", sa.JSON(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('landed', 'running', 'done', 'failed')", name=op.f("ck_source_files_state")
        ),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_source_files_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_source_files"),
        sa.UniqueConstraint("source_id", "proof", name="uq_source_files_source_id_proof"),
        sa.UniqueConstraint("source_id", "sha256", name="uq_source_files_source_id_sha256"),
    )
    op.create_index("ix_source_files_cut_at", "source_files", ["cut_at"])
    op.create_index("ix_source_files_expires_at", "source_files", ["expires_at"])
    op.create_index(
        "ix_source_files_source_id_landed_at_id", "source_files", ["source_id", "landed_at", "id"]
    )
    op.create_table(
        "file_chunks",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("file_id", sa.String(length=36), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claim", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["source_files.id"], name="fk_file_chunks_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_file_chunks"),
    )
    op.create_index("ix_file_chunks_due_at_id", "file_chunks", ["due_at", "id"])
    op.create_index("ix_file_chunks_file_id", "file_chunks", ["file_id"])
    op.create_table(
        "record_faults",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("file_id", sa.String(length=36), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["source_files.id"], name="fk_record_faults_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_record_faults"),
    )
    op.create_index("ix_record_faults_file_id_line_id", "record_faults", ["file_id", "line", "id"])
    op.create_table(
        "bucket_objects",
        sa.Column("source_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_bucket_objects_source_id"),
        sa.PrimaryKeyConstraint("source_id", "name", name="pk_bucket_objects"),
    )
