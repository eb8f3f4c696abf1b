"""Redis goes away while a window is being sent."""

import pytest

from delivery.facts.errors import StoreUnavailable
from delivery.facts.integration import Integration
from delivery.facts.outcome import Reply
from delivery.facts.statement import Queued
from delivery.work.sending import Sending
from tests.fakes.clock import FakeClock
from tests.fakes.registry import an_integration
from tests.fakes.statements import statements


class TokensOfAnAbsentRedis:
    """Tokens that cannot be looked up."""

    async def token(self, integration: Integration) -> str:
        raise StoreUnavailable("Redis cannot be reached")

    async def drop(self, integration: Integration, token: str) -> None:
        raise StoreUnavailable("Redis cannot be reached")


class UnreachedLrs:
    """An LRS that must not be asked."""

    async def send(
        self, integration: Integration, bodies: object, token: str, traceparent: str = ""
    ) -> Reply:
        raise AssertionError("sent without a token")


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_it_is_said_in_one_error_however_many_requests_met_it(concurrency: int) -> None:
    clock = FakeClock()
    integration = an_integration(concurrency=concurrency)
    window = [
        Queued("queue", f"{n}-0", s.id, s.body, s.digest, clock(), tried=False)
        for n, s in enumerate(statements(20), start=1)
    ]

    with pytest.raises(StoreUnavailable):
        await Sending(UnreachedLrs(), TokensOfAnAbsentRedis(), clock, integration).send(
            window, largest=None
        )
