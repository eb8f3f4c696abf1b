"""Sources take turns: what is due is found source by source."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

HAS_TO_BE_CUT = sa.text("cut_at IS NOT NULL")


def upgrade() -> None:
    """Note at each chunk whose it is; the version before this one leaves that empty."""
    op.add_column(
        "file_chunks", sa.Column("source_id", sa.String(36), nullable=False, server_default="")
    )
    op.execute(
        "UPDATE file_chunks SET source_id ="
        " (SELECT source_id FROM source_files WHERE source_files.id = file_chunks.file_id)"
    )
    op.create_index(
        "ix_file_chunks_source_id_due_at_id", "file_chunks", ["source_id", "due_at", "id"]
    )
    op.create_index(
        "ix_source_files_source_id_cut_at",
        "source_files",
        ["source_id", "cut_at"],
        sqlite_where=HAS_TO_BE_CUT,
        postgresql_where=HAS_TO_BE_CUT,
    )
    op.drop_index("ix_file_chunks_due_at_id", "file_chunks")
    op.drop_index("ix_source_files_cut_at", "source_files")


def downgrade() -> None:
    """Find what is due by its time alone."""
    op.create_index("ix_source_files_cut_at", "source_files", ["cut_at"])
    op.create_index("ix_file_chunks_due_at_id", "file_chunks", ["due_at", "id"])
    op.drop_index("ix_source_files_source_id_cut_at", "source_files")
    op.drop_index("ix_file_chunks_source_id_due_at_id", "file_chunks")
    op.drop_column("file_chunks", "source_id")
