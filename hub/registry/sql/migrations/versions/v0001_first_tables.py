"""The first tables: programs, API keys, providers, integrations and the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them all."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("system", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_created_at_id", "api_keys", ["created_at", "id"])
    op.create_index(
        "ix_api_keys_user_id_created_at_id", "api_keys", ["user_id", "created_at", "id"]
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_kind_subject_id", "audit", ["kind", "subject", "id"])
    op.create_index("ix_audit_program_id_id", "audit", ["program_id", "id"])
    op.create_table(
        "programs",
        sa.Column("id", sa.String(length=25), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("lb_api_url", sa.Text(), nullable=True),
        sa.Column("lb_api_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_programs"),
    )
    op.create_table(
        "providers",
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("object_id", sa.String(length=10), nullable=False),
        sa.Column("object_id_template", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.String(length=10), nullable=False),
        sa.Column("account_home_page", sa.Text(), nullable=True),
        sa.Column("verbs", sa.JSON(), nullable=False),
        sa.Column("xapi_version", sa.String(length=20), nullable=False),
        sa.Column("batch_size", sa.Integer(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("token_auth", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("token_parameters", sa.JSON(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'disabled')", name=op.f("ck_providers_status")),
        sa.PrimaryKeyConstraint("id", name="pk_providers"),
    )
    op.create_table(
        "api_key_rights",
        sa.Column("key_id", sa.String(length=32), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("access", sa.String(length=5), nullable=False),
        sa.CheckConstraint("access IN ('read', 'write')", name=op.f("ck_api_key_rights_access")),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_api_key_rights_key_id"),
        sa.ForeignKeyConstraint(
            ["program_id"], ["programs.id"], name="fk_api_key_rights_program_id"
        ),
        sa.PrimaryKeyConstraint("key_id", "program_id", name="pk_api_key_rights"),
    )
    op.create_index("ix_api_key_rights_program_id", "api_key_rights", ["program_id"])
    op.create_table(
        "integrations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("program_id", sa.String(length=25), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("technical_emails", sa.JSON(), nullable=False),
        sa.Column("statement_url", sa.Text(), nullable=False),
        sa.Column("authentication_url", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.Text(), nullable=True),
        sa.Column("batch_size", sa.Integer(), nullable=True),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleting_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["program_id"], ["programs.id"], name="fk_integrations_program_id"),
        sa.ForeignKeyConstraint(["provider"], ["providers.id"], name="fk_integrations_provider"),
        sa.PrimaryKeyConstraint("id", name="pk_integrations"),
        sa.UniqueConstraint("program_id", "provider", name="uq_integrations_program_id_provider"),
    )
    op.create_index(
        "ix_integrations_program_id_created_at_id",
        "integrations",
        ["program_id", "created_at", "id"],
    )
    op.create_index("ix_integrations_provider", "integrations", ["provider"])


def downgrade() -> None:
    """Drop them, the dependent ones first."""
    for table in ("integrations", "api_key_rights", "providers", "programs", "audit", "api_keys"):
        op.drop_table(table)
