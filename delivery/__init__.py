"""Statements out: in order, none lost, however long the other side is down.

This package knows nobody: no environment, no SQL, no web framework. It owns Redis.
"""
