"""A file of recipes that does what it should not costs its own recipes, and no others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import structlog

from hub.pipeline.chunks.milling import MOST_LOST, Milling, RecipeFault
from hub.pipeline.mill.asking import Cooking, Ground, Piece, Target
from hub.pipeline.mill.cooking import MOST_SLOW
from hub.records.format import Format, Kind
from tests.waiting import until

LANDED = datetime(2026, 3, 2, 9, tzinfo=UTC)
GOOD = """
from hub.recipes.kit import Skip

def {name}(record, context):
    return Skip(record.text("why") or "none")
"""
FILES = {
    "deep": ("def f():\n    f()\nf()", "cannot be read: RecursionError"),
    "eats": ("x = []\nwhile True:\n    x.append(bytearray(2**24))", "needs too much memory"),
    "ends": ("import os\nos._exit(3)", "ends the process that reads it"),
    "exits": ("raise SystemExit(3)", "cannot be read: SystemExit: 3"),
    "interrupts": ("raise KeyboardInterrupt", "cannot be read: KeyboardInterrupt"),
    "keeps": ("x = bytearray(400 * 2**20)", "keeps more than 256 MiB of memory"),
    "loops": ("while True:\n    pass", "takes longer than 3 s to be read"),
    "sleeps": ("import time\ntime.sleep(10**6)", "takes longer than 3 s to be read"),
    "swallows": (
        "while True:\n try:\n  while True:\n   pass\n except BaseException:\n  pass",
        "ends the process that reads it",
    ),
    "threads": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=[9]).start()",
        "starts a thread when it is read",
    ),
    "unsound": ("raise ValueError('a\\0b\\ud800')", "cannot be read: ValueError: a b "),
}
HARMLESS = "import os, sys\nprint('x' * 10**6)\nos.chdir('/tmp')\nsys.stdout.close()\n"
HOSTILE = """
import os, signal, sys, threading, time
from hub.recipes.kit import Skip

def spin():
    while True:
        pass

def hostile(record, context):
    match record.text("does"):
        case "exits":
            raise SystemExit(3)
        case "interrupts":
            raise KeyboardInterrupt
        case "leaves":
            raise GeneratorExit
        case "recurses":
            return hostile(record, context)
        case "swallows":
            while True:
                try:
                    spin()
                except BaseException:
                    pass
        case "odd":
            class Odd(Exception):
                def __str__(self):
                    raise RuntimeError
            raise Odd
        case "prints":
            print("x" * 10**6)
            sys.stdout.close()
        case "moves":
            os.chdir("/tmp")
            os.environ["PATH"] = "/nowhere"
        case "shrinks":
            sys.setrecursionlimit(70)
        case "sleeps":
            time.sleep(9)
        case "ends":
            os._exit(1)
        case "spawns":
            threading.Thread(target=spin, daemon=True).start()
        case "deafens":
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
        case "writes":
            os.write(4, bytes([0, 0, 0, 2, 7, 7]))
        case "looks":
            threads, limit = threading.active_count(), sys.getrecursionlimit()
            return Skip(f"{os.getcwd()} {threads} {limit} {os.environ.get('PATH')}")
    return Skip("fine")
"""


@pytest.fixture
async def milling(tmp_path: Path) -> AsyncIterator[Milling]:
    milling = Milling(tmp_path, to_read=timedelta(seconds=3), patience=timedelta(minutes=10))
    yield milling
    await milling.close()


async def skips(milling: Milling, recipe: str, *records: object) -> Ground:
    content = b"\n".join(map(msgspec.json.encode, records))
    piece = Piece(content, Format(Kind.JSON_LINES), 1, LANDED)
    (ground,) = await milling.grind([piece], Cooking("s", recipe), [Target("one")])
    return ground


async def test_files_that_want_to_stop_all_recipes(milling: Milling, tmp_path: Path) -> None:
    (tmp_path / "a_good.py").write_text(GOOD.format(name="first"))
    (tmp_path / "z_good.py").write_text(GOOD.format(name="last") + HARMLESS)
    for name, (source, _) in FILES.items():
        (tmp_path / f"{name}.py").write_text(f"{source}\n{GOOD.format(name=name)}")

    found = await milling.recipes()

    assert set(found.faults) == {f"{name}.py" for name in FILES}
    for name, (_, told) in FILES.items():
        assert found.faults[f"{name}.py"].startswith(told), name
    assert {"first", "last"} <= {one.name for one in found.recipes}
    for recipe in ("first", "last"):
        assert (await skips(milling, recipe, {"why": "so"})).skips == {"so": 1}
    with pytest.raises(RecipeFault, match=r"loops\.py takes longer than 3 s to be read"):
        await milling.check("loops", {})


async def test_a_file_that_was_refused_is_not_read_over_and_over(
    milling: Milling, tmp_path: Path
) -> None:
    (tmp_path / "good.py").write_text(GOOD.format(name="good"))
    (tmp_path / "loops.py").write_text("while True:\n    pass")
    with structlog.testing.capture_logs() as logs:
        await milling.check("good", {})
        await milling.close()
        for _ in range(3):
            await milling.check("good", {})
            assert "loops.py" in (await milling.recipes()).faults
    assert [log["origin"] for log in logs if log["event"] == "recipes.refused"] == ["loops.py"]

    (tmp_path / "loops.py").write_text(GOOD.format(name="loops"))
    await milling.check("loops", {})
    assert (await milling.recipes()).faults == {}


async def test_built_in_recipes_wait_for_no_file(milling: Milling, tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text("while True:\n    pass")

    with structlog.testing.capture_logs() as logs:
        await milling.check("csv-completions", {})
        await milling.check("github", {})
    assert logs == []


async def test_a_file_that_was_slow_for_once_gets_another_chance(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    slow = (
        f"import pathlib, time\nif not pathlib.Path({str(sign)!r}).exists():\n    time.sleep(9)\n"
    )
    (tmp_path / "slow.py").write_text(slow + GOOD.format(name="slow"))
    patience = timedelta(milliseconds=200)
    milling = Milling(tmp_path, to_read=timedelta(seconds=1), patience=patience)
    try:
        assert "slow.py" in (await milling.recipes()).faults
        sign.write_text("")

        async def is_there() -> bool:
            return not (await milling.recipes()).faults

        await until(is_there, within=10, what="the recipe")
        await milling.check("slow", {})
    finally:
        await milling.close()


async def test_a_recipe_that_is_deleted_is_gone(milling: Milling, tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD.format(name="good"))
    await milling.check("good", {})

    (tmp_path / "good.py").unlink()

    with pytest.raises(RecipeFault, match="there is no recipe 'good'"):
        await milling.check("good", {})


async def test_a_record_ends_as_a_fault_however_a_recipe_leaves_it(
    milling: Milling, tmp_path: Path
) -> None:
    (tmp_path / "ours.py").write_text(HOSTILE)
    await milling.check("hostile", {})
    pid = milling.pid
    deeds = ["exits", "interrupts", "leaves", "recurses", "odd"]
    ground = await skips(milling, "hostile", {}, *({"does": deed} for deed in deeds), {})

    assert (ground.rows, ground.skips, ground.failed) == (7, {"fine": 2}, len(deeds))
    assert [one.reason.partition(":")[2].strip() for one in ground.faults] == [
        "SystemExit: 3",
        "KeyboardInterrupt",
        "GeneratorExit",
        "RecursionError: maximum recursion depth exceeded",
        "Odd",
    ]
    assert milling.pid == pid


@pytest.mark.parametrize("deed", ["prints", "moves", "shrinks", "spawns", "deafens"])
async def test_what_a_recipe_does_to_its_process_ends_with_its_records(
    milling: Milling, tmp_path: Path, deed: str
) -> None:
    (tmp_path / "ours.py").write_text(HOSTILE)
    before = await skips(milling, "hostile", {"does": "looks"})

    ground = await skips(milling, "hostile", {"does": deed}, {})

    assert (ground.rows, ground.skips) == (2, {"fine": 2})
    assert (await skips(milling, "hostile", {"does": "looks"})).skips == before.skips


async def test_a_recipe_that_swallows_its_end_is_ended_soon(
    milling: Milling, tmp_path: Path
) -> None:
    (tmp_path / "ours.py").write_text(HOSTILE)
    await milling.check("hostile", {})

    async with asyncio.timeout(25):
        ground = await skips(milling, "hostile", {"does": "swallows"})
    assert (ground.rows, ground.failed) == (1, 1)


async def test_an_answer_that_cannot_be_read_is_told(milling: Milling, tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(HOSTILE)
    ground = await skips(milling, "hostile", {}, {"does": "writes"})

    assert (ground.rows, ground.failed, ground.skips) == (2, 1, {"fine": 1})


async def test_a_recipe_that_is_always_too_slow_is_not_tried_on_and_on(
    milling: Milling, tmp_path: Path
) -> None:
    (tmp_path / "ours.py").write_text(HOSTILE)
    some = [{"does": "sleeps"}, {}]
    async with asyncio.timeout(25):
        ground = await skips(milling, "hostile", *some, *([{"does": "sleeps"}] * 30), {})

    assert (ground.rows, ground.skipped, ground.failed) == (33, 1, 32)
    told = [one.reason for one in ground.faults]
    assert told.count("the recipe takes longer than 1 s") == 1 + MOST_SLOW
    assert sum("was not tried" in one for one in told) == 30 - MOST_SLOW + 1


async def test_a_recipe_that_always_ends_its_process_is_not_tried_on_and_on(
    milling: Milling, tmp_path: Path
) -> None:
    (tmp_path / "ours.py").write_text(HOSTILE)
    ground = await skips(milling, "hostile", {}, *([{"does": "ends"}] * 30), {})

    assert (ground.rows, ground.skipped, ground.failed) == (32, 1, 31)
    told = [one.reason for one in ground.faults]
    assert sum("ends the process" in one for one in told) == MOST_LOST
    assert sum("was not tried" in one for one in told) == 31 - MOST_LOST
