"""The LRS: where statements are posted, byte for byte as they were accepted."""

from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from importlib.metadata import version

import httpx

from delivery.facts.integration import Integration
from delivery.facts.outcome import Failure, NoAnswer, Reply
from delivery.facts.times import Clock
from delivery.wire.exchange import FOREIGN, ask, masked, no_answer

USER_AGENT = f"learning-hub/{version('learning-hub')}"


class Lrs:
    """Posts statements; one request each time, and never an exception for what the world does."""

    def __init__(
        self, client: httpx.AsyncClient, within: timedelta, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._within = within
        self._clock = clock

    async def send(
        self, integration: Integration, bodies: Sequence[bytes], token: str, traceparent: str = ""
    ) -> Reply:
        """Post one statement as an object, several as an array; say which trace it belongs to."""
        if not can_be_sent(token):
            detail = "the access token holds characters that no header can carry"
            return NoAnswer(Failure.PROTOCOL, detail, timedelta())
        try:
            request = httpx.Request(
                "POST",
                _parsed(integration.statement_url),
                headers=(
                    ("Authorization", f"Bearer {token}"),
                    ("X-Experience-API-Version", integration.xapi_version),
                    ("Content-Type", "application/json"),
                    ("User-Agent", USER_AGENT),
                    ("Accept", "application/json"),
                    ("Accept-Encoding", "identity"),
                    *((("traceparent", traceparent),) if traceparent else ()),
                ),
                content=bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]",
            )
        except FOREIGN as error:
            return no_answer(error, host="the LRS", took=timedelta())
        reply = await ask(self._client, request, within=self._within, clock=self._clock)
        return masked(reply, (token,))


def can_be_sent(token: str) -> bool:
    """Say whether a token can stand in a header: visible ASCII, and at least one of it."""
    return token.isascii() and token.isprintable() and token != "" and " " not in token


@lru_cache(maxsize=4096)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)
