"""Syncs by real processes, killed at every batch that LearningBuilder sees.

Three publishers, four categories, one import process for each: twelve batches. The lease of a
process that is gone is ended by hand in SQL, so that no test has to wait for it to lapse.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from config import clock
from config.sandbox.imports import API_KEY
from hub.registry.sql.database import Database
from hub.registry.sql.tables import LeaseRow, ProgramRow
from tests.fakes.postgres import Postgres, running_postgres
from tests.faults.processes import end
from tests.faults.stack import (
    PATIENCE,
    PROGRAM,
    Prepared,
    Stack,
    open_house,
    prepare,
)
from tests.waiting import until

pytestmark = pytest.mark.slow

PUBLISHERS = ("ONE", "TWO", "THREE")
PROCESSES = {"COURSE": 1, "WORK": 2, "EXAM": 3, "TEST": 4}
EACH = 100
"""How many events each publisher has of each category."""
SYNC = f"/api/processEvents?programId={PROGRAM}"
SLOW = {"mode": "slow", "seconds": 0.3}
HOURS_AGO = timedelta(hours=1)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@dataclass
class Scene:
    """A house with a program that has much to sync."""

    stack: Stack
    database: Database
    published: int = 0

    async def settle_in(self) -> None:
        """Make the programs and subscriptions, and publish everything."""
        await self._post(
            "/api/programs",
            {
                "ProgramId": PROGRAM,
                "Name": "Acme",
                "LbApiUrl": self.stack.to_lrs.url,
                "LbApiKey": API_KEY,
            },
        )
        template = {
            category: {"importProcessId": process, "batchRowTemplate": '{"n": {{n}} }'}
            for category, process in PROCESSES.items()
        }
        for publisher in PUBLISHERS:
            await self._post("/api/programs", {"ProgramId": publisher, "Name": publisher})
            await self._post(
                f"/api/programs/{PROGRAM}/eventSubs",
                {
                    "PublisherProgramId": publisher,
                    "SyncEnabled": True,
                    "LbApiPayloadTemplate": template,
                },
            )
            await self._post("/api/events", list(self._events(publisher)))

    def _events(self, publisher: str) -> Iterator[dict[str, object]]:
        for _ in range(EACH):
            for category in PROCESSES:
                self.published += 1
                yield {
                    "EventId": f"{publisher}-{self.published}",
                    "PublisherProgramId": publisher,
                    "EventType": "AI_COMP_SUCCESS",
                    "PublisherParticipantId": "ann",
                    "PublisherEventCategory": category,
                    "PublisherEventData": {"n": self.published},
                    "EventStartUtc": "2026-03-02T09:00:00Z",
                }

    async def sync(self) -> httpx.Response | None:
        """Ask for a sync; None when web dies over it."""
        try:
            return await self.stack.client.post(SYNC, timeout=PATIENCE)
        except httpx.TransportError:
            return None

    async def end_lease(self) -> None:
        """Let the lease of whoever is gone have lapsed, and a night it took up be due."""
        long_ago = clock.now() - HOURS_AGO
        async with self.database.write() as session:
            await session.execute(update(LeaseRow).values(until=long_ago))
            await session.execute(
                update(ProgramRow)
                .where(ProgramRow.next_sync_at.is_not(None))
                .values(next_sync_at=long_ago)
            )

    async def next_batch(
        self, behaviour: Mapping[str, object] | str, syncing: asyncio.Future[Any] | None = None
    ) -> bool:
        """Let one batch through, and wait until the one after it has met this behaviour.

        False when there is none after it: `syncing` ended.
        """
        before = self.stack.sandbox.imports.attempts

        async def have_come(count: int) -> None:
            await until(
                lambda: (
                    self.stack.sandbox.imports.attempts >= before + count
                    or (syncing is not None and syncing.done())
                ),
                within=PATIENCE,
                what="the next batch",
            )

        self.stack.sandbox.change({"batches": SLOW})
        await have_come(1)
        self.stack.sandbox.change({"batches": behaviour})
        await have_come(2)
        return self.stack.sandbox.imports.attempts >= before + 2

    async def all_arrived(self) -> None:
        """Check that each row came, and that the runs tell of each that came twice."""
        batches = self.stack.sandbox.imports.batches()
        names: dict[int, list[str]] = defaultdict(list)
        for batch in batches:
            for line in batch.body.splitlines():
                names[json.loads(line)["n"]].append(batch.file_name)
        assert set(names) == set(range(1, self.published + 1))
        repeated = {
            one["fileName"]
            for run in await self.runs()
            for one in run["batches"]
            if one["repeated"]
        }
        for name in (name for came in names.values() if len(came) > 1 for name in came):
            assert name in repeated
        assert all(len(set(came)) == 1 for came in names.values())
        await self._are_settled()

    async def _are_settled(self) -> None:
        newest = (await self.runs())[0]
        listed = await self.stack.client.get(f"/api/programs/{PROGRAM}/eventSubs")
        assert newest["state"] == "succeeded"
        assert [one["LastSyncUtc"] for one in listed.json()] == [newest["until"]] * 3
        again = await self.sync()
        assert again is not None
        assert (again.status_code, again.json()["batches"]) == (200, [])

    async def runs(self) -> list[dict[str, Any]]:
        """Give all runs with their batches, newest first."""
        path = f"/api/programs/{PROGRAM}/syncs"
        listed = (await self.stack.client.get(path)).json()["items"]
        return [(await self.stack.client.get(f"{path}/{one['syncId']}")).json() for one in listed]

    async def _post(self, path: str, body: object) -> None:
        posted = await self.stack.client.post(path, json=body, timeout=PATIENCE)
        assert posted.status_code == httpx.codes.CREATED, posted.text


@asynccontextmanager
async def open_scene(
    prepared: Prepared, folder: Path, url: str | None = None
) -> AsyncIterator[Scene]:
    settings = {"database_url": url} if url else {}
    async with open_house(prepared, folder, max_body_bytes="5000000", **settings) as stack:
        database = Database(url or f"sqlite:///{folder / 'data' / 'hub.sqlite3'}")
        scene = Scene(stack, database)
        await stack.start_web()
        await scene.settle_in()
        try:
            yield scene
        finally:
            await database.close()


async def _kill_at_batches(scene: Scene, behaviours: Iterable[Mapping[str, object] | str]) -> None:
    """Kill web at one batch after the other, each meeting another behaviour, while any is left.

    Each death leaves one batch or two behind it, as the answer was written down before it or not.
    """
    for behaviour in behaviours:
        syncing = asyncio.create_task(scene.sync())
        if not await scene.next_batch(behaviour, syncing):
            await syncing
            break
        await scene.stack.kill_web()
        assert await syncing is None
        await scene.stack.start_web()
        await scene.end_lease()
    scene.stack.sandbox.change({"batches": "ok"})
    last = await scene.sync()
    assert last is not None
    assert last.status_code == 200, last.text
    await scene.all_arrived()


async def test_web_killed_at_every_batch_loses_no_row(prepared: Prepared, tmp_path: Path) -> None:
    async with open_scene(prepared, tmp_path) as scene:
        # Taken but never answered, taken and answered at that moment, not even taken.
        await _kill_at_batches(scene, cycle([SLOW, "ok", "silent"]))

        states = Counter(run["state"] for run in await scene.runs())
        assert states["cut_short"] >= 4


async def test_web_killed_on_postgresql_loses_no_row(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.url(postgres.create())
    (tmp_path / "prepared").mkdir()
    prepared = await prepare(tmp_path / "prepared", database_url=url)
    async with open_scene(prepared, tmp_path, url) as scene:
        await _kill_at_batches(scene, [SLOW, "silent", "ok"])


async def test_a_dead_run_holds_its_program_only_for_a_while(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_scene(prepared, tmp_path) as scene:
        syncing = asyncio.create_task(scene.sync())
        await scene.next_batch("silent")
        await scene.stack.kill_web()
        await syncing
        await scene.stack.start_web()
        scene.stack.sandbox.change({"batches": "ok"})

        first = await scene.sync()
        assert first is not None
        assert first.status_code == 409

        async def goes_on() -> bool:
            answer = await scene.sync()
            return answer is not None and answer.status_code == 200

        await until(goes_on, within=PATIENCE, what="the end of the lease")
        await scene.all_arrived()


async def test_web_asked_to_end_closes_its_run(prepared: Prepared, tmp_path: Path) -> None:
    async with open_scene(prepared, tmp_path) as scene:
        syncing = asyncio.create_task(scene.sync())
        await scene.next_batch(SLOW)
        assert scene.stack.web is not None

        assert await end(scene.stack.web) == 0

        answer = await syncing
        assert answer is not None
        assert answer.status_code == 503
        assert len(answer.json()["batches"]) == 2
        scene.stack.sandbox.change({"batches": "ok"})
        await scene.stack.start_web()
        assert [run["state"] for run in await scene.runs()] == ["cut_short"]
        # Nobody has to wait: the lease was given back, and nothing is in doubt.
        last = await scene.sync()
        assert last is not None
        assert last.status_code == 200, last.text
        assert not any(one["repeated"] for one in last.json()["batches"])
        await scene.all_arrived()


async def test_a_night_whose_worker_is_killed_is_taken_up_by_another(
    prepared: Prepared, tmp_path: Path
) -> None:
    async with open_scene(prepared, tmp_path) as scene:
        changed = await scene.stack.client.patch(
            f"/api/programs/{PROGRAM}",
            json={"NightlySync": {"At": "02:30", "Zone": "Europe/Berlin"}},
        )
        assert changed.status_code == 204, changed.text
        await scene.end_lease()
        await scene.stack.start_worker()
        await scene.stack.start_worker()
        await scene.next_batch("silent")

        # Which of the two took it up is not known; the other must not do it as well.
        assert scene.stack.sandbox.imports.attempts == 2
        await scene.stack.kill_worker(0)
        await scene.stack.kill_worker(0)
        scene.stack.sandbox.change({"batches": "ok"})
        await scene.end_lease()
        await scene.stack.start_worker()

        async def is_through() -> bool:
            return bool((await scene.runs())[0]["state"] == "succeeded")

        await until(is_through, within=PATIENCE, what="the night")
        runs = await scene.runs()
        assert [run["trigger"] for run in runs] == ["nightly", "nightly"]
        assert [run["state"] for run in runs] == ["succeeded", "cut_short"]
        await scene.all_arrived()
        program = (await scene.stack.client.get(f"/api/programs/{PROGRAM}")).json()
        assert program["NextSyncUtc"] > clock.now().isoformat()
