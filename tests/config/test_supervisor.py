import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from config.errors import ProcessFailed
from config.supervisor import Command, Errand, Member, Supervisor
from tests.waiting import until

# Writes its name when it is up and when it was asked to end.
CHILD = """
import signal, sys
name, diary = sys.argv[1:3]

def note(what):
    with open(diary, "a") as file:
        file.write(f"{what} {name}\\n")

def leave(*_):
    note("down")
    sys.exit()

signal.signal(signal.SIGTERM, leave)
note("up")
while True:
    signal.pause()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {up}; signal.pause()"
PARENT = """
import asyncio, sys
from config.supervisor import Command, Supervisor

async def main():
    child = Command("child", [sys.executable, "-c", sys.argv[1], "child", sys.argv[2]])
    await Supervisor([[child]]).run(stop=asyncio.Event(), hurry=asyncio.Event())

asyncio.run(main())
"""


class Diary:
    """What the children wrote down, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def counts(self, line: str, times: int) -> bool:
        return self.lines().count(line) == times

    def says(self, line: str) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return line in self.lines()

        return look

    def child(self, name: str, *, drains_within: timedelta = timedelta(seconds=10)) -> Command:
        return Command(
            name,
            [sys.executable, "-c", CHILD, name, str(self.path)],
            is_ready=self.says(f"up {name}"),
            drains_within=drains_within,
        )


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path / "diary")


class House:
    """A supervisor at work."""

    def __init__(self) -> None:
        self.stop, self.hurry, self.up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def note_up(self) -> None:
        self.up.set()


@asynccontextmanager
async def running(*ranks: list[Member]) -> AsyncIterator[House]:
    house = House()
    supervisor = Supervisor(ranks, first_pause=timedelta(milliseconds=10))
    life = asyncio.create_task(
        supervisor.run(stop=house.stop, hurry=house.hurry, when_up=house.note_up)
    )
    async with asyncio.timeout(20):
        await house.up.wait()
        yield house
        house.stop.set()
        await life


def pid_of(command: Command) -> int:
    assert command._process is not None  # noqa: SLF001 - whom to kill is nobody else's business
    return command._process.pid  # noqa: SLF001


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_ranks_come_up_in_order_and_go_down_in_reverse(diary: Diary) -> None:
    async with running([diary.child("one")], [diary.child("two")], [diary.child("three")]):
        pass

    assert diary.lines() == ["up one", "up two", "up three", "down three", "down two", "down one"]


async def test_one_rank_comes_up_and_goes_down_together(diary: Diary) -> None:
    async with running([diary.child("first")], [diary.child("a"), diary.child("b")]):
        pass

    assert diary.lines()[0] == "up first"
    assert set(diary.lines()[1:3]) == {"up a", "up b"}
    assert diary.lines()[-1] == "down first"


async def test_an_errand_is_done_before_the_next_comes_up(diary: Diary, tmp_path: Path) -> None:
    done = tmp_path / "done"
    errand = Errand("migrate", [sys.executable, "-c", f"open({str(done)!r}, 'w')"])

    async with running([errand], [diary.child("after")]):
        assert done.exists()

    assert diary.lines() == ["up after", "down after"]


async def test_a_failed_errand_ends_the_start(diary: Diary) -> None:
    errand = Errand("migrate", [sys.executable, "-c", "raise SystemExit(3)"])
    supervisor = Supervisor([[diary.child("one")], [errand], [diary.child("never")]])

    with pytest.raises(ProcessFailed, match=r"migrate failed \(exit 3\)"):
        await supervisor.run(stop=asyncio.Event(), hurry=asyncio.Event())

    assert diary.lines() == ["up one", "down one"]


async def test_a_command_that_ends_before_it_is_ready_ends_the_start(diary: Diary) -> None:
    broken = Command("web", [sys.executable, "-c", ""], is_ready=diary.says("never"))
    supervisor = Supervisor([[diary.child("one")], [broken, diary.child("beside")]])

    with pytest.raises(ProcessFailed, match="web ended before it was ready"):
        await supervisor.run(stop=asyncio.Event(), hurry=asyncio.Event())

    assert diary.lines()[-1] == "down one"


async def test_a_command_that_is_never_ready_is_given_up(diary: Diary) -> None:
    slow = diary.child("slow")
    slow.is_ready, slow.ready_within = diary.says("never"), timedelta(milliseconds=100)

    with pytest.raises(ProcessFailed, match=r"slow is not ready after 0\.1 s"):
        await Supervisor([[slow]]).run(stop=asyncio.Event(), hurry=asyncio.Event())

    assert not is_alive(pid_of(slow))


async def test_whoever_dies_is_started_again_and_the_others_stay(diary: Diary) -> None:
    mortal, other = diary.child("mortal"), diary.child("other")
    async with running([mortal], [other]):
        for deaths in (1, 2, 3):
            os.kill(pid_of(mortal), signal.SIGKILL)
            await until(partial(diary.counts, "up mortal", deaths + 1))

        assert diary.lines().count("up other") == 1


async def test_who_cannot_be_started_again_is_tried_on(diary: Diary, tmp_path: Path) -> None:
    flag = tmp_path / "broken"
    program = f"import os; assert not os.path.exists({str(flag)!r})\n{CHILD}"
    child = Command(
        "child",
        [sys.executable, "-c", program, "child", str(diary.path)],
        is_ready=diary.says("up child"),
    )
    async with running([child]):
        flag.touch()
        diary.path.unlink()
        os.kill(pid_of(child), signal.SIGKILL)
        first = pid_of(child)
        await until(lambda: pid_of(child) != first)
        flag.unlink()

        await until(lambda: diary.lines().count("up child") == 1)


async def test_who_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    up = tmp_path / "up"
    program = STUBBORN.format(up=f"open({str(up)!r}, 'w')")
    stubborn = Command("stubborn", [sys.executable, "-c", program])
    stubborn.drains_within = timedelta(milliseconds=100)

    async with running([stubborn]):
        await until(up.exists)

    assert await stubborn.wait() == -signal.SIGKILL


async def test_a_second_signal_hurries(tmp_path: Path) -> None:
    up = tmp_path / "up"
    program = STUBBORN.format(up=f"open({str(up)!r}, 'w')")
    stubborn = Command("stubborn", [sys.executable, "-c", program])
    stubborn.drains_within = timedelta(hours=1)

    async with running([stubborn]) as house:
        await until(up.exists)
        house.hurry.set()

    assert await stubborn.wait() == -signal.SIGKILL


async def test_stop_during_the_start_leaves_nothing_running(diary: Diary) -> None:
    stop = asyncio.Event()
    waiting = diary.child("waiting")
    waiting.is_ready = diary.says("never")
    life = asyncio.create_task(Supervisor([[waiting]]).run(stop=stop, hurry=asyncio.Event()))
    await until(lambda: diary.lines() == ["up waiting"])

    stop.set()
    await life

    assert diary.lines() == ["up waiting", "down waiting"]


async def test_no_child_outlives_a_supervisor_that_is_killed(diary: Diary) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, f"{CHILD}", str(diary.path), stderr=PIPE
    )
    await until(lambda: diary.lines() == ["up child"])
    (child,) = children_of(parent.pid)
    assert is_alive(child)

    parent.kill()
    await parent.communicate()

    await until(lambda: not is_alive(child), what="the end of the child")


async def test_ctrl_c_on_the_terminal_reaches_the_supervisor_alone(diary: Diary) -> None:
    child = diary.child("child")
    async with running([child]):
        assert os.getsid(pid_of(child)) != os.getsid(os.getpid())
