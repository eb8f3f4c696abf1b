"""Upstream clients: they hand statements in and never give up on one that got no answer."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import uuid4

import httpx

ANSWERED = 202
AWAY = 503
AGAIN = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request went. Times are the loop's, in seconds; no status means no answer."""

    asked: float
    seconds: float
    status: int | None
    retry_after: str | None

    @property
    def ended(self) -> float:
        return self.asked + self.seconds


class Upstream:
    """One client of one integration: it hands in so many at once, one request after the other.

    `taken` holds the ids that were answered 202, in order. What was not is handed in again.
    """

    def __init__(
        self, client: httpx.AsyncClient, integration_id: str, *, at_once: int, pause: float
    ) -> None:
        self._client = client
        self._url = f"/api/integrations/{integration_id}/statements"
        self._at_once = at_once
        self._pause = pause
        self._enough = asyncio.Event()
        self.integration_id = integration_id
        self.taken: list[str] = []
        self.answers: list[Answer] = []

    def stop(self) -> None:
        """Hand in nothing new; what is on its way is still brought home."""
        self._enough.set()

    async def run(self) -> None:
        """Hand in until told to stop."""
        while not self._enough.is_set():
            ids = [str(uuid4()) for _ in range(self._at_once)]
            await self.hand_in(ids)
            await asyncio.sleep(self._pause)  # the pace of the load; nothing is waited for

    async def hand_in(self, ids: list[str]) -> None:
        """Hand these in until they are taken."""
        body = json.dumps([_statement(one) for one in ids]).encode()
        while await self._post(body) != ANSWERED:  # noqa: ASYNC110 - a client's pace, no wait
            await asyncio.sleep(AGAIN)
        self.taken.extend(ids)

    def heard_since(self, moment: float) -> bool:
        """Say whether something was taken that was asked for after `moment`."""
        last = self.answers[-1] if self.answers else None
        return last is not None and last.asked > moment and last.status == ANSWERED

    async def _post(self, body: bytes) -> int | None:
        clock = asyncio.get_running_loop().time
        asked = clock()
        status = retry_after = None
        try:
            answer = await self._client.post(
                self._url, content=body, headers={"Content-Type": "application/json"}
            )
        except httpx.TransportError:
            pass
        else:
            status, retry_after = answer.status_code, answer.headers.get("retry-after")
            assert status in (ANSWERED, AWAY), f"{status}: {answer.text}"
        self.answers.append(Answer(asked, clock() - asked, status, retry_after))
        return status


class Load:
    """Some upstream clients at work."""

    def __init__(self, upstreams: Iterable[Upstream]) -> None:
        self.upstreams = list(upstreams)
        self._running = [asyncio.create_task(upstream.run()) for upstream in self.upstreams]

    async def stop(self) -> None:
        """Hand in nothing new, and wait until all that was begun is taken."""
        for upstream in self.upstreams:
            upstream.stop()
        await asyncio.gather(*self._running)

    async def abandon(self) -> None:
        """Break off, whatever is under way."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def taken(self) -> list[str]:
        """Give the ids of all statements that were taken."""
        return [one for upstream in self.upstreams for one in upstream.taken]

    def taken_for(self, integration_id: str) -> list[str]:
        """Give the ids that were taken for one integration; in order, if one client sent them."""
        return [
            one
            for upstream in self.upstreams
            if upstream.integration_id == integration_id
            for one in upstream.taken
        ]

    def answers(self) -> list[Answer]:
        """Give all answers, unordered."""
        return [answer for upstream in self.upstreams for answer in upstream.answers]

    def heard_since(self, moment: float) -> bool:
        """Say whether every client has had something taken since then."""
        for running in self._running:
            # A client that was answered what it never should be has failed, and the test with it.
            if running.done():
                running.result()
        return all(upstream.heard_since(moment) for upstream in self.upstreams)


def _statement(statement_id: str) -> dict[str, object]:
    return {
        "id": statement_id,
        "actor": {"mbox": "mailto:ann@acme.example"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://acme.example/courses/first-aid"},
        "timestamp": "2026-03-02T08:59:00.000Z",
    }
