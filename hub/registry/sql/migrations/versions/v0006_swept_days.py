"""How far what landed from each source is swept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Note a moment at each source; without one, nothing of it was swept yet."""
    op.add_column("sources", sa.Column("swept_to", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("sources", "swept_to")
