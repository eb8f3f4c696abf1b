"""The history of the tables; `hub.registry.migrate` walks it."""
