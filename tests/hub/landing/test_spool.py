"""The spool: what a killed process left is swept away, and what another writes is not."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from hub.landing.spool import open_spool, sweep

WRITES = """
import asyncio, sys
from pathlib import Path
from hub.landing.spool import BUFFER, open_spool

async def main():
    async with open_spool(Path(sys.argv[1]), 10 * BUFFER) as spool:
        await spool.write(b"x" * BUFFER)
        print("written", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def names(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


async def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    words = (sys.executable, "-c", WRITES, str(tmp_path))
    process = await asyncio.create_subprocess_exec(*words, stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"written\n"

    assert sweep(tmp_path) == 0
    process.kill()
    await process.wait()

    assert sweep(tmp_path) == 1
    assert names(tmp_path) == []


async def test_what_is_being_written_and_what_is_none_of_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    async with open_spool(tmp_path, 100) as spool:
        assert sweep(tmp_path) == 0
        await spool.write(b"x")
        await spool.close()
        assert sweep(tmp_path) == 0
        assert spool.path.exists()
    assert names(tmp_path) == ["note.txt"]


def test_a_folder_that_is_not_there_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none") == 0
