"""Tries an integration on purpose: one made-up statement, now, outside queue, alerts and status.

    resolve > connect > token > statement; the first that fails is the last

The token is always a new one, so that what is rehearsed are the credentials as they stand.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from delivery.facts.hints import hint
from delivery.facts.integration import Integration
from delivery.facts.outcome import Accepted, Answer, Reply, describe, judge
from delivery.facts.times import length_ms
from delivery.tokens.oauth import Tokens
from delivery.tokens.token_endpoint import Grant, secrets_of
from delivery.wire.egress import Egress
from delivery.wire.exchange import FOREIGN, masked, no_answer
from delivery.wire.lrs import Lrs


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a rehearsal, and how it went."""

    name: str
    ok: bool
    detail: str
    milliseconds: int
    status: int | None = None
    hint: str | None = None
    """What may be wrong, and what to do about it; of a step that failed."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How far a rehearsal came, and the last answer that a server gave. Secrets are masked."""

    steps: tuple[Step, ...]
    response: Answer | None


class Rehearsal:
    """Sends one statement, to see whether it would arrive."""

    def __init__(self, egress: Egress, tokens: Tokens, lrs: Lrs, *, within: timedelta) -> None:
        self._egress = egress
        self._tokens = tokens
        self._lrs = lrs
        self._within = within

    async def run(self, integration: Integration, body: bytes) -> Rehearsed:
        """Send `body` now. Raises StoreUnavailable, or what the registry raises."""
        steps = [await self._resolve(integration)]
        if steps[-1].ok:
            steps.append(await self._connect(integration))
        if not steps[-1].ok:
            return Rehearsed(tuple(steps), None)
        fetched = await self._tokens.fetch(integration)
        reply, grant = fetched.reply, fetched.grant
        url = integration.credentials.authentication_url
        if not isinstance(grant, Grant):
            steps.append(_answered("token", reply, url, ok=False, detail=grant.reason))
            return Rehearsed(tuple(steps), _response(reply))
        steps.append(_answered("token", reply, url, ok=True, detail=_lifetime(grant)))
        reply = await self._lrs.send(integration, [body], grant.access_token)
        reply = masked(reply, secrets_of(integration.credentials))
        accepted = isinstance(judge(reply, count=1, tried=False), Accepted)
        url = integration.statement_url
        steps.append(_answered("statement", reply, url, ok=accepted, detail=describe(reply)))
        return Rehearsed(tuple(steps), _response(reply))

    async def _resolve(self, integration: Integration) -> Step:
        took = _stopwatch()
        found = []
        for url in (integration.statement_url, integration.credentials.authentication_url):
            try:
                async with asyncio.timeout(self._within.total_seconds()):
                    addresses = await self._egress.check(url)
            except FOREIGN as error:
                return self._failed("resolve", error, url, took())
            found.append(f"{_host(url)} is {', '.join(map(str, addresses))}")
        details = "; ".join(dict.fromkeys(found))
        return Step("resolve", ok=True, detail=details, milliseconds=length_ms(took()))

    async def _connect(self, integration: Integration) -> Step:
        took = _stopwatch()
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                detail = await self._egress.connect(integration.statement_url)
        except FOREIGN as error:
            return self._failed("connect", error, integration.statement_url, took())
        return Step("connect", ok=True, detail=detail, milliseconds=length_ms(took()))

    def _failed(self, name: str, error: Exception, url: str, took: timedelta) -> Step:
        reply = no_answer(error, host=_host(url), took=took, within=self._within)
        return _answered(name, reply, url, ok=False, detail=describe(reply))


def _answered(name: str, reply: Reply, url: str, *, ok: bool, detail: str) -> Step:
    status = reply.status if isinstance(reply, Answer) else None
    advice = None if ok else hint(name, reply, url)
    milliseconds = length_ms(reply.took)
    return Step(name, ok=ok, detail=detail, milliseconds=milliseconds, status=status, hint=advice)


def _response(reply: Reply) -> Answer | None:
    return reply if isinstance(reply, Answer) else None


def _lifetime(grant: Grant) -> str:
    return f"a token that is good for {grant.lifetime.total_seconds():g} seconds"


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the address"
    except ValueError:
        return "the address"


def _stopwatch() -> Callable[[], timedelta]:
    clock = asyncio.get_running_loop().time
    start = clock()
    return lambda: timedelta(seconds=clock() - start)
