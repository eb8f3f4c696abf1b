"""kill -9 at every step of a large file: nothing is lost, and nothing is there twice."""

import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from config import clock
from hub.landing.folder import FolderLanding
from hub.landing.objects import ObjectLanding
from hub.landing.place import folder_of
from hub.landing.store import Landing
from hub.pipeline.keeping.sweeping import Sweeping
from hub.registry.pipeline.source_files import SourceFiles
from hub.registry.pipeline.swept_days import SweptDays
from hub.registry.sql.database import Database
from hub.registry.sql.leases import SqlLeases
from tests.fakes.clock import FakeClock
from tests.fakes.s3 import BUCKET, running_s3
from tests.faults.doomed import OF_WEB, OF_WORKER
from tests.faults.filing import COLUMNS, delivered, ended, files, make, rows, upload
from tests.faults.processes import start
from tests.faults.stack import PATIENCE, Prepared, Stack, open_stack
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROWS = 100_000
ROADS = {"arrays": (500, 2)}


async def start_doomed(stack: Stack, step: str, *words: str) -> None:
    """Put a process in the place of web, or of a worker, that dies at a step."""
    program = (sys.executable, "-m", "tests.faults.doomed", step)
    log = stack.folder / f"{words[0]}-doomed.log"
    process = await start(stack.environ, *words, log=log, program=program)
    if words[0] == "web":
        stack.web = process
        await until(stack.answers, within=PATIENCE, what="an answer of web")
    else:
        stack.workers.append(process)


def kept(folder: Path) -> list[str]:
    return [one.name for one in folder.rglob("*") if one.is_file()]


async def test_a_file_of_100_000_rows_with_a_death_at_every_step(
    prepared: Prepared, tmp_path: Path
) -> None:
    content = f"{COLUMNS}\n{rows(0, ROWS)}".encode()
    async with open_stack(prepared, tmp_path, workers=0, roads=ROADS) as stack:
        source = await make(stack, kind="csv", recipe="csv-completions")
        await stack.kill_web()
        for step in OF_WEB:
            await start_doomed(stack, step, "web")
            with pytest.raises(httpx.TransportError):
                await upload(stack, source["id"], content)
            assert stack.web is not None
            assert await stack.web.wait() == -signal.SIGKILL, step
        await stack.start_web()
        # The last of them had written it down.
        again = await upload(stack, source["id"], content)
        assert again.status_code == httpx.codes.OK
        assert kept(tmp_path / "data" / "landing") == [again.json()["sha256"]]

        for step in OF_WORKER:
            await start_doomed(stack, step, "worker", "--processes", "1", "--threads", "4")
            (worker,) = stack.workers
            await until(
                lambda: worker.returncode is not None,  # noqa: B023  asked within this round
                within=PATIENCE,
                what=f"the death when {step}",
            )
            assert stack.workers.pop().returncode == -signal.SIGKILL, step
        (file,) = await files(stack, source["id"])
        assert (file["state"], file["rows"], file["failed"]) == ("done", ROWS, 0)
        assert (file["statements"], file["trouble"]) == (ROWS, None)

        await stack.start_worker()
        await stack.start_worker()
        await delivered(stack, ROWS)
        assert (await upload(stack, source["id"], content)).status_code == httpx.codes.OK
        (file,) = await ended(stack, source["id"])
        assert (file["statements"], file["generation"]) == (ROWS, 1)
        await delivered(stack, ROWS)


async def sweep(data: Path, landing: Landing, days: float) -> None:
    """Sweep as a worker does some days from now."""
    later = FakeClock()
    later.now = clock.now()
    later.move(days=days)
    database = Database(f"sqlite:///{data / 'hub.sqlite3'}")
    files, leases = SourceFiles(database, later), SqlLeases(database, later)
    sweeping = Sweeping(SweptDays(database), files, landing, leases, later, holder="test")
    await sweeping.run()
    await database.close()


@pytest.mark.parametrize("kind", ["folder", "rclone"])
async def test_what_a_web_has_landed_that_died_then_is_swept(
    kind: str, prepared: Prepared, tmp_path: Path
) -> None:
    async with AsyncExitStack() as running:
        data, step, settings, environ = tmp_path / "data", "landed and not written down", {}, {}
        landing: Landing = FolderLanding(data / "landing")
        if kind == "rclone":
            s3 = await running.enter_async_context(running_s3(kind, tmp_path / "s3"))
            landing = ObjectLanding(s3.place("landed"), tmp_path / "copies")
            settings = {"landing_url": f"s3://{BUCKET}/landed", "s3_endpoint": s3.endpoint}
            step, environ = "landed in S3 and not written down", s3.environ
        stack = await running.enter_async_context(
            open_stack(prepared, tmp_path, workers=0, roads=ROADS, **settings)
        )
        source = await make(stack, kind="csv", recipe="csv-completions")
        stack.environ |= environ
        await stack.kill_web()
        await start_doomed(stack, step, "web")
        with pytest.raises(httpx.TransportError):
            await upload(stack, source["id"], rows(0, 10).encode())
        await stack.start_web()
        known = (await upload(stack, source["id"], rows(10, 10).encode())).json()["sha256"]
        today = folder_of(source["id"], clock.now().date())

        async def landed() -> list[str]:
            found = [one async for some in landing.list(today) for one in some]
            return [one.key.rpartition("/")[2] for one in found]

        assert len(await landed()) == 2
        await sweep(data, landing, days=0.9)
        assert len(await landed()) == 2
        await sweep(data, landing, days=2.1)
        assert await landed() == [known]
