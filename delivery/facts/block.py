"""Statements that have ended, packed together: small enough to be kept for days. Pure.

A block is one zstandard frame. In it each statement is a line of JSON, `[id, digest, accepted at,
ended at, outcome, status, bytes]` (times in ms), and its body behind it, byte for byte as it was
sent. Statements of one integration are alike: packed, they take about a tenth of their bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson
import zstandard

from delivery.facts.statement import StatementId
from delivery.facts.times import from_ms, to_ms

LEVEL = 1
"""The quickest: about a microsecond a statement."""

_compressor = zstandard.ZstdCompressor(level=LEVEL)
_decompressor = zstandard.ZstdDecompressor()


class EndedAs(StrEnum):
    """How a statement ended."""

    DELIVERED = "delivered"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Ended:
    """A statement whose road is over."""

    id: StatementId
    digest: str
    accepted_at: datetime
    ended_at: datetime
    outcome: EndedAs
    status: int | None
    """The HTTP status that it was delivered with."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Some of them, packed."""

    packed: bytes
    count: int
    size: int
    """The bytes of their bodies."""
    digest: "BlockDigest"


@dataclass(frozen=True, slots=True)
class BlockDigest:
    """What can be told of a block without unpacking it; times in ms."""

    first: int
    """When the first of them ended."""
    last: int
    oldest: int
    """When the first of them was accepted."""
    discarded: int


def pack(statements: Sequence[Ended]) -> Block:
    """Pack statements, in this order."""
    size = sum(len(one.body) for one in statements)
    packed = _compressor.compress(b"".join(_written(statements)))
    return Block(packed, len(statements), size, digest(statements))


def digest(statements: Sequence[Ended]) -> BlockDigest:
    """Tell what can be told of a block of these."""
    ended = [to_ms(one.ended_at) for one in statements]
    return BlockDigest(
        first=min(ended, default=0),
        last=max(ended, default=0),
        oldest=min((to_ms(one.accepted_at) for one in statements), default=0),
        discarded=sum(one.outcome is EndedAs.DISCARDED for one in statements),
    )


def unpack(packed: bytes) -> list[Ended]:
    """Give the statements of a block, in their order."""
    return list(_read(_decompressor.decompress(packed)))


def _written(statements: Sequence[Ended]) -> Iterator[bytes]:
    for one in statements:
        yield orjson.dumps(
            (
                one.id,
                one.digest,
                to_ms(one.accepted_at),
                to_ms(one.ended_at),
                one.outcome,
                one.status,
                len(one.body),
            ),
            option=orjson.OPT_APPEND_NEWLINE,
        )
        yield one.body


def _read(text: bytes) -> Iterator[Ended]:
    at = 0
    while at < len(text):
        line = text.index(b"\n", at)
        id_, digest, accepted, ended, outcome, status, size = orjson.loads(text[at:line])
        at = line + 1 + size
        yield Ended(
            id=StatementId(id_),
            digest=digest,
            accepted_at=from_ms(accepted),
            ended_at=from_ms(ended),
            outcome=EndedAs(outcome),
            status=status,
            body=text[line + 1 : at],
        )
