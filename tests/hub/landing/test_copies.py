"""Copies of objects: bounded, without names, and gone with their process."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from hub.landing import copies
from hub.landing.copies import Copies
from hub.landing.spool import sweep

ROOT = Path(__file__).parents[3]
DOOMED = """
import asyncio, os, signal, sys
from pathlib import Path
from hub.landing.copies import Copies

async def parts():
    yield b"x" * 3_000_000
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(Copies(Path(sys.argv[1])).read("key", parts, 0, 1))
"""


class Objects:
    """What is copied, and how often."""

    def __init__(self) -> None:
        self.streamed: list[str] = []

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        self.streamed.append(key)
        yield key.encode()
        yield b"-end"


@pytest.fixture
def objects() -> Objects:
    return Objects()


async def read(copies: Copies, objects: Objects, key: str, start: int = 0) -> bytes:
    return await copies.read(key, partial(objects.stream, key), start, 100)


def files(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir()]


def opened() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_an_object_is_copied_once_and_has_no_name(tmp_path: Path, objects: Objects) -> None:
    copies = Copies(tmp_path)

    found = await asyncio.gather(*(read(copies, objects, "abc", start) for start in range(9)))

    assert found == [b"abc-end"[start:] for start in range(9)]
    assert objects.streamed == ["abc"]
    assert files(tmp_path) == []


async def test_those_that_were_read_last_stay(tmp_path: Path, objects: Objects) -> None:
    copied = Copies(tmp_path)
    before = opened()
    for number in range(20):
        await read(copied, objects, f"{number}")
        await read(copied, objects, "0")

    assert objects.streamed.count("0") == 1
    assert opened() - before == copies.MOST_COPIES
    del copied
    assert opened() == before


async def test_copies_are_bounded_in_size(
    tmp_path: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_BYTES", 10)
    copied = Copies(tmp_path)
    before = opened()
    for key in ("a", "b", "c", "longer than all of it", "d"):
        assert await read(copied, objects, key) == f"{key}-end".encode()

    assert opened() - before == 1


async def test_one_that_is_read_while_it_is_dropped_is_read_to_its_end(
    tmp_path: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_COPIES", 1)
    copied = Copies(tmp_path)
    keys = [f"{number % 7}" for number in range(100)]

    found = await asyncio.gather(*(read(copied, objects, key) for key in keys))

    assert found == [f"{key}-end".encode() for key in keys]


async def test_what_a_killed_process_was_copying_is_swept(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DOOMED, str(tmp_path), cwd=ROOT
    )
    assert await process.wait() == -signal.SIGKILL
    assert len(files(tmp_path)) == 1

    assert sweep(tmp_path) == 1
    assert files(tmp_path) == []
