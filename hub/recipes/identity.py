"""The ids of statements: computed from where they come from, so that any step may be run again."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from delivery.facts.statement import StatementId
from hub.recipes.record import Record
from hub.xapi.completion import Completion
from hub.xapi.naming import uuid_of

NAMESPACE = UUID("0c5f6d0e-1d0f-4b7e-8f5a-4a3a0d6c9b52").bytes


def identity_of(record: Record, fields: Sequence[str]) -> list[object] | None:
    """Give what names a record: the values of these fields; None without any fields."""
    return [record.get(one) for one in fields] if fields else None


def statement_id(
    source: str, recipe: str, identity: Sequence[object] | None, content: Mapping[str, object]
) -> StatementId:
    """Give the id of a statement: of its source, its record, its recipe, and what it says.

    A recipe that says something else of the same record makes another statement; one that says the
    same makes the same.
    """
    return StatementId(_uuid([source, recipe, identity, content]))


def completion_name(
    source: str, recipe: str, identity: Sequence[object] | None, completion: Completion
) -> str:
    """Name a completion, by the same rule; the ids of its statements are made of it."""
    learner, course = completion.learner, completion.course
    said = [learner.email, learner.sso_id, course.uuid, course.uri]
    said += [completion.id, completion.completed_at, completion.verb]
    return msgspec.json.encode([source, recipe, identity, said], order="deterministic").decode()


def _uuid(origin: object) -> str:
    return uuid_of(NAMESPACE, msgspec.json.encode(origin, order="deterministic"))
