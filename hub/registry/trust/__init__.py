"""Secrets are sealed, and what was done is written down."""
