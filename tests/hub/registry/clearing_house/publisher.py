"""A process that publishes; its arguments are URL, NAME and EVENTS.

Every third of its transactions is rolled back, and what was in it is published again. With `stall`
for EVENTS it writes one event, says so, and never commits.
"""

import asyncio
import sys
from collections.abc import Sequence

from config import clock
from hub.errors import RegistryUnavailable
from hub.events.event import NewEvent
from hub.registry.clearing_house.events import Events
from tests.hub.registry.clearing_house.event_examples import an_event
from tests.hub.registry.clearing_house.late_database import FailingDatabase, LateDatabase

PUBLISHERS = ("ACME", "BETA")


async def publish(url: str, name: str, count: int) -> None:
    """Publish so many events: some by themselves, some in arrays, several calls at a time."""
    database = FailingDatabase(url)
    events = Events(database, clock.now)
    made = [_event(name, number) for number in range(count)]
    singles, arrays = made[: count // 2], made[count // 2 :]
    calls = [[one] for one in singles] + [arrays[at : at + 5] for at in range(0, len(arrays), 5)]
    for at in range(0, len(calls), 4):
        await asyncio.gather(*(_add(events, call) for call in calls[at : at + 4]))
    await database.close()


async def stall(url: str, name: str) -> None:
    """Write one event, and stay in the middle of the transaction."""
    database = LateDatabase(url)
    adding = asyncio.create_task(Events(database, clock.now).add([_event(name, 0)]))
    await database.written.wait()
    print("written", flush=True)  # noqa: T201  the test waits for this line
    await adding


def _event(name: str, number: int) -> NewEvent:
    publisher = PUBLISHERS[number % len(PUBLISHERS)]
    return an_event(f"{publisher}-{name}-{number}", publisher=publisher)


async def _add(events: Events, call: Sequence[NewEvent]) -> None:
    while True:
        try:
            await events.add(call)
        except RegistryUnavailable:
            continue
        return


if __name__ == "__main__":
    _, url, name, count = sys.argv
    asyncio.run(stall(url, name) if count == "stall" else publish(url, name, int(count)))
