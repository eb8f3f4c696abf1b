"""Landed files are cut into chunks, and chunks become statements: what workers do, lot by lot."""
