"""An LRS and a token endpoint that answer as a test says, for what is sent and in which order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from delivery.facts.integration import Integration
from delivery.facts.outcome import Answer, IntegrationRefused, Reply, Unavailable

TOOK = timedelta(milliseconds=7)
OK = Answer(200, '["id"]', TOOK)

Behaviour = Callable[[list[bytes]], Reply]


class ScriptedLrs:
    """Answers by the bodies it is sent; `meanwhile` happens before each answer."""

    def __init__(self, behave: Behaviour | None = None) -> None:
        self.behave: Behaviour = behave or (lambda _: OK)
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.requests: list[list[bytes]] = []
        self.tokens: list[str] = []
        self.most_in_flight = 0
        self._in_flight = 0

    async def send(
        self, _: Integration, bodies: Sequence[bytes], token: str, traceparent: str = ""
    ) -> Reply:
        """Take a request."""
        request = [body.strip() for body in bodies]
        self.tokens.append(token)
        self.requests.append(request)
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        await (self.meanwhile() if self.meanwhile else asyncio.sleep(0))
        self._in_flight -= 1
        return self.behave(request)


class ScriptedTokens:
    """Gives what it was told to; the last of it again and again."""

    def __init__(self, *given: str | Unavailable | IntegrationRefused) -> None:
        self.given = list(given or ["token"])
        self.dropped: list[str] = []

    async def token(self, _: Integration) -> str | Unavailable | IntegrationRefused:
        """Give the next."""
        return self.given.pop(0) if len(self.given) > 1 else self.given[0]

    async def drop(self, _: Integration, token: str) -> None:
        """Remember what was not accepted."""
        self.dropped.append(token)
