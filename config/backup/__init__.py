"""Backups of the embedded stores: taken while they run, restored into a new data folder."""
