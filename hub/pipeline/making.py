"""Statements of records, for every target, by one recipe: what the mill does with a piece."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from delivery.integration import IntegrationId
from delivery.statement import Statement
from hub.pipeline.asking import Bad, Cooking, Fault, Ground, Made, Piece, Target
from hub.pipeline.cooking import Cook
from hub.recipes.context import Context, Table
from hub.recipes.faults import RecordFault, Skip
from hub.recipes.identity import completion_name, identity_of, statement_id
from hub.recipes.kit import timestamp
from hub.recipes.record import Record
from hub.records.bounds import LONGEST_RECORD
from hub.records.fault import FileFault, Unreadable
from hub.records.reading import read
from hub.xapi.completion import Completion, Skipped, express
from hub.xapi.errors import Invalid, XapiError
from hub.xapi.reading import read as read_statements
from hub.xapi.rules import Rules

MOST_FAULTS = 1000
MOST_REASONS = 20
MOST_STATEMENTS = 2_100
"""So many statements one record may make; a push of GitHub tells of up to 2,048 commits."""


class _Rulebook:
    """Targets with the same rules share their statements; completions are each target's own."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets
        self.groups: dict[Rules, list[int]] = {}
        for place, target in enumerate(targets):
            self.groups.setdefault(target.rules, []).append(place)


def grind(
    piece: Piece,
    cooking: Cooking,
    targets: Sequence[Target],
    cook: Cook,
    tables: Mapping[str, Table],
) -> Ground:
    """Make statements of a piece."""
    ground = Ground(made=[[] for _ in targets])
    book = _Rulebook(targets)
    context = Context(cooking.options, cooking.source, piece.landed_at, tables)
    seen: list[set[str]] = [set() for _ in targets]
    records = list(islice(_readable(piece, ground), piece.first, piece.end))
    for record, made in zip(records, cook(records, context), strict=True):
        try:
            _take(ground, seen, record.line, _made(record, made, piece, cooking, book))
        except RecordFault as fault:
            _fail(ground, Fault(record.line, fault.field, fault.reason))
        if isinstance(made, Skip):
            _skip(ground, made.reason)
    ground.faults.sort(key=lambda fault: fault.line)
    return ground


def _readable(piece: Piece, ground: Ground) -> Iterator[Record]:
    try:
        for one in read(piece.content, piece.form, line=piece.line, headers=piece.headers):
            ground.rows += 1
            if isinstance(one, Unreadable):
                _fail(ground, Fault(one.line, one.field, one.reason))
            else:
                yield one
    except FileFault as fault:
        ground.broken = Bad(fault.reason, fault.line)


def _made(
    record: Record, made: object, piece: Piece, cooking: Cooking, book: _Rulebook
) -> list[tuple[int, Statement | Skipped]]:
    """Say what each target gets of a record, by its place. Raises RecordFault."""
    match made:
        case RecordFault():
            raise made
        case Skip():
            return []
        case Completion():
            return _completion(record, made, cooking, book)
        case Mapping():
            return _statements(record, [made], piece, cooking, book)
        case [*several] if len(several) <= MOST_STATEMENTS:
            return _statements(record, several, piece, cooking, book)
        case [*several]:
            raise RecordFault(
                "", f"the recipe makes {len(several)} statements; at most {MOST_STATEMENTS}"
            )
        case _:
            kind = type(made).__name__
            raise RecordFault("", f"the recipe gives {kind}, and not a statement or a Skip")


def _completion(
    record: Record, completion: Completion, cooking: Cooking, book: _Rulebook
) -> list[tuple[int, Statement | Skipped]]:
    identity = identity_of(record, cooking.identity)
    named = completion_name(cooking.source, cooking.recipe, identity, completion)
    return [
        (
            place,
            express(
                completion,
                rules,
                IntegrationId(book.targets[place].integration_id),
                known_as=named,
            ),
        )
        for rules, places in book.groups.items()
        for place in places
    ]


def _statements(
    record: Record,
    several: Sequence[object],
    piece: Piece,
    cooking: Cooking,
    book: _Rulebook,
) -> list[tuple[int, Statement | Skipped]]:
    identity = identity_of(record, cooking.identity)
    found: list[tuple[int, Statement | Skipped]] = []
    for one in several:
        if not isinstance(one, Mapping):
            raise RecordFault("", "the recipe gives a list with something else than statements")
        body = _body({str(name): value for name, value in one.items()}, identity, piece, cooking)
        for rules, places in book.groups.items():
            statement = _checked(body, rules, piece)
            found += [(place, statement) for place in places]
    return found


def _body(
    written: dict[str, object], identity: Sequence[object] | None, piece: Piece, cooking: Cooking
) -> bytes:
    if "timestamp" not in written:
        written["timestamp"] = timestamp(piece.landed_at)
    try:
        if "id" not in written:
            made = statement_id(cooking.source, cooking.recipe, identity, written)
            written = {"id": made, **written}
        body = msgspec.json.encode(written)
    except (TypeError, ValueError, RecursionError, msgspec.EncodeError, UnicodeError) as error:
        raise RecordFault("", f"the recipe gives something that is no JSON: {error}") from None
    if len(body) > LONGEST_RECORD:
        raise RecordFault("", f"the statement has more than {LONGEST_RECORD // 1024} KiB")
    return body


def _checked(body: bytes, rules: Rules, piece: Piece) -> Statement:
    try:
        return read_statements(body, rules, now=piece.landed_at, max_batch=1)[0]
    except Invalid as error:
        flaw = error.errors[0]
        raise RecordFault(flaw.pointer.lstrip("/").replace("/", "."), flaw.detail) from None
    except XapiError as error:
        raise RecordFault("", str(error)) from None


def _take(
    ground: Ground,
    seen: Sequence[set[str]],
    line: int,
    found: Sequence[tuple[int, Statement | Skipped]],
) -> None:
    for place, one in found:
        if isinstance(one, Skipped):
            _skip(ground, one.reason)
        elif one.id not in seen[place]:
            seen[place].add(one.id)
            ground.made[place].append(Made(one.id, one.body, one.digest, line))


def _fail(ground: Ground, fault: Fault) -> None:
    ground.failed += 1
    if len(ground.faults) < MOST_FAULTS:
        ground.faults.append(fault)


def _skip(ground: Ground, reason: str) -> None:
    ground.skipped += 1
    if reason in ground.skips or len(ground.skips) < MOST_REASONS:
        ground.skips[reason] = ground.skips.get(reason, 0) + 1
