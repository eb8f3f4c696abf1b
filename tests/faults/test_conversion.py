"""Events over real processes: each arrives once as a statement, though workers are killed."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import httpx
import pytest

from delivery.facts.integration import IntegrationId
from hub.xapi.completion import Completion, Skipped, express
from hub.xapi.rules import Rules
from tests.faults.stack import PATIENCE, PROGRAM, Note, Prepared, Stack, now, open_stack
from tests.waiting import until

pytestmark = pytest.mark.slow

TEMPLATE = (
    '{"learner": {"email": "{{email}}"}, "course": {"uri": "{{course.uri}}"},'
    ' "completedAt": "{{@event.EventStartUtc}}"}'
)
PATH = f"/api/programs/{PROGRAM}/eventCompletions"
COURSE = "https://acme.example/courses/first-aid"
STARTED = "2026-03-02T09:00:00Z"
AT_ONCE = 500
BACKLOG = 1500
SOON = 3
"""Seconds within which a statement is to arrive, when nothing is in the way."""


async def test_an_event_is_a_statement_at_the_lrs_a_moment_later(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        await convert(stack)
        seconds = []
        for number in range(20):
            (event_id,) = await publish(stack, number, 1)
            posted = now()
            await until(partial(holds_all, stack, [event_id]), within=PATIENCE)
            seconds.append(now() - posted)

        seconds.sort()
        record_property("seconds_to_arrive", seconds)
        assert seconds[18] < SOON
        assert stack.sandbox.lrs.received == stack.sandbox.lrs.held == 20 * len(stack.integrations)


async def test_workers_killed_while_they_convert_lose_nothing_and_double_nothing(
    prepared: Prepared, tmp_path: Path, record_property: Note
) -> None:
    async with open_stack(prepared, tmp_path) as stack:
        events: list[str] = []
        for number in range(0, BACKLOG, AT_ONCE):
            events += await publish(stack, number, AT_ONCE)
        await convert(stack, SinceUtc="1970-01-01T00:00:00Z")

        for share in (0.9, 0.6, 0.3):
            few = int(BACKLOG * share)
            await until(partial(waits, stack, few), within=PATIENCE, what="conversion")
            await asyncio.gather(stack.kill_worker(1), stack.kill_worker(0))
            await stack.start_worker()
            await stack.start_worker()
        killed = now()

        expected = {i for name in stack.integrations for i in statement_ids(stack, name, events)}
        lrs = stack.sandbox.lrs
        await until(lambda: lrs.held >= len(expected), within=PATIENCE, what="all statements")
        record_property("recovered_seconds", now() - killed)
        record_property("sent_again", lrs.received - lrs.held)
        assert set(lrs.ids()) == expected
        strict = statement_ids(stack, "strict", events)
        assert in_order(lrs.ids(), strict) == strict
        await until(partial(waits, stack, 0), within=PATIENCE, what="the end of the cursor's way")
        assert (await stack.client.get(PATH)).json()["Failures"] == 0
        stack._met_no_bug()  # noqa: SLF001 - what every fault test ends with


async def convert(stack: Stack, **fields: str) -> None:
    saved = await stack.client.put(PATH, json={"Template": TEMPLATE, **fields})
    assert saved.status_code == httpx.codes.NO_CONTENT, saved.text


async def waits(stack: Stack, at_most: int) -> bool:
    """Say whether no more than so many events are still to be converted."""
    shown = (await stack.client.get(PATH)).raise_for_status().json()
    return bool(shown["Waiting"] <= at_most)


async def publish(stack: Stack, first: int, count: int) -> list[str]:
    """Publish some events at once; their ids, in order."""
    ids = [f"{PROGRAM}-{number}" for number in range(first, first + count)]
    events = [
        {
            "EventId": event_id,
            "PublisherProgramId": PROGRAM,
            "EventType": "AI_COMP_SUCCESS",
            "PublisherParticipantId": "ann",
            "PublisherEventData": {"email": "ann@acme.example", "course": {"uri": COURSE}},
            "EventStartUtc": STARTED,
        }
        for event_id in ids
    ]
    posted = await stack.client.post("/api/events", json=events)
    assert posted.status_code == httpx.codes.CREATED, posted.text
    return ids


def statement_ids(stack: Stack, name: str, events: Sequence[str]) -> list[str]:
    """Give the ids that these events have as statements of an integration."""
    said = [
        express(
            Completion.model_validate(
                {
                    "id": event_id,
                    "learner": {"email": "ann@acme.example"},
                    "course": {"uri": COURSE},
                    "completedAt": STARTED,
                }
            ),
            Rules(),
            IntegrationId(stack.integrations[name]),
        )
        for event_id in events
    ]
    return [one.id for one in said if not isinstance(one, Skipped)]


def in_order(held: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Give those that are wanted, in the order in which they are held."""
    among = set(wanted)
    return [one for one in held if one in among]


def holds_all(stack: Stack, events: Sequence[str]) -> bool:
    lrs = stack.sandbox.lrs
    return all(
        lrs.holds(one) for name in stack.integrations for one in statement_ids(stack, name, events)
    )
