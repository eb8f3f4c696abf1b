"""Statements of records, for every target, by one recipe: what the mill does with a piece."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from delivery.facts.integration import IntegrationId
from delivery.facts.statement import Statement
from hub.pipeline.mill.asking import Bad, Cooking, Fault, Ground, Made, Piece, Target
from hub.pipeline.mill.cooking import Cook
from hub.recipes.context import Context, Table
from hub.recipes.faults import RecordFault, Skip
from hub.recipes.identity import completion_name, identity_of, statement_id
from hub.recipes.kit import timestamp
from hub.recipes.record import Record
from hub.records.bounds import LONGEST_NAME, LONGEST_RECORD
from hub.records.fault import FileFault, Unreadable
from hub.records.reading import read
from hub.xapi.completion import Completion, Skipped, express
from hub.xapi.errors import Invalid, XapiError
from hub.xapi.reading import read as read_statements
from hub.xapi.rules import Rules

MOST_FAULTS = 1000
MOST_REASONS = 20
LONGEST_REASON = 500
NOTHING = "the recipe makes nothing of it"
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
    records = list(_readable(piece, ground))
    cooked: Iterable[object] = cook([record for _, record in records], context)
    if piece.untried:
        cooked = [RecordFault("", piece.untried)] * len(records)
    for (number, record), made in zip(records, cooked, strict=True):
        try:
            found = _made(record, made, piece, cooking, book)
        except RecordFault as fault:
            _fail(ground, Fault(record.line, fault.field, fault.reason))
        else:
            _take(ground, number, record.line, made, found)
    ground.faults.sort(key=lambda fault: fault.line)
    return ground


def _readable(piece: Piece, ground: Ground) -> Iterator[tuple[int, Record]]:
    """Give those records of a piece that can be read, with their numbers."""
    read_ones = read(piece.content, piece.form, line=piece.line, headers=piece.headers)
    try:
        for number, one in enumerate(islice(read_ones, piece.end)):
            if number < piece.first:
                continue
            ground.rows += 1
            if isinstance(one, Unreadable):
                _fail(ground, Fault(one.line, one.field, one.reason))
            else:
                yield number, one
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
    number: int,
    line: int,
    made: object,
    found: Sequence[tuple[int, Statement | Skipped]],
) -> None:
    """Keep what each target gets of a record, or why there is nothing for it."""
    reasons = [made.reason] if isinstance(made, Skip) else []
    is_skipped = True
    for place, one in found:
        if isinstance(one, Skipped):
            reasons.append(one.reason)
        else:
            is_skipped = False
            ground.made[place].append(Made(one.id, one.body, one.digest, line, number))
    if is_skipped:
        ground.skipped += 1
        reasons = reasons or [NOTHING]
    if not reasons:
        return
    for reason in dict.fromkeys(shown(reason, LONGEST_REASON) for reason in reasons):
        note_skip(ground, reason)


def _fail(ground: Ground, fault: Fault) -> None:
    ground.failed += 1
    if len(ground.faults) < MOST_FAULTS:
        field, reason = shown(fault.field, LONGEST_NAME), shown(fault.reason, LONGEST_REASON)
        ground.faults.append(Fault(fault.line, field, reason))


def note_skip(ground: Ground, reason: str) -> None:
    """Count why a record is skipped."""
    if reason in ground.skips or len(ground.skips) < MOST_REASONS:
        ground.skips[reason] = ground.skips.get(reason, 0) + 1


def shown(words: object, most: int) -> str:
    """Give what a recipe says as every store can keep it; it may be anything, and no text."""
    text = (words if isinstance(words, str) else str(words))[:most]
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " for one in text)
