"""What Alembic runs: over the connection, and in the transaction, that it is handed."""

from alembic import context

from hub.registry.sql.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    # SQLite cannot alter a table in place; it is copied instead.
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
