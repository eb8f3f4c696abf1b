"""Blocks give back what was packed, byte for byte, and are small."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from delivery.facts.block import Ended, EndedAs, pack, unpack
from delivery.facts.statement import StatementId
from tests.fakes.statements import statements

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

moments = st.integers(0, 10**12).map(lambda ms: NOW + timedelta(milliseconds=ms))
ended = st.builds(
    Ended,
    id=st.text(min_size=1).map(StatementId),
    digest=st.text(),
    accepted_at=moments,
    ended_at=moments,
    outcome=st.sampled_from(EndedAs),
    status=st.none() | st.integers(100, 599),
    body=st.binary(),
)


@given(st.lists(ended))
def test_what_is_packed_comes_back_in_its_order(statements: list[Ended]) -> None:
    block = pack(statements)

    assert unpack(block.packed) == statements
    assert block.count == len(statements)
    assert block.size == sum(len(one.body) for one in statements)


def test_a_hundred_statements_take_less_than_a_third_of_their_bytes() -> None:
    made = [
        Ended(s.id, f"{n:032x}", NOW, NOW, EndedAs.DELIVERED, 200, s.body)
        for n, s in enumerate(statements(100))
    ]

    block = pack(made)

    assert len(block.packed) < block.size / 3
