"""Queues filled beforehand, and what the sandbox tells of how they were emptied, and by whom."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

from tests.faults.stack import Stack
from tests.faults.upstream import Upstream

AT_ONCE = 200
CONNECTED = "01"
"""How `/proc/net/tcp` writes that a connection is established."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """The statements that wait, by integration, in the order in which they were taken."""

    stack: Stack
    ids: Mapping[str, Sequence[str]]

    def arrivals(self) -> Counter[str]:
        """Count how often each statement was sent."""
        return Counter(one for entry in self.stack.sandbox.log.entries() for one in entry.ids)

    def sent_again(self) -> dict[str, int]:
        """Count for each integration what was sent more than once, each time it was."""
        arrived = self.arrivals()
        return {name: sum(arrived[one] - 1 for one in ids) for name, ids in self.ids.items()}

    def longest_pause(self, name: str, *, since: datetime) -> float:
        """Give the longest time, in seconds, in which nothing arrived for one integration."""
        own = set(self.ids[name])
        entries = reversed(self.stack.sandbox.log.entries())
        times = [entry.at for entry in entries if not own.isdisjoint(entry.ids)]
        late = [since, *(at for at in times if at > since)]
        return max(((b - a).total_seconds() for a, b in pairwise(late)), default=0.0)

    def was_delivered_in_order(self) -> None:
        """Check that all of it arrived, and each integration's in the order it was taken in."""
        held = self.stack.sandbox.lrs.ids()
        for name, ids in self.ids.items():
            own = set(ids)
            assert [one for one in held if one in own] == list(ids), f"{name} lacks or disorders"


async def fill(stack: Stack, count: int) -> Backlog:
    """Hand in so many statements for each integration."""
    taken: dict[str, list[str]] = {}
    for name, integration_id in stack.integrations.items():
        upstream = Upstream(stack.client, integration_id, at_once=AT_ONCE, pause=0)
        for start in range(0, count, AT_ONCE):
            await upstream.hand_in([str(uuid4()) for _ in range(min(AT_ONCE, count - start))])
        taken[name] = upstream.taken
    return Backlog(stack, taken)


def delivered_by(stack: Stack, number: int) -> int:
    """Say how many statements the worker of this number says it has delivered."""
    lines = (stack.folder / f"worker-{number}.log").read_text().splitlines()
    said = [json.loads(line) for line in lines if '"drain.ended"' in line]
    return sum(line["delivered"] for line in said)


def is_sending(pid: int, port: int) -> bool:
    """Say whether a process or a child of it has a connection to this port of loopback."""
    sockets = {socket for one in (pid, *_children(pid)) for socket in _sockets(one)}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(
        row[3] == CONNECTED and int(row[2].split(":")[1], 16) == port and row[9] in sockets
        for row in rows
    )


def _children(pid: int) -> Sequence[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def _sockets(pid: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            yield target.removeprefix("socket:[").removesuffix("]")
