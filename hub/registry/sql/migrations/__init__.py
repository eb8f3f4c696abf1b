"""The history of the tables; `hub.registry.sql.migrate` walks it."""
