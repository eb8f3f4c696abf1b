"""Statements of 600 bytes, as a course catalogue would send them; each has an id of its own."""

from collections.abc import Iterator
from hashlib import blake2b
from uuid import uuid4

from delivery.facts.statement import Statement, StatementId

SIZE = 600

_TEXT = (
    '{{"id":"{id}","actor":{{"objectType":"Agent","name":"Ann Example",'
    '"mbox":"mailto:ann.example@acme.example"}},'
    '"verb":{{"id":"http://adlnet.gov/expapi/verbs/completed","display":{{"en-US":"completed"}}}},'
    '"object":{{"objectType":"Activity","id":"https://courses.acme.example/safety-at-work",'
    '"definition":{{"type":"http://adlnet.gov/expapi/activities/course",'
    '"name":{{"en-US":"Safety at work"}}}}}},'
    '"result":{{"completion":true,"success":true,"score":{{"scaled":0.95}}}},'
    '"timestamp":"2026-03-02T08:59:00.000Z","context":{{"platform":"{padding}"}}}}'
)
_BARE = len(_TEXT.format(id=uuid4(), padding=""))


def body(statement_id: str) -> bytes:
    """Write one statement of SIZE bytes."""
    return _TEXT.format(id=statement_id, padding="x" * (SIZE - _BARE)).encode()


def bodies(count: int) -> Iterator[tuple[str, bytes]]:
    """Make so many statements: id and bytes."""
    for _ in range(count):
        statement_id = str(uuid4())
        yield statement_id, body(statement_id)


def statements(count: int) -> list[Statement]:
    """Make so many statements, ready for intake."""
    return [
        Statement(StatementId(id_), text, blake2b(text, digest_size=16).hexdigest())
        for id_, text in bodies(count)
    ]
