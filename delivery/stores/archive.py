"""What has ended, kept for some days so that it can be replayed.

| key | type | content | lifetime |
|---|---|---|---|
| `hub:{id}:ended` | stream | windows as they were settled; ones discarded | HUB_ARCHIVE_DAYS |
| `hub:{id}:archive` | stream | the same, older, in larger blocks | HUB_ARCHIVE_DAYS |

An entry is a block (`z`, see `block`; `n` statements, `s` bytes of their bodies) or one discarded
statement as it stood in its queue (`i`, `b`, `t`, `d`, and `at`, when it was discarded). A packed
block also says when the first and last of it ended (`f`, `l`), when the oldest was accepted (`o`)
and how many were discarded (`x`), so that it is counted without being unpacked.

A window is written in the step that settles it, so nothing that was delivered is missing. Windows
may be small, and small blocks take much room; once a minute some worker packs them. A packed block
stands at the place of the last entry that it is made of. Places are the time of the end, or a
little later, and grow from `archive` to `ended`.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.facts.block import Block, Ended, EndedAs, digest, pack, unpack
from delivery.facts.integration import IntegrationId
from delivery.facts.operation import Count, Selection
from delivery.facts.statement import StatementId
from delivery.facts.times import Clock, from_ms, to_ms
from delivery.stores import scripts
from delivery.stores.keys import Keys
from delivery.stores.store import Store

SKEW = timedelta(seconds=30)
"""How far the clocks of two workers may be apart before a replay by time misses some."""
AT_ONCE = 8
FULL_COUNT, FULL_SIZE = 512, 512 * 1024
"""A packed block has this many statements, or bytes."""
ENOUGH = 64
"""So many entries are worth packing."""
PACKED_AT_ONCE = 4 * ENOUGH
MOST_SOUGHT = 1200
"""So many entries are looked at for one statement: more than are ever discarded in one step."""

Fields = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Page:
    """One entry: its place, and the statements that it holds."""

    place: str
    statements: Sequence[Ended]


class Archive:
    """Reads and packs what has ended."""

    def __init__(self, store: Store, clock: Clock, age: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._age = age

    async def pages(
        self, integration_id: IntegrationId, *, after: str, until: datetime | None
    ) -> AsyncIterator[Page]:
        """Give all entries after a place (empty: from the beginning), oldest first.

        Ends behind what can have ended before `until`. Holds AT_ONCE entries in memory.
        """
        async for place, fields in self._through(integration_id, after, until):
            yield Page(place, _statements(fields))

    async def count(self, integration_id: IntegrationId, selection: Selection) -> Count:
        """Count what a selection means."""
        total = Count()
        start = start_of(selection)
        async for _, fields in self._through(integration_id, start, selection.until):
            total += _whole(fields, selection) or _some(fields, selection)
        return total

    async def find(
        self, integration_id: IntegrationId, statement_id: StatementId, ended_at: datetime
    ) -> Ended | None:
        """Return a statement that ended at this time; None if it is not kept.

        Its place is that of its end, or of the last one packed with it, so few blocks are unpacked.
        """
        looked_at, end = 0, to_ms(ended_at + SKEW)
        async for place, fields in self._through(integration_id, f"{to_ms(ended_at) - 1}-0", None):
            if not _is_another(fields, statement_id):
                found = [one for one in _statements(fields) if one.id == statement_id]
                if found:
                    return found[-1]
            looked_at += 1
            if looked_at == MOST_SOUGHT or (_ms(place) > end and _first_end(fields) > end):
                return None
        return None

    async def tidy(self, ids: Sequence[IntegrationId]) -> int:
        """Pack what is worth it and forget what is too old; give how many blocks were made."""
        oldest = to_ms(self._clock() - self._age)
        lengths = await self._store.ask(
            *(command for i in ids for command in _tidying(Keys(i), oldest))
        )
        long = [i for i, length in zip(ids, lengths[2::3], strict=True) if length >= ENOUGH]
        return sum([await self._pack(integration_id) for integration_id in long])

    async def _pack(self, integration_id: IntegrationId) -> int:
        keys, made = Keys(integration_id), 0
        while True:
            (entries,) = await self._store.ask(
                ("XRANGE", keys.ended, "-", "+", "COUNT", PACKED_AT_ONCE)
            )
            if len(entries) < ENOUGH:
                return made
            for together in _together(entries):
                made += await self._replace(keys, together)

    async def _replace(self, keys: Keys, entries: Sequence[tuple[bytes, Fields]]) -> int:
        block = _joined([fields for _, fields in entries])
        replaced = await self._store.run(
            scripts.PACK,
            [keys.ended, keys.archive],
            entries[0][0],
            entries[-1][0],
            len(entries),
            block.packed,
            block.count,
            block.size,
            block.digest.first,
            block.digest.last,
            block.digest.oldest,
            block.digest.discarded,
        )
        return 1 if replaced == 1 else 0

    async def _through(
        self, integration_id: IntegrationId, after: str, until: datetime | None
    ) -> AsyncIterator[tuple[str, Fields]]:
        end = to_ms(until + SKEW) if until else None
        while entries := await self._entries(integration_id, after):
            for place, fields in entries:
                yield place, fields
                # A place is never before the end of what stands there, and may be far behind it
                # where a clock was wrong: what is there decides.
                if end is not None and _ms(place) > end and _first_end(fields) > end:
                    return
                after = place

    async def _entries(self, integration_id: IntegrationId, after: str) -> list[tuple[str, Fields]]:
        keys, start = Keys(integration_id), f"({after}" if after else "-"
        # In one step, because packing moves entries from the second to the first.
        packed, loose = await self._store.ask(
            ("XRANGE", keys.archive, start, "+", "COUNT", AT_ONCE),
            ("XRANGE", keys.ended, start, "+", "COUNT", AT_ONCE),
            atomic=True,
        )
        found = [*packed, *loose][:AT_ONCE]
        return [(place.decode(), fields) for place, fields in found]


def start_of(selection: Selection) -> str:
    """Give the place after which everything stands that a selection can mean."""
    return f"{max(to_ms(selection.since) - 1, 0)}-0" if selection.since else ""


def _whole(fields: Fields, selection: Selection) -> Count | None:
    """Count a block that is meant as a whole, by what it says of itself; None for any other."""
    if b"f" not in fields or selection.status is not None or selection.ids is not None:
        return None
    first, last, count = int(fields[b"f"]), int(fields[b"l"]), int(fields[b"n"])
    discarded = int(fields[b"x"])
    others = {None: 0, EndedAs.DELIVERED: discarded, EndedAs.DISCARDED: count - discarded}
    early = selection.since is not None and first < to_ms(selection.since)
    late = selection.until is not None and last >= to_ms(selection.until)
    if early or late or others[selection.outcome]:
        return None
    return Count(count, int(fields[b"s"]), from_ms(fields[b"o"]))


def _some(fields: Fields, selection: Selection) -> Count:
    meant = [one for one in _statements(fields) if selection.means(one)]
    if not meant:
        return Count()
    oldest = min(one.accepted_at for one in meant)
    return Count(len(meant), sum(len(one.body) for one in meant), oldest)


def _first_end(fields: Fields) -> int:
    return min((to_ms(one.ended_at) for one in _statements(fields)), default=0)


def _is_another(fields: Fields, statement_id: StatementId) -> bool:
    """Say whether this is one loose statement, and not the one that is looked for."""
    return fields.get(b"i", statement_id.encode()) != statement_id.encode()


def _tidying(keys: Keys, oldest: int) -> Iterable[tuple[str | int, ...]]:
    return (
        ("XTRIM", keys.archive, "MINID", oldest),
        ("XTRIM", keys.ended, "MINID", oldest),
        ("XLEN", keys.ended),
    )


def _together(entries: Sequence[tuple[bytes, Fields]]) -> Iterable[list[tuple[bytes, Fields]]]:
    together: list[tuple[bytes, Fields]] = []
    count = size = 0
    for place, fields in entries:
        more, bytes_more = (
            int(fields.get(b"n", 1)),
            int(fields.get(b"s", len(fields.get(b"b", b"")))),
        )
        if together and (count + more > FULL_COUNT or size + bytes_more > FULL_SIZE):
            yield together
            together, count, size = [], 0, 0
        together.append((place, fields))
        count, size = count + more, size + bytes_more
    yield together


def _joined(entries: Sequence[Fields]) -> Block:
    if len(entries) == 1 and b"z" in entries[0]:
        only = entries[0]
        return Block(only[b"z"], int(only[b"n"]), int(only[b"s"]), digest(_statements(only)))
    return pack([one for fields in entries for one in _statements(fields)])


def _statements(fields: Fields) -> Sequence[Ended]:
    if b"z" in fields:
        return unpack(fields[b"z"])
    return [
        Ended(
            id=StatementId(fields[b"i"].decode()),
            digest=fields[b"d"].decode(),
            accepted_at=from_ms(fields[b"t"]),
            ended_at=from_ms(fields[b"at"]),
            outcome=EndedAs.DISCARDED,
            status=None,
            body=fields[b"b"],
        )
    ]


def _ms(place: str) -> int:
    return int(place.partition("-")[0])
