"""What is packed by gzip: one or several in a file, cut off, filled up, and bombs."""

import gzip
import tracemalloc
import zlib
from pathlib import Path

import pytest

from hub.landing.folder import FolderLanding
from hub.pipeline.chunks import unpacking
from hub.pipeline.chunks.unpacking import MOST_TIMES, PART, unpack
from hub.records.fault import FileFault

ROWS = b"".join(b"learner%d@example.org,course\n" % number for number in range(200_000))


async def unpacked(folder: Path, content: bytes) -> bytes:
    landing = FolderLanding(folder)
    await landing.put("files/one", content)
    return b"".join([part async for part in unpack(landing, "files/one", len(content))])


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(ROWS),
        gzip.compress(ROWS, 0),
        gzip.compress(ROWS[:100]) + gzip.compress(ROWS[100:200]) + gzip.compress(ROWS[200:]),
        b"".join(gzip.compress(ROWS[at : at + 1000]) for at in range(0, len(ROWS), 1000)),
        gzip.compress(ROWS) + b"\0" * 1024,
        gzip.compress(ROWS) + gzip.compress(b""),
        zlib.compress(ROWS),
    ],
    ids=["one", "stored", "three", "thousands", "filled up", "an empty one behind", "zlib"],
)
async def test_all_of_it_comes_out(tmp_path: Path, content: bytes) -> None:
    assert await unpacked(tmp_path, content) == ROWS


async def test_nothing_comes_out_of_nothing(tmp_path: Path) -> None:
    assert await unpacked(tmp_path, gzip.compress(b"")) == b""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(ROWS)[:-5], "is cut off"),
        (gzip.compress(ROWS)[:5000], "is cut off"),
        (gzip.compress(ROWS) + gzip.compress(ROWS)[:9], "is cut off"),
        (gzip.compress(ROWS) + b"something else", "is no gzip"),
        (gzip.compress(ROWS)[:900] + b"x" * 100 + gzip.compress(ROWS)[1000:], "is no gzip"),
    ],
    ids=["no end", "half", "half of the second", "rubbish behind", "rubbish within"],
)
async def test_what_is_not_whole_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(FileFault, match=reason):
        await unpacked(tmp_path, content)


async def test_a_bomb_is_given_up_and_never_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "ALWAYS", 8 * PART)
    machine = zlib.compressobj(9, wbits=31)
    content = b"".join(machine.compress(bytes(PART)) for _ in range(64)) + machine.flush()
    landing, given = FolderLanding(tmp_path), [0]
    await landing.put("files/bomb", content)

    async def swallow() -> None:
        async for part in unpack(landing, "files/bomb", len(content)):
            given[0] += len(part)

    tracemalloc.start()
    with pytest.raises(FileFault, match=f"unpacks to more than {MOST_TIMES} times its size"):
        await swallow()
    _, most_held = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert given[0] <= max(8 * PART, MOST_TIMES * len(content))
    assert most_held < 6 * PART
