"""The audit in the order of time, however it is narrowed."""

from alembic import op

revision = "0005"
down_revision = "0004"

NARROWED = ("by", "kind", "program_id", "subject")


def upgrade() -> None:
    """Give each way to narrow it an index that ends with time."""
    op.create_index("ix_audit_at_id", "audit", ["at", "id"])
    for column in NARROWED:
        op.create_index(f"ix_audit_{column}_at_id", "audit", [column, "at", "id"])
    op.drop_index("ix_audit_kind_subject_id", "audit")
    op.drop_index("ix_audit_program_id_id", "audit")


def downgrade() -> None:
    """Give it the indexes back that it had."""
    op.create_index("ix_audit_kind_subject_id", "audit", ["kind", "subject", "id"])
    op.create_index("ix_audit_program_id_id", "audit", ["program_id", "id"])
    for column in NARROWED:
        op.drop_index(f"ix_audit_{column}_at_id", "audit")
    op.drop_index("ix_audit_at_id", "audit")
