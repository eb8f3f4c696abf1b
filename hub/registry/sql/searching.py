"""Searching in lists: by some words, in whatever case."""

from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute


def contains(words: str, *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Ask for rows one of whose columns contains the words, as they are."""
    return or_(*(column.icontains(words, autoescape=True) for column in columns))
