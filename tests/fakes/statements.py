"""Statements for tests: valid, and the same number gives the same one."""

import json
from collections.abc import Iterable
from uuid import UUID, uuid5

from delivery.facts.statement import Statement, StatementId

NAMES = UUID("6b0f6f5e-3a38-4f2a-9c3f-2f7b6d1f7a10")


def a_statement(number: int = 1, **changes: object) -> Statement:
    """Make a valid statement; the same number gives the same one."""
    statement_id = StatementId(str(uuid5(NAMES, str(number))))
    body = {
        "id": statement_id,
        "actor": {"mbox": "mailto:ann@acme.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": f"https://acme.example/courses/{number}"},
        "timestamp": "2026-03-02T08:59:00.000Z",
        **changes,
    }
    return Statement(statement_id, json.dumps(body).encode(), digest=f"digest-{number}-{changes}")


def statements(count: int, *, start: int = 1) -> list[Statement]:
    """Make so many different statements."""
    return [a_statement(number) for number in range(start, start + count)]


def ids(found: Iterable[Statement]) -> list[str]:
    """Give the ids of statements."""
    return [statement.id for statement in found]
