"""From the bytes of a request to statements that can be queued: checked, mended, stamped once.

The bytes that came are the bytes that go out. Only an id and a timestamp are put in front where
they are missing, once, so that every later attempt sends the very same statement.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from uuid import uuid4

import msgspec
from pydantic import ValidationError

from delivery.facts.statement import Statement, StatementId
from hub.xapi import json_text
from hub.xapi.content import digest
from hub.xapi.contradictions import contradictions
from hub.xapi.errors import InvalidStatements, TooManyStatements
from hub.xapi.flaw import MOST_FLAWS, Flaw, flaws_of, point
from hub.xapi.mending import mend, stand_in
from hub.xapi.model import StatementModel
from hub.xapi.rules import Rules

WHITE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class _Written:
    """One statement as it came: its bytes, what they say, and where it stood."""

    raw: bytes
    parsed: object
    place: str


def read(
    body: bytes,
    rules: Rules,
    *,
    now: datetime,
    max_batch: int,
    max_depth: int = json_text.DEEPEST,
    statement_id: StatementId | None = None,
) -> list[Statement]:
    """Read one statement or an array of them.

    `statement_id` is the id that a PUT names: it takes one statement, of that id or of none. Raises
    InvalidJson or InvalidStatements with at most 50 errors, and TooManyStatements.
    """
    written = _split(body, max_batch=max_batch, single=statement_id is not None)
    flaws: list[Flaw] = []
    statements: list[Statement] = []
    known: set[StatementId] = set()
    for one in written:
        found = list(islice(_flaws(one, rules, max_depth), MOST_FLAWS - len(flaws)))
        flaws += (Flaw(one.place + flaw.pointer, flaw.detail) for flaw in found)
        if len(flaws) >= MOST_FLAWS:
            break
        if not found and isinstance(one.parsed, Mapping):
            statement = _statement(one, one.parsed, rules, now=now, statement_id=statement_id)
            flaws += _id_flaws(one, statement, known, statement_id)
            known.add(statement.id)
            statements.append(statement)
    if flaws:
        raise InvalidStatements(flaws)
    return statements


def _split(body: bytes, *, max_batch: int, single: bool) -> Sequence[_Written]:
    parsed = json_text.parse(body)
    if not isinstance(parsed, list):
        return [_Written(body.strip(WHITE), parsed, "")]
    if single:
        raise InvalidStatements([Flaw("", "must be one statement, not an array")])
    if not parsed:
        raise InvalidStatements([Flaw("", "must hold at least one statement")])
    if len(parsed) > max_batch:
        raise TooManyStatements(len(parsed), max_batch)
    raws = msgspec.json.decode(body, type=list[msgspec.Raw])
    return [
        _Written(bytes(raw), one, point(number))
        for number, (raw, one) in enumerate(zip(raws, parsed, strict=True))
    ]


def _flaws(one: _Written, rules: Rules, max_depth: int) -> Iterator[Flaw]:
    if not isinstance(one.parsed, Mapping):
        yield Flaw("", "must be a statement, which is an object")
        return
    shallow = True
    for flaw in json_text.flaws(one.raw, one.parsed, max_depth=max_depth):
        shallow = False
        yield flaw
    if shallow:
        yield from _shape_flaws(stand_in(one.parsed, rules), rules)


def _shape_flaws(written: Mapping[str, object], rules: Rules) -> Iterator[Flaw]:
    try:
        model = StatementModel.model_validate(written)
    except ValidationError as error:
        yield from flaws_of(error)
    else:
        yield from contradictions(model, rules.xapi_version)


def _statement(
    one: _Written,
    parsed: Mapping[str, object],
    rules: Rules,
    *,
    now: datetime,
    statement_id: StatementId | None,
) -> Statement:
    stamps: list[str] = []
    written_id = parsed.get("id")
    id_ = StatementId(str(written_id).lower()) if written_id else statement_id or new_id()
    if not written_id:
        stamps.append(f'"id":"{id_}",')
    if "timestamp" not in parsed:
        stamps.append(f'"timestamp":"{timestamp(now)}",')
    body = mend(one.raw, parsed, rules)
    return Statement(id_, b"{" + "".join(stamps).encode() + body[1:], digest(parsed))


def _id_flaws(
    one: _Written,
    statement: Statement,
    known: set[StatementId],
    statement_id: StatementId | None,
) -> Iterator[Flaw]:
    if statement.id in known:
        yield Flaw(one.place + "/id", "stands twice in this request")
    if statement_id is not None and statement.id != statement_id:
        yield Flaw("/id", "is not the statementId of the address")


def new_id() -> StatementId:
    """Make an id for a statement whose producer gave none."""
    return StatementId(str(uuid4()))


def timestamp(moment: datetime) -> str:
    """Write an aware moment as xAPI likes it: UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
